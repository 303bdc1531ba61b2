"""One leg of an order book: the bids of one outcome by price, and the best of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from core.units import DOLLAR_PRICE, Price, Quantity, format_price

if TYPE_CHECKING:
    from collections.abc import Iterable

Level = tuple[Price, Quantity]
"""A price and how much rests there."""


class BookCorrupt(Exception):  # noqa: N818 - the name says the condition, as the exchange's texts do
    """The book cannot be right: drop it and ask for a new snapshot. Says what was seen."""


class Leg:
    """Bids of one leg: sizes by price, the prices in ascending order, and the best of them."""

    __slots__ = ("best", "cached", "cached_depth", "cached_floor", "prices", "sizes")

    def __init__(self) -> None:
        self.replace(())

    def replace(self, levels: Iterable[Level]) -> None:
        """Take a snapshot's levels in any order. Raises BookCorrupt."""
        sizes: dict[Price, Quantity] = {}
        for price, size in levels:
            if not 0 < price < DOLLAR_PRICE or size < 0 or price in sizes:
                msg = f"snapshot level {format_price(price)} x {size} is impossible or repeated"
                raise BookCorrupt(msg)
            if size:
                sizes[price] = size
        self.sizes = sizes
        self.prices = sorted(sizes)
        self.best = self.prices[-1] if sizes else Price(0)
        self.cached: tuple[Level, ...] | None = None
        self.cached_depth = 0
        self.cached_floor = 0

    @property
    def size_at_best(self) -> int:
        """What rests at the best price; 0 on an empty leg."""
        return self.sizes.get(self.best, 0)

    def change(self, price: Price, delta: Quantity) -> None:
        """Add to a level or take from it. Raises BookCorrupt."""
        if price >= self.cached_floor:
            self.cached = None
        before = self.sizes.get(price)
        if before is None:
            self._appear(price, delta)
            return
        after = Quantity(before + delta)
        if after < 0:
            msg = f"level {format_price(price)} holds {before}, a delta takes {-delta}"
            raise BookCorrupt(msg)
        self.resize(price, after)

    def resize(self, price: Price, after: Quantity) -> None:
        """Another size of a level that is there; at 0 it is gone."""
        if after:
            self.sizes[price] = after
            return
        del self.sizes[price]
        prices = self.prices
        del prices[bisect_left(prices, price)]
        if price == self.best:
            self.best = prices[-1] if prices else Price(0)

    def _appear(self, price: Price, size: Quantity) -> None:
        if size <= 0 or not 0 < price < DOLLAR_PRICE:
            msg = f"level {format_price(price)} does not exist, a delta of {size} cannot make it"
            raise BookCorrupt(msg)
        self.add(price, size)

    def add(self, price: Price, size: Quantity) -> None:
        """A level that was not there."""
        self.sizes[price] = size
        insort(self.prices, price)
        self.best = max(self.best, price)


def show_bids(leg: Leg, depth: int) -> tuple[Level, ...]:
    """The best `depth` levels, as they are."""
    sizes, best = leg.sizes, leg.prices[: -depth - 1 : -1]
    return _remember(leg, depth, tuple([(price, sizes[price]) for price in best]))


def show_asks(leg: Leg, depth: int) -> tuple[Level, ...]:
    """The best `depth` levels as what the other outcome is offered at."""
    sizes, best = leg.sizes, leg.prices[: -depth - 1 : -1]
    shown = tuple([(Price(DOLLAR_PRICE - price), sizes[price]) for price in best])
    return _remember(leg, depth, shown)


def _remember(leg: Leg, depth: int, shown: tuple[Level, ...]) -> tuple[Level, ...]:
    """Keep `shown` until a delta reaches one of its levels, or any level if there are fewer."""
    leg.cached = shown
    leg.cached_depth = depth
    leg.cached_floor = leg.prices[-depth] if len(leg.prices) >= depth else 0
    return shown
