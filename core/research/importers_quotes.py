"""Importer of two-second quotes: KXSOL15M and its sisters, 2026-02-25 04:22 to 05:45 UTC.

Source: github.com/kapelame/kalshi-crypto-pairs (MIT), `data/sample_features.csv`, here as
`quotes_2s_<series>_feb2026.parquet`. Best prices in whole cents, polled every two seconds; the
strike; a Coinbase price that was refreshed every ten seconds or so and came late.

What is filled in:

* *Sizes.* There are none. A side that exists counts as `ASSUMED_SIZE`: the median at the best of
  KXSOL15M in `books_full_rest_20260806` was 11.5 contracts (quartiles 4 and 30; 50 sides).
* *Empty sides.* Bid 0 and ask 1 are empty. Tails finer than a cent were rounded away at the source.
* *Times.* A poll arrived at `ts_ms`; the quote's own time is the close less `secs_left`, which the
  recorder took down with it, 50 to 320 ms earlier. Polls at the close or later are dropped: REST
  shows stale quotes then (kalshi.md, trap 21).
* *Spot.* A tick is a change of the price. Its own time is its arrival less `SPOT_LAG`.
* *Results.* The settlement value is the next window's strike, exactly; the last window has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from core import messages as m
from core.research.recorded_markets import (
    RecordedMarket,
    ending,
    market_of,
    opening,
    read_columns,
    series_facts,
    with_results,
)
from core.research.tape import TapeWriter
from core.units import (
    DOLLAR_PRICE,
    MILLISECOND,
    ONE_CONTRACT,
    SECOND,
    IndexValue,
    Nanos,
    Price,
    Quantity,
    index_from_float,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress, SeriesFacts

QUOTES_FILE: Final = "quotes_2s_{series}_feb2026.parquet"
ASSUMED_SIZE: Final = Quantity(10 * ONE_CONTRACT)
SPOT_LAG: Final = Nanos(30 * SECOND)
"""How late the spot price was when it arrived, as the compilers of the data state it."""
SPOT_FRESH_SECONDS: Final = 60
"""SPOT_LAG and the longest usual pause between two refreshes: what a strategy must put up with."""
_COLUMNS: Final = ("ts_ms", "ticker", "yes_bid", "yes_ask", "floor_strike", "secs_left", "spot")

Row = dict[str, Any]


def import_quotes(source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series. Raises TapeError."""
    facts = series_facts(series)
    table = read_columns(source / QUOTES_FILE.format(series=series), _COLUMNS)
    rows: list[Row] = table.to_pylist()
    messages = list(_messages(rows, facts))
    messages.sort(key=lambda message: message.ts_recv)  # type: ignore[attr-defined]
    with TapeWriter(out, _about(series)) as tape:
        for message in messages:
            tape.write(message)
    progress(1.0)


def _about(series: str) -> dict[str, str]:
    return {
        "source": "github.com/kapelame/kalshi-crypto-pairs @ "
        "eb129b4fe2fe9a05d8e9f5439e7a97a8e77ae550, data/sample_features.csv",
        "licence": "MIT",
        "series": series,
        "recording": "quotes",
        "assumed_size": f"{ASSUMED_SIZE // ONE_CONTRACT} contracts on every side; none recorded",
        "assumed_spot_lag": f"{SPOT_LAG // SECOND} s before arrival",
        "assumed_times": "strike, result and payout at the exchange's usual delays",
        "index_fresh_seconds": str(SPOT_FRESH_SECONDS),
    }


def _messages(rows: list[Row], facts: SeriesFacts) -> Iterator[m.Message]:
    markets = _markets(rows, facts.digits)
    seen: set[str] = set()
    for row in rows:
        market = markets[row["ticker"]]
        at = _nanos(row["ts_ms"])
        if market.ticker not in seen:
            seen.add(market.ticker)
            yield from opening(market, at, facts.digits)
        if at < market.window.close_ns and row["secs_left"] > 0:
            yield _quote(row, market, at)
    yield from _spot(rows, facts.product)
    for ticker in seen:
        yield from ending(markets[ticker])


def _markets(rows: Iterable[Row], digits: int) -> dict[str, RecordedMarket]:
    found: dict[str, RecordedMarket] = {}
    for row in rows:
        if row["ticker"] not in found:
            found[row["ticker"]] = market_of(
                row["ticker"], _nanos(row["ts_ms"]), row["floor_strike"], digits
            )
    return with_results(found.values(), {})


def _quote(row: Row, market: RecordedMarket, at: Nanos) -> m.TopOfBook:
    bid, ask = _price(row["yes_bid"]), _price(row["yes_ask"])
    asked = market.window.close_ns - seconds(row["secs_left"])
    return m.TopOfBook(
        ticker=market.ticker,
        bid=bid,
        bid_size=ASSUMED_SIZE if bid > 0 else Quantity(0),
        ask=ask,
        ask_size=ASSUMED_SIZE if ask < DOLLAR_PRICE else Quantity(0),
        ts_event=Nanos(min(asked, at)),
        ts_recv=at,
    )


def _spot(rows: Iterable[Row], product: str) -> Iterator[m.SpotTick]:
    last: float | None = None
    for row in rows:
        if row["spot"] == last:
            continue
        last = row["spot"]
        at = _nanos(row["ts_ms"])
        yield m.SpotTick(
            source="coinbase",
            product=product,
            price=index_from_float(row["spot"]),
            bid=IndexValue(0),
            ask=IndexValue(0),
            ts_event=Nanos(at - SPOT_LAG),
            ts_recv=at,
        )


def _nanos(ms: int) -> Nanos:
    return Nanos(ms * MILLISECOND)


def _price(dollars: float) -> Price:
    return Price(round(dollars * DOLLAR_PRICE))
