"""An order that rests: its changes and its place in the queue, asked for and answered."""

from __future__ import annotations

from core.messages.base import Message, Part
from core.units import Nanos, Quantity


class DecreaseOrder(Message, frozen=True, kw_only=True):
    """Effect: leave less of an order resting."""

    order_id: str
    venue_order_id: str
    ticker: str
    shard: int
    remaining: Quantity


class DecreaseAccepted(Message, frozen=True, kw_only=True):
    """An order was made smaller."""

    order_id: str
    remaining: Quantity
    ts_event: Nanos
    ts_recv: Nanos


class DecreaseRefused(Message, frozen=True, kw_only=True):
    """A decrease did not work: gone already, no smaller, or unknown. Look before concluding."""

    order_id: str
    code: str
    ts_recv: Nanos


class KeepOrder(Message, frozen=True, kw_only=True):
    """A strategy still wants an order of its own to rest. Nobody wants it after `expires`."""

    order_id: str
    expires: Nanos


class WithdrawOrder(Message, frozen=True, kw_only=True):
    """A strategy does not want an order of its own to rest any longer, and why."""

    order_id: str
    strategy: str
    ticker: str
    code: str
    """The gate that shut, or `moved`: another price or outcome is wanted."""
    created: Nanos


class QueryPlaces(Message, frozen=True, kw_only=True):
    """Ask where our resting orders of these markets stand in their queues."""

    tickers: tuple[str, ...]
    expires: Nanos
    """Not worth asking after this: it will have been asked anew."""


class QueuePlace(Part, frozen=True, kw_only=True):
    """What trades before a resting order at its price."""

    venue_order_id: str
    ahead: Quantity


class PlacesTold(Message, frozen=True, kw_only=True):
    """The answer to `QueryPlaces`: every resting order of these markets."""

    places: tuple[QueuePlace, ...]
    ts_recv: Nanos
