"""What execution asks of the exchange, and when: about orders, the account, places in queues.

Nothing is decided here but that it is time to ask. A question that is not answered is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.orders import OrderRecord, OrderState
from core.units import Nanos

if TYPE_CHECKING:
    from core.exchange.records import Order
    from core.messages import Message
    from core.roles.execution_terms import ExecutionTerms
    from core.roles.order_news import OrderNews


class Questions:
    """Remembers what was asked when. Belongs to the execution role."""

    def __init__(self, news: OrderNews, terms: ExecutionTerms) -> None:
        self._news = news
        self._book = news.book
        self._terms = terms
        self._asked: dict[str, Nanos] = {}
        self._account_asked = Nanos(0)
        self._account_due: Nanos | None = None
        self._places_asked = Nanos(0)
        self._deep = False

    # --- one order -----------------------------------------------------------------------------

    def ask(self, order: OrderRecord, now: Nanos) -> Message:
        """What became of it?"""
        self._asked[order.order_id] = now
        return m.QueryOrder(
            order_id=order.order_id,
            venue_order_id=order.venue_order_id,
            ticker=order.request.ticker,
            since=order.submitted,
        )

    def adopt(self, report: Order, now: Nanos) -> list[Message]:
        """An order of ours that the journal lost, and the question what became of it."""
        adopted = self._news.adopted(report, now)
        self._asked[adopted.order_id] = now
        ask = m.QueryOrder(
            order_id=adopted.order_id,
            venue_order_id=report.order_id,
            ticker=report.ticker,
            since=now,
        )
        return [adopted, ask]

    def at_start(self, now: Nanos) -> list[Message]:
        """Ask about every open order; one that was only approved may have been sent after all."""
        out: list[Message] = []
        for order in list(self._book.open()):
            if order.state is OrderState.APPROVED:
                reason = "the process ended before it was told that the order left"
                out.append(m.OrderUnknown(order_id=order.order_id, reason=reason, ts=now))
            out.append(self.ask(order, now))
        return [*out, self.ask_account(now, first=True)]

    # --- the account ---------------------------------------------------------------------------

    def ask_account(self, now: Nanos, *, first: bool = False) -> Message:
        """Since the oldest open order, at a start since our last news, and a good while before."""
        self._account_asked = now
        self._account_due = Nanos(now + self._terms.answer_due)
        since = min((order.submitted for order in self._book.open()), default=now)
        if first and self._book.seen:
            since = min(since, self._book.seen)
        back = self._terms.deep_backfill if self._deep else self._terms.backfill
        return m.QueryAccount(since=Nanos(since - back))

    def account_told(self) -> None:
        """The account's report is there."""
        self._account_due = None

    def unanswered(self, failed: m.QueryFailed, now: Nanos) -> list[Message]:
        """A question about an order is asked again anyway; one about the account is, soon."""
        if failed.what == "account":
            self._account_due = Nanos(now + self._terms.recheck)
        return []

    def reconciled(self, result: m.Reconciled, now: Nanos) -> list[Message]:
        """What stays in doubt is looked at again soon, and further back."""
        self._deep = bool(result.differences)
        if not result.complete or result.differences:
            wait = self._terms.doubt_every if result.differences else self._terms.recheck
            self._account_asked = Nanos(now - self._terms.reconcile_every + wait)
        return []

    # --- time ----------------------------------------------------------------------------------

    def due(self, now: Nanos) -> list[Message]:
        """What it is time for."""
        out: list[Message] = []
        for order in list(self._book.open()):
            out += self._overdue(order, now)
        self._asked = {i: at for i, at in self._asked.items() if self._book.is_open(i)}
        unanswered = self._account_due is not None and now >= self._account_due
        if unanswered or now - self._account_asked >= self._terms.reconcile_every:
            out.append(self.ask_account(now))
        return [*out, *self._places(now)]

    def _overdue(self, order: OrderRecord, now: Nanos) -> list[Message]:
        if now - self._asked.get(order.order_id, Nanos(0)) < self._terms.ask_again:
            return []
        match order.state:
            case OrderState.UNKNOWN:
                return [self.ask(order, now)]
            case OrderState.SUBMITTING if now - order.submitted > self._terms.answer_due:
                unknown = m.OrderUnknown(order_id=order.order_id, reason="no answer", ts=now)
                return [unknown, self.ask(order, now)]
            case OrderState.LIVE if order.settled_up:
                return self._news.conclude(order, [], now)
            case OrderState.LIVE if self._missing(order, now):
                return [self.ask(order, now)]
            case _:
                return []

    def _missing(self, order: OrderRecord, now: Nanos) -> bool:
        """Fills were told and did not come, or the order should have expired by now."""
        expires = order.request.expires
        late = expires is not None and now > expires + self._terms.answer_due
        waited = now - order.submitted
        return late or (order.filled < order.told and waited > self._terms.fills_due)

    def _places(self, now: Nanos) -> list[Message]:
        """Where resting orders stand in their queues: for the screen, so seldom and never late."""
        if now - self._places_asked < self._terms.places_every:
            return []
        tickers = {o.request.ticker for o in self._book.open() if o.rests}
        if not tickers:
            return []
        self._places_asked = now
        until = Nanos(now + self._terms.places_every)
        return [m.QueryPlaces(tickers=tuple(sorted(tickers)), expires=until)]
