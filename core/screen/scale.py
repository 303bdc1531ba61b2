"""From fixed point to what a person or a program outside reads: dollars, seconds, RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.units import INDEX_DOLLAR, MILLISECOND, SECOND, dollars, price_dollars

if TYPE_CHECKING:
    from core.units import IndexValue, Money, Nanos, Price


def rfc3339(moment: Nanos) -> str:
    """UTC with milliseconds, `2026-11-22T15:00:00.250Z`; parts below are cut off. About 1.5 us."""
    whole, rest = divmod(moment, SECOND)
    stamp = datetime.fromtimestamp(whole, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{rest // MILLISECOND:03d}Z"


def maybe_rfc3339(moment: Nanos | None) -> str | None:
    """The same, None where there is no moment (0 counts as none)."""
    return rfc3339(moment) if moment else None


def epoch_ms(moment: Nanos) -> int:
    """Milliseconds since 1970, for the points of a chart."""
    return moment // MILLISECOND


def index_dollars(value: IndexValue | float) -> float:
    """An index value in dollars."""
    return value / INDEX_DOLLAR


def cents(money: Money) -> float:
    """Dollars of `money`, rounded to six decimals as they are counted."""
    return round(dollars(money), 6)


def per_contract(price: Price) -> float:
    """Dollars per contract, rounded to four decimals as they are counted."""
    return round(price_dollars(price), 4)
