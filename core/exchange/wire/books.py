"""Order books and public trades: Kalshi's JSON and the records of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.listing import Level, OrderBook, Trade
from core.exchange.records import Side
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import Price, Quantity, complement, format_price, format_quantity

if TYPE_CHECKING:
    from core.exchange.engine_types import BookLevels

LevelJson = tuple[Fixed, Fixed]


class OrderBookSidesJson(msgspec.Struct, frozen=True, kw_only=True):
    """Bids of both legs, ascending. Both keys are required: a renamed one is no empty book."""

    yes_dollars: tuple[LevelJson, ...]
    no_dollars: tuple[LevelJson, ...]


class OrderBookJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET .../orderbook."""

    orderbook_fp: OrderBookSidesJson

    def read(self, ticker: str) -> OrderBook:
        """The record, best level first."""
        return OrderBook(
            ticker=ticker,
            yes=_best_first(self.orderbook_fp.yes_dollars),
            no=_best_first(self.orderbook_fp.no_dollars),
        )

    @classmethod
    def from_book(cls, book: BookLevels, depth: int) -> OrderBookJson:
        """The JSON of the best `depth` levels; 0 is all."""
        return cls(
            orderbook_fp=OrderBookSidesJson(
                yes_dollars=levels_json(book.yes[-depth:]),
                no_dollars=levels_json(book.no[-depth:]),
            )
        )


class NamedOrderBookJson(msgspec.Struct, frozen=True, kw_only=True):
    """One of GET /markets/orderbooks."""

    ticker: str
    orderbook_fp: OrderBookSidesJson

    def read(self) -> OrderBook:
        """The record; raises ValueError when a number cannot be read."""
        return OrderBookJson(orderbook_fp=self.orderbook_fp).read(self.ticker)


def levels_json(levels: tuple[tuple[Price, Quantity], ...]) -> tuple[LevelJson, ...]:
    """Levels as pairs of strings, in the order given."""
    return tuple((format_price(price), format_quantity(size)) for price, size in levels)


def _best_first(levels: tuple[LevelJson, ...]) -> tuple[Level, ...]:
    read = (Level(price=s.price(price), quantity=s.quantity(size)) for price, size in levels)
    return tuple(sorted(read, key=lambda level: -level.price))


class TradeJson(msgspec.Struct, frozen=True, kw_only=True):
    """One public trade of GET /markets/trades."""

    trade_id: str
    ticker: str
    count_fp: Fixed
    yes_price_dollars: Fixed
    taker_book_side: Side
    created_time: str
    no_price_dollars: Fixed = ""
    taker_side: str = ""
    taker_outcome_side: str = ""
    is_block_trade: bool = False

    def read(self) -> Trade:
        """The record; raises ValueError when a number or time cannot be read."""
        return Trade(
            trade_id=self.trade_id,
            ticker=self.ticker,
            price=s.price(self.yes_price_dollars),
            quantity=s.quantity(self.count_fp),
            taker_side=self.taker_book_side,
            ts=s.rfc3339(self.created_time),
        )

    @classmethod
    def from_trade(cls, trade: Trade) -> TradeJson:
        """The JSON of a record."""
        return cls(
            trade_id=trade.trade_id,
            ticker=trade.ticker,
            count_fp=format_quantity(trade.quantity),
            yes_price_dollars=format_price(trade.price),
            no_price_dollars=format_price(complement(trade.price)),
            taker_book_side=trade.taker_side,
            taker_side=trade.taker_side.buys,
            taker_outcome_side=trade.taker_side.buys,
            created_time=s.format_rfc3339(trade.ts),
        )
