"""The role `execution`: the one writer of orders.

An approved order is submitted once, under a valid permit, and never again under another id. What
the exchange answers, streams or is asked for becomes events (`core.roles.order_news`). An outcome
nobody knows is a state: the exchange is asked until it tells.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from core import messages as m
from core.domain.fold import StateFolded
from core.domain.orders import OrderState
from core.domain.permission import may_leave
from core.roles import own_orders
from core.roles.base import HandlingRole
from core.roles.feed_terms import MARKET_STREAM
from core.roles.order_events import rejection
from core.roles.order_news import OrderNews
from core.roles.questions import Questions
from core.roles.quotes import Quotes
from core.topology import EXECUTION
from core.units import Nanos, Quantity

if TYPE_CHECKING:
    from core.domain.order_book import OrderBook
    from core.messages import Message
    from core.roles.execution_terms import ExecutionTerms

_SENT_AND_OPEN = frozenset({OrderState.SUBMITTING, OrderState.UNKNOWN})


class Execution(HandlingRole):
    """Folds orders, decides what to send and what to ask."""

    def __init__(self, terms: ExecutionTerms, name: str = EXECUTION) -> None:
        self._news = OrderNews(terms)
        self._questions = Questions(self._news, terms)
        self._quotes = Quotes(self._news.book, terms)
        super().__init__(
            name,
            {
                m.Begin: self._begin,
                m.Tick: self._tick,
                m.Permit: self._permitted,
                m.TradingStateChanged: self._state_changed,
                m.StreamChanged: self._stream_changed,
                m.OrderApproved: self._submit,
                m.PlaceAccepted: self._accepted,
                m.PlaceRejected: self._rejected,
                m.PlaceAmbiguous: self._ambiguous,
                m.FillReport: self._fill_reported,
                m.OrderReport: self._order_reported,
                m.CancelAccepted: self._canceled,
                m.CancelRefused: self._not_changed,
                m.DecreaseAccepted: partial(own_orders.decreased, self._news),
                m.DecreaseRefused: self._not_changed,
                m.CancelOwn: partial(own_orders.cancel, self._news),
                m.DecreaseOwn: partial(own_orders.decrease, self._news),
                m.KeepOrder: self._quotes.keep,
                m.WithdrawOrder: self._quotes.withdraw,
                m.OrderLookup: self._looked_up,
                m.AccountReport: self._account,
                m.QueryFailed: self._questions.unanswered,
                m.Reconciled: self._questions.reconciled,
            },
        )
        self._permit: m.Permit | None = None

    @property
    def book(self) -> OrderBook:
        """All orders; others may read it on this role's thread."""
        return self._news.book

    def apply(self, event: Message) -> None:
        """Fold one journalled event."""
        if isinstance(event, StateFolded):
            self.book.load(event.orders)
        else:
            self.book.apply(event)

    # --- permission --------------------------------------------------------------------------

    def _permitted(self, permit: m.Permit, now: Nanos) -> list[Message]:
        del now
        self._permit = permit
        return []

    def _state_changed(self, change: m.TradingStateChanged, now: Nanos) -> list[Message]:
        del now
        if change.state != "ACTIVE":
            self._permit = None
            self._quotes.forbidden()
        return []

    # --- submitting --------------------------------------------------------------------------

    def _submit(self, approved: m.OrderApproved, now: Nanos) -> list[Message]:
        order = self.book.get(approved.request.client_order_id)
        if order is None or order.state is not OrderState.APPROVED:
            return []
        refusal = self._refusal(approved, now)
        if refusal:
            return [rejection(order, refusal, now)]
        # Written first whatever the order here; then the order leaves, then others hear of it.
        return [
            m.PlaceOrder(request=approved.request, epoch=approved.epoch, deadline=approved.expires),
            m.OrderSubmitting(order_id=order.order_id, ts=now),
        ]

    def _refusal(self, approved: m.OrderApproved, now: Nanos) -> str:
        permit = self._permit
        if permit is None or not may_leave(permit, approved.request, now):
            return "no_permit"
        if approved.epoch != permit.epoch:
            return "stale_epoch"
        if now >= approved.expires:
            return "intent_expired"
        return ""

    def _is_allowed(self, now: Nanos) -> bool:
        """New risk may be taken, and what takes some may go on resting."""
        permit = self._permit
        return permit is not None and now < permit.expires and permit.state == "ACTIVE"

    # --- answers -----------------------------------------------------------------------------

    def _accepted(self, answer: m.PlaceAccepted, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        return self._news.accepted(order, answer, now) if order else []

    def _rejected(self, answer: m.PlaceRejected, now: Nanos) -> list[Message]:
        """Believed only of an order that nothing else speaks of."""
        order = self.book.get(answer.order_id)
        if order is None or order.state not in {*_SENT_AND_OPEN, OrderState.LIVE}:
            return []
        if order.state is OrderState.LIVE or order.filled:
            return [self._questions.ask(order, now)]
        return [rejection(order, answer.code, now, answer.text)]

    def _ambiguous(self, answer: m.PlaceAmbiguous, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None or order.state not in {*_SENT_AND_OPEN, OrderState.LIVE}:
            return []
        unknown = m.OrderUnknown(order_id=order.order_id, reason=answer.reason, ts=now)
        return [*self._news.conclude(order, [unknown], now), self._questions.ask(order, now)]

    def _fill_reported(self, report: m.FillReport, now: Nanos) -> list[Message]:
        return self._news.fills((report.fill,), report.order_id, now)

    def _order_reported(self, message: m.OrderReport, now: Nanos) -> list[Message]:
        if self._news.is_lost(message.order):
            return self._questions.adopt(message.order, now)
        return self._news.reported(message.order, now)

    def _canceled(self, answer: m.CancelAccepted, now: Nanos) -> list[Message]:
        """Nothing rests any more; unless the rest adds up, look what was filled."""
        order = self.book.get(answer.order_id)
        if order is None:
            return []
        gone = m.OrderAccepted(
            order_id=order.order_id,
            venue_order_id=order.venue_order_id,
            filled=order.told,
            remaining=Quantity(0),
            ts=now,
        )
        if order.filled + answer.reduced_by == order.size:
            return self._news.conclude(order, [gone], now)
        return [self._questions.ask(order, now)]

    def _not_changed(
        self, answer: m.CancelRefused | m.DecreaseRefused, now: Nanos
    ) -> list[Message]:
        order = self.book.get(answer.order_id)
        return [self._questions.ask(order, now)] if order else []

    def _looked_up(self, answer: m.OrderLookup, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        return self._news.looked_up(order, answer, now) if order else []

    # --- the account -------------------------------------------------------------------------

    def _account(self, report: m.AccountReport, now: Nanos) -> list[Message]:
        """Book what is new in a report, then let risk compare the rest."""
        self._questions.account_told()
        lost = [order for order in report.orders if self._news.is_lost(order)]
        if lost:
            # Their fills are in this report too, but first the books must know the orders.
            adopted = [message for order in lost for message in self._questions.adopt(order, now)]
            return [*adopted, self._questions.ask_account(now)]
        booked = self._news.fills(report.fills, "", now)
        touched = {event.order_id for event in booked if isinstance(event, m.OrderFilled)}
        for order in report.orders:
            if order.client_order_id not in touched:
                booked += self._news.reported(order, now)
        ended = {e.order_id for e in booked if isinstance(e, m.OrderClosed | m.OrderRejected)}
        open_orders = [order for order in self.book.open() if order.order_id not in ended]
        undecided = self._news.strays.undecided
        compare = m.AccountBooked(
            report=report,
            foreign=self._news.foreign(report),
            open_orders=len(open_orders) + len(undecided),
            open_markets=tuple({order.request.ticker for order in open_orders} | undecided),
            foreign_positions=self._news.strays.positions(),
        )
        return [*booked, compare]

    # --- asking ------------------------------------------------------------------------------

    def _stream_changed(self, change: m.StreamChanged, now: Nanos) -> list[Message]:
        """The venue's stream came back: own-order channels cannot tell what they missed, so ask."""
        back = change.state == "open" and change.stream == MARKET_STREAM
        return [self._questions.ask_account(now)] if back else []

    def _begin(self, begin: m.Begin, now: Nanos) -> list[Message]:
        del begin
        self._quotes.begin(now)
        return self._questions.at_start(now)

    def _tick(self, tick: m.Tick, now: Nanos) -> list[Message]:
        del tick
        self._news.strays.expire(now)
        return [*self._questions.due(now), *self._quotes.due(now, allowed=self._is_allowed(now))]
