"""Importer of Kalshi's own answers: candlesticks, public trades and markets, saved as JSON.

The source is one such file or a folder of them, each the body of an answer as it came:

* `GET /series/{s}/markets/{t}/candlesticks` and `GET /markets/candlesticks`: the close of a candle
  is the quote at its end. Sizes are not told: a side that exists counts as `ASSUMED_SIZE`.
* `GET /markets/trades`: public trades, newest first, in any number of pages. Block trades are left
  out: they do not meet the book.
* `GET /markets` or `GET /markets/{t}`: strikes, values and results. Without them windows have none.

Everything is taken to arrive at its own time.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from core import messages as m
from core.exchange.records import Side
from core.research.importers_quotes import ASSUMED_SIZE
from core.research.recorded_markets import (
    ending,
    market_of,
    opening,
    series_facts,
    with_results,
)
from core.research.tape import TapeError, TapeWriter
from core.units import DOLLAR_PRICE, ONE_CONTRACT, SECOND, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress, RecordedMarket

KALSHI: Final = "kalshi"
Json = dict[str, Any]


class Answers:
    """What some files hold for one series."""

    def __init__(self, series: str) -> None:
        self._prefix = f"{series}-"
        self.records: list[m.TopOfBook | m.TradePrint] = []
        self.markets: dict[str, Json] = {}

    def read(self, path: Path) -> None:
        """Take one file. Raises TapeError naming it."""
        try:
            body = json.loads(path.read_bytes())
            self._take(body)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            msg = f"recording {path}: not an answer of candlesticks, trades or markets ({reason})"
            raise TapeError(msg) from error

    def _take(self, body: Json) -> None:
        if "trades" in body:
            self.records += self._trades(body["trades"])
        elif "candlesticks" in body:
            self.records += self._candles(body["ticker"], body["candlesticks"])
        else:
            for market in body["markets"] if "markets" in body else [body["market"]]:
                if "candlesticks" in market:
                    self.records += self._candles(market["market_ticker"], market["candlesticks"])
                elif market["ticker"].startswith(self._prefix):
                    self.markets[market["ticker"]] = market

    def _candles(self, ticker: str, candles: Iterable[Json]) -> Iterator[m.TopOfBook]:
        if not ticker.startswith(self._prefix):
            return
        for candle in candles:
            at = Nanos(candle["end_period_ts"] * SECOND)
            bid, ask = (
                Price(round(float(candle[side]["close_dollars"]) * DOLLAR_PRICE))
                for side in ("yes_bid", "yes_ask")
            )
            yield m.TopOfBook(
                ticker=ticker,
                bid=bid,
                bid_size=ASSUMED_SIZE if bid > 0 else Quantity(0),
                ask=ask,
                ask_size=ASSUMED_SIZE if ask < DOLLAR_PRICE else Quantity(0),
                ts_event=at,
                ts_recv=at,
            )

    def _trades(self, trades: Iterable[Json]) -> Iterator[m.TradePrint]:
        for trade in trades:
            if not trade["ticker"].startswith(self._prefix) or trade.get("is_block_trade"):
                continue
            at = _time(trade["created_time"])
            taker = trade.get("taker_book_side") or (
                "bid" if trade["taker_side"] == "yes" else "ask"
            )
            yield m.TradePrint(
                ticker=trade["ticker"],
                trade_id=trade["trade_id"],
                price=Price(round(float(trade["yes_price_dollars"]) * DOLLAR_PRICE)),
                quantity=Quantity(round(float(trade["count_fp"]) * ONE_CONTRACT)),
                taker_side=Side(taker),
                ts_event=at,
                ts_recv=at,
            )

    def windows(self, digits: int) -> dict[str, RecordedMarket]:
        """The windows of which anything is known."""
        near = {record.ticker: record.ts_event for record in self.records}
        listed = [
            market_of(ticker, at, _number(self.markets.get(ticker, {}), "floor_strike"), digits)
            for ticker, at in near.items()
        ]
        told = {
            ticker: (_number(market, "expiration_value"), market.get("result") or None)
            for ticker, market in self.markets.items()
        }
        return with_results(listed, told)


def import_kalshi(source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series. Raises TapeError."""
    facts, found = series_facts(series), Answers(series)
    files = sorted(source.glob("*.json")) if source.is_dir() else [source]
    for number, path in enumerate(files, 1):
        found.read(path)
        progress(number / (len(files) + 1))
    if not found.records:
        msg = f"recording {source}: holds no candlesticks or trades of {series}"
        raise TapeError(msg)
    markets = found.windows(facts.digits)
    messages: list[m.Message] = [
        record
        for record in found.records
        if record.ts_recv < markets[record.ticker].window.close_ns
    ]
    for market in markets.values():
        messages += [*opening(market, market.window.open_ns, facts.digits), *ending(market)]
    messages.sort(key=lambda one: (one.ts_recv, not isinstance(one, m.MarketListed)))  # type: ignore[attr-defined]
    with TapeWriter(out, _about(series)) as tape:
        for message in messages:
            tape.write(message)
    progress(1.0)


def _about(series: str) -> dict[str, str]:
    return {
        "source": "Kalshi's REST interface",
        "licence": "Kalshi's terms of market data",
        "series": series,
        "recording": KALSHI,
        "assumed_size": f"{ASSUMED_SIZE // ONE_CONTRACT} contracts on every side of a candle",
        "assumed_times": "arrival at its own time; strike, result, payout at the usual delays",
    }


def _number(market: Json, name: str) -> float | None:
    value = market.get(name)
    return None if value in (None, "") else float(value)


def _time(text: str) -> Nanos:
    """`2026-11-22T15:07:12.4187Z`, to the microsecond."""
    at = datetime.fromisoformat(text)
    return Nanos(int(at.timestamp()) * SECOND + at.microsecond * 1_000)
