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


SOURCES: Final = {
    series: SeriesSource(series=series, index_id=index_id, product=product)
    for series, index_id, product in (
        ("KXSOL15M", "SOLUSD_RTI", "SOL-USD"),
        ("KXBTC15M", "BRTI", "BTC-USD"),
        ("KXETH15M", "ETHUSD_RTI", "ETH-USD"),
        ("KXXRP15M", "XRPUSD_RTI", "XRP-USD"),
        ("KXDOGE15M", "DOGEUSD_RTI", "DOGE-USD"),
    )
}
"""By series. The index names are the exchange's."""


def source_of(series: str) -> SeriesSource:
    """Where the prices of a series come from. Raises UnknownSeriesError."""
    if series not in SOURCES:
        msg = f"SERIES: {series} is not known; known are {', '.join(SOURCES)}"
        raise UnknownSeriesError(msg)
    return SOURCES[series]
