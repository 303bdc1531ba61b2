"""The journal's tables in SQLite, their version, and how an older file becomes one of today.

| version | what it has |
|---|---|
| 1 | entries, meta |
| 2 | a checksum for each entry; snapshots |

A change that adds a field with a default to an event needs no migration. Anything else is one more
version here: a function that changes the file inside the transaction it is given.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING, Final

from core.journal import JournalError, checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA_VERSION: Final = 2
BUSY_MS: Final = 5_000
_INSTANCE_BYTES: Final = 3
_ENTRIES: Final = """
CREATE TABLE IF NOT EXISTS entries(
    seq INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    crc INTEGER NOT NULL
)"""
_SNAPSHOTS: Final = """
CREATE TABLE IF NOT EXISTS snapshots(
    seq INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    body BLOB NOT NULL,
    crc INTEGER NOT NULL
)"""
_META: Final = "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT)"
_TABLES: Final = (_ENTRIES, _SNAPSHOTS, _META)


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode, for one thread at a time. Raises sqlite3.Error, and OSError.

    `synchronous=NORMAL`: a killed process loses nothing, a power cut may lose the last entries,
    which reconciliation with the exchange brings back because order ids are derived.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def bring_up(db: sqlite3.Connection, path: Path) -> str:
    """Make the tables of a new journal, migrate those of an older one; the journal's instance.

    All or nothing, and on disk when it returns. Raises JournalError for a file of another program
    or of a newer version, sqlite3.Error for a disk that refuses.
    """
    found = _version(db, path)
    if found != SCHEMA_VERSION:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        try:
            _bring_up(db, _version(db, path))  # again, now that nobody else is at it
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("PRAGMA synchronous=NORMAL")
    (instance,) = db.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
    return str(instance)


def _version(db: sqlite3.Connection, path: Path) -> int:
    """0 for an empty file."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return 0
    row = None
    if "meta" in tables:
        row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None or not str(row[0]).isdigit():
        msg = f"journal {path} is no journal of ours: move it aside to begin with an empty one"
        raise JournalError(msg)
    version = int(row[0])
    if not 1 <= version <= SCHEMA_VERSION:
        msg = (
            f"journal {path} has schema {version}, this program reads 1 to {SCHEMA_VERSION}: "
            "use the version that wrote it, or move the file aside"
        )
        raise JournalError(msg)
    return version


def _bring_up(db: sqlite3.Connection, version: int) -> None:
    if version == 0:
        for table in _TABLES:
            db.execute(table)
        instance = secrets.token_hex(_INSTANCE_BYTES)
        db.execute("INSERT INTO meta VALUES ('instance', ?)", (instance,))
    else:
        for step in range(version, SCHEMA_VERSION):
            MIGRATIONS[step](db)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))


def _add_checksums(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE entries RENAME TO entries_1")
    for table in _TABLES:
        db.execute(table)
    db.create_function("checksum", 2, checksum, deterministic=True)
    db.execute(
        "INSERT INTO entries SELECT seq, ts, type, body, checksum(ts, body) FROM entries_1 "
        "ORDER BY seq"
    )
    db.execute("DROP TABLE entries_1")


MIGRATIONS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {1: _add_checksums}
"""From a version to the next."""
