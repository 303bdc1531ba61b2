"""What a fill was charged against what the fee model says: a fee nobody expected stops trading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.fees import fee_terms, fill_fee, has_formula, trade_fee
from core.domain.positions import own_leg
from core.units import ONE_CENT, Money, dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE = "fee_differs"


def breaches(
    fill: m.OrderFilled, view: m.MarketView | None, source: str
) -> Sequence[m.BreachDetected]:
    """`fee_differs` where the charge is more than a cent off, or no formula tells what it should
    be; nothing without the market's terms.

    A cent is what rounding to an account's unit, and the rebates of such roundings, may come to.
    """
    if view is None:
        return ()
    if not has_formula(view.market):
        return (_breach(fill, Money(0), source),)
    terms = fee_terms(view.market)
    price = own_leg(fill.side, fill.price)
    least = trade_fee(terms, price, fill.quantity, is_taker=fill.is_taker) - ONE_CENT
    expected = fill_fee(terms, price, fill.quantity, is_taker=fill.is_taker)
    if least <= fill.fee <= expected + ONE_CENT:
        return ()
    return (_breach(fill, expected, source),)


def _breach(fill: m.OrderFilled, expected: Money, source: str) -> m.BreachDetected:
    return m.BreachDetected(
        code=CODE,
        limit=dollars(expected),
        value=dollars(fill.fee),
        detail=f"fee of fill {fill.trade_id} in dollars",
        source=source,
        ts=fill.ts,
    )
