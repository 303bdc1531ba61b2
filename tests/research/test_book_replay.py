"""Recorded book events, replayed, give the quotes that the exchange itself sent.

By default the first 30 of 92 connections are replayed: 0.7 of 2.6 million events, 7,653
of 27,111 quotes. The
environment variable WHOLE_TAPES=1 replays all of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from core import messages as m
from core.domain.book import Book
from core.research.importers import import_recorded
from core.research.tape import read
from core.units import DOLLAR_PRICE, MILLISECOND, Nanos, Price

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Key = tuple[str, int]
    Quote = tuple[Price, Price]

SERIES = "KXBTC15M"
SHARE = 30
WHOLE = os.environ.get("WHOLE_TAPES") == "1"


@pytest.fixture(scope="module")
def books_tape(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tape = tmp_path_factory.mktemp("tapes") / "books.parquet"
    import_recorded(recorded, SERIES, tape, "books")
    return tape


def quotes(recorded: Path) -> dict[Key, Quote]:
    columns = ("ticker", "ts_ms", "yes_bid", "yes_ask")
    rows = pq.read_table(recorded / f"quotes_ws_ticker_{SERIES}.parquet", columns=list(columns))
    return {
        (ticker, ts_ms): (Price(round(bid * DOLLAR_PRICE)), Price(round(ask * DOLLAR_PRICE)))
        for ticker, ts_ms, bid, ask in zip(
            *(rows.column(name).to_pylist() for name in columns), strict=True
        )
    }


def events(tape: Path) -> Iterator[m.BookSnapshot | m.BookDelta]:
    for message in read(tape):
        if not isinstance(message, m.BookSnapshot | m.BookDelta):
            continue
        if message.conn > SHARE and not WHOLE:
            return
        yield message


def replayed(tape: Path, wanted: dict[Key, Quote]) -> tuple[dict[Key, Quote], int]:
    """The book's best prices after the last event of each wanted millisecond; and the events."""
    seen: dict[Key, Quote] = {}
    book, count, seq = Book(), 0, 0
    for event in events(tape):
        count += 1
        if isinstance(event, m.BookSnapshot):
            book.load(event.yes, event.no)
        else:
            assert event.seq == seq + 1, "the importer let a gap through"
            book.apply(event.leg, event.price, event.delta, Nanos(event.ts_event))
            key = (event.ticker, event.ts_event // MILLISECOND)
            if key in wanted:
                seen[key] = (book.bid, book.ask)
        seq = event.seq
    return seen, count


def test_replayed_prices_are_those_of_the_ticker_frames(recorded: Path, books_tape: Path) -> None:
    told = quotes(recorded)

    seen, count = replayed(books_tape, told)

    agreeing = sum(told[key] == quote for key, quote in seen.items())
    assert count > (2_600_000 if WHOLE else 700_000), "too little was replayed"
    assert len(seen) > (27_000 if WHOLE else 7_600), "too little was compared"
    assert agreeing / len(seen) >= 0.999
