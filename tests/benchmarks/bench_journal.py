"""What the journal costs: an entry on the order's path, and a start on a long history.

`NORMAL` hands an entry to the operating system, `FULL` waits for the disk. Between a signal and
its order two entries are written (approval, submission), so `FULL` would cost every order twice its
wait. What a power cut can take under `NORMAL` is asked of the exchange at the next start (see
`tests/recovery`), so only changes of the trading state are written through.

The starts are those of a daemon: lock, check, fold old entries away, then every role that has
journalled state regains it, one after the other.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import Settings
from core.assembly import Assembly, Surroundings, role_names
from core.journal_archive import compact
from core.journal_keeper import JournalKeeper
from core.journal_segments import segments
from core.journal_sqlite import SqliteJournal
from core.messages import TradingStateChanged
from core.runner import Runner
from core.topology import SUPERVISION, Routing
from tests.benchmarks.measure import Row, in_turn, rows
from tests.builders import NOW
from tests.unit.histories import history

if TYPE_CHECKING:
    from core.messages import Message

TITLE = "the journal on the order's path, and at a start"
_ENTRIES: Final = 400
_LONG: Final = 100_000
_YEAR: Final = 365 * 96 * 21
"""Entries of a year of this history: four orders in each window."""


def _append(folder: Path, events: list[Message], synchronous: str) -> float:
    """Microseconds an entry, each in a transaction of its own."""
    path = folder / f"{synchronous}-{time.monotonic_ns()}.sqlite"
    journal = SqliteJournal(path)
    journal._db.execute(f"PRAGMA synchronous={synchronous}")
    started = time.perf_counter()
    for event in events:
        journal.append((event,), NOW)
    elapsed = time.perf_counter() - started
    journal.close()
    return elapsed / len(events) * 1e6


def _write(path: Path, events: list[Message], *, tended: bool) -> None:
    journal = SqliteJournal(path)
    step = 10_000
    for at in range(0, len(events), step):
        journal.append(events[at : at + step], NOW)
        if tended:
            compact(path)
    journal.close()


def _start(path: Path, *, tend: bool = True) -> float:
    """Milliseconds until every role has its state."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    names = (*role_names(settings), SUPERVISION)
    assembly = Assembly(settings, Surroundings(mode="local"))
    started = time.perf_counter()
    keeper = JournalKeeper(path, NOW)
    if tend:
        keeper.tend()
    for name in names:
        journal = keeper.connect()
        Runner({name: assembly.make(name, "abc123")}, Routing(names), journal).recover()
        journal.close()
    elapsed = time.perf_counter() - started
    keeper.release()
    return elapsed * 1e3


def _fresh_start(folder: Path, source: Path, *, tend: bool) -> float:
    """A start on a copy, so that the next round finds the same."""
    path = folder / f"copy-{time.monotonic_ns()}" / source.name
    path.parent.mkdir()
    path.write_bytes(source.read_bytes())
    return _start(path, tend=tend)


def run(rounds: int) -> list[Row]:
    """Appending under both settings, then starts on 100,000 entries and on a year's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A change of the trading state would set its own `synchronous`.
        events = [e for e in history(_ENTRIES) if not isinstance(e, TradingStateChanged)]
        appended = in_turn(
            {
                "entry, NORMAL": lambda: _append(folder, events, "NORMAL"),
                "entry, FULL": lambda: _append(folder, events, "FULL"),
            },
            rounds,
        )
        long, year = folder / "long.sqlite", folder / "year.sqlite"
        _write(long, history(_LONG), tended=False)
        _write(year, history(_YEAR), tended=True)
        started = in_turn(
            {
                "start, 1,000 entries": lambda: _short_start(folder),
                "start, 100,000 entries, never folded": lambda: _fresh_start(
                    folder, long, tend=True
                ),
                "start, 100,000 entries, and none folded": lambda: _fresh_start(
                    folder, long, tend=False
                ),
                "start, a year's entries": lambda: _start(year),
            },
            rounds,
        )
        archived = sum(segment.stat().st_size for segment in segments(year))
        sizes = [
            Row(case="a year's journal", value=year.stat().st_size / 1e6, unit="MB"),
            Row(case="a year's segments", value=archived / 1e6, unit="MB"),
        ]
        return [
            *rows(appended, "us", "entry, NORMAL"),
            *rows(started, "ms", "start, 1,000 entries"),
            *sizes,
        ]


def _short_start(folder: Path) -> float:
    path = folder / f"short-{time.monotonic_ns()}.sqlite"
    _write(path, history(1_000), tended=False)
    return _start(path)
