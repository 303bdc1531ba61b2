"""Records a second through the backtest's loop, beside plain code that does the same to the books.

On the first 300,000 records of the recorded KXBTC15M books where they lie beside the checkout, else
on the tape that ships. The plain loop is what one would write without any architecture: one `Book`
for each market, deltas applied, five levels a side taken when they change; no index, no views, no
strategies, no venue.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import Settings
from core import messages as m
from core.domain.book import Book
from core.exchange.fills import FillModel
from core.journal import MemoryJournal
from core.research.backtest import assemble, fit
from core.research.backtest_loop import Loop
from core.research.importers import import_recorded
from core.research.tape import SAMPLE_TAPE, info, read
from core.topology import FEED, PAPER, SPOT
from tests.benchmarks.measure import Row, in_turn, rows

if TYPE_CHECKING:
    from core.messages import Message

TITLE = "records through the backtest's loop"
_RECORDED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
_RECORDS: Final = 300_000
_DEPTH: Final = 5


def _decoded(tape: Path) -> float:
    started = time.perf_counter()
    count = sum(1 for _ in islice(read(tape), _RECORDS))
    return count / (time.perf_counter() - started) / 1_000


def _plain(records: list[Message]) -> float:
    books: dict[str, Book] = {}
    shown = None
    started = time.perf_counter()
    for record in records:
        if type(record) is m.BookDelta:
            book = books[record.ticker]
            book.apply(record.leg, record.price, record.delta, record.ts_event)
            if not book.crossed:
                shown = book.top(_DEPTH)
        elif type(record) is m.BookSnapshot:
            books[record.ticker] = Book()
            books[record.ticker].load(record.yes, record.no)
    elapsed = time.perf_counter() - started
    assert shown is not None or not books
    return len(records) / elapsed / 1_000


def _looped(tape: Path, records: list[Message], names: tuple[str, ...] | None) -> float:
    found = info(tape)
    settings, _ = fit(Settings(_env_file=None), found)  # type: ignore[call-arg]
    roles = assemble(settings, "replay", FillModel()).roles
    if names is not None:
        roles = {name: roles[name] for name in names}
    loop = Loop(roles, MemoryJournal(), found.first)
    loop.begin()
    started = time.perf_counter()
    for record in records:
        loop.take(record, record.ts_recv)  # type: ignore[attr-defined]
    return len(records) / (time.perf_counter() - started) / 1_000


def run(rounds: int) -> list[Row]:
    """Decoding alone, plain books, feed and venue, and every role."""
    with tempfile.TemporaryDirectory() as folder:
        tape = SAMPLE_TAPE
        if _RECORDED.is_dir():
            tape = Path(folder) / "books.parquet"
            import_recorded(_RECORDED, "KXBTC15M", tape, "books")
        records = list(islice(read(tape), _RECORDS))
        medians = in_turn(
            {
                "tape to messages": lambda: _decoded(tape),
                "plain loop, books only": lambda: _plain(records),
                "feeds and paper venue": lambda: _looped(tape, records, (FEED, SPOT, PAPER)),
                "every role": lambda: _looped(tape, records, None),
            },
            rounds,
        )
    return rows(medians, "k rec/s", "plain loop, books only")
