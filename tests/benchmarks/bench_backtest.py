"""Records a second through the backtest, beside plain code that does the same to the books.

On the first 300,000 records of the recorded KXBTC15M books where they lie beside the checkout, else
on the tape that ships. The plain loop is what one would write without any architecture: one `Book`
for each market, deltas applied, five levels a side taken when they change; no index, no views, no
strategies, no venue. Times are those of the processor.

With PEER_PYTHON, an interpreter that has nautilus_trader 2.0, its BacktestEngine plays the same
tape in turn with `run.py backtest` (`peers/nautilus_backtest.py`): one strategy each, whole
processes from the file to the result, start-up included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from config.settings import Settings
from core import messages as m
from core.domain.book import Book
from core.exchange.fills import FillModel
from core.journal import MemoryJournal
from core.research.backtest import World, assemble, fit
from core.research.importers import import_recorded
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.research.tape_runs import runs
from core.topology import FEED, PAPER, SPOT
from tests.benchmarks.measure import Row, in_turn, rows

if TYPE_CHECKING:
    from core.messages import Message

TITLE = "records through the backtest's loop"
_RECORDED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
_RECORDS: Final = 300_000
_DEPTH: Final = 5
_ROOT: Final = Path(__file__).resolve().parents[2]
_NAUTILUS: Final = "nautilus_trader, file to result"


def _decoded(tape: Path) -> float:
    started = time.process_time()
    count = sum(1 for _ in islice(read(tape), _RECORDS))
    return count / (time.process_time() - started) / 1_000


def _plain(records: list[Message]) -> float:
    books: dict[str, Book] = {}
    shown = None
    started = time.process_time()
    for record in records:
        if type(record) is m.BookDelta:
            book = books[record.ticker]
            book.apply(record.leg, record.price, record.delta, record.ts_event)
            if not book.crossed:
                shown = book.top(_DEPTH)
        elif type(record) is m.BookSnapshot:
            books[record.ticker] = Book()
            books[record.ticker].load(record.yes, record.no)
    elapsed = time.process_time() - started
    assert shown is not None or not books
    return len(records) / elapsed / 1_000


def _world(tape: Path, names: tuple[str, ...] | None = None) -> World:
    found = info(tape)
    settings, _ = fit(Settings(), found)
    cast, journal = assemble(settings, "replay", FillModel()), MemoryJournal()
    if names is not None:
        cast = msgspec.structs.replace(cast, roles={name: cast.roles[name] for name in names})
    return World(cast, journal, found.first)


def _looped(tape: Path, records: list[Message], names: tuple[str, ...] | None) -> float:
    loop = _world(tape, names).loop
    started = time.process_time()
    for record in records:
        loop.take(record, record.ts_recv)  # type: ignore[attr-defined]
    return len(records) / (time.process_time() - started) / 1_000


def _in_columns(tape: Path) -> float:
    world = _world(tape)
    started = time.process_time()
    for record in runs(tape):
        world.take(record)
        if world.loop.delivered >= _RECORDS:
            break
    return world.loop.delivered / (time.process_time() - started) / 1_000


class _Process(msgspec.Struct, frozen=True):
    """What a process took, and the last line it said."""

    cpu_seconds: float
    megabytes: float
    said: dict[str, float]


def _run(*command: str) -> _Process:
    environment = {"PATH": os.environ["PATH"], "ENABLED_STRATEGIES": "kelly_volatility"}
    with subprocess.Popen(  # noqa: S603 - our own programs
        command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        said = running.stdout.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, command
    return _Process(
        usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1_024, json.loads(said.splitlines()[-1])
    )


def _against_peer(peer: str, tape: Path, rounds: int) -> list[Row]:
    """Ours and nautilus_trader's, in turn; the median round of each."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_run(sys.executable, "run.py", "backtest", str(tape), "--json"))
        theirs.append(_run(peer, "tests/benchmarks/peers/nautilus_backtest.py", str(tape)))
    mine, other = (
        sorted(runs, key=lambda run: run.cpu_seconds)[rounds // 2] for runs in (ours, theirs)
    )
    rates = {
        "one strategy, file to result": mine.said["events"] / mine.cpu_seconds / 1_000,
        _NAUTILUS: other.said["events"] / other.cpu_seconds / 1_000,
        "nautilus_trader, its run alone": other.said["events"] / other.said["run_seconds"] / 1_000,
    }
    memory = {"one strategy, peak": mine.megabytes, "nautilus_trader, peak": other.megabytes}
    return [
        *rows(rates, "k rec/s", _NAUTILUS),
        *rows(memory, "MB", "nautilus_trader, peak"),
    ]


def run(rounds: int) -> list[Row]:
    """Decoding alone, plain books, feed and venue, and every role."""
    with tempfile.TemporaryDirectory() as folder:
        tape = SAMPLE_TAPE
        if _RECORDED.is_dir():
            tape = Path(folder) / "books.parquet"
            import_recorded(_RECORDED, "KXBTC15M", tape, "books")
        records = list(islice(read(tape), _RECORDS))
        if tape is not SAMPLE_TAPE:
            tape = _part(records, info(tape).about, Path(folder) / "part.parquet")
        medians = in_turn(
            {
                "tape to messages": lambda: _decoded(tape),
                "plain loop, books only": lambda: _plain(records),
                "feeds and paper venue": lambda: _looped(tape, records, (FEED, SPOT, PAPER)),
                "every role, record by record": lambda: _looped(tape, records, None),
                "every role, in columns, decoding included": lambda: _in_columns(tape),
            },
            rounds,
        )
        peer = os.environ.get("PEER_PYTHON")
        beside = _against_peer(peer, tape, rounds) if peer else []
    return [*rows(medians, "k rec/s", "plain loop, books only"), *beside]


def _part(records: list[Message], about: dict[str, str], out: Path) -> Path:
    with TapeWriter(out, about) as tape:
        for record in records:
            tape.write(record)
    return out
