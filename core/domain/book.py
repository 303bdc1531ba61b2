"""The order book of one market, from snapshots and deltas, and what taking from it costs.

The exchange sends bids only, on both legs, each leg in its own dollars (kalshi.md 4.5 and 5). A NO
bid at q is a YES ask at 1 - q. `Book` keeps the legs as they come and shows a YES book.

While one order matches through several levels the exchange sends a delta for each, and between
them the book can be locked or crossed. On recorded KXBTC15M books 425 such spells were seen in 2.6
million deltas, the longest of 19 deltas, each over within the same exchange millisecond. So a
crossed book is a state (`crossed`) in which nothing may be published, and becomes corruption only
when it lasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.book_leg import BookCorrupt, Leg, Level, show_asks, show_bids
from core.exchange.records import Outcome
from core.units import (
    DOLLAR_PRICE,
    MILLISECOND,
    ONE_CONTRACT,
    Money,
    Nanos,
    Price,
    Quantity,
    format_price,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.domain.deltas import DeltaRows

__all__ = [
    "CROSSING_TOLERANCE",
    "Book",
    "BookCorrupt",
    "BookTop",
    "Level",
    "Sweep",
    "ladder",
    "sweep",
]

_YES: Final = Outcome.YES  # an attribute of an enum costs a look-up each time; this is hot
CROSSING_TOLERANCE: Final = Nanos(50 * MILLISECOND)
"""Exchange time for which a book may stay crossed; longer means that a delta was lost."""


class BookTop(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The best levels of a YES book, best first. An empty side is an empty tuple."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What buying from a ladder gives: one fill for each level touched, best first."""

    fills: tuple[Level, ...]
    quantity: Quantity
    cost: Money
    """Without fees; exact."""

    @property
    def worst(self) -> Price:
        """The price of the last fill, which the order's limit must reach; 0 without fills."""
        return self.fills[-1][0] if self.fills else Price(0)


