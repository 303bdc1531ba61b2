"""Liquidity and trades of the outside: recorded books, or synthetic makers and takers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.engine.live_orders import LiveOrder
from core.exchange.engine.matching import Deal, Taker, plan
from core.exchange.engine_types import CancelModel
from core.exchange.listing import MarketStatus
from core.exchange.records import Side
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.matching import Matcher
    from core.exchange.engine.queues import BookSide, Chunk, Level
    from core.exchange.engine.venue import Venue
    from core.units import Price

    Depth = tuple[Price, Quantity]
    """A YES price and the quantity that rests there."""


_OVER: Final = frozenset(
    {
        MarketStatus.CLOSED,
        MarketStatus.DETERMINED,
        MarketStatus.DISPUTED,
        MarketStatus.AMENDED,
        MarketStatus.FINALIZED,
    }
)


class OutsideDesk:
    """Applies what the outside does.

    Quotes are taken until the close, before the open too: a recording's clock may run ahead. Trades
    need an active market. What comes later is ignored: the outside has not noticed the close yet.

    Outside quantities never trade with each other here: a recorded book may look crossed for a
    moment, between the deltas of one match. With own orders they trade as soon as they cross them.
    """

    def __init__(self, venue: Venue, matcher: Matcher) -> None:
        self._venue = venue
        self._matcher = matcher

    def set_level(self, market: MarketState, side: Side, price: Price, quantity: Quantity) -> None:
        """Outside quantity at a level is this, whatever was eaten."""
        if market.status in _OVER:
            return
        book_side = market.book.side(side)
        level = book_side.level(price)
        level.recorded = quantity
        self._resize(market, book_side, level, quantity - level.outside)

    def move_level(self, market: MarketState, side: Side, price: Price, delta: Quantity) -> None:
        """Recorded outside quantity at a level changes by this; what was eaten stays eaten."""
        if market.status in _OVER:
            return
        book_side = market.book.side(side)
        level = book_side.level(price)
        level.recorded = max(0, level.recorded + delta)
        change = delta if delta > 0 else min(0, level.recorded - level.outside)
        self._resize(market, book_side, level, change)

    def replace(self, market: MarketState, bids: Sequence[Depth], asks: Sequence[Depth]) -> None:
        """The outside's whole book is this, whatever was eaten; what goes, goes first."""
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            named = {price for price, _ in levels}
            for price in self._recorded(market, side):
                if price not in named:
                    self.set_level(market, side, price, Quantity(0))
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            for price, quantity in levels:
                self.set_level(market, side, price, quantity)

    def observe(self, market: MarketState, bids: Sequence[Depth], asks: Sequence[Depth]) -> None:
        """The outside's recorded book is this: moves each level by the difference, down first."""
        moves: list[tuple[int, Side, Price]] = []
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            before = self._recorded(market, side)
            after = dict(levels)
            moves.extend(
                (after.get(price, 0) - before.get(price, 0), side, price)
                for price in {**before, **after}
            )
        moves.sort(key=lambda move: move[0] > 0)
        for delta, side, price in moves:
            if delta:
                self.move_level(market, side, price, Quantity(delta))

    def trade(
        self, market: MarketState, price: Price, quantity: Quantity, taker_side: Side
    ) -> None:
        """A recorded print; see `SimulatedExchange.outside_trade`."""
        if market.status is not MarketStatus.ACTIVE:
            return
        left = int(quantity)
        makers: list[LiveOrder] = []
        others = left
        for level, chunk in _met(market, taker_side, price):
            taken = min(left, chunk.remaining)
            if isinstance(chunk, LiveOrder) and taken:
                self._hit(market, taker_side, chunk, taken)
                makers.append(chunk)
                others -= taken
                left -= taken
            elif taken and level.price == price:
                # Queues at better prices are stale by this very print: it passed them by.
                level.move_back(chunk, taken)
                left -= taken
        if others:
            self._matcher.trade(market, Deal(taker_side, price, others, None, None))
        self._matcher.close_out(market, makers)

    def order(self, market: MarketState, side: Side, limit: Price, quantity: Quantity) -> Quantity:
        """An anonymous immediate-or-cancel order; what it filled."""
        if market.status is not MarketStatus.ACTIVE:
            return Quantity(0)
        found = plan(market, Taker(side, limit, quantity))
        self._matcher.execute(market, side, found, None)
        return Quantity(found.filled)

    def _recorded(self, market: MarketState, side: Side) -> dict[Price, int]:
        levels = market.book.side(side).levels.values()
        return {level.price: level.recorded for level in levels if level.recorded or level.outside}

    def _resize(self, market: MarketState, book_side: BookSide, level: Level, change: int) -> None:
        before = level.total
        if change > 0:
            level.add_outside(change)
        elif change < 0:
            level.remove_outside(-change, self._venue.config.cancel_model)
        book_side.settle(level, before)
        if change:
            self._venue.changed_level(market, book_side.side, level.price, change, None)
        is_active = market.status is MarketStatus.ACTIVE
        if change > 0 and is_active and market.book.opposite(book_side.side).orders:
            self._cross(market, book_side, level)

    def _cross(self, market: MarketState, book_side: BookSide, level: Level) -> None:
        """New outside quantity trades with the own orders that it crosses, at their prices."""
        makers: list[LiveOrder] = []
        for _, chunk in _met(market, book_side.side, level.price):
            taken = min(level.outside, chunk.remaining)
            if not isinstance(chunk, LiveOrder) or not taken:
                continue
            before = level.total
            level.remove_outside(taken, CancelModel.PESSIMISTIC)
            book_side.settle(level, before)
            self._venue.changed_level(market, book_side.side, level.price, -taken, chunk)
            self._hit(market, book_side.side, chunk, taken)
            makers.append(chunk)
        self._matcher.close_out(market, makers)

    def _hit(self, market: MarketState, taker_side: Side, order: LiveOrder, quantity: int) -> None:
        """An own resting order trades with an outside taker, at its own price."""
        self._matcher.take_maker(market, order, quantity)
        self._venue.changed_level(market, order.side, order.price, -quantity, order)
        self._matcher.trade(market, Deal(taker_side, order.price, quantity, order, None))


def _met(market: MarketState, taker_side: Side, price: Price) -> list[tuple[Level, Chunk]]:
    """Everything that a taker of this side and limit meets, in order of priority."""
    levels = market.book.opposite(taker_side).reached_by(price)
    return [(level, chunk) for level in levels for chunk in level.chunks]
