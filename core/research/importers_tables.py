"""Importers of tables: best prices, five levels, or trades, one row each, in many recorders' ways.

| recording | source | what a row is |
|---|---|---|
| `tickers` | `quotes_ws_ticker_<series>` | a ticker frame of the stream, with sizes |
| `best` | `book_l1_ws_<series>` | a change of the best prices of a replayed level-2 book |
| `levels` | `book_top5_1s_<series>` | the five best levels a side, at most once a second |
| `polls` | `quotes_30s_<series>_feb2026` | a quote polled every half minute, with a spot price |
| `snaps` | `quotes_snap_<series>_aug2026` | a sparse quote, most repeated, with a spot price |
| `candles` | `candles_1m_<series>` | a one-minute candle in whole cents: its close is the quote |
| `entries` | `entry_quotes_U` | one quote a window, at its fourteenth to eighth last minute |
| `trades` | `trades_multi_20260806` | a public trade |

Where a row has no size a side that exists counts as `ASSUMED_SIZE`; where it has no arrival it
arrived at its own time. Rows at the close or later are dropped, and so are crossed books, which
stand for a moment within one match. Strikes, values and results come
from `markets_<series>.parquet` where it has the window, at the exchange's usual delays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core import messages as m
from core.research.importers_layouts import LAYOUTS, Layout, Row, millis, times
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
    ONE_CONTRACT,
    IndexValue,
    Nanos,
    index_from_float,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress

_MARKETS_FILE: Final = "markets_{series}.parquet"


def import_table(layout: str, source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series from one kind of table. Raises TapeError."""
    how, facts = LAYOUTS[layout], series_facts(series)
    path = source / how.file.format(series=series)
    prefix = f"{series}-"
    rows = [
        row
        for row in read_columns(path, how.columns).to_pylist()
        if row["ticker"].startswith(prefix)
    ]
    if not rows:
        msg = f"recording {path}: holds nothing of {series}"
        raise TapeError(msg)
    rows.sort(key=lambda row: row[how.arrival])
    markets = _markets(source / _MARKETS_FILE.format(series=series), rows, facts.digits)
    messages = [*_quotes(how, rows, markets), *_spot(how, rows, facts.product)]
    seen = {row["ticker"]: times(row)[1] for row in reversed(rows)}
    for ticker, first in seen.items():
        messages += [*opening(markets[ticker], first, facts.digits), *ending(markets[ticker])]
    messages.sort(key=_order)
    with TapeWriter(out, _about(layout, series)) as tape:
        for message in messages:
            tape.write(message)
    progress(1.0)


def _order(message: m.Message) -> tuple[Nanos, bool]:
    """By arrival; a market is listed before anything is said of it."""
    return message.ts_recv, not isinstance(message, m.MarketListed)  # type: ignore[attr-defined]


def _about(layout: str, series: str) -> dict[str, str]:
    return {
        "source": LAYOUTS[layout].source,
        "licence": "as its compiler states, if at all; do not redistribute",
        "series": series,
        "recording": layout,
        "assumed_size": f"{ASSUMED_SIZE // ONE_CONTRACT} contracts where none was recorded",
        "assumed_times": "strike, result and payout at the exchange's usual delays",
    }


def _markets(path: Path, rows: list[Row], digits: int) -> dict[str, RecordedMarket]:
    """Windows of the rows, with what the settled ones became."""
    wanted = {row["ticker"]: row["ts_ms"] or row["recv_ms"] for row in rows}
    known: dict[str, Row] = {}
    if path.is_file():
        columns = ("ticker", "floor_strike", "expiration_value", "result")
        for row in read_columns(path, columns).to_pylist():
            if row["ticker"] in wanted:
                known.setdefault(row["ticker"], {}).update(
                    {name: value for name, value in row.items() if value is not None}
                )
    listed = [
        market_of(ticker, millis(near), known.get(ticker, {}).get("floor_strike"), digits)
        for ticker, near in wanted.items()
    ]
    told = {
        ticker: (row.get("expiration_value"), row.get("result")) for ticker, row in known.items()
    }
    return with_results(listed, told)


def _quotes(
    how: Layout, rows: list[Row], markets: dict[str, RecordedMarket]
) -> Iterator[m.Message]:
    number = 0
    for row in rows:
        if times(row)[1] < markets[row["ticker"]].window.close_ns:
            message = how.read(row, number + 1)
            if not _crossed(message):
                number += 1
                yield message


def _crossed(message: m.Message) -> bool:
    """Locked or crossed: a moment within one match, on which nobody can act."""
    if isinstance(message, m.BookSnapshot):
        yes, no = (max((price for price, _ in leg), default=0) for leg in (message.yes, message.no))
        return yes + no >= DOLLAR_PRICE
    return isinstance(message, m.TopOfBook) and message.bid >= message.ask


def _spot(how: Layout, rows: list[Row], product: str) -> Iterator[m.Message]:
    last = None
    for row in rows if how.spot else ():
        price = row[how.spot]
        if price and price != last:
            last = price
            at = times(row)[1]
            yield m.SpotTick(
                source="recorded",
                product=product,
                price=index_from_float(price),
                bid=IndexValue(0),
                ask=IndexValue(0),
                ts_event=at,
                ts_recv=at,
            )
