"""Changes of an order that rests: what is asked of the exchange, and what it answers."""

from __future__ import annotations

from core.messages.base import Message
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
