"""Importer of one-minute quotes: KXSOL15M and its sisters, 2026-05-24 to 2026-07-12.

Source: github.com/UnityeFUCD/m15-crypto15m-research (no licence stated: for research here, not for
shipping), `data/ladder_paths.parquet` and `data/new_series.parquet`, here as `paths_1m_U.parquet`
and the rows `src` U of `markets_<series>.parquet`. For Solana a spot price of one minute beside
them: github.com/reynarenatan/dlmm-backtest, `data/sol_1m_14d.csv` (Jupiter, a venue that the
settlement index does not use), here as `spot_SOL-USD_1m_jupiter.parquet`.

How it becomes messages:

* *Quotes.* The close of a one-minute candle of the YES book is what stood at the candle's end. The
  row at the close of the window is dropped: nobody can trade there.
* *Sizes.* There are none. A side that exists counts as `ASSUMED_SIZE`. Bid 0 and ask 1 are empty.
* *Markets.* Every settled window is listed, with quotes or without: its strike tells where the
  index stood. Strike, result and payout come at the exchange's usual delays.
* *Spot.* The close of a candle is a tick at the candle's end, with no delay: the kindest assumption
  there is. Between the ends nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from core import messages as m
from core.research.importers_quotes import ASSUMED_SIZE
from core.research.recorded_markets import (
    RecordedMarket,
    ending,
    market_of,
    opening,
    read_columns,
    series_facts,
    with_results,
)
from core.research.tape import TapeError, TapeWriter
from core.units import (
    DOLLAR_PRICE,
    MILLISECOND,
    MINUTE,
    ONE_CONTRACT,
    IndexValue,
    Nanos,
    Price,
    Quantity,
    index_from_float,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress, SeriesFacts

MINUTES_FILE: Final = "paths_1m_U.parquet"
_MARKETS_FILE: Final = "markets_{series}.parquet"
_MARKET_SOURCE: Final = "U"
_SPOT_FILE: Final = "spot_{product}_1m_jupiter.parquet"
_COLUMNS: Final = ("ticker", "ts_ms", "yes_bid_close", "yes_ask_close", "secs_left")

Row = dict[str, Any]


def import_minutes(source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series. Raises TapeError."""
    facts = series_facts(series)
    coin = facts.product.partition("-")[0]
    table = read_columns(source / MINUTES_FILE, _COLUMNS, filters=[("coin", "=", coin)])
    rows: list[Row] = table.to_pylist()
    if not rows:
        msg = f"recording {source / MINUTES_FILE}: holds no quotes of {series}"
        raise TapeError(msg)
    markets = _markets(source / _MARKETS_FILE.format(series=series), facts.digits)
    spot = source / _SPOT_FILE.format(product=facts.product)
    messages = [*_told(markets, facts), *_quotes(rows, markets), *_spot(spot, facts.product)]
    messages.sort(key=lambda message: message.ts_recv)  # type: ignore[attr-defined]
    with TapeWriter(out, _about(series, has_spot=spot.is_file())) as tape:
        for message in messages:
            tape.write(message)
    progress(1.0)


def _about(series: str, *, has_spot: bool) -> dict[str, str]:
    jupiter = "github.com/reynarenatan/dlmm-backtest @ 5721da8db254583093762cb1bde0801ed457b215"
    return {
        "source": "github.com/UnityeFUCD/m15-crypto15m-research @ "
        "34d4207eefdc2ecb6b256f7e5216f64755ee84f2, data",
        "spot_source": f"{jupiter}, data/sol_1m_14d.csv" if has_spot else "none",
        "licence": "none stated; do not redistribute",
        "series": series,
        "recording": "minutes",
        "assumed_size": f"{ASSUMED_SIZE // ONE_CONTRACT} contracts on every side; none recorded",
        "assumed_spot_lag": "none: a candle's close is taken to be known at the candle's end",
        "assumed_times": "strike, result and payout at the exchange's usual delays",
    }


def _markets(path: Path, digits: int) -> dict[str, RecordedMarket]:
    columns = ("ticker", "open_time_ms", "floor_strike", "expiration_value", "result")
    table = read_columns(path, columns, filters=[("src", "=", _MARKET_SOURCE)])
    rows: list[Row] = table.to_pylist()
    listed = [
        market_of(row["ticker"], _nanos(row["open_time_ms"]), row["floor_strike"], digits)
        for row in rows
    ]
    told = {row["ticker"]: (row["expiration_value"], row["result"]) for row in rows}
    return with_results(listed, told)


def _told(markets: dict[str, RecordedMarket], facts: SeriesFacts) -> Iterator[m.Message]:
    for market in markets.values():
        yield from opening(market, market.window.open_ns, facts.digits)
        yield from ending(market)


def _quotes(rows: list[Row], markets: dict[str, RecordedMarket]) -> Iterator[m.Message]:
    for row in rows:
        market = markets.get(row["ticker"])
        if market is None:
            msg = f"recording: no market data of {row['ticker']} (source {_MARKET_SOURCE})"
            raise TapeError(msg)
        at = _nanos(row["ts_ms"])
        if at >= market.window.close_ns:
            continue
        bid, ask = _price(row["yes_bid_close"]), _price(row["yes_ask_close"])
        yield m.TopOfBook(
            ticker=market.ticker,
            bid=bid,
            bid_size=ASSUMED_SIZE if bid > 0 else Quantity(0),
            ask=ask,
            ask_size=ASSUMED_SIZE if ask < DOLLAR_PRICE else Quantity(0),
            ts_event=at,
            ts_recv=at,
        )


def _spot(path: Path, product: str) -> Iterator[m.Message]:
    if not path.is_file():
        return
    for row in read_columns(path, ("ts_ms", "close")).to_pylist():
        at = Nanos(_nanos(row["ts_ms"]) + MINUTE)
        yield m.SpotTick(
            source="jupiter",
            product=product,
            price=index_from_float(row["close"]),
            bid=IndexValue(0),
            ask=IndexValue(0),
            ts_event=at,
            ts_recv=at,
        )


def _nanos(ms: int) -> Nanos:
    return Nanos(ms * MILLISECOND)


def _price(dollars: float) -> Price:
    return Price(round(dollars * DOLLAR_PRICE))
