"""Snapshots and segments: the same books, from less, and nothing lost on the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core import messages as m
from core.domain.fold import Fold, StateFolded, folded
from core.journal import Codec, JournalError, MemoryJournal
from core.journal_archive import Bounds, compact
from core.journal_check import check
from core.journal_reader import JournalReader
from core.journal_segments import folder_of, segments
from core.roles.risk import Risk
from core.runner import Runner
from core.topology import RISK, Routing
from core.units import Nanos, seconds
from tests.builders import NOW, limits
from tests.unit.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.journal_sqlite import SqliteJournal

    Opener = Callable[[Path], SqliteJournal]
    Writer = Callable[[Path, list[m.Message]], SqliteJournal]

BOUNDS = Bounds(keep=100, above=200)


@pytest.fixture
def journal_of(opened: Opener) -> Writer:
    """Writes a journal of some events, a few at a time."""

    def write(path: Path, events: list[m.Message]) -> SqliteJournal:
        journal = opened(path)
        for at in range(0, len(events), 7):
            journal.append(events[at : at + 7], NOW)
        return journal

    return write


def read(path: Path) -> list[m.Message]:
    """Every event from the first on, archived ones included."""
    with closing(JournalReader(path)) as reader:
        return [entry.event for entry in reader.entries()]


def books(fold: Fold) -> StateFolded:
    return fold.state(0, NOW)


def test_the_fold_of_snapshot_and_rest_is_the_fold_of_everything(
    tmp_path: Path, journal_of: Writer
) -> None:
    path, events = tmp_path / "j.sqlite", history(1000)
    journal = journal_of(path, events)
    done = compact(path, BOUNDS)
    assert done is not None
    assert (done.folded, done.archived) == (900, 900)
    replayed = list(journal.replay())
    assert isinstance(replayed[0], StateFolded)
    assert replayed[1:] == events[900:]
    assert books(folded(replayed)) == books(folded(events))


class Meddled:
    """A connection beside which something happens once, after the first statement."""

    def __init__(self, db: sqlite3.Connection, happens: Callable[[], object]) -> None:
        self._db = db
        self._happens = happens

    def execute(self, *statement: object) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._db.execute(*statement)  # type: ignore[arg-type] # passed on
        self._happens()
        return cursor


@pytest.mark.parametrize("earlier", [False, True])
def test_who_starts_while_entries_are_folded_away_misses_none(
    tmp_path: Path, journal_of: Writer, monkeypatch: pytest.MonkeyPatch, *, earlier: bool
) -> None:
    path, events = tmp_path / "j.sqlite", history(1000)
    journal = journal_of(path, events)
    if earlier:
        assert compact(path, Bounds(keep=500, above=200)) is not None
    meddled = Meddled(journal._db, lambda: compact(path, BOUNDS))
    monkeypatch.setattr(journal, "_db", meddled)
    assert books(folded(journal.replay())) == books(folded(events))
    assert compact(path, BOUNDS) is None, "it was done meanwhile"


def test_who_reads_from_outside_while_entries_are_folded_away_finds_no_hole(
    tmp_path: Path, journal_of: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, events = tmp_path / "j.sqlite", history(1000)
    journal_of(path, events)

    def meanwhile(journal: Path) -> tuple[Path, ...]:
        found = segments(journal)
        compact(path, BOUNDS)
        return found

    monkeypatch.setattr("core.journal_reader.segments", meanwhile)
    with closing(JournalReader(path)) as reader:
        assert [entry.event for entry in reader.entries()] == events
        assert [entry.event for entry in reader.entries()] == events, "and again, of after it"
    assert segments(path)


def test_a_short_journal_is_left_alone(tmp_path: Path, journal_of: Writer) -> None:
    path = tmp_path / "j.sqlite"
    journal_of(path, history(200))
    assert compact(path, BOUNDS) is None
    assert segments(path) == ()


def test_it_goes_on_from_snapshot_to_snapshot_while_others_write(
    tmp_path: Path, opened: Opener
) -> None:
    path, events = tmp_path / "j.sqlite", history(2000)
    journal = opened(path)
    for at in range(0, len(events), 50):
        journal.append(events[at : at + 50], NOW)
        compact(path, BOUNDS)
    assert len(segments(path)) > 5
    assert check(path, NOW).last == len(events)
    assert check(path, NOW).entries <= BOUNDS.above
    assert read(path) == events
    assert books(folded(journal.replay())) == books(folded(events))


def test_a_role_that_starts_from_a_snapshot_has_the_same_books(
    tmp_path: Path, journal_of: Writer
) -> None:
    path, events = tmp_path / "j.sqlite", history(995)
    journal = journal_of(path, events)
    compact(path, BOUNDS)
    routing = Routing((RISK, "execution"))
    short, whole = Risk(limits(), "abc123"), Risk(limits(), "abc123")
    Runner({RISK: short}, routing, journal).recover()
    Runner({RISK: whole}, routing, MemoryJournal(events=events)).recover()
    assert short.ledger.dump() == whole.ledger.dump()


def steps_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The steps of a compaction, each made to fail in turn: a crash just before it."""
    for step in ("write_segment", "_replace", "_delete"):

        def fall(*_: object, step: str = step) -> None:
            raise OSError(step)

        with monkeypatch.context() as patch:
            patch.setattr(f"core.journal_archive.{step}", fall)
            yield step


