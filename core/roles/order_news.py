"""What the exchange said of our orders, as events: whatever road it came by, each thing once.

Nothing is decided here. Answers, frames, looks and account reports come late, twice and out of
order; an event is made of what is new in them, and of nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.order_book import OrderBook
from core.domain.orders import EXECUTED, OrderRecord, OrderState, advance
from core.domain.strays import StrayFills
from core.exchange.records import OrderStatus
from core.roles.order_events import adoption, booking, order_number, rejection, told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.records import Fill, Order
    from core.messages import Message
    from core.roles.execution_terms import ExecutionTerms
    from core.units import Nanos

NOT_FOUND = "not_found"


class OrderNews:
    """Holds the orders' fold and the fills that wait for one. Belongs to the execution role."""

    def __init__(self, terms: ExecutionTerms) -> None:
        self.book = OrderBook()
        self.strays = StrayFills(terms.unmatched_for)
        self._instance = terms.instance

    # --- one order -----------------------------------------------------------------------------

    def conclude(self, order: OrderRecord, events: Iterable[Message], now: Nanos) -> list[Message]:
        """Those events that say something new, and the order's end where nothing is left open."""
        telling: list[Message] = []
        for event in events:
            after = advance(order, event)
            if after != order:
                telling.append(event)
            order = after
        if order.state is OrderState.LIVE and order.settled_up:
            reason = EXECUTED if order.filled >= order.size else "canceled"
            telling.append(
                m.OrderClosed(order_id=order.order_id, reason=reason, filled=order.filled, ts=now)
            )
        return telling

    def accepted(self, order: OrderRecord, answer: m.PlaceAccepted, now: Nanos) -> list[Message]:
        """The exchange took the order; fills that were there first are booked with it."""
        accepted = m.OrderAccepted(
            order_id=order.order_id,
            venue_order_id=answer.venue_order_id,
            filled=answer.filled,
            remaining=answer.remaining,
            ts=now,
        )
        events = [accepted, *self._claimed(order, answer.venue_order_id, now)]
        return self.conclude(order, events, now)

    def reported(self, report: Order, now: Nanos) -> list[Message]:
        """An order's row, from a frame or a list."""
        order = self.book.find(report.client_order_id, report.order_id)
        if order is None or order.state is OrderState.CLOSED:
            return []
        events = [told(order, report, now), *self._claimed(order, report.order_id, now)]
        return self.conclude(order, events, now)

    def looked_up(self, order: OrderRecord, answer: m.OrderLookup, now: Nanos) -> list[Message]:
        """The answer to a question; absence ends an order only where it is proven."""
        new = [fill for fill in answer.fills if self._is_new(fill)]
        events: list[Message] = [booking(order, fill, now) for fill in new]
        if answer.order is not None:
            venue_order_id = answer.order.order_id
            events.insert(0, told(order, answer.order, now))
            known = {fill.trade_id for fill in new}
            waiting = self._claimed(order, venue_order_id, now)
            events += [event for event in waiting if event.trade_id not in known]
        elif answer.complete and not new and order.state is OrderState.UNKNOWN:
            if order.filled:
                return []  # it was there: the list must be wrong, so ask again
            return [rejection(order, NOT_FOUND, now, "the exchange never saw it")]
        return self.conclude(order, events, now)

    def _claimed(self, order: OrderRecord, venue_order_id: str, now: Nanos) -> list[m.OrderFilled]:
        """Fills that came before the exchange's id of their order was known."""
        claimed = self.strays.claim(venue_order_id)
        return [booking(order, fill, now) for fill in claimed if self._is_new(fill)]

    def _is_new(self, fill: Fill) -> bool:
        """Something to book. A fill of nothing is none, and no book takes less than nothing."""
        return fill.quantity > 0 and not self.book.knows_trade(fill.trade_id)

    # --- fills -----------------------------------------------------------------------------------

    def fills(self, fills: Iterable[Fill], order_id: str, now: Nanos) -> list[Message]:
        """Book fills that are new and ours; keep those whose order is not known yet."""
        new: dict[str, dict[str, Message]] = {}
        for fill in fills:
            if not self._is_new(fill):
                continue
            order = self.book.find(order_id, fill.order_id)
            if order is None:
                self.strays.hold(fill, now)
            else:
                bookings = new.setdefault(order.order_id, {})
                bookings[fill.trade_id] = booking(order, fill, now)
        out: list[Message] = []
        for owner, bookings in new.items():
            out += self.conclude(self.book.orders[owner], bookings.values(), now)
        return out

    # --- the account -----------------------------------------------------------------------------

    def is_lost(self, report: Order) -> bool:
        """Whether the exchange has this order under an id of ours that the journal lost."""
        known = self.book.find(report.client_order_id, report.order_id)
        return known is None and order_number(self._instance, report.client_order_id) is not None

    def adopted(self, report: Order, now: Nanos) -> m.OrderAdopted:
        """The order as ours again; what became of it is then asked like of any unknown order."""
        return adoption(self._instance, report, now)

    def foreign(self, report: m.AccountReport) -> int:
        """Resting orders and fills that are none of ours."""
        resting = sum(
            order.status is OrderStatus.RESTING
            and self.book.find(order.client_order_id, order.order_id) is None
            and not self.is_lost(order)
            for order in report.orders
        )
        return resting + self.strays.foreign
