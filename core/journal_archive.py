"""Bounded growth: old entries become one snapshot in the journal, and a segment beside it.

The snapshot is the same fold that the roles make, taken at an entry's number, so it needs nobody to
stand still: `compact` may run while the daemon trades, on a thread and a connection of its own. The
order of its steps makes a crash between any two of them harmless: first the segment is on disk,
then the snapshot replaces the entries, then they are deleted.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.fold import Fold
from core.domain.ledger import LedgerError
from core.journal import Codec, JournalError, checksum, is_whole
from core.journal_schema import connect
from core.journal_segments import Row, first_of, segments, write_segment
from core.units import Nanos

if TYPE_CHECKING:
    from pathlib import Path

_DELETED_AT_ONCE: Final = 500
"""Rows deleted in one transaction: writers wait some milliseconds for it at most."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept as single entries."""

    keep: int = 10_000
    """Newest entries that stay: what the dashboard shows of the past."""
    above: int = 20_000
    """Compact when there are more than this."""


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """What a compaction has done."""

    folded: int
    """Entries up to this number are one snapshot now."""
    archived: int
    segment: str


def compact(path: Path, bounds: Bounds = Bounds()) -> Compacted | None:  # noqa: B008 - frozen
    """Fold away what is older than the newest entries; None where there is too little.

    Raises JournalError; then the journal is as it was. 100,000 entries take about 1 s.
    """
    try:
        db = connect(path)
        try:
            return _compact(db, path, bounds)
        finally:
            db.close()
    except (sqlite3.Error, OSError, msgspec.DecodeError, LedgerError) as error:
        msg = f"journal {path}: could not be compacted: {error}; it goes on growing"
        raise JournalError(msg) from error


def _compact(db: sqlite3.Connection, path: Path, bounds: Bounds) -> Compacted | None:
    (folded,) = db.execute("SELECT coalesce(max(seq), 0) FROM snapshots").fetchone()
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    _delete(db, folded)
    upto = last - max(1, bounds.keep)
    if last - folded <= bounds.above or upto <= folded:
        return None
    fold, codec = _start(db, folded), Codec()
    rows: list[Row] = []
    query = "SELECT seq, ts, body, crc FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq"
    for seq, ts, body, crc in db.execute(query, (folded, upto)):
        if seq != folded + len(rows) + 1 or not is_whole(ts, body, crc):
            msg = f"journal {path}: entry {folded + len(rows) + 1} is damaged; it is not folded"
            raise JournalError(msg)
        fold.apply(codec.decode(body))
        rows.append(Row(seq=seq, ts=ts, crc=crc, event=msgspec.Raw(body)))
    _drop_unfinished(path, folded)
    segment = write_segment(path, (folded + 1, upto), rows)
    _replace(db, fold, upto, Nanos(rows[-1].ts))
    _delete(db, upto)
    return Compacted(folded=upto, archived=len(rows), segment=segment.name)


def _start(db: sqlite3.Connection, folded: int) -> Fold:
    """The fold to go on with."""
    fold = Fold()
    if folded:
        (ts, body, crc) = db.execute(
            "SELECT ts, body, crc FROM snapshots WHERE seq = ?", (folded,)
        ).fetchone()
        if not is_whole(ts, body, crc):
            msg = f"the snapshot of entry {folded} is damaged; it is not folded further"
            raise JournalError(msg)
        fold.apply(Codec().decode_state(body))
    return fold


def _drop_unfinished(path: Path, folded: int) -> None:
    """Segments of a compaction that was broken off: their entries are still in the journal."""
    for segment in segments(path):
        if first_of(segment) > folded:
            segment.unlink()


def _replace(db: sqlite3.Connection, fold: Fold, upto: int, ts: Nanos) -> None:
    body = Codec().encode(fold.state(upto, ts))
    db.execute("PRAGMA synchronous=FULL")
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM snapshots")
    db.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?)", (upto, ts, body, checksum(ts, body)))
    db.execute("COMMIT")
    db.execute("PRAGMA synchronous=NORMAL")


def _delete(db: sqlite3.Connection, upto: int) -> None:
    """Delete what is folded, in small steps: writers get their turn between them."""
    while True:
        gone = db.execute(
            "DELETE FROM entries WHERE seq IN "
            "(SELECT seq FROM entries WHERE seq <= ? ORDER BY seq LIMIT ?)",
            (upto, _DELETED_AT_ONCE),
        ).rowcount
        if gone < _DELETED_AT_ONCE:
            return