class Book:
    """One market's book. Not safe for several threads: its owner alone reads and changes it.

    `load` a snapshot first, then `apply` deltas in sequence; watching the sequence is the owner's
    part. After BookCorrupt the content is undefined until the next `load`.

    Hot: `apply` costs 0.39 us and `top(5)` after each delta 0.6 us on average (2 million recorded
    KXBTC15M deltas). A dictionary and a sorted list apply as fast as arrays by tick and find the
    next levels fifteen times as fast, because real books are sparse in the middle.
    """

    __slots__ = ("_crossed_since", "_no", "_yes")

    def __init__(self) -> None:
        self._yes = Leg()
        self._no = Leg()
        self._crossed_since: Nanos | None = None

    def load(self, yes: Iterable[Level], no: Iterable[Level]) -> None:
        """Replace everything by a snapshot: bids of both legs in their own prices, any order.

        Raises BookCorrupt for an impossible level and for a crossed snapshot.
        """
        self._yes.replace(yes)
        self._no.replace(no)
        self._crossed_since = None
        if self.crossed:
            msg = f"snapshot is crossed: bid {format_price(self.bid)}, ask {format_price(self.ask)}"
            raise BookCorrupt(msg)

    def apply(self, leg: Outcome, price: Price, delta: Quantity, ts_event: Nanos) -> None:
        """Change the size of one level by `delta`; a level at 0 is gone.

        Raises BookCorrupt if a size would fall below 0, if the price is not between $0 and $1, or
        if the book has been crossed for longer than CROSSING_TOLERANCE.
        """
        yes, no = self._yes, self._no
        (yes if leg is _YES else no).change(price, delta)
        if yes.best + no.best < DOLLAR_PRICE:
            self._crossed_since = None
        elif self._crossed_since is None:
            self._crossed_since = ts_event
        elif ts_event - self._crossed_since > CROSSING_TOLERANCE:
            msg = (
                f"crossed for too long: bid {format_price(self.bid)}, ask {format_price(self.ask)}"
            )
            raise BookCorrupt(msg)

    def follow(self, rows: DeltaRows, at: int, stop: int, floors: tuple[int, int]) -> int:
        """Apply rows `at` to `stop` as `apply` would; where it stopped, without applying that row.

        It stops before a row at or above the floor of its leg (YES, NO), and before anything that
        `apply` has to look at: what would cross the book, or cannot be. Hot: 0.25 us a row.
        """
        yes, no = self._yes, self._no
        if yes.best + no.best >= DOLLAR_PRICE:
            return at
        yes_floor, no_floor = floors
        is_yes, prices, changes = rows.is_yes, rows.prices, rows.changes
        for row in range(at, stop):
            price = prices[row]
            leg, other, floor = (yes, no, yes_floor) if is_yes[row] else (no, yes, no_floor)
            before = leg.sizes.get(price, 0)
            after = Quantity(before + changes[row])
            if price >= floor or after < 0:
                return row
            if before:
                leg.resize(price, after)
            elif after and 0 < price < DOLLAR_PRICE - other.best:
                leg.add(price, after)
            else:
                return row
            if price >= leg.cached_floor:
                leg.cached = None
        return stop

    def drift(
        self, rows: DeltaRows, at: int, stop: int, holds: Callable[[Price, Price], bool]
    ) -> tuple[int, bool]:
        """Apply rows `at` to `stop` as `apply` would; where it stopped, and whether all of it held.

        Like `follow` it stops before what `apply` has to look at. It stops after the first row
        that leaves less than a contract, but not nothing, at a best price, or best prices (bid and
        ask of YES) which `holds` refuses. Hot: 0.3 us a row.
        """
        yes, no = self._yes, self._no
        if yes.best + no.best >= DOLLAR_PRICE:
            return at, True
        is_yes, prices, changes = rows.is_yes, rows.prices, rows.changes
        for row in range(at, stop):
            price = prices[row]
            leg, other = (yes, no) if is_yes[row] else (no, yes)
            before = leg.sizes.get(price, 0)
            after = Quantity(before + changes[row])
            if before and after >= 0:
                leg.resize(price, after)
            elif after > 0 and 0 < price < DOLLAR_PRICE - other.best:
                leg.add(price, after)
            else:
                return row, True
            if price >= leg.cached_floor:
                leg.cached = None
            if price >= leg.best and not self._held(holds):
                return row + 1, False
        return stop, True

    def _held(self, holds: Callable[[Price, Price], bool]) -> bool:
        yes, no = self._yes, self._no
        for leg in (yes, no):
            if leg.best and leg.size_at_best < ONE_CONTRACT:
                return False
        return holds(yes.best, Price(DOLLAR_PRICE - no.best))

    @property
    def crossed(self) -> bool:
        """Locked or crossed: between the deltas of one match, or broken. Do not publish."""
        return self._yes.best + self._no.best >= DOLLAR_PRICE

    @property
    def bid(self) -> Price:
        """Best YES bid; 0 if there is none, as the exchange writes it."""
        return self._yes.best

    @property
    def ask(self) -> Price:
        """Best YES ask; 10,000 ($1) if there is none, as the exchange writes it."""
        return Price(DOLLAR_PRICE - self._no.best)

    def size(self, leg: Outcome, price: Price) -> Quantity:
        """What rests on a leg's bid at that leg's price."""
        sizes = (self._yes if leg is _YES else self._no).sizes
        return sizes.get(price, Quantity(0))

    def top(self, depth: int) -> BookTop:
        """The best `depth` (at least 1) levels of each side, in YES prices."""
        yes, no = self._yes, self._no
        bids, asks = yes.cached, no.cached
        if bids is None or yes.cached_depth != depth:
            bids = show_bids(yes, depth)
        if asks is None or no.cached_depth != depth:
            asks = show_asks(no, depth)
        return BookTop(bids=bids, asks=asks)


def ladder(outcome: Outcome, bids: Iterable[Level], asks: Iterable[Level]) -> tuple[Level, ...]:
    """The levels at which `outcome` can be bought, best first, in that outcome's own prices.

    `bids` and `asks` are those of a YES book. Buying NO takes the YES bids at 1 minus their price.
    """
    if outcome is _YES:
        return tuple(asks)
    return tuple((Price(DOLLAR_PRICE - price), size) for price, size in bids)


def sweep(levels: Iterable[Level], quantity: Quantity, limit: Price) -> Sweep:
    """Take up to `quantity` from a ladder (best first), paying at most `limit` for a contract.

    The result holds less than `quantity` where the ladder ends or turns too dear.
    """
    fills: list[Level] = []
    left, cost = int(quantity), 0
    for price, size in levels:
        if left <= 0 or price > limit:
            break
        taken = Quantity(min(left, size))
        fills.append((price, taken))
        left -= taken
        cost += price * taken
    return Sweep(fills=tuple(fills), quantity=Quantity(quantity - left), cost=Money(cost))
