"""What the execution role is told at its start: patience."""

from __future__ import annotations

import msgspec

from core.units import Nanos, seconds


class ExecutionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Patience of the execution role, in the clock's own time."""

    instance: str = ""
    """The journal's: orders whose ids begin with it are ours, whatever the journal knows."""
    ask_again: Nanos = seconds(1.0)
    """Between two questions about the same order."""
    answer_due: Nanos = seconds(10.0)
    """A submitted order without any answer counts as unknown after this."""
    fills_due: Nanos = seconds(2.0)
    """The exchange told of fills that have not come: ask after this."""
    unmatched_for: Nanos = seconds(60.0)
    """How long a fill may wait for its order's id before it counts as foreign."""
    reconcile_every: Nanos = seconds(60.0)
    recheck: Nanos = seconds(2.0)
    """After a comparison that orders in motion, or a first doubt, left incomplete."""
    doubt_every: Nanos = seconds(10.0)
    """Between two comparisons while the books differ."""
    backfill: Nanos = seconds(3600.0)
    """How far back fills are asked for when no open order says otherwise."""
    deep_backfill: Nanos = seconds(24 * 3600.0)
    """The same while the books differ."""
    quote_lease: Nanos = seconds(6.0)
    """So long an order of a strategy rests without being asked for again."""
    places_every: Nanos = seconds(5.0)
    """Between two questions for the places of resting orders in their queues."""
