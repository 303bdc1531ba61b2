"""Importer of level-2 books: KXBTC15M, 2026-05-11 to 2026-05-14, with Coinbase trades beside them.

Source: github.com/organics-jpg/kalshi-probability-model-bot-gpt55-export (no licence stated: for
research here, not for shipping), as `book_l2_events_<series>.parquet`, `markets_<series>.parquet`
(rows `src` G) and `spot_BTC-USD_coinbase_trades.parquet`.

How it becomes messages:

* *Connections.* The recorder's connection ids repeat; every place where `seq` begins again at 1
  with a snapshot is a connection of its own here, numbered in the order of time. It is `open` when
  its snapshot arrives and `lost` one nanosecond after its last record.
* *Gaps.* A jump of `seq` means missing parts: nothing after it is used until the next snapshot.
* *Times.* `ts_event` is the exchange's; snapshots have none and take their arrival. The recorder's
  clock drifted up to half a second about the exchange's, so an event may seem to arrive before it
  happened: kept as it is.
* *Quantities* were stored as 32-bit floats; they are rounded to 0.01 contract, which is exact but
  for four rows above 131,072 contracts.
* *Markets.* Listed when their first connection opens, with the strike if it was published by then.
  A result that the source lacks follows from the next window's strike, where that is known; else
  the window has no result.
* *Spot.* Every Coinbase trade is a tick. The replay of the last trade at each subscription is kept:
  it is a price that did arrive, and its own time says how old it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from core import messages as m
from core.exchange.records import Outcome
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
from core.research.tape_codecs import nanos
from core.research.tape_columns import COLUMNS, encode, join, table_of
from core.units import INDEX_DOLLAR, MILLISECOND, ONE_CONTRACT, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress

    Integers = np.ndarray[Any, np.dtype[np.int64]]

BOOKS_FILE: Final = "book_l2_events_{series}.parquet"
_MARKETS_FILE: Final = "markets_{series}.parquet"
_SPOT_FILE: Final = "spot_{product}_coinbase_trades.parquet"
_MARKET_SOURCE: Final = "G"
_STREAM: Final = "market"
_SID: Final = 1
_LEGS: Final = (Outcome.YES, Outcome.NO)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A run of records without a gap, that begins with a snapshot."""

    conn: int
    ticker: str
    start: int
    """First row, which belongs to the snapshot."""
    deltas: int
    """First row after the snapshot."""
    end: int
    """Row after the last."""
    opened: Nanos
    lost: Nanos


