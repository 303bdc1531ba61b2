"""The role `execution`: the one writer of orders.

An approved order is submitted once, under a valid permit, and never again under another id. What
the exchange answers, streams or is asked for becomes events; a fill is booked once per trade id,
whatever road it came by. An outcome nobody knows is a state: the exchange is asked until it tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.fold import StateFolded
from core.domain.order_book import OrderBook
from core.domain.orders import OrderRecord, OrderState, advance
from core.domain.strays import StrayFills
from core.roles.base import HandlingRole
from core.roles.feed_terms import MARKET_STREAM
from core.roles.order_events import booking, rejection, told
from core.topology import EXECUTION
from core.units import Nanos, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.records import Fill
    from core.messages import Message
    from core.roles.execution_terms import ExecutionTerms


class Execution(HandlingRole):
    """Folds orders, decides what to send and what to ask."""

    def __init__(self, terms: ExecutionTerms, name: str = EXECUTION) -> None:
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
                m.CancelRefused: self._not_canceled,
                m.OrderLookup: self._looked_up,
                m.AccountReport: self._account,
                m.Reconciled: self._reconciled,
            },
        )
        self.book = OrderBook()
        self._terms = terms
        self._permit: m.Permit | None = None
        self._asked: dict[str, Nanos] = {}
        self._strays = StrayFills(terms.unmatched_for)
        self._account_asked = Nanos(0)

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
        return []

    # --- submitting --------------------------------------------------------------------------

    def _submit(self, approved: m.OrderApproved, now: Nanos) -> list[Message]:
        order = self.book.get(approved.request.client_order_id)
        if order is None or order.state is not OrderState.APPROVED:
            return []
        refusal = self._refusal(approved, now)
        if refusal:
            return [rejection(order, refusal, now)]
        return [
            m.OrderSubmitting(order_id=order.order_id, ts=now),
            m.PlaceOrder(request=approved.request, epoch=approved.epoch, deadline=approved.expires),
        ]

    def _refusal(self, approved: m.OrderApproved, now: Nanos) -> str:
        permit = self._permit
        if permit is None or now >= permit.expires or permit.state != "ACTIVE":
            return "no_permit"
        if approved.epoch != permit.epoch:
            return "stale_epoch"
        if now >= approved.expires:
            return "intent_expired"
        return ""

    # --- answers -----------------------------------------------------------------------------

    def _accepted(self, answer: m.PlaceAccepted, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None:
            return []
        accepted = m.OrderAccepted(
            order_id=answer.order_id,
            venue_order_id=answer.venue_order_id,
            filled=answer.filled,
            remaining=answer.remaining,
            ts=now,
        )
        return self._conclude(
            order, [accepted, *self._matched(order, answer.venue_order_id, now)], now
        )

    def _rejected(self, answer: m.PlaceRejected, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None or order.filled:
            return [self._ask(order, now)] if order else []
        return [rejection(order, answer.code, now, answer.text)]

    def _ambiguous(self, answer: m.PlaceAmbiguous, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None:
            return []
        unknown = m.OrderUnknown(order_id=order.order_id, reason=answer.reason, ts=now)
        return [unknown, self._ask(order, now)]

    def _fill_reported(self, report: m.FillReport, now: Nanos) -> list[Message]:
        return self._fills((report.fill,), report.order_id, now)

    def _fills(self, fills: Iterable[Fill], order_id: str, now: Nanos) -> list[Message]:
        """Book fills that are new and ours; keep those whose order is not known yet."""
        new: dict[str, dict[str, Message]] = {}
        for fill in fills:
            if self.book.knows_trade(fill.trade_id):
                continue
            order = self.book.find(order_id, fill.order_id)
            if order is None:
                self._strays.hold(fill, now)
            else:
                bookings = new.setdefault(order.order_id, {})
                bookings[fill.trade_id] = booking(order, fill, now)
        out: list[Message] = []
        for owner, bookings in new.items():
            out += self._conclude(self.book.orders[owner], [*bookings.values()], now)
        return out

    def _matched(self, order: OrderRecord, venue_order_id: str, now: Nanos) -> list[Message]:
        """Fills that came before the exchange's id of their order was known."""
        return [booking(order, fill, now) for fill in self._strays.claim(venue_order_id)]

    def _order_reported(self, message: m.OrderReport, now: Nanos) -> list[Message]:
        report = message.order
        order = self.book.find(report.client_order_id, report.order_id)
        if order is None or order.state is OrderState.CLOSED:
            return []
        events = [told(order, report, now), *self._matched(order, report.order_id, now)]
        return self._conclude(order, events, now)

    def _canceled(self, answer: m.CancelAccepted, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None:
            return []
        accepted = m.OrderAccepted(
            order_id=order.order_id,
            venue_order_id=order.venue_order_id,
            filled=Quantity(order.request.quantity - answer.reduced_by),
            remaining=Quantity(0),
            ts=now,
        )
        return self._conclude(order, [accepted], now)

    def _not_canceled(self, answer: m.CancelRefused, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        return [self._ask(order, now)] if order else []

    def _looked_up(self, answer: m.OrderLookup, now: Nanos) -> list[Message]:
        order = self.book.get(answer.order_id)
        if order is None:
            return []
        new = [fill for fill in answer.fills if not self.book.knows_trade(fill.trade_id)]
        events: list[Message] = [booking(order, fill, now) for fill in new]
        if answer.order is not None:
            events.insert(0, told(order, answer.order, now))
        elif answer.complete and not new and order.state is OrderState.UNKNOWN:
            return [rejection(order, "not_found", now, "the exchange never saw it")]
        return self._conclude(order, events, now)

    def _conclude(self, order: OrderRecord, events: list[Message], now: Nanos) -> list[Message]:
        """Close the order where these events leave nothing open; drop those that say nothing."""
        telling: list[Message] = []
        for event in events:
            after = advance(order, event)
            if after != order:
                telling.append(event)
            order = after
        if order.state is OrderState.LIVE and order.settled_up:
            reason = "executed" if order.filled >= order.request.quantity else "canceled"
            telling.append(
                m.OrderClosed(order_id=order.order_id, reason=reason, filled=order.filled, ts=now)
            )
        return telling

    # --- asking ------------------------------------------------------------------------------

    def _stream_changed(self, change: m.StreamChanged, now: Nanos) -> list[Message]:
        """The venue's stream came back: own-order channels cannot tell what they missed, so ask."""
        back = change.state == "open" and change.stream == MARKET_STREAM
        return [self._ask_account(now)] if back else []

    def _begin(self, begin: m.Begin, now: Nanos) -> list[Message]:
        del begin
        out: list[Message] = []
        for order in self.book.open():
            if order.state is OrderState.APPROVED:
                out.append(rejection(order, "never_sent", now))
            else:
                out.append(self._ask(order, now))
        return [*out, self._ask_account(now)]

    def _ask(self, order: OrderRecord, now: Nanos) -> Message:
        self._asked[order.order_id] = now
        return m.QueryOrder(
            order_id=order.order_id,
            venue_order_id=order.venue_order_id,
            ticker=order.request.ticker,
            since=order.submitted,
        )

    def _ask_account(self, now: Nanos) -> Message:
        self._account_asked = now
        since = min(
            (order.submitted for order in self.book.open() if order.submitted),
            default=now,
        )
        return m.QueryAccount(since=Nanos(since - self._terms.backfill))

    def _reconciled(self, result: m.Reconciled, now: Nanos) -> list[Message]:
        if not result.complete:
            self._account_asked = Nanos(now - self._terms.reconcile_every + self._terms.recheck)
        return []

    def _tick(self, tick: m.Tick, now: Nanos) -> list[Message]:
        del tick
        out: list[Message] = []
        for order in list(self.book.open()):
            out += self._overdue(order, now)
        self._strays.expire(now)
        if now - self._account_asked >= self._terms.reconcile_every:
            out.append(self._ask_account(now))
        return out

    def _overdue(self, order: OrderRecord, now: Nanos) -> list[Message]:
        if now - self._asked.get(order.order_id, Nanos(0)) < self._terms.ask_again:
            return []
        if order.state is OrderState.LIVE and order.settled_up:
            return self._conclude(order, [], now)
        if order.state is OrderState.UNKNOWN:
            return [self._ask(order, now)]
        if order.state is OrderState.SUBMITTING and _waited(order, now, self._terms.answer_due):
            unknown = m.OrderUnknown(order_id=order.order_id, reason="no answer", ts=now)
            return [unknown, self._ask(order, now)]
        if order.state is OrderState.LIVE and self._missing(order, now):
            return [self._ask(order, now)]
        return []

    def _missing(self, order: OrderRecord, now: Nanos) -> bool:
        """Fills were told and did not come, or the order should have expired by now."""
        expires = order.request.expires
        late = expires is not None and now > expires + self._terms.answer_due
        short = order.filled < order.told and _waited(order, now, self._terms.fills_due)
        return late or short

    def _account(self, report: m.AccountReport, now: Nanos) -> list[Message]:
        booked = self._fills(report.fills, "", now)
        closed = sum(isinstance(event, m.OrderClosed) for event in booked)
        foreign = sum(
            self.book.find(order.client_order_id, order.order_id) is None for order in report.orders
        )
        compare = m.AccountBooked(
            report=report,
            foreign=foreign + self._strays.foreign,
            open_orders=sum(1 for _ in self.book.open()) - closed,
        )
        return [*booked, compare]


def _waited(order: OrderRecord, now: Nanos, due: Nanos) -> bool:
    return now - order.submitted > due
