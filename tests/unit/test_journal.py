"""The journal: whole transactions, one order, validated on reading, one clear error."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from core import messages as m
from core.journal import Codec, JournalError
from core.journal_check import check
from core.journal_sqlite import SqliteJournal
from core.topology import WRITERS
from core.units import Quantity
from tests.builders import NOW, approved, capital, filled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Opener = Callable[[Path], SqliteJournal]

EVENTS = [capital(), approved(), filled()]


def test_what_is_written_is_read_back_in_order(tmp_path: Path, opened: Opener) -> None:
    journal = opened(tmp_path / "j.sqlite")
    journal.append(EVENTS[:1], NOW)
    journal.append(EVENTS[1:], NOW)
    journal.close()
    assert list(opened(tmp_path / "j.sqlite").replay()) == EVENTS


def test_two_writers_share_one_order(tmp_path: Path, opened: Opener) -> None:
    one, two = opened(tmp_path / "j.sqlite"), opened(tmp_path / "j.sqlite")
    one.append(EVENTS[:1], NOW)
    two.append(EVENTS[1:2], NOW)
    one.append(EVENTS[2:], NOW)
    assert list(two.replay()) == EVENTS
    assert one.instance == two.instance


def test_each_journal_has_an_instance_of_its_own(tmp_path: Path, opened: Opener) -> None:
    assert opened(tmp_path / "a").instance != opened(tmp_path / "b").instance


def test_a_damaged_entry_is_named_with_the_remedy(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "j.sqlite"
    journal = opened(path)
    journal.append(EVENTS, NOW)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE entries SET body = substr(body, 1, 20) WHERE seq = 2")
    with pytest.raises(JournalError, match=r"entry 2 is damaged.*move the file aside"):
        list(journal.replay())


def test_a_file_that_is_no_journal_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    path.write_text("this is not a database, but long enough to be taken for one" * 20)
    with pytest.raises(JournalError, match=r"j\.sqlite.*move it aside"):
        SqliteJournal(path)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(JournalError, match="schema 99"):
        SqliteJournal(path)


def test_a_read_only_place_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(JournalError, match="writable"):
        SqliteJournal(blocked / "j.sqlite")


VERSION_1 = """
CREATE TABLE entries
    (seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);
INSERT INTO meta VALUES ('schema', '1'), ('instance', 'abc123');
"""


def test_a_journal_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    path, codec = tmp_path / "j.sqlite", Codec()
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(VERSION_1)
        db.executemany(
            "INSERT INTO entries(ts, type, body) VALUES (?, ?, ?)",
            [(NOW, type(event).__name__, codec.encode(event)) for event in EVENTS],
        )
    journal = SqliteJournal(path)
    assert journal.instance == "abc123"
    assert list(journal.replay()) == EVENTS
    journal.append([filled("f2")], NOW)
    journal.close()
    assert check(path, NOW).entries == len(EVENTS) + 1


def test_only_the_kinds_that_are_wanted_are_replayed(tmp_path: Path, opened: Opener) -> None:
    journal = opened(tmp_path / "j.sqlite")
    journal.append([*EVENTS, filled("f2")], NOW)
    assert list(journal.replay({m.OrderFilled})) == [filled(), filled("f2")]
    assert list(journal.replay(())) == []


def test_the_trading_state_is_written_through_and_the_rest_is_not(
    tmp_path: Path, opened: Opener
) -> None:
    journal = opened(tmp_path / "j.sqlite")
    asked: list[str] = []
    journal._db.set_trace_callback(asked.append)
    journal.append(EVENTS, NOW)
    assert not [text for text in asked if "synchronous" in text]
    change = m.TradingStateChanged(state="HALTED", epoch=1, code="x", reason="x", by="x", ts=NOW)
    journal.append([change], NOW)
    pragmas = [text for text in asked if "synchronous" in text]
    assert pragmas == ["PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"]


@pytest.mark.parametrize(
    "event", [*EVENTS, m.OrderClosed(order_id="x", reason="y", filled=Quantity(1), ts=NOW)]
)
def test_the_codec_is_exact(event: m.Message) -> None:
    codec = Codec()
    assert codec.decode(codec.encode(event)) == event


def test_the_codec_reads_events_and_nothing_else() -> None:
    codec = Codec()
    with pytest.raises(msgspec.ValidationError):
        codec.decode(codec.encode(m.Tick(due=NOW)))
    assert m.Tick not in WRITERS
