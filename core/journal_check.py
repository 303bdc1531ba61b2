"""The check of a journal at a start: a good one passes, a torn end is cut, a hole is refused.

| what is found | what is done |
|---|---|
| the last write was never finished | its bytes are kept aside, `JournalCut` is written |
| the last entries are damaged | they are kept aside, `JournalCut` is written, trading is halted |
| the file's end is damaged | the same; the whole file is kept aside |
| damage or a gap before good entries | JournalError: nothing is guessed |

Call it under the journal's lock, before any host opens the journal.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.breaker import Breaker, Cause
from core.domain.fold import StateFolded
from core.journal import JournalError, is_whole
from core.journal_salvage import is_cut_short, salvage
from core.journal_schema import bring_up, connect
from core.journal_sqlite import SqliteJournal
from core.journal_wal import torn_tail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.messages import Message
    from core.units import Nanos

_CORRUPT: Final = 11
"""SQLITE_CORRUPT: the file's structure is damaged."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A journal that may be used."""

    entries: int
    """Those that are not folded away."""
    last: int
    """Number of the newest."""
    cut: m.JournalCut | None = None
    """What was cut off, if anything was."""


class _Scan(msgspec.Struct, frozen=True, kw_only=True):
    folded: int
    last_good: int
    bad: int
    """Damaged entries at the end."""


class _DamagedPageError(Exception):
    """A page of the file is damaged in a way that SQLite does not see."""


def check(path: Path, now: Nanos) -> Checked:
    """Check, and mend what may be mended. Raises JournalError. 1 s for a million entries."""
    try:
        return _check(path, now)
    except (sqlite3.DatabaseError, _DamagedPageError) as error:
        if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode != _CORRUPT:
            msg = (
                f"journal {path}: {error}; check that the disk is writable and the file is a "
                "journal, or move it aside to begin with an empty one"
            )
            raise JournalError(msg) from error
        cut = _rebuild(path, now)
        return msgspec.structs.replace(check(path, now), cut=cut)
    except OSError as error:
        msg = f"journal {path}: {error}; check that the disk is writable"
        raise JournalError(msg) from error


def _check(path: Path, now: Nanos) -> Checked:
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_cut_short(path):
        raise _DamagedPageError("the file is shorter than it says")
    db = connect(path)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        torn = torn_tail(path)
        aside = _keep(path, torn) if torn else None
        bring_up(db, path)
        scan = _scan(db, path)
        if scan.bad:
            aside = _cut(db, path, scan.last_good)
    finally:
        db.close()
    if aside is None:
        return Checked(entries=scan.last_good - scan.folded, last=scan.last_good)
    if scan.bad:
        reason = f"the journal's last {scan.bad} entries were damaged"
    else:
        reason = f"the journal's last write was torn, {len(torn)} bytes of it were left"
    cut = m.JournalCut(
        kept=scan.last_good, entries=scan.bad, aside=aside.name, reason=reason, ts=now
    )
    written = write_down(path, cut, now)
    last = scan.last_good + written
    return Checked(entries=last - scan.folded, last=last, cut=cut)


def _scan(db: sqlite3.Connection, path: Path) -> _Scan:
    """Follow the numbers and the checksums to the end."""
    (folded,) = db.execute("SELECT coalesce(max(seq), 0) FROM snapshots").fetchone()
    last_good, bad, last = folded, 0, folded
    query = "SELECT seq, ts, body, crc FROM entries WHERE seq > ? ORDER BY seq"
    for seq, ts, body, crc in db.execute(query, (folded,)):
        if seq <= last:
            msg = f"entry {seq} after entry {last}"
            raise _DamagedPageError(msg)
        good = is_whole(ts, body, crc)
        if not good:
            bad += 1
        elif seq == last_good + 1:
            last_good = seq
        else:
            what = f"entry {last_good + 1} is damaged" if bad else f"entry {last_good + 1} is gone"
            raise JournalError(_hole(path, what))
        last = seq
    return _Scan(folded=folded, last_good=last_good, bad=bad)


def _hole(path: Path, what: str) -> str:
    return (
        f"journal {path}: {what} and good ones follow, so this is no torn end; restore a backup, "
        "or move the file aside and start: open orders and positions are taken from the exchange"
    )


def _cut(db: sqlite3.Connection, path: Path, last_good: int) -> Path:
    """Take the damaged entries out of the journal, into a file beside it."""
    query = "SELECT seq, ts, type, body, crc FROM entries WHERE seq > ? ORDER BY seq"
    lines = [
        json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
        for row in db.execute(query, (last_good,))
    ]
    aside = _keep(path, "\n".join(lines).encode() + b"\n")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("DELETE FROM entries WHERE seq > ?", (last_good,))
    return aside


def _keep(path: Path, content: bytes) -> Path:
    aside = free_name(path)
    aside.write_bytes(content)
    return aside


def free_name(path: Path) -> Path:
    """A name beside the journal that is not taken: `journal.sqlite.cut-1`, ..."""
    number = 1
    while (aside := path.with_name(f"{path.name}.cut-{number}")).exists():
        number += 1
    return aside


def _rebuild(path: Path, now: Nanos) -> m.JournalCut:
    """Put what can be read of a file with a damaged end in its place."""
    aside = free_name(path)
    kept = salvage(path, aside)
    cut = m.JournalCut(
        kept=kept,
        entries=1,
        aside=aside.name,
        reason=f"the journal's file was damaged at its end, after entry {kept}",
        ts=now,
    )
    write_down(path, cut, now)
    return cut


def write_down(path: Path, cut: m.JournalCut, now: Nanos) -> int:
    """Journal the cut; where entries are gone for certain, a halt too: one of them may have been.

    Returns how many entries that took.
    """
    journal = SqliteJournal(path)
    try:
        events: list[Message] = [cut]
        if cut.entries:
            events += _halt(journal, cut, now)
        journal.append(events, now)
        return len(events)
    finally:
        journal.close()


def _halt(journal: SqliteJournal, cut: m.JournalCut, now: Nanos) -> Sequence[Message]:
    breaker = Breaker()
    for event in journal.replay((m.TradingStateChanged,)):
        change = event.breaker if isinstance(event, StateFolded) else event
        if isinstance(change, m.TradingStateChanged):
            breaker.apply(change)
    if breaker.state == "HALTED":
        return ()
    cause = Cause(code="journal_cut", reason=cut.reason, by="journal")
    return (breaker.change("HALTED", cause, now),)