def import_books(source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series. Raises TapeError."""
    facts = series_facts(series)
    book = RecordedBook(source / BOOKS_FILE.format(series=series))
    markets = _markets(source / _MARKETS_FILE.format(series=series), facts.digits)
    others = join(
        [
            encode(list(_told(book, markets, facts.digits))),
            _spot(source / _SPOT_FILE.format(product=facts.product), facts.product),
        ]
    )
    others = others.take(pa.array(np.argsort(_arrivals(others), kind="stable")))
    times, done = _arrivals(others), 0
    with TapeWriter(out, _about(series, book)) as tape:
        for connection in book.connections:
            upto = int(np.searchsorted(times, connection.lost))
            tape.write_rows(join([others.slice(done, upto - done), book.deltas(connection)]))
            done = upto
            progress(connection.end / book.rows)
        tape.write_rows(others.slice(done))
    progress(1.0)


class RecordedBook:
    """The recorded events of all connections, as arrays."""

    def __init__(self, path: Path) -> None:
        columns = ("recv_ms", "ts_ms", "conn", "seq", "is_snapshot", "side", "price_e4", "qty")
        table = read_columns(path, (*columns, "ticker")).combine_chunks()
        self.rows: int = table.num_rows
        self._recv, self._event, conn, seq, snapshot, self._side, self._price = (
            table.column(name).to_numpy().astype(np.int64) for name in columns[:-1]
        )
        self._quantity = np.rint(table.column("qty").to_numpy().astype(float) * ONE_CONTRACT)
        names = table.column("ticker").chunk(0).dictionary_encode()
        self._names: list[str] = names.dictionary.to_pylist()
        self._ticker = names.indices.to_numpy().astype(np.int64)
        self._seq = seq
        self.connections = tuple(self._connections(conn, seq, snapshot))
        self.discarded = self.rows - sum(c.end - c.start for c in self.connections)

    def _connections(
        self, conn: Integers, seq: Integers, snapshot: Integers
    ) -> Iterator[Connection]:
        same_frame = _steady(conn) & _steady(seq) & _steady(self._ticker) & _steady(snapshot)
        follows = _steady(conn) & (np.diff(seq) == 1) & (np.diff(snapshot) <= 0)
        starts = np.flatnonzero(np.concatenate([[True], ~(same_frame | follows)]))
        number = 0
        for start, end in zip(starts, [*starts[1:], self.rows], strict=True):
            if not snapshot[start] or seq[start] != 1:
                continue
            number += 1
            yield Connection(
                conn=number,
                ticker=self._names[self._ticker[start]],
                start=int(start),
                deltas=int(start + np.count_nonzero(snapshot[start:end])),
                end=int(end),
                opened=Nanos(int(self._recv[start]) * MILLISECOND),
                lost=Nanos(int(self._recv[end - 1]) * MILLISECOND + 1),
            )

    def snapshot(self, connection: Connection) -> m.BookSnapshot:
        """The book with which a connection began."""
        rows = slice(connection.start, connection.deltas)
        sides = self._side[rows]
        legs = []
        for leg in range(len(_LEGS)):
            prices = self._price[rows][sides == leg].tolist()
            sizes = self._quantity[rows][sides == leg].astype(np.int64).tolist()
            levels = zip(prices, sizes, strict=True)
            legs.append(tuple((Price(price), Quantity(size)) for price, size in levels))
        return m.BookSnapshot(
            ticker=connection.ticker,
            yes=legs[0],
            no=legs[1],
            conn=connection.conn,
            sid=_SID,
            seq=1,
            ts_event=connection.opened,
            ts_recv=connection.opened,
        )

    def deltas(self, connection: Connection) -> pa.Table:
        """The changes after it, as rows of a tape."""
        rows = slice(connection.deltas, connection.end)
        count = connection.end - connection.deltas
        legs = pa.DictionaryArray.from_arrays(pa.array(self._side[rows]), pa.array(list(_LEGS)))
        columns = {
            "ticker": COLUMNS["ticker"].encode([connection.ticker] * count),
            "leg": legs.cast(COLUMNS["leg"].arrow),
            "price": pa.array(self._price[rows]),
            "delta": pa.array(self._quantity[rows].astype(np.int64)),
            "conn": pa.array(np.full(count, connection.conn)),
            "sid": pa.array(np.full(count, _SID)),
            "seq": pa.array(self._seq[rows]),
            "ts_event": pa.array(self._event[rows] * MILLISECOND),
            "ts_recv": pa.array(self._recv[rows] * MILLISECOND),
        }
        return table_of(m.BookDelta, columns, count)


def _steady(values: Integers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a row equals the one before it."""
    steady: np.ndarray[Any, np.dtype[np.bool_]] = np.diff(values) == 0
    return steady


def _arrivals(rows: pa.Table) -> Integers:
    return nanos(rows.column("ts_recv").combine_chunks())


def _about(series: str, book: RecordedBook) -> dict[str, str]:
    return {
        "source": "github.com/organics-jpg/kalshi-probability-model-bot-gpt55-export @ "
        "fcffbdbb413f1f017fdfa844a84754d24f04b628, research_data and logs",
        "licence": "none stated; do not redistribute",
        "series": series,
        "recording": "books",
        "connections": str(len(book.connections)),
        "discarded_after_gaps": f"{book.discarded} rows of {book.rows}",
        "assumed_times": "strike, result and payout at the exchange's usual delays",
    }


def _markets(path: Path, digits: int) -> dict[str, RecordedMarket]:
    columns = ("ticker", "open_time_ms", "floor_strike", "expiration_value", "result")
    table = read_columns(path, columns, filters=[("src", "=", _MARKET_SOURCE)])
    rows = table.to_pylist()
    listed = [
        market_of(row["ticker"], row["open_time_ms"] * MILLISECOND, row["floor_strike"], digits)
        for row in rows
    ]
    told = {row["ticker"]: (row["expiration_value"], row["result"]) for row in rows}
    return with_results(listed, told)


def _told(
    book: RecordedBook, markets: dict[str, RecordedMarket], digits: int
) -> Iterator[m.Message]:
    """Everything but deltas and spot trades, in the order in which it must stand at equal times."""
    seen: set[str] = set()
    for connection in book.connections:
        market = markets.get(connection.ticker)
        if market is None:
            msg = f"recording: no market data of {connection.ticker} (source {_MARKET_SOURCE})"
            raise TapeError(msg)
        if connection.ticker not in seen:
            seen.add(connection.ticker)
            yield from opening(market, connection.opened, digits)
        yield _changed(connection, "open", connection.opened)
        yield book.snapshot(connection)
        yield _changed(connection, "lost", connection.lost)
    for ticker in seen:
        yield from ending(markets[ticker])


def _changed(connection: Connection, state: m.StreamState, at: Nanos) -> m.StreamChanged:
    return m.StreamChanged(
        stream=_STREAM,
        conn=connection.conn,
        state=state,
        reason="recorded" if state == "open" else "end of this part of the recording",
        ts_recv=at,
    )


def _spot(path: Path, product: str) -> pa.Table:
    table = read_columns(path, ("ts_ms", "recv_ms", "price")).combine_chunks()
    count = table.num_rows
    prices = np.rint(table.column("price").to_numpy() * INDEX_DOLLAR).astype(np.int64)
    none = pa.array(np.zeros(count, dtype=np.int64))
    columns = {
        "source": COLUMNS["source"].encode(["coinbase"] * count),
        "product": COLUMNS["product"].encode([product] * count),
        "spot_price": pa.array(prices),
        "spot_bid": none,
        "spot_ask": none,
        "ts_event": pa.array(table.column("ts_ms").to_numpy() * MILLISECOND),
        "ts_recv": pa.array(table.column("recv_ms").to_numpy() * MILLISECOND),
    }
    return table_of(m.SpotTick, columns, count)
