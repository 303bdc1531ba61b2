"""A power cut: the journal cut off at every byte of its last page still opens, and says so."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from core import messages as m
from core.domain.fold import folded
from core.journal import JournalError
from core.journal_check import check
from core.journal_sqlite import SqliteJournal
from core.units import Nanos
from tests.builders import NOW, approved, capital, filled

EVENTS: list[m.Message] = [
    capital(),
    m.TradingStateChanged(state="ACTIVE", epoch=1, code="x", reason="x", by="x", ts=NOW),
    *(event for n in range(12) for event in (approved(f"t-{n}"), filled(f"f{n}", f"t-{n}"))),
]
PAGE = 4096
FRAME = 24 + PAGE
LATER = Nanos(NOW + 1)


def written(path: Path, events: list[m.Message] = EVENTS) -> SqliteJournal:
    journal = SqliteJournal(path)
    for event in events:
        journal.append([event], NOW)
    return journal


def replayed(path: Path) -> list[m.Message]:
    journal = SqliteJournal(path)
    try:
        return list(journal.replay())
    finally:
        journal.close()


def cut_copy(folder: Path, source: Path, number: int, *, log: bytes | None, file: bytes) -> Path:
    """A journal as the disk has it after the power came back."""
    path = folder / f"{number}" / source.name
    path.parent.mkdir()
    path.write_bytes(file)
    if log is not None:
        path.with_name(f"{path.name}-wal").write_bytes(log)
    return path


def test_a_log_cut_at_every_byte_of_its_last_page_loses_at_most_the_last_entry(
    quick: Path,
) -> None:
    source = quick / "j.sqlite"
    journal = written(source)
    file, log = source.read_bytes(), Path(f"{source}-wal").read_bytes()
    journal.close()
    for size in range(len(log) - FRAME, len(log)):
        path = cut_copy(quick, source, size, log=log[:size], file=file)
        result = check(path, LATER)
        events = replayed(path)
        if size > len(log) - FRAME:
            assert result.cut is not None, size
            assert (path.parent / result.cut.aside).read_bytes() == log[len(log) - FRAME : size]
            assert isinstance(events.pop(), m.JournalCut)
        assert events == EVENTS[:-1], size
        shutil.rmtree(path.parent)


def test_a_file_cut_at_every_byte_of_its_last_page_keeps_what_is_whole(quick: Path) -> None:
    source = quick / "j.sqlite"
    journal = written(source)
    instance = journal.instance
    journal.close()
    file = source.read_bytes()
    kept: set[int] = set()
    for size in range(len(file) - PAGE, len(file)):
        path = cut_copy(quick, source, size, log=None, file=file[:size])
        result = check(path, LATER)
        events = replayed(path)
        fold = folded(events)
        again = SqliteJournal(path)
        assert again.instance == instance
        again.close()
        assert result.cut is not None
        assert (path.parent / result.cut.aside).read_bytes() == file[:size]
        assert events[: result.cut.kept] == EVENTS[: result.cut.kept]
        assert fold.breaker.state == "HALTED"
        kept.add(result.cut.kept)
        shutil.rmtree(path.parent)
    assert 0 < min(kept) < len(EVENTS)


def test_a_whole_journal_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    written(path).close()
    before = path.read_bytes()
    result = check(path, LATER)
    assert result.cut is None
    assert result.entries == result.last == len(EVENTS)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.cut-*"))


def test_a_process_that_was_killed_leaves_nothing_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = written(path)
    assert Path(f"{path}-wal").stat().st_size > 0
    copy = tmp_path / "copy" / "j.sqlite"
    copy.parent.mkdir()
    for end in ("", "-wal", "-shm"):
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    journal.close()
    assert check(copy, LATER).cut is None
    assert replayed(copy) == EVENTS


def test_frames_of_an_earlier_round_of_the_log_are_no_torn_write(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = written(path)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(FULL)")
    other.close()
    journal.append([filled("one-more")], NOW)
    copy = tmp_path / "copy" / "j.sqlite"
    copy.parent.mkdir()
    for end in ("", "-wal"):
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    journal.close()
    assert check(copy, LATER).cut is None
    assert replayed(copy) == [*EVENTS, filled("one-more")]


def damage(path: Path, *numbers: int) -> None:
    with sqlite3.connect(path) as db:
        for number in numbers:
            db.execute("UPDATE entries SET body = replace(body, '0', '1') WHERE seq = ?", (number,))
    db.close()


def test_damaged_entries_at_the_end_are_cut_kept_aside_and_halt_trading(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    written(path).close()
    last = len(EVENTS)
    damage(path, last - 1, last)
    result = check(path, LATER)
    assert result.cut is not None
    assert (result.cut.kept, result.cut.entries) == (last - 2, 2)
    assert len((tmp_path / result.cut.aside).read_text().splitlines()) == 2
    *events, cut, halt = replayed(path)
    assert events == EVENTS[:-2]
    assert cut == result.cut
    assert isinstance(halt, m.TradingStateChanged)
    assert (halt.state, halt.epoch, halt.code) == ("HALTED", 2, "journal_cut")
    assert check(path, LATER).cut is None


@pytest.mark.parametrize("number", [1, 2, len(EVENTS) - 1])
def test_damage_before_good_entries_is_refused_and_nothing_is_changed(
    tmp_path: Path, number: int
) -> None:
    path = tmp_path / "j.sqlite"
    written(path).close()
    damage(path, number)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=rf"entry {number} is damaged and good ones follow"):
        check(path, LATER)
    assert path.read_bytes() == before


def test_entries_that_are_gone_from_the_middle_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    written(path).close()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM entries WHERE seq IN (4, 5)")
    db.close()
    with pytest.raises(JournalError, match="entry 4 is gone and good ones follow"):
        check(path, LATER)


def test_a_page_of_the_middle_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    written(path).close()
    file = bytearray(path.read_bytes())
    middle = next(
        at
        for at in range(PAGE, len(file), PAGE)
        if file[at] == 0x0D and b'"t-1"' in file[at : at + PAGE]
    )
    file[middle : middle + PAGE] = bytes(PAGE)
    path.write_bytes(file)
    with pytest.raises(JournalError, match="good entries follow"):
        check(path, LATER)
