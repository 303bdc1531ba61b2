"""How much of the venue's patience is left: the token buckets of the account."""

from __future__ import annotations

from core.messages.base import Message, Part
from core.units import Nanos


class TokenGauge(Part, frozen=True, kw_only=True):
    """One bucket: `read`, `balance`, `write` (unscoped) or `write:2` (of a shard)."""

    bucket: str
    tokens: int
    """Below 0 when more was sent than it held."""
    capacity: int
    refill: int
    """Per second of the venue."""
    paused_ns: int
    """Nothing leaves for so long after a 429; 0 usually."""


class RequestGauge(Message, frozen=True, kw_only=True):
    """The condition of the gate before the venue's REST side; told with every heartbeat."""

    tier: str
    buckets: tuple[TokenGauge, ...]
    """Those in use."""
    waiting: int
    """Requests and jobs that have not left."""
    refused: int
    """429 answers since the start."""
    ts: Nanos
