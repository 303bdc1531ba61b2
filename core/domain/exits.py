"""Exits against holding on: what early sales brought, and what settlement would have paid.

A contract that was sold for its price would have paid a dollar or nothing. Both are known once the
market has its result; the difference is what the exit was worth, after its fee, in hindsight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.positions import own_leg
from core.messages.base import Part
from core.units import DOLLAR_PRICE, Money, Price, Quantity, complement, notional

if TYPE_CHECKING:
    from core.exchange.records import Outcome, Side


class ExitTotals(Part, frozen=True, kw_only=True):
    """Exits whose market has its result."""

    orders: int = 0
    quantity: Quantity = Quantity(0)
    brought: Money = Money(0)
    """By the sales, after their fees."""
    held: Money = Money(0)
    """By the same contracts, had they been held to settlement."""

    @property
    def gained(self) -> Money:
        """What the exits brought more than holding on; negative where they brought less."""
        return Money(self.brought - self.held)

    def plus(self, other: ExitTotals) -> ExitTotals:
        """Both together."""
        return ExitTotals(
            orders=self.orders + other.orders,
            quantity=Quantity(self.quantity + other.quantity),
            brought=Money(self.brought + other.brought),
            held=Money(self.held + other.held),
        )


def brought(side: Side, price: Price, quantity: Quantity, fee: Money) -> Money:
    """By a sale on this side of the YES book, at this YES price."""
    return Money(notional(complement(own_leg(side, price)), quantity) - fee)


def held(side: Side, quantity: Quantity, result: Outcome) -> Money:
    """By the contracts that an order on this side sells, had they been there at the result."""
    return notional(DOLLAR_PRICE, quantity) if result is side.buys.other else Money(0)
