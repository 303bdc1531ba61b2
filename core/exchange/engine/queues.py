"""Queues at price levels: outside liquidity and own orders in order of arrival.

A level is a FIFO of chunks: outside quantity, an own order, outside quantity behind it, ... Trades
take from the front. Outside increases join the back. Outside decreases without a trade come from
where the `CancelModel` says.

A level remembers the outside quantity as `recorded` and what is left of it as `outside`: an own
taker eats the latter only. A delta moves `recorded`; `outside` grows with it, and on the way down
it only gives way when it would exceed `recorded`. So what was eaten stays eaten until the outside
adds to the level, or an absolute update says what is there.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from core.exchange.engine_types import CancelModel
from core.exchange.records import Side
from core.units import Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator


class Chunk:
    """A piece of a queue: anonymous outside quantity, or an own order (`LiveOrder`)."""

    __slots__ = ("remaining",)

    def __init__(self, remaining: Quantity) -> None:
        self.remaining = remaining


class OutsideChunk(Chunk):
    """Anonymous quantity that arrived together, as far as the queue can tell."""

    __slots__ = ()


class Level:
    """The queue at one price."""

    __slots__ = ("chunks", "outside", "price", "recorded", "total")

    def __init__(self, price: Price) -> None:
        self.price = price
        self.chunks: list[Chunk] = []
        self.total = 0
        self.outside = 0
        self.recorded = 0

    def join(self, order: Chunk) -> None:
        """Put an own order at the back."""
        self.chunks.append(order)
        self.total += order.remaining

    def leave(self, order: Chunk) -> None:
        """Take an own order out, wherever it stands."""
        self.chunks.remove(order)
        self.total -= order.remaining

    def shrink(self, chunk: Chunk, quantity: Quantity) -> None:
        """Take `quantity` off a chunk in its place; an empty chunk leaves."""
        chunk.remaining = Quantity(chunk.remaining - quantity)
        self.total -= quantity
        if isinstance(chunk, OutsideChunk):
            self.outside -= quantity
        if not chunk.remaining:
            self.chunks.remove(chunk)

    def add_outside(self, quantity: int) -> None:
        """Outside quantity joins the back."""
        last = self.chunks[-1] if self.chunks else None
        if isinstance(last, OutsideChunk):
            last.remaining = Quantity(last.remaining + quantity)
        else:
            self.chunks.append(OutsideChunk(Quantity(quantity)))
        self.outside += quantity
        self.total += quantity

    def remove_outside(self, quantity: int, model: CancelModel) -> None:
        """Outside quantity goes without a trade; `quantity` is at most what is outside."""
        if model is CancelModel.PROPORTIONAL and len(self.chunks) > 1:
            quantity -= self._remove_by_share(quantity)
        backwards = model is not CancelModel.OPTIMISTIC
        for chunk in tuple(reversed(self.chunks) if backwards else self.chunks):
            if not quantity:
                return
            if isinstance(chunk, OutsideChunk):
                taken = min(quantity, chunk.remaining)
                self.shrink(chunk, Quantity(taken))
                quantity -= taken

    def move_back(self, chunk: Chunk, quantity: int) -> None:
        """Outside quantity at the front was traded but not yet seen to leave: it counts as last."""
        self.shrink(chunk, Quantity(quantity))
        self.add_outside(quantity)

    def ahead_of(self, order: Chunk) -> Quantity:
        """Everything that trades before this order."""
        ahead = 0
        for chunk in self.chunks:
            if chunk is order:
                break
            ahead += chunk.remaining
        return Quantity(ahead)

    def _remove_by_share(self, quantity: int) -> int:
        whole = self.outside
        removed = 0
        for chunk in tuple(self.chunks):
            if isinstance(chunk, OutsideChunk):
                taken = quantity * chunk.remaining // whole
                if taken:
                    self.shrink(chunk, Quantity(taken))
                    removed += taken
        return removed


class BookSide:
    """One side of the YES book: levels by YES price, and the prices at which something rests."""

    __slots__ = ("levels", "orders", "prices", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[Price, Level] = {}
        self.prices: list[Price] = []
        """Ascending; only those with something to trade with."""
        self.orders = 0
        """Own orders that rest on this side."""

    def level(self, price: Price) -> Level:
        """The level at a price, made when missing."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level(price)
        return level

    def settle(self, level: Level, before: int) -> None:
        """Bring the list of prices up to date after a level's total changed from `before`."""
        if level.total and not before:
            insort(self.prices, level.price)
        elif before and not level.total:
            del self.prices[bisect_left(self.prices, level.price)]
        if not level.total and not level.recorded:
            self.levels.pop(level.price, None)

    def best(self) -> Level | None:
        """The level that trades first, or None when the side is empty."""
        if not self.prices:
            return None
        return self.levels[self.prices[-1] if self.side is Side.BID else self.prices[0]]

    def reached_by(self, limit: Price) -> Iterator[Level]:
        """Levels that an opposite order with this limit trades with, best first."""
        if self.side is Side.BID:
            for price in reversed(self.prices):
                if price < limit:
                    return
                yield self.levels[price]
        else:
            for price in self.prices:
                if price > limit:
                    return
                yield self.levels[price]

    def clear(self) -> None:
        """Everything goes at once: the market has closed."""
        self.levels.clear()
        self.prices.clear()
        self.orders = 0


class EngineBook:
    """Both sides of a market's YES book."""

    __slots__ = ("asks", "bids", "clock")

    def __init__(self) -> None:
        self.bids = BookSide(Side.BID)
        self.asks = BookSide(Side.ASK)
        self.clock = 0

    def side(self, side: Side) -> BookSide:
        """The side on which orders of `side` rest."""
        return self.bids if side is Side.BID else self.asks

    def opposite(self, side: Side) -> BookSide:
        """The side with which orders of `side` trade."""
        return self.asks if side is Side.BID else self.bids
