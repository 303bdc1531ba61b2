"""What open positions are worth: at the price that could be had, not at the mid.

A mark walks the bids of the own leg. When a book has no bids left, or is gone because the window
closed, the last mark stays until the result is known: an empty book is not a price of zero. But it
never stays above what the other leg's best bid leaves of the dollar: where 0.99 is bid for YES and
nobody asks, a NO is worth a cent at most, whatever was last bid for it.
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
    """The newest bids of each leg; one that has none keeps the older, no higher than they can be.

    A stale book changes nothing.
    """
    if not view.book_fresh:
        return before
    no = tuple((complement(price), quantity) for price, quantity in view.asks)
    yes = view.bids
    return Mark(yes=yes or _capped(before.yes, no), no=no or _capped(before.no, yes))


def _capped(older: tuple[Level, ...], other: tuple[Level, ...]) -> tuple[Level, ...]:
    """A leg's last bids below the most that the other leg's best bid leaves."""
    if not other:
        return older
    most = complement(other[0][0])
    return tuple((min(price, most), size) for price, size in older) or ((most, Quantity(0)),)


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
