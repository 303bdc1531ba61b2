"""The write-ahead journal: the only memory of money, orders and trading state.

Events are appended before anything that follows from them leaves the process. Starting and
recovering from a crash are the same fold. SQLite in WAL mode gives one order (`seq`) to several
writing actors, each with a connection of its own.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from core.topology import WRITERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from core.messages import Message
    from core.units import Nanos

SCHEMA_VERSION: Final = 1
_BUSY_MS: Final = 5_000
_INSTANCE_BYTES: Final = 3


class JournalError(Exception):
    """The journal cannot be opened, read or written; says the file and the remedy."""


class Journal(Protocol):
    """Appends events and gives them back in order."""

    instance: str
    """Six characters, drawn once when the journal was made: the prefix of derived order ids."""

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write all events or none. Raises JournalError; then nothing may leave."""
        ...

    def replay(self) -> Iterator[Message]:
        """Every event in the order of writing."""
        ...

    def close(self) -> None:
        """Release the connection; later calls fail."""
        ...


def _event_union() -> type[Message]:
    union: object = None
    for event in WRITERS:
        union = event if union is None else union | event
    return union  # type: ignore[return-value]


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_event_union())
"""Made at import, see `core.prepared`: several hosts open their journals at once."""


class Codec:
    """Events to bytes and back, validated against their types on reading."""

    def encode(self, event: Message) -> bytes:
        """One event as JSON with its type's name inside."""
        return _ENCODER.encode(event)

    def decode(self, body: bytes) -> Message:
        """The inverse; raises msgspec.ValidationError on anything that is not an event."""
        return _DECODER.decode(body)


class MemoryJournal:
    """A journal for backtests and tests: same promises but for the disk."""

    def __init__(self, instance: str = "replay", events: Iterable[Message] = ()) -> None:
        self.instance = instance
        self.events: list[Message] = list(events)

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Keep the events."""
        del now
        self.events.extend(events)

    def replay(self) -> Iterator[Message]:
        """Every event in the order of writing."""
        return iter(tuple(self.events))

    def close(self) -> None:
        """Nothing to release."""


class SqliteJournal:
    """A journal in one file. Each instance is one connection for one thread at a time.

    `synchronous=NORMAL` in WAL mode: a killed process loses nothing, a power cut may lose the last
    entries, which reconciliation with the exchange brings back because order ids are derived.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._codec = Codec()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            msg = (
                f"journal {path}: {error}; check that the disk is writable and the file is a "
                "journal, or move it aside to begin with an empty one"
            )
            raise JournalError(msg) from error

    def _prepare(self) -> None:
        self._db.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS entries"
            "(seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL)"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT)")
        self._db.executemany(
            "INSERT OR IGNORE INTO meta VALUES (?, ?)",
            [("schema", str(SCHEMA_VERSION)), ("instance", secrets.token_hex(_INSTANCE_BYTES))],
        )
        self._db.execute("COMMIT")
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        if meta["schema"] != str(SCHEMA_VERSION):
            msg = (
                f"journal {self._path} has schema {meta['schema']}, this program reads "
                f"{SCHEMA_VERSION}: use the version that wrote it, or move the file aside"
            )
            raise JournalError(msg)
        self.instance: str = meta["instance"]

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write all events or none. About 30 us for one event on an idle disk."""
        rows = [(now, type(event).__name__, self._codec.encode(event)) for event in events]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO entries(ts, type, body) VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            msg = f"journal {self._path}: could not write: {error}; free the disk and restart"
            raise JournalError(msg) from error

    def replay(self) -> Iterator[Message]:
        """Every event in the order of writing; raises JournalError at the first unreadable one."""
        try:
            for seq, body in self._db.execute("SELECT seq, body FROM entries ORDER BY seq"):
                yield self._decode(seq, body)
        except sqlite3.Error as error:
            msg = f"journal {self._path}: could not read: {error}; restore it from a backup"
            raise JournalError(msg) from error

    def _decode(self, seq: int, body: bytes) -> Message:
        try:
            return self._codec.decode(body)
        except msgspec.DecodeError as error:
            msg = (
                f"journal {self._path}: entry {seq} is damaged ({error}); move the file aside and "
                "start: open orders and positions are taken from the exchange"
            )
            raise JournalError(msg) from error

    def close(self) -> None:
        """Close this connection; the file stays."""
        self._db.close()
