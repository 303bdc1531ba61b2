"""The same recorded events through nautilus_trader's BacktestEngine (2.0), for comparison.

Needs an interpreter of its own, with `nautilus_trader==2.0.0rc6` and `pyarrow`:

    PEER_PYTHON=/path/to/python python -m tests.benchmarks backtest

Reads a tape as it lies. The strategy does what ours needs for its first answer, the cheap way: a
book of its own for each market, the newest trade of the spot venue with an EWMA of its variance,
nothing while that is older than three seconds, else the normal probability against best bid and
ask after fees, and a market order of ten contracts at an edge of three cents, one in 15 seconds.
Prints one JSON object: events, seconds of CPU for making the data and for the run, orders.
"""

from __future__ import annotations

import json
import math
import sys
import time
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from nautilus_trader import model as n
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import ProbabilityPriceFeeModel
from nautilus_trader.trading import Strategy, StrategyConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
FRESH = 3 * SECOND
COOLDOWN = 15 * SECOND
DOLLAR = n.Currency.from_str("USD")
KALSHI, COINBASE = n.Venue("KALSHI"), n.Venue("COINBASE")
SPOT = n.InstrumentId(n.Symbol("BTC-USD"), COINBASE)
PRICES = [n.Price.from_str(f"{price / 10_000:.4f}") for price in range(10_001)]
TEN = n.Quantity.from_str("10.00")
COLUMNS = (
    *("kind", "ticker", "leg", "price", "delta", "yes", "no", "seq", "ts_event", "ts_recv"),
    *("spot_price", "strike", "open_ns", "close_ns"),
)


class Data:
    """Rows of a tape as the engine's own objects."""

    def __init__(self) -> None:
        self.markets: dict[str, tuple[float, int, int]] = {}
        """Ticker -> strike, open, close."""
        self.ids: dict[str, n.InstrumentId] = {}
        self._books: dict[str, dict[tuple[bool, int], int]] = {}
        self._trades = count(1)

    def of(self, rows: Iterator[dict[str, object]]) -> list[object]:
        out: list[object] = []
        for row in rows:
            kind = row["kind"]
            if kind == "BookDelta":
                out += self._delta(row)
            elif kind == "SpotTick":
                out.append(self._tick(row))
            elif kind == "BookSnapshot":
                out += self._snapshot(row)
            elif kind == "MarketListed":
                self._listed(row)
            elif kind == "StrikePublished":
                _, opens, closes = self.markets[row["ticker"]]
                self.markets[row["ticker"]] = row["strike"] / 1e8, opens, closes
        return out

    def _listed(self, row: dict[str, object]) -> None:
        ticker = row["ticker"]
        self.markets[ticker] = (row["strike"] or 0) / 1e8, row["open_ns"], row["close_ns"]
        self.ids[ticker] = n.InstrumentId(n.Symbol(ticker), KALSHI)

    def _snapshot(self, row: dict[str, object]) -> list[object]:
        ticker, at = row["ticker"], row["ts_recv"]
        self._books[ticker] = {}
        out = [n.OrderBookDelta.clear(self.ids[ticker], row["seq"], at, at)]
        for is_yes, levels in ((True, row["yes"]), (False, row["no"])):
            for level in levels:
                out += self._change(row, (is_yes, level["price"]), level["quantity"])
        return out

    def _delta(self, row: dict[str, object]) -> list[object]:
        place = row["leg"] == "yes", row["price"]
        before = self._books[row["ticker"]].get(place, 0)
        return self._change(row, place, before + row["delta"])

    def _change(self, row: dict[str, object], place: tuple[bool, int], after: int) -> list[object]:
        book, (is_yes, price) = self._books[row["ticker"]], place
        if after > 0:
            action = n.BookAction.UPDATE if place in book else n.BookAction.ADD
            book[place] = after
        elif book.pop(place, None) is None:
            return []
        else:
            action = n.BookAction.DELETE
        yes = price if is_yes else 10_000 - price
        order = n.BookOrder(
            n.OrderSide.BUY if is_yes else n.OrderSide.SELL,
            PRICES[yes],
            n.Quantity.from_str(f"{max(after, 0) / 100:.2f}"),
            yes,
        )
        event, arrived = row["ts_event"] or row["ts_recv"], row["ts_recv"]
        ident = self.ids[row["ticker"]]
        return [n.OrderBookDelta(ident, action, order, 0, row["seq"], event, arrived)]

    def _tick(self, row: dict[str, object]) -> object:
        return n.TradeTick(
            SPOT,
            n.Price.from_str(f"{row['spot_price'] / 1e8:.2f}"),
            n.Quantity.from_str("1.00000000"),
            n.AggressorSide.BUY,
            n.TradeId(str(next(self._trades))),
            row["ts_event"],
            row["ts_recv"],
        )