def test_a_crash_between_any_two_steps_loses_nothing(
    tmp_path: Path, journal_of: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, events = tmp_path / "j.sqlite", history(1000)
    journal = journal_of(path, events)
    for step in steps_of(monkeypatch):
        with pytest.raises(JournalError, match=step):
            compact(path, BOUNDS)
        assert books(folded(journal.replay())) == books(folded(events))
        assert check(path, NOW).last == len(events)
        assert read(path) == events
    more = history(1300)[1000:]
    journal.append(more, NOW)
    assert compact(path, BOUNDS) is not None
    assert read(path) == events + more


def test_a_segment_of_a_broken_off_compaction_is_written_anew(
    tmp_path: Path, journal_of: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, events = tmp_path / "j.sqlite", history(1000)
    journal = journal_of(path, events[:500])
    with monkeypatch.context() as patch:
        patch.setattr("core.journal_archive._replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compact(path, BOUNDS)
    assert len(segments(path)) == 1
    journal.append(events[500:], NOW)
    compact(path, BOUNDS)
    assert [segment.name for segment in segments(path)] == ["000000000001-000000000900.jsonl.gz"]


def test_a_damaged_snapshot_is_refused(tmp_path: Path, journal_of: Writer) -> None:
    path = tmp_path / "j.sqlite"
    journal = journal_of(path, history(1000))
    compact(path, BOUNDS)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE snapshots SET body = replace(body, '1', '2')")
    with pytest.raises(JournalError, match="snapshot's checksum is wrong"):
        list(journal.replay())


def test_a_damaged_entry_is_not_folded_away(tmp_path: Path, journal_of: Writer) -> None:
    path = tmp_path / "j.sqlite"
    journal_of(path, history(1000))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE entries SET body = replace(body, '1', '2') WHERE seq = 300")
    with pytest.raises(JournalError, match="entry 300 is damaged"):
        compact(path, BOUNDS)
    assert not folder_of(path).exists()


def test_what_a_fold_remembers_does_not_grow_with_the_years() -> None:
    codec = Codec()
    sizes = [len(codec.encode(folded(history(n)).state(0, NOW))) for n in (10_000, 40_000)]
    assert sizes[1] < 1.1 * sizes[0]


def test_a_fill_that_comes_after_its_order_is_forgotten_is_not_booked_again() -> None:
    events = history(20_000)
    fold = folded(events)
    first = next(event for event in events if isinstance(event, m.OrderFilled))
    assert fold.orders.get(first.order_id) is None
    assert not fold.orders.apply(first)


def test_an_order_is_remembered_for_as_long_as_the_exchange_may_tell_of_it() -> None:
    events = history(20_000)
    fold = folded(events)
    last = events[-1]
    recent = [
        event
        for event in events
        if isinstance(event, m.OrderFilled) and event.ts > Nanos(last.ts - seconds(47 * 3600))  # type: ignore[attr-defined]
    ]
    assert recent
    assert all(fold.orders.knows_trade(event.trade_id) for event in recent)
