"""What open positions are worth: at the price that could be had, not at the mid.

A mark walks the bids of the own leg. When a book has no bids left, or is gone because the window
closed, the last mark stays until the result is known: an empty book is not a price of zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.messages.data import Level
from core.units import Money, Price, Quantity, complement, notional

if TYPE_CHECKING:
    from core.messages.data import MarketView


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Bids of both legs, best first, each in its own prices."""

    yes: tuple[Level, ...] = ()
    no: tuple[Level, ...] = ()


def updated(before: Mark, view: MarketView) -> Mark:
    """The newest bids of each leg; a leg that has none, or a stale book, keeps the older ones."""
    if not view.book_fresh:
        return before
    no = tuple((complement(price), quantity) for price, quantity in view.asks)
    return Mark(yes=view.bids or before.yes, no=no or before.no)


def best(mark: Mark, quantity: Quantity) -> Price:
    """The best bid for a signed position; 0 where none was ever seen."""
    bids = mark.yes if quantity >= 0 else mark.no
    return bids[0][0] if bids else Price(0)


def value(mark: Mark, quantity: Quantity, cost: Money) -> Money:
    """What a signed position would bring, before fees; its cost where no bid was ever seen.

    What is left below the visible bids counts at the last visible price.
    """
    bids = mark.yes if quantity >= 0 else mark.no
    left, total = abs(quantity), 0
    if not bids:
        return cost
    for price, size in bids:
        taken = min(left, size)
        total += notional(price, Quantity(taken))
        left -= taken
    return Money(total + notional(bids[-1][0], Quantity(left)))
