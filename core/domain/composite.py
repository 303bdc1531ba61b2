"""One price from several spot venues: median of the fresh ones, outliers dropped, agreement stated.

The settlement index is a depth-weighted middle of several venues' books; a median of their mids
follows it within a few basis points (kalshi.md 9.1). So this is a stand-in that can warn and warm
up, and is no settlement print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.units import IndexValue, Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

BASIS_POINTS: Final = 10_000
_ENOUGH_TO_VOTE: Final = 3
"""With fewer sources nobody can say which of them is the outlier."""


class SpotQuote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest price of one venue: the middle of its quote where known, else its last trade."""

    source: str
    price: IndexValue
    ts_event: Nanos


class CompositeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """When a venue counts. `fresh` is in the time of the clock that drives the role."""

    fresh: Nanos = seconds(5)
    """A quote older than this by its own time is left out."""
    outlier_bps: float = 25.0
    """A venue farther than this from the median is left out, where three or more can vote."""


class Composite(msgspec.Struct, frozen=True, kw_only=True):
    """The agreed price."""

    price: IndexValue
    sources: tuple[str, ...]
    """Those used, in alphabetical order."""
    dropped: tuple[str, ...]
    """Fresh ones that were left out as outliers."""
    spread_bps: float
    """Highest against lowest of those used, in basis points of the price."""
    ts_event: Nanos
    """Event time of the newest quote used."""


def composite(quotes: Iterable[SpotQuote], now: Nanos, terms: CompositeTerms) -> Composite | None:
    """The composite price at `now`, or None when no venue is fresh.

    Hot in backtests on trade tapes: about 3 us with one source.
    """
    oldest = now - terms.fresh
    fresh = sorted(
        (quote for quote in quotes if quote.ts_event >= oldest and quote.price > 0),
        key=lambda quote: quote.source,
    )
    if not fresh:
        return None
    used = _without_outliers(fresh, terms.outlier_bps)
    price = _median([quote.price for quote in used])
    spread = max(quote.price for quote in used) - min(quote.price for quote in used)
    return Composite(
        price=price,
        sources=tuple(quote.source for quote in used),
        dropped=tuple(quote.source for quote in fresh if quote not in used),
        spread_bps=spread * BASIS_POINTS / price,
        ts_event=max(quote.ts_event for quote in used),
    )


def _without_outliers(quotes: list[SpotQuote], outlier_bps: float) -> list[SpotQuote]:
    if len(quotes) < _ENOUGH_TO_VOTE:
        return quotes
    middle = _median([quote.price for quote in quotes])
    reach = middle * outlier_bps / BASIS_POINTS
    near = [quote for quote in quotes if abs(quote.price - middle) <= reach]
    return near or quotes


def _median(prices: list[IndexValue]) -> IndexValue:
    """The middle price; of an even number the mean of the middle two, rounded down."""
    ordered = sorted(prices)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return IndexValue((ordered[half - 1] + ordered[half]) // 2)
