"""`run.py journal`: a whole journal is proven, a damaged one is named, an export holds all."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pyarrow.parquet as pq
import pytest

from core.journal import JournalError, checksum
from core.journal_archive import Bounds, compact
from core.journal_segments import segments
from core.journal_sqlite import SqliteJournal
from core.journal_tools import export, newest_journal, verify
from core.topology import WRITERS
from tests.builders import NOW
from tests.unit.histories import history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 500 entries, 400 of them archived."""
    made = tmp_path / "journal.sqlite"
    journal = SqliteJournal(made)
    journal.append(history(500), NOW)
    journal.close()
    compact(made, Bounds(keep=100, above=200))
    return made


def test_a_whole_journal_is_proven_with_its_books(path: Path) -> None:
    proof = verify(path)
    assert (proof.entries, proof.first, proof.last, proof.snapshot) == (500, 1, 500, 400)
    assert (proof.state, proof.open_orders) == ("ACTIVE", 0)
    assert sum(proof.kinds.values()) == 500
    assert set(proof.kinds) <= {event.__name__ for event in WRITERS}


def test_without_its_old_segments_a_journal_is_proven_from_its_snapshot(path: Path) -> None:
    whole = verify(path)
    for segment in segments(path):
        segment.unlink()
    proof = verify(path)
    assert (proof.entries, proof.first) == (100, 401)
    assert (proof.cash, proof.orders, proof.fills) == (whole.cash, whole.orders, whole.fills)


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE entries SET ts = ts + 1 WHERE seq = 450", "entry 450 is damaged"),
        ("DELETE FROM entries WHERE seq = 450", "entry 450 is gone"),
        ("DELETE FROM entries WHERE seq = 401", "entry 401 is gone"),
        ("UPDATE snapshots SET ts = ts + 1", "snapshot of entry 400 is damaged"),
    ],
)
def test_damage_is_named(path: Path, statement: str, told: str) -> None:
    change(path, statement)
    with pytest.raises(JournalError, match=told):
        verify(path)


def test_a_snapshot_that_is_not_the_fold_of_its_entries_is_found(path: Path) -> None:
    (segment,) = segments(path)
    lines = gzip.decompress(segment.read_bytes()).splitlines()
    rows = [msgspec.json.decode(line) for line in lines]
    first = next(row for row in rows if row["event"]["type"] == "OrderFilled")
    first["event"]["fee"] += 1
    first["crc"] = checksum(first["ts"], msgspec.json.encode(first["event"]))
    segment.write_bytes(gzip.compress(b"\n".join(msgspec.json.encode(row) for row in rows)))
    with pytest.raises(JournalError, match="snapshot of entry 400 is not their fold"):
        verify(path)


def test_the_newest_journal_of_a_folder_is_the_one_that_is_meant(tmp_path: Path) -> None:
    for age, name in enumerate(("journal-b.sqlite", "journal-a.sqlite")):
        SqliteJournal(tmp_path / name).close()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    assert newest_journal(tmp_path).name == "journal-b.sqlite"
    with pytest.raises(JournalError, match="no journal in"):
        newest_journal(tmp_path / "nowhere")


def test_an_export_to_csv_has_a_row_for_every_entry(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert export(path, "csv", out) == 500
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["seq"]) for row in rows] == list(range(1, 501))
    fill = next(row for row in rows if row["type"] == "OrderFilled")
    assert (fill["price"], fill["contracts"], fill["fee"]) == ("0.48", "1.0", "0.0175")
    assert fill["writer"] == "execution"


def test_an_export_to_parquet_is_the_same_table(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert export(path, "parquet", out) == 500
    table = pq.read_table(out)
    assert table.num_rows == 500
    assert table["event"].to_pylist() == [
        msgspec.json.encode(event).decode() for event in history(500)
    ]


def test_what_cannot_be_exported_is_one_clear_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="--out"):
        export(path, "parquet", None)
    with pytest.raises(JournalError, match="could not export"):
        export(path, "csv", tmp_path / "nowhere" / "out.csv")
    with pytest.raises(JournalError, match="no journal at"):
        verify(tmp_path / "nothing.sqlite")
