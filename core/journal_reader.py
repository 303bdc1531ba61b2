"""Reading a journal from outside, with its archived segments, changing nothing: for tools."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from core.journal import Codec, JournalError, is_whole
from core.journal_schema import SCHEMA_VERSION
from core.journal_segments import Row, read_segment, segments
from core.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.domain.fold import StateFolded


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry with its number and the time of writing."""

    seq: int
    ts: int
    event: Message


class JournalReader:
    """A read-only view; the daemon may go on writing meanwhile. Raises JournalError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._codec = Codec()
        if not path.is_file():
            msg = f"no journal at {path}"
            raise JournalError(msg)
        with self._reading():
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            self._read_meta()
        except JournalError:
            self.close()
            raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            msg = f"journal {self.path} cannot be read: {error}"
            raise JournalError(msg) from error

    def _read_meta(self) -> None:
        path = self.path
        with self._reading():
            meta = dict(self._db.execute("SELECT key, value FROM meta"))
        self.schema = int(meta.get("schema", 0))
        self.instance = str(meta.get("instance", ""))
        if self.schema != SCHEMA_VERSION:
            msg = (
                f"journal {path} has schema {self.schema}, this program reads {SCHEMA_VERSION}: "
                "start the daemon once to bring it up, or use the version that wrote it"
            )
            raise JournalError(msg)

    def entries(self) -> Iterator[Entry]:
        """Every entry from the first on, archived ones included; damage raises JournalError."""
        expected = None
        for row in self._rows():
            if expected is not None and row.seq != expected:
                msg = f"journal {self.path}: entry {expected} is gone, {row.seq} follows"
                raise JournalError(msg)
            expected = row.seq + 1
            body = row.body
            if not is_whole(row.ts, body, row.crc):
                msg = f"journal {self.path}: entry {row.seq} is damaged (its checksum is wrong)"
                raise JournalError(msg)
            try:
                event = self._codec.decode(body)
            except msgspec.DecodeError as error:
                msg = f"journal {self.path}: entry {row.seq} cannot be read: {error}"
                raise JournalError(msg) from error
            yield Entry(seq=row.seq, ts=row.ts, event=event)

    def _rows(self) -> Iterator[Row]:
        """Archived rows first; those that a broken-off compaction left twice come once.

        The file is read as it is before the archive is listed: what is folded away meanwhile comes
        from either, and never from neither.
        """
        last = 0
        self._hold()
        for segment in segments(self.path):
            for row in read_segment(segment):
                if row.seq > last:
                    yield row
                    last = row.seq
        query = "SELECT seq, ts, body, crc FROM entries WHERE seq > ? ORDER BY seq"
        with self._reading():
            for seq, ts, body, crc in self._db.execute(query, (last,)):
                if not is_whole(ts, body, crc):
                    msg = f"journal {self.path}: entry {seq} is damaged (its checksum is wrong)"
                    raise JournalError(msg)
                yield Row(seq=seq, ts=ts, crc=crc, event=msgspec.Raw(body))

    def _hold(self) -> None:
        """See the file as of now, whatever is written from here on, until the next time."""
        with self._reading():
            if self._db.in_transaction:
                self._db.execute("COMMIT")
            self._db.execute("BEGIN")
            self._db.execute("SELECT count(*) FROM snapshots").fetchone()

    def snapshot(self) -> StateFolded | None:
        """The stored snapshot; None where nothing was folded away."""
        row = self._db.execute(
            "SELECT seq, ts, body, crc FROM snapshots ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        seq, ts, body, crc = row
        if not is_whole(ts, body, crc):
            msg = f"journal {self.path}: the snapshot of entry {seq} is damaged"
            raise JournalError(msg)
        return self._codec.decode_state(body)

    def structure(self) -> str:
        """SQLite's own check of the file: `ok`, or what is wrong."""
        try:
            (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            return str(error)
        return str(found)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
