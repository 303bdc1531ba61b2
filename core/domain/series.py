"""The series that can be traded, and where the price of each comes from."""

from __future__ import annotations

from typing import Final

from core.messages.base import Part


class UnknownSeriesError(ValueError):
    """A series whose index is not known; names those that are."""


class SeriesSource(Part, frozen=True, kw_only=True):
    """Where the prices of one series come from."""

    series: str
    """`KXSOL15M`."""
    index_id: str
    """The index that settles it: `SOLUSD_RTI`."""
    product: str
    """The spot product of the stand-in: `SOL-USD`."""
    prior_bps: float = 26.0
    """Volatility that is assumed before there are data: basis points over one window."""


SOURCES: Final = {
    series: SeriesSource(series=series, index_id=index_id, product=product, prior_bps=prior_bps)
    for series, index_id, product, prior_bps in (
        ("KXSOL15M", "SOLUSD_RTI", "SOL-USD", 26.0),
        ("KXBTC15M", "BRTI", "BTC-USD", 16.0),
        ("KXETH15M", "ETHUSD_RTI", "ETH-USD", 21.0),
        ("KXXRP15M", "XRPUSD_RTI", "XRP-USD", 22.0),
        ("KXDOGE15M", "DOGEUSD_RTI", "DOGE-USD", 24.0),
    )
}
"""By series. The index names are the exchange's; the volatilities are medians of the absolute moves
of settled windows, 24 May to 19 June 2026, over 0.6745 (`docs/pricing.md`)."""


def source_of(series: str) -> SeriesSource:
    """Where the prices of a series come from. Raises UnknownSeriesError."""
    if series not in SOURCES:
        msg = f"SERIES: {series} is not known; known are {', '.join(SOURCES)}"
        raise UnknownSeriesError(msg)
    return SOURCES[series]
