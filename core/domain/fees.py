"""The exchange's fee for a fill, to the last digit, in integers (kalshi.md 7).

    raw   = 0.07 * multiplier * share * C * P * (1 - P)      share: taker 1, maker 0, 1/4 or 1/2
    trade = raw rounded up to `trade_unit`                   $0.0001 (version A) or $0.000001 (B)
    fee   = (cost + trade) rounded up to `account_unit`, minus cost

`cost` is C times the price of the leg acquired: a purchase of NO at 0.30 has P = 0.30, and so has
the sale of YES at 0.70. On recorded fills version A is exact on all 2,002 of an account with unit
$0.0001, and on 309 of 316 of an account with unit $0.01; the other seven are one cent lower. Those
seven are rebates: per order the exchange sums what rounding to the account's unit took, and gives a
whole unit back as soon as there is one and the fill's fee can bear it. `OrderFees` counts so and
fits all 316, if fills of one order and one millisecond may have come in either order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.listing import FeeType
from core.units import DOLLAR_PRICE, FEE_UNIT, Money, Price, Quantity, ceil_to, notional

if TYPE_CHECKING:
    from core.messages import MarketTerms

VERSION_A: Final = FEE_UNIT
"""Trade fee rounded up to $0.0001: what recorded fills show."""
VERSION_B: Final = Money(1)
"""Trade fee rounded up to $0.000001: a later text; differs for fractional counts only."""

_RATE_PERCENT: Final = 7
_MAKER_PERCENT: Final = {
    FeeType.QUADRATIC: 0,
    FeeType.QUADRATIC_WITH_MAKER_FEES: 25,
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES: 50,
}
_TAKER_PERCENT: Final = 100
_RAW_PER_MONEY: Final = 10**12
"""Raw fees count 10**-18 dollars: contracts 10**-2, two prices 10**-4 each, rate and share 10**-2
each, multiplier 10**-4."""


class UnknownFee(ValueError):  # noqa: N818 - reads as what it says
    """The series has a fee schedule that no formula describes; do not trade it."""


class FeeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What decides a fee beside the fill itself.

    Schedule and multiplier come from the series, unless the event overrides them; the account's
    unit is $0.0001 for direct members, $0.01 through an intermediary.
    """

    fee_type: FeeType = FeeType.QUADRATIC
    multiplier_bps: int = 10_000
    trade_unit: Money = VERSION_A
    account_unit: Money = FEE_UNIT


def has_formula(market: MarketTerms) -> bool:
    """Whether the fees of this market can be computed; where not, everything here is UnknownFee."""
    return market.fee_type in _MAKER_PERCENT


def fee_terms(market: MarketTerms) -> FeeTerms:
    """What decides a fee in this market."""
    return FeeTerms(fee_type=market.fee_type, multiplier_bps=market.fee_multiplier_bps)


class OrderFees(msgspec.Struct, frozen=True, kw_only=True):
    """Fees over the fills of one order: what was owed, what was charged, what rounding still holds.

    `rounding` is what the exchange took beyond the trade fees and has not given back.
    """

    owed: Money = Money(0)
    """Sum of the trade fees."""
    charged: Money = Money(0)

    @property
    def rounding(self) -> Money:
        """Charged minus owed: the rebate account. Below one account unit unless it is stuck."""
        return Money(self.charged - self.owed)

    def add(self, trade: Money, charged: Money) -> OrderFees:
        """These fees and one more fill, of which `charged` is known (from the exchange)."""
        return OrderFees(owed=Money(self.owed + trade), charged=Money(self.charged + charged))

    def next_fee(self, terms: FeeTerms, trade: Money, cost: Money) -> Money:
        """What the next fill of this order will be charged, its rebate subtracted.

        Whole account units that rounding has taken, this fill's included, are given back as far as
        the fee does not fall below zero.
        """
        unit = terms.account_unit
        fee = ceil_to(cost + trade, unit) - cost
        due = (self.rounding + fee - trade) // unit * unit
        return Money(fee - min(due, fee // unit * unit))


def trade_fee(terms: FeeTerms, price: Price, quantity: Quantity, *, is_taker: bool) -> Money:
    """The fee before it is rounded to the account's unit; the same for either leg's price.

    Never negative; grows with quantity, and with price up to $0.50. Raises UnknownFee.
    """
    raw = _raw(terms, price, quantity, is_taker=is_taker)
    return Money(ceil_to(_ceil_div(raw, _RAW_PER_MONEY), terms.trade_unit))


def fill_fee(terms: FeeTerms, price: Price, quantity: Quantity, *, is_taker: bool) -> Money:
    """What one fill costs beyond price times quantity; `price` is that of the leg acquired.

    Rebates left aside (see `OrderFees`), so never too low, and too high by less than one account
    unit for each earlier fill of the order. Never negative. For whole contracts and a unit of
    $0.0001 it equals the trade fee, so it is the same for either leg and grows with quantity; for
    fractions of a contract, or cents, rounding makes it jump by less than one unit. Raises
    UnknownFee. Costs about 0.6 us.
    """
    cost = notional(price, quantity)
    trade = trade_fee(terms, price, quantity, is_taker=is_taker)
    return Money(ceil_to(cost + trade, terms.account_unit) - cost)


def fee_bound(
    terms: FeeTerms,
    limit: Price,
    quantity: Quantity,
    *,
    fills: int | None = None,
    is_taker: bool = True,
) -> Money:
    """The most that buying `quantity` at `limit` or better can cost in fees.

    A taker's bound holds for a maker too; for one who can only be the maker there is a lower one.

    Holds for every split into at most `fills` fills, each with a price of its own; None means any
    number, that is one for each 0.01 contract. Rounding may add almost two units to each fill, so
    the unlimited bound of 25 contracts is more than twice their fee: reserve with the number of
    fills that the book makes plausible. Raises UnknownFee.
    """
    most = quantity if fills is None else min(quantity, fills)
    dearest = Price(min(limit, DOLLAR_PRICE // 2))
    raw = _raw(terms, dearest, quantity, is_taker=is_taker)
    # A sum of n roundings up is below its terms' sum plus n units; the second rounding starts from
    # whole Money, so it adds at most one Money less than a unit.
    slack = most * (terms.trade_unit + terms.account_unit - 1)
    return Money(_ceil_div(raw, _RAW_PER_MONEY) + slack)


def _raw(terms: FeeTerms, price: Price, quantity: Quantity, *, is_taker: bool) -> int:
    if terms.fee_type not in _MAKER_PERCENT:
        msg = f"the fee schedule {terms.fee_type.value!r} is not a formula"
        raise UnknownFee(msg)
    share = _TAKER_PERCENT if is_taker else _MAKER_PERCENT[terms.fee_type]
    volume = quantity * price * (DOLLAR_PRICE - price)
    return _RATE_PERCENT * share * terms.multiplier_bps * volume


def _ceil_div(value: int, divisor: int) -> int:
    return -(-value // divisor)
