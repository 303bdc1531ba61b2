"""Decimal strings and times of the wire, as fixed-point integers and nanoseconds.

Kalshi sends prices, counts and money as strings. A JSON number in their place is accepted: its
shortest decimal text is read, so that no binary fraction reaches a price. Times are RFC 3339 in
UTC with 0 to 6 fractional digits, trailing zeros trimmed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from core.units import (
    DOLLAR_PRICE,
    INDEX_DECIMALS,
    MILLISECOND,
    SECOND,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    format_fixed,
    format_price,
    parse_index,
    parse_money,
    parse_price,
    parse_quantity,
)

Fixed = str | int | float
"""A decimal as it may come: the string that is documented, or a number."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PRICES: Final = {format_price(Price(tick)): Price(tick) for tick in range(DOLLAR_PRICE + 1)}


class WireError(ValueError):
    """A text of the exchange could not be read; says what and why."""


def price(value: Fixed) -> Price:
    """`"0.4700"` -> `Price(4700)`; 0.05 us for the usual four decimals."""
    if isinstance(value, str):
        known = _PRICES.get(value)
        return parse_price(value) if known is None else known
    return parse_price(repr(value))


def quantity(value: Fixed) -> Quantity:
    """`"-54.00"` -> `Quantity(-5400)`; 0.3 us for the usual two decimals."""
    if not isinstance(value, str):
        return parse_quantity(repr(value))
    if value[-3:-2] == ".":
        digits = value[:-3] + value[-2:]
        if digits.isdigit() and digits.isascii():
            return Quantity(int(digits))
    return parse_quantity(value)


def money(value: Fixed) -> Money:
    """`"8.430000"` -> `Money(8_430_000)`."""
    return parse_money(value if isinstance(value, str) else repr(value))


def index_value(value: Fixed) -> IndexValue:
    """`"84,120.55"`, `"118.5107"` or `118.4213` as an index value."""
    return parse_index(value if isinstance(value, str) else repr(value))


def format_index(value: IndexValue, digits: int) -> str:
    """An index value with `digits` decimals, as `expiration_value` shows it, without commas.

    Digits beyond are cut: values of a market are already rounded to its digits.
    """
    return format_fixed(value // int(10 ** (INDEX_DECIMALS - digits)), digits)


def index_number(value: IndexValue) -> float:
    """An index value as the JSON number that `floor_strike` is; exact for ten digits and more."""
    return float(format_fixed(value, INDEX_DECIMALS))


def rfc3339(text: str) -> Nanos:
    """`"2026-11-22T15:07:12.15Z"` as nanoseconds. Raises WireError, also without a time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not an RFC 3339 time"
        raise WireError(msg) from error
    if moment.tzinfo is None:
        msg = f"{text!r} names no time zone"
        raise WireError(msg)
    return Nanos((moment - _EPOCH) // _MICROSECOND * 1000)


def format_rfc3339(moment: Nanos) -> str:
    """UTC with at most six fractional digits, trailing zeros trimmed, as Kalshi writes them."""
    whole, rest = divmod(moment, SECOND)
    text = (_EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{rest // 1000:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def from_ms(value: int) -> Nanos:
    """Unix milliseconds as nanoseconds."""
    return Nanos(value * MILLISECOND)


def to_ms(moment: Nanos) -> int:
    """Nanoseconds as Unix milliseconds, rounded down."""
    return moment // MILLISECOND


def from_seconds(value: int) -> Nanos:
    """Unix seconds as nanoseconds."""
    return Nanos(value * SECOND)


def to_seconds(moment: Nanos) -> int:
    """Nanoseconds as Unix seconds, rounded down."""
    return moment // SECOND
