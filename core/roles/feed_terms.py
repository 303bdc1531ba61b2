"""What the market feed is told at its start: series, stream, patience."""

from __future__ import annotations

from typing import Final

import msgspec

from core.domain.series import SeriesSource
from core.units import Nanos, seconds

MARKET_STREAM: Final = "market"
"""The stream of the exchange, in `OpenStream`, `SendCommand`, `StreamChanged` and `FeedHealth`."""


class FeedTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the market feed. Durations are in the time of the clock that drives it."""

    sources: tuple[SeriesSource, ...]
    stream: str = MARKET_STREAM
    commanded: bool = True
    """False on a tape: there are no sockets to open, no questions to ask; data just arrive, and
    connections change when the tape says so."""
    private: bool = True
    """Also subscribe to own fills and orders; False on paper, where orders do not go to the venue
    of the stream."""
    index_channel: str = "cfbenchmarks_value"
    depth: int = 5
    """Levels of each side in a view."""
    seed: int = 0
    """Of the jitter between connections."""

    lead: Nanos = seconds(120)
    """How long before its open a market is subscribed."""
    linger: Nanos = seconds(30)
    """How long after its close it is kept."""

    index_fresh: Nanos = seconds(3)
    """A print older than this by its own time is replaced by the composite price."""
    answer_due: Nanos = seconds(5)
    """An unanswered command or a missing snapshot is asked for again after this."""
    ask_every: Nanos = seconds(2)
    """Between two questions for the markets of a series."""
    listing_lag: Nanos = seconds(15)
    """For so long after the stream told a status, a listing with another one is taken for late."""
    connect_due: Nanos = seconds(20)
    """A connection that was asked for and gave no sign is asked for again after this."""
    steady_after: Nanos = seconds(30)
    """A connection that lived this long begins with a short pause again."""
    first_delay: Nanos = seconds(0.5)
    longest_delay: Nanos = seconds(30)

    def at_speed(self, speed: float) -> FeedTerms:
        """The same terms for a clock that runs `speed` times as fast.

        `lead` and `linger` are durations of the market and stay; all others are the machine's (see
        `core.clock.patience`).
        """
        factor = max(1.0, speed)
        return msgspec.structs.replace(
            self, **{name: Nanos(round(getattr(self, name) * factor)) for name in _OF_THE_MACHINE}
        )


_OF_THE_MACHINE: Final = (
    "index_fresh",
    "answer_due",
    "ask_every",
    "listing_lag",
    "connect_due",
    "steady_after",
    "first_delay",
    "longest_delay",
)
