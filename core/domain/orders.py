"""The life of one order as a table: (state, event) -> state.

    APPROVED --submitting--> SUBMITTING --accepted--> LIVE --closed--> CLOSED
        |                        |  ^                   ^
        |                        |  +--- a fill may come before the answer
        +------rejected----------+--rejected--> REJECTED
                                 +--unknown---> UNKNOWN --accepted--> LIVE, or --rejected--> REJECTED

A fill is the truth in any state: it is booked even after an order was closed or thought rejected.
`Book` is the fold of those events over all orders; it belongs to the execution role.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.exchange.records import OrderRequest
from core.units import Nanos, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages import Message


class OrderState(StrEnum):
    """Where an order stands by our own books."""

    APPROVED = "approved"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    LIVE = "live"
    """It exists at the exchange, or did: until every fill is booked and nothing rests."""
    CLOSED = "closed"
    REJECTED = "rejected"


_S = OrderState

TRANSITIONS: Final[dict[tuple[OrderState, type[m.Message]], OrderState]] = {
    (_S.APPROVED, m.OrderSubmitting): _S.SUBMITTING,
    (_S.APPROVED, m.OrderRejected): _S.REJECTED,
    (_S.SUBMITTING, m.OrderAccepted): _S.LIVE,
    (_S.SUBMITTING, m.OrderRejected): _S.REJECTED,
    (_S.SUBMITTING, m.OrderUnknown): _S.UNKNOWN,
    (_S.SUBMITTING, m.OrderFilled): _S.LIVE,
    (_S.UNKNOWN, m.OrderAccepted): _S.LIVE,
    (_S.UNKNOWN, m.OrderRejected): _S.REJECTED,
    (_S.UNKNOWN, m.OrderFilled): _S.UNKNOWN,
    (_S.LIVE, m.OrderAccepted): _S.LIVE,
    (_S.LIVE, m.OrderFilled): _S.LIVE,
    (_S.LIVE, m.OrderClosed): _S.CLOSED,
    (_S.CLOSED, m.OrderFilled): _S.CLOSED,
    (_S.REJECTED, m.OrderFilled): _S.LIVE,
}
"""What is not in the table changes nothing: an event that comes twice or too late."""

TERMINAL: Final = frozenset({OrderState.CLOSED, OrderState.REJECTED})


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One order by our own books."""

    request: OrderRequest
    strategy: str
    state: OrderState
    venue_order_id: str = ""
    filled: Quantity = Quantity(0)
    """Booked from fills, each trade once."""
    told: Quantity = Quantity(0)
    """What the exchange says is filled; fills may still be on their way."""
    resting: Quantity = Quantity(0)
    """What the exchange says remains open, at its last word."""
    submitted: Nanos = Nanos(0)

    @property
    def order_id(self) -> str:
        """Our id, which the exchange knows as client order id."""
        return self.request.client_order_id

    @property
    def settled_up(self) -> bool:
        """Nothing rests and every fill that was told is booked."""
        return self.resting == 0 and self.filled >= self.told


class OrderBook:
    """All orders of one journal. Belongs to the execution role, its only writer."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self._by_venue_id: dict[str, str] = {}
        self._trades: set[str] = set()

    def get(self, order_id: str) -> OrderRecord | None:
        """The order with our id, if it is ours."""
        return self.orders.get(order_id)

    def find(self, order_id: str, venue_order_id: str) -> OrderRecord | None:
        """The order by our id, or by the exchange's where ours is not told."""
        return self.orders.get(order_id or self._by_venue_id.get(venue_order_id, ""))

    def knows_trade(self, trade_id: str) -> bool:
        """Whether this fill is booked already."""
        return trade_id in self._trades

    def open(self) -> Iterator[OrderRecord]:
        """Orders that are neither closed nor rejected."""
        return (order for order in self.orders.values() if order.state not in TERMINAL)

    def apply(self, event: Message) -> bool:
        """Fold one event; False when it changes nothing."""
        if isinstance(event, m.OrderApproved):
            return self._open(event)
        order_id = getattr(event, "order_id", None)
        order = self.orders.get(order_id) if isinstance(order_id, str) else None
        if order is None or (isinstance(event, m.OrderFilled) and event.trade_id in self._trades):
            return False
        after = advance(order, event)
        if after is order:
            return False
        if isinstance(event, m.OrderFilled):
            self._trades.add(event.trade_id)
        if after.venue_order_id:
            self._by_venue_id[after.venue_order_id] = after.order_id
        self.orders[after.order_id] = after
        return True

    def _open(self, event: m.OrderApproved) -> bool:
        order_id = event.request.client_order_id
        if order_id in self.orders:
            return False
        self.orders[order_id] = OrderRecord(
            request=event.request, strategy=event.strategy, state=OrderState.APPROVED
        )
        return True


def advance(order: OrderRecord, event: Message) -> OrderRecord:
    """The order after an event; the same object where the table has no such transition.

    What rests never grows here: a report that was overtaken by a newer one cannot revive an order.
    """
    state = TRANSITIONS.get((order.state, type(event)))
    if state is None:
        return order
    replace = msgspec.structs.replace
    match event:
        case m.OrderSubmitting():
            return replace(order, state=state, submitted=event.ts, resting=order.request.quantity)
        case m.OrderAccepted():
            return replace(
                order,
                state=state,
                venue_order_id=event.venue_order_id,
                told=max(order.told, event.filled),
                resting=min(order.resting, event.remaining),
            )
        case m.OrderFilled():
            return replace(order, state=state, filled=Quantity(order.filled + event.quantity))
        case m.OrderUnknown():
            return replace(order, state=state)
        case _:
            return replace(order, state=state, resting=Quantity(0))
