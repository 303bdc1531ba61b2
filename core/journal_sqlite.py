"""The journal in one SQLite file.

WAL mode gives one order (`seq`) to several writing actors, each with a connection of its own. What
must not be lost by a power cut either, changes of the trading state, is written through to the
disk; the rest is not, for reconciliation with the exchange brings it back (see
`tests/benchmarks/bench_journal.py` for what both cost).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.journal import Codec, JournalError, checksum, is_whole
from core.journal_schema import bring_up, connect

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from core.domain.fold import StateFolded
    from core.messages import Message
    from core.units import Nanos

WRITTEN_THROUGH: Final = frozenset({m.TradingStateChanged, m.JournalCut})
"""A latched halt must survive a power cut; so must the news that something was lost."""

_INSERT: Final = "INSERT INTO entries(ts, type, body, crc) VALUES (?, ?, ?, ?)"


class SqliteJournal:
    """Each instance is one connection, for one thread at a time. Implements `core.journal`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._codec = Codec()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = connect(path)
            try:
                self.instance: str = bring_up(self._db, path)
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            msg = (
                f"journal {path}: {error}; check that the disk is writable and the file is a "
                "journal, or move it aside to begin with an empty one"
            )
            raise JournalError(msg) from error

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write all events or none. 40 us for one event; a change of state waits for the disk."""
        rows = []
        for event in events:
            body = self._codec.encode(event)
            rows.append((now, type(event).__name__, body, checksum(now, body)))
        through = any(type(event) in WRITTEN_THROUGH for event in events)
        try:
            if through:
                self._db.execute("PRAGMA synchronous=FULL")
            if len(rows) == 1:  # a statement by itself is a transaction, and two calls less
                self._db.execute(_INSERT, rows[0])
            else:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(_INSERT, rows)
                self._db.execute("COMMIT")
            if through:
                self._db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error as error:
            self._roll_back()
            msg = f"journal {self._path}: could not write: {error}; free the disk and restart"
            raise JournalError(msg) from error

    def _roll_back(self) -> None:
        """End a transaction that could not be written; SQLite may have done so itself."""
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error:
            return  # the connection is of no use any more, as its caller is about to learn

    def replay(self, kinds: Collection[type[Message]] | None = None) -> Iterator[Message]:
        """See `core.journal.Journal`; raises JournalError at the first unreadable entry."""
        try:
            for seq, ts, body, crc, is_state in self._rows(kinds):
                what = "the snapshot's" if is_state else "its"
                if not is_whole(ts, body, crc):
                    raise JournalError(self._damaged(seq, f"{what} checksum is wrong"))
                yield self._state(seq, body) if is_state else self._decode(seq, body)
        except sqlite3.Error as error:
            msg = f"journal {self._path}: could not read: {error}; restore it from a backup"
            raise JournalError(msg) from error

    def _rows(
        self, kinds: Collection[type[Message]] | None
    ) -> Iterator[tuple[int, int, bytes, int, int]]:
        """The newest snapshot, if there is one, and the entries after it.

        One statement, so that both are of one moment: between two, a compaction could fold away
        and delete entries that the older snapshot does not have.
        """
        chosen, names = "", []
        if kinds is not None:
            names = [kind.__name__ for kind in kinds]
            chosen = f" AND type IN ({','.join('?' * len(names))})"
        newest = "(SELECT coalesce(max(seq), 0) FROM snapshots)"
        query = (
            f"SELECT seq, ts, body, crc, 1 FROM snapshots WHERE seq = {newest} UNION ALL "  # noqa: S608 - only question marks are put in
            f"SELECT seq, ts, body, crc, 0 FROM entries WHERE seq > {newest}{chosen} ORDER BY seq"
        )
        yield from self._db.execute(query, names)

    def _state(self, seq: int, body: bytes) -> StateFolded:
        try:
            return self._codec.decode_state(body)
        except msgspec.DecodeError as error:
            raise JournalError(self._damaged(seq, f"in the snapshot, {error}")) from error

    def _decode(self, seq: int, body: bytes) -> Message:
        try:
            return self._codec.decode(body)
        except msgspec.DecodeError as error:
            raise JournalError(self._damaged(seq, str(error))) from error

    def _damaged(self, seq: int, why: str) -> str:
        return (
            f"journal {self._path}: entry {seq} is damaged ({why}); restore a backup, or move the "
            "file aside and start: open orders and positions are taken from the exchange"
        )

    def close(self) -> None:
        """Close this connection; the file stays."""
        self._db.close()
