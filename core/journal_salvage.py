"""What can be read of a journal whose file is damaged at its end, as a new file in its place."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from typing import TYPE_CHECKING, Final

from core.journal import JournalError, is_whole
from core.journal_schema import SCHEMA_VERSION, bring_up, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
_PAGE_SIZE_AT: Final = 16
_PAGES_AT: Final = 28
_PAGE: Final = 4096
Row = tuple[int, int, str, bytes, int]
_TO_THE_FRONT: Final = "SELECT seq, ts, type, body, crc FROM entries ORDER BY seq"


def is_cut_short(path: Path) -> bool:
    """Whether the file ends before the pages that its header counts.

    A log beside it may hold those pages: then SQLite knows best.
    """
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() or (log.exists() and log.stat().st_size):
        return False
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        return False
    (page,) = struct.unpack_from(">H", header, _PAGE_SIZE_AT)
    (pages,) = struct.unpack_from(">I", header, _PAGES_AT)
    return bool(path.stat().st_size < page * pages)


def salvage(path: Path, aside: Path) -> int:
    """Keep the damaged file as `aside`; number of the last entry that the new one holds.

    Raises JournalError where good entries follow the damage, or what names the journal is lost.
    SQLite fills a page from its end, so in a file that was cut short the newest entries may be
    readable and those before them gone: what follows the damage on that last page is given up.
    """
    given_up = _PAGE if is_cut_short(path) else 0
    _copy(path, aside)
    source = _open_damaged(path, aside)
    made = path.with_name(f"{path.name}.rebuilt")
    try:
        meta, snapshots = _small_tables(source, path)
        _remove(made)
        folded = max((seq for seq, *_ in snapshots), default=0)
        kept = _fill(made, meta, snapshots, _good_rows(source, folded))
        if _readable_after(source, kept) > given_up:
            msg = (
                f"journal {path}: its file is damaged after entry {kept} and good entries follow; "
                f"restore a backup, or move it aside and start (a copy is {aside.name})"
            )
            raise JournalError(msg)
    finally:
        source.close()
        for end in ("", "-wal", "-shm"):
            _remove(path.with_name(f"{path.name}.reading{end}"))
    _remove(path.with_name(f"{path.name}-wal"))
    _remove(path.with_name(f"{path.name}-shm"))
    made.replace(path)
    return kept


def _copy(path: Path, aside: Path) -> None:
    shutil.copyfile(path, aside)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        shutil.copyfile(log, aside.with_name(f"{aside.name}-wal"))


def _open_damaged(path: Path, aside: Path) -> sqlite3.Connection:
    """A connection that reads as far as it can: SQLite refuses a file that is too short else."""
    work = path.with_name(f"{path.name}.reading")
    _copy(aside, work)
    db = sqlite3.connect(work, isolation_level=None)
    db.execute("PRAGMA writable_schema=ON")
    return db


def _small_tables(
    source: sqlite3.Connection, path: Path
) -> tuple[dict[str, str], list[tuple[int, int, bytes, int]]]:
    try:
        meta = dict(source.execute("SELECT key, value FROM meta"))
        snapshots = list(source.execute("SELECT seq, ts, body, crc FROM snapshots"))
    except sqlite3.DatabaseError as error:
        meta, snapshots = {}, []
        reason: object = error
    else:
        reason = "what names it is gone"
    good = all(is_whole(ts, body, crc) for _, ts, body, crc in snapshots)
    if meta.get("schema") != str(SCHEMA_VERSION) or "instance" not in meta or not good:
        msg = (
            f"journal {path} cannot be read ({reason}): restore a backup, or move the file aside "
            "and start: open orders and positions are taken from the exchange"
        )
        raise JournalError(msg)
    return meta, snapshots


def _good_rows(source: sqlite3.Connection, folded: int) -> Iterator[Row]:
    """Entries after the folded ones, to the last that is whole."""
    expected = folded + 1
    try:
        for row in source.execute(_TO_THE_FRONT):
            seq, ts, _, body, crc = row
            if seq <= folded:
                continue
            if seq != expected or not is_whole(ts, body, crc):
                return
            yield row
            expected += 1
    except (sqlite3.DatabaseError, TypeError):
        return  # here the damage begins


def _fill(
    made: Path,
    meta: dict[str, str],
    snapshots: list[tuple[int, int, bytes, int]],
    rows: Iterator[Row],
) -> int:
    db = connect(made)
    try:
        bring_up(db, made)
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (meta["instance"],))
        db.executemany("INSERT INTO snapshots VALUES (?, ?, ?, ?)", snapshots)
        db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT max(coalesce((SELECT max(seq) FROM entries), 0), "
        query += "coalesce((SELECT max(seq) FROM snapshots), 0))"
        (kept,) = db.execute(query).fetchone()
        return int(kept)
    finally:
        db.close()


def _readable_after(source: sqlite3.Connection, kept: int) -> int:
    """Bytes of whole entries that can be read after the damage."""
    size = 0
    try:
        for seq, ts, _, body, crc in source.execute(f"{_TO_THE_FRONT} DESC"):
            if not isinstance(seq, int) or seq <= kept:
                break
            if is_whole(ts, body, crc):
                size += len(body)
    except sqlite3.DatabaseError:
        return size
    return size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
