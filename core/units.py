"""Fixed-point integers for money and time, and the only places where anything is rounded.

| type | one unit is | example |
|---|---|---|
| `Price` | $0.0001 per contract | `Price(4700)` is $0.47 |
| `Quantity` | 0.01 contract | `Quantity(2500)` is 25 contracts |
| `Money` | $0.000001 | `Money(1_000_000)` is $1; `price * quantity` is Money exactly |
| `IndexValue` | $0.00000001 | a print or strike of the settlement index |
| `Nanos` | one nanosecond, UTC since 1970 | |

Kalshi sends all of these as decimal strings (`"0.4700"`, `"25.00"`); they are read here without
a float between.
"""

from __future__ import annotations

from typing import Final, NewType

Price = NewType("Price", int)
Quantity = NewType("Quantity", int)
Money = NewType("Money", int)
IndexValue = NewType("IndexValue", int)
Nanos = NewType("Nanos", int)

DOLLAR_PRICE: Final = Price(10_000)
"""The price of a certain contract: $1.00. YES price + NO price is always this."""
ONE_CONTRACT: Final = Quantity(100)
ONE_DOLLAR: Final = Money(1_000_000)
ONE_CENT: Final = Money(10_000)
FEE_UNIT: Final = Money(100)
"""$0.0001: the unit to which the exchange rounds fees and balance changes of direct members."""
INDEX_DOLLAR: Final = IndexValue(100_000_000)

SECOND: Final = Nanos(1_000_000_000)
MILLISECOND: Final = Nanos(1_000_000)
MINUTE: Final = Nanos(60 * SECOND)
NEVER: Final = Nanos(1 << 62)
"""Later than everything."""

PRICE_DECIMALS: Final = 4
QUANTITY_DECIMALS: Final = 2
MONEY_DECIMALS: Final = 6
INDEX_DECIMALS: Final = 8
_POWERS: Final = tuple(int(10**n) for n in range(INDEX_DECIMALS + 1))


class UnitError(ValueError):
    """A text is not a fixed-point number of the wanted precision; says which and why."""


def parse_fixed(text: str, decimals: int) -> int:
    """Read a plain decimal (`-12.30`) as an integer count of 10**-decimals.

    Thousands commas are accepted (`expiration_value` carries them), and zeros beyond the precision.
    Raises UnitError for anything else, and for digits that the precision cannot hold: nothing is
    ever rounded away in silence.
    """
    whole, point, fraction = text.replace(",", "").partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = whole.removeprefix("-")
    if (
        not (digits + fraction).isascii()
        or not (digits + fraction).isdigit()
        or (point and not fraction)
    ):
        msg = f"{text!r} is not a decimal number"
        raise UnitError(msg)
    kept, beyond = fraction[:decimals], fraction[decimals:]
    if beyond.strip("0"):
        msg = f"{text!r} has more than {decimals} decimals"
        raise UnitError(msg)
    return sign * (int(digits or "0") * _POWERS[decimals] + int(kept.ljust(decimals, "0") or "0"))


def format_fixed(value: int, decimals: int) -> str:
    """The inverse of `parse_fixed`: always exactly `decimals` digits after the point."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), _POWERS[decimals])
    return f"{sign}{whole}.{fraction:0{decimals}d}"


def parse_price(text: str) -> Price:
    """`"0.4700"` -> `Price(4700)`."""
    return Price(parse_fixed(text, PRICE_DECIMALS))


def format_price(price: Price) -> str:
    """`Price(4700)` -> `"0.4700"`."""
    return format_fixed(price, PRICE_DECIMALS)


def parse_quantity(text: str) -> Quantity:
    """`"25.00"` -> `Quantity(2500)`."""
    return Quantity(parse_fixed(text, QUANTITY_DECIMALS))


def format_quantity(quantity: Quantity) -> str:
    """`Quantity(2500)` -> `"25.00"`."""
    return format_fixed(quantity, QUANTITY_DECIMALS)


def parse_money(text: str) -> Money:
    """`"8.430000"` -> `Money(8_430_000)`."""
    return Money(parse_fixed(text, MONEY_DECIMALS))


def format_money(money: Money) -> str:
    """`Money(8_430_000)` -> `"8.430000"`."""
    return format_fixed(money, MONEY_DECIMALS)


def parse_index(text: str) -> IndexValue:
    """`"118.5107"` -> `IndexValue(11_851_070_000)`."""
    return IndexValue(parse_fixed(text, INDEX_DECIMALS))


def index_from_float(value: float) -> IndexValue:
    """The nearest index value; for sources that publish JSON numbers (`floor_strike`)."""
    return IndexValue(round(value * INDEX_DOLLAR))


def round_index(value: IndexValue, digits: int) -> IndexValue:
    """Round half up to `digits` decimals, as `custom_strike.round_digits` asks."""
    step = _POWERS[INDEX_DECIMALS - digits]
    return IndexValue((value + step // 2) // step * step)


def mean_index(total: int, count: int, digits: int) -> IndexValue:
    """Mean of `count` values with sum `total`, rounded half up to `digits` decimals, exactly."""
    step = _POWERS[INDEX_DECIMALS - digits]
    return IndexValue((2 * total + count * step) // (2 * count * step) * step)


def notional(price: Price, quantity: Quantity) -> Money:
    """What `quantity` contracts cost at `price`: exact, no rounding."""
    return Money(price * quantity)


def complement(price: Price) -> Price:
    """The other leg's price: NO for a YES price and the reverse."""
    return Price(DOLLAR_PRICE - price)


def ceil_to(value: int, unit: int) -> int:
    """The smallest multiple of `unit` that is not below `value`."""
    return -(-value // unit) * unit


def dollars(money: Money) -> float:
    """Money as a float of dollars, for screens and reports only; decisions stay in integers."""
    return money / ONE_DOLLAR


def money_from_dollars(value: float) -> Money:
    """Nearest Money to a number of dollars; for settings and manual input."""
    return Money(round(value * ONE_DOLLAR))


def price_dollars(price: Price) -> float:
    """Price as a float of dollars per contract, for probabilities and screens."""
    return price / DOLLAR_PRICE


def contracts(quantity: Quantity) -> float:
    """Quantity as a float of whole contracts, for screens and reports only."""
    return quantity / ONE_CONTRACT


def seconds(duration: float) -> Nanos:
    """A duration in seconds as nanoseconds."""
    return Nanos(round(duration * SECOND))