class Edge(Strategy):
    """See the module."""

    def __init__(self, data: Data) -> None:
        super().__init__(StrategyConfig())
        self._data = data
        self._terms = {data.ids[ticker]: terms for ticker, terms in data.markets.items()}
        self._books: dict[n.InstrumentId, n.OrderBook] = {}
        self._spot, self._at, self._variance, self._quiet = 0.0, 0, 1e-9, 0
        self.orders = 0

    def on_start(self) -> None:
        for ident in self._terms:
            self._books[ident] = n.OrderBook(ident, n.BookType.L2_MBP)
            self.subscribe_book_deltas(ident, n.BookType.L2_MBP)
        self.subscribe_trades(SPOT)

    def on_trade(self, tick: n.TradeTick) -> None:
        price, at = float(tick.price), tick.ts_event
        if self._spot and at > self._at:
            passed = (at - self._at) / SECOND
            move = math.log(price / self._spot)
            weight = 1 - math.exp(-passed / 300)
            self._variance += weight * (move * move / max(passed, 0.2) - self._variance)
        self._spot, self._at = price, at

    def on_book_deltas(self, deltas: n.OrderBookDeltas) -> None:
        ident, now = deltas.instrument_id, deltas.ts_init
        book = self._books[ident]
        book.apply_deltas(deltas)
        if now < self._quiet or now - self._at > FRESH:
            return
        ask, bid = book.best_ask_price(), book.best_bid_price()
        strike, _, closes = self._terms[ident]
        left = (closes - now) / SECOND
        if ask is None or bid is None or not strike or not 60 <= left <= 840:
            return
        score = math.log(self._spot / strike) / math.sqrt(self._variance * left + 1e-12)
        chance = 0.5 * math.erfc(-score / math.sqrt(2))
        ask, bid = float(ask), float(bid)
        if chance - ask - 0.07 * ask * (1 - ask) > 0.03:
            self._order(ident, n.OrderSide.BUY, now)
        elif bid - chance - 0.07 * bid * (1 - bid) > 0.03:
            self._order(ident, n.OrderSide.SELL, now)

    def _order(self, ident: n.InstrumentId, side: n.OrderSide, now: int) -> None:
        self._quiet = now + COOLDOWN
        self.orders += 1
        self.submit_order(self.order_factory.market(ident, side, TEN))


def engine_for(data: Data) -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True)))
    for venue in (KALSHI, COINBASE):
        engine.add_venue(
            venue,
            n.OmsType.NETTING,
            n.AccountType.MARGIN,
            [n.Money.from_str("10000.00 USD")],
            book_type=n.BookType.L2_MBP if venue == KALSHI else n.BookType.L1_MBP,
            fee_model=ProbabilityPriceFeeModel(Decimal(0), Decimal("0.07")),
        )
    step, lot = n.Price.from_str("0.0001"), n.Quantity.from_str("0.01")
    for ticker, (_, opens, closes) in data.markets.items():
        ident, crypto = data.ids[ticker], n.AssetClass.CRYPTOCURRENCY
        symbol = n.Symbol(ticker)
        engine.add_instrument(
            n.BinaryOption(ident, symbol, crypto, DOLLAR, opens, closes, 4, 2, step, lot, 0, 0)
        )
    cent, dust = n.Price.from_str("0.01"), n.Quantity.from_str("0.00000001")
    coin = n.Currency.from_str("BTC")
    engine.add_instrument(
        n.CurrencyPair(SPOT, n.Symbol("BTC-USD"), coin, DOLLAR, 2, 8, cent, dust, 0, 0)
    )
    return engine


def rows_of(tape: str) -> Iterator[dict[str, object]]:
    for batch in pq.ParquetFile(tape).iter_batches(16_384, columns=list(COLUMNS)):
        plain = [
            column.cast("int64") if name.startswith(("ts_", "open_", "close_")) else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        lists = [column.to_pylist() for column in plain]
        for values in zip(*lists, strict=True):
            yield dict(zip(batch.schema.names, values, strict=True))


def main() -> None:
    began = time.process_time()
    data = Data()
    events = data.of(rows_of(sys.argv[1]))
    engine = engine_for(data)
    strategy = Edge(data)
    engine.add_strategy(strategy)
    engine.add_data(events, None, validate=False, sort=True)
    ready = time.process_time()
    engine.run()
    ended = time.process_time()
    told = {
        "events": len(events),
        "data_seconds": ready - began,
        "run_seconds": ended - ready,
        "orders": strategy.orders,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
