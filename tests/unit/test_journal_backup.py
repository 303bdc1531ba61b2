"""Backups: proven copies of a journal in use; put back they start halted, the old one is kept."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core import messages as m
from core.journal import JournalError
from core.journal_archive import Bounds, compact
from core.journal_backup import backup, backup_name, restore
from core.journal_keeper import JournalKeeper
from core.journal_segments import segments
from core.journal_sqlite import SqliteJournal
from core.journal_tools import verify
from tests.builders import NOW, money
from tests.unit.histories import history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 500 entries, 400 of them archived."""
    made = tmp_path / "var" / "journal.sqlite"
    made.parent.mkdir()
    with closing(SqliteJournal(made)) as journal:
        journal.append(history(500), NOW)
    compact(made, Bounds(keep=100, above=200))
    return made


def test_a_journal_in_use_is_copied_whole(path: Path, tmp_path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.append([m.PeakRaised(equity=money(11_000), ts=NOW)], NOW)
        proof = backup(path, tmp_path / "copy.sqlite")
    assert (proof.entries, proof.last, proof.snapshot) == (501, 501, 400)
    assert len(segments(tmp_path / "copy.sqlite")) == len(segments(path))
    assert not (tmp_path / "copy.sqlite-wal").exists()


def test_a_segment_archived_after_the_copy_is_not_in_it(path: Path, tmp_path: Path) -> None:
    """Otherwise its entries would be there twice."""
    copy = tmp_path / "copy.sqlite"
    backup(path, copy)
    compact(path, Bounds(keep=10, above=20))
    assert verify(copy).entries == 500
    assert backup(path, tmp_path / "later.sqlite").entries == 500


def test_a_backup_replaces_nothing(path: Path, tmp_path: Path) -> None:
    backup(path, tmp_path / "copy.sqlite")
    with pytest.raises(JournalError, match="exists"):
        backup(path, tmp_path / "copy.sqlite")


def test_a_damaged_journal_makes_no_backup(path: Path, tmp_path: Path) -> None:
    segments(path)[0].write_bytes(b"torn")
    with pytest.raises(JournalError):
        backup(path, tmp_path / "copy.sqlite")
    assert [file.name for file in tmp_path.iterdir()] == ["var"]


def test_what_was_put_back_starts_halted_and_the_old_one_is_kept(path: Path) -> None:
    copy = backup_name(path, NOW)
    before = backup(path, copy)
    with closing(SqliteJournal(path)) as journal:
        journal.append(history(20), NOW)
    aside = restore(copy, path, NOW)
    proof = verify(path)
    assert proof.state == "HALTED"
    assert proof.kinds["JournalCut"] == 1
    assert (proof.cash, proof.orders, proof.fills) == (before.cash, before.orders, before.fills)
    assert proof.instance == before.instance
    assert aside is not None
    with closing(SqliteJournal(aside)) as old:
        assert sum(1 for _ in old.replay()) > 0


def test_a_journal_is_put_back_where_there_is_none(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "other" / "journal.sqlite"
    assert restore(path, target, NOW) is None
    assert verify(target).entries == 502


def test_a_journal_in_use_is_not_replaced(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    backup(path, copy)
    keeper = JournalKeeper(path, NOW)
    try:
        with pytest.raises(JournalError, match="in use by process"):
            restore(copy, path, NOW)
    finally:
        keeper.release()
    assert verify(path).state == "ACTIVE"


def test_a_damaged_backup_replaces_nothing(path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(b"no journal at all" * 100)
    with pytest.raises(JournalError):
        restore(bad, path, NOW)
    assert verify(path).entries == 500


def test_the_journal_is_no_backup_of_itself(path: Path) -> None:
    with pytest.raises(JournalError, match="name a backup"):
        restore(path, path, NOW)
