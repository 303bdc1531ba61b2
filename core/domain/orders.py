"""The life of one order as a table: (state, event) -> state.

    APPROVED --submitting--> SUBMITTING --accepted--> LIVE --closed--> CLOSED
      |   |                      |  ^                   ^
      |   +---unknown---+        |  +--- a fill may come before the answer
      |                 v        |
      |   adopted --> UNKNOWN <--+--unknown
      |                 |        |
      |                 +--------|--accepted--> LIVE
      +----rejected-----+--------+--rejected--> REJECTED --accepted or filled--> LIVE

A fill is the truth in any state: it is booked even after an order was closed or thought rejected,
and an order that was proven absent too early is taken back when the exchange tells of it.
APPROVED becomes UNKNOWN at a start: a power cut may have taken the entry that it was being sent.
An order is adopted when the exchange has it under an id of ours and the journal does not.
`OrderBook` is the fold of those events over all orders; it belongs to the execution role.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.exchange.records import OrderRequest
from core.messages.base import Part
from core.units import Nanos, Quantity

if TYPE_CHECKING:
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
    (_S.APPROVED, m.OrderUnknown): _S.UNKNOWN,
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
    (_S.REJECTED, m.OrderAccepted): _S.LIVE,
    (_S.REJECTED, m.OrderFilled): _S.LIVE,
}
"""What is not in the table changes nothing: an event that comes twice or too late."""

EXECUTED: Final = "executed"
"""The reason of an end by fills, as the exchange spells it; any other left something unfilled."""
TERMINAL: Final = frozenset({OrderState.CLOSED, OrderState.REJECTED})


class OrderRecord(Part, frozen=True, kw_only=True):
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
    reduced: Quantity = Quantity(0)
    """Taken off while the rest went on resting: it was asked for, and is not wanted any more."""
    submitted: Nanos = Nanos(0)
    """When it may have been sent first: an answer about it must reach beyond this."""

    @property
    def order_id(self) -> str:
        """Our id, which the exchange knows as client order id."""
        return self.request.client_order_id

    @property
    def size(self) -> Quantity:
        """The most that it can fill in all: what was asked for, less what was taken off since."""
        return Quantity(self.request.quantity - self.reduced)

    @property
    def rests(self) -> bool:
        """It stands in the book, as far as the exchange has told."""
        return self.state is OrderState.LIVE and self.resting > 0 and bool(self.venue_order_id)

    @property
    def settled_up(self) -> bool:
        """Nothing rests and every fill that was told is booked."""
        return self.resting == 0 and self.filled >= self.told


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
            found_after_all = order.state is _S.REJECTED
            return replace(
                order,
                state=state,
                venue_order_id=event.venue_order_id or order.venue_order_id,
                told=max(order.told, event.filled),
                resting=event.remaining if found_after_all else min(order.resting, event.remaining),
                reduced=_reduced(order, event),
            )
        case m.OrderFilled():
            return replace(order, state=state, filled=Quantity(order.filled + event.quantity))
        case m.OrderUnknown():
            resting = order.request.quantity if order.state is _S.APPROVED else order.resting
            return replace(order, state=state, resting=resting)
        case _:
            return replace(order, state=state, resting=Quantity(0))


def _reduced(order: OrderRecord, event: m.OrderAccepted) -> Quantity:
    """What is missing of an order that goes on resting. A cancel leaves nothing, and says nothing.

    A report that tells of more than is known to rest was overtaken.
    """
    if not 0 < event.remaining <= order.resting:
        return order.reduced
    return Quantity(max(0, order.request.quantity - event.filled - event.remaining))
