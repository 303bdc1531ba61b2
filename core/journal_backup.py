"""Copies of a journal, made while a daemon writes it, and put back while none does.

A copy is proven before it counts. A journal that was put back may lack what happened since, a halt
among it: so it starts halted, and says why. Orders, fills and positions since then are brought
back from the exchange by the reconciliation at the start.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.journal import JournalError
from core.journal_check import write_down
from core.journal_lock import JournalLock
from core.journal_segments import folder_of, last_of, segments
from core.journal_tools import Proof, verify

if TYPE_CHECKING:
    from pathlib import Path

    from core.units import Nanos

_BESIDE: Final = ("-wal", "-shm", ".segments")
"""What belongs to a journal besides its file."""


def backup_name(journal: Path, now: Nanos) -> Path:
    """Where a backup goes unless told: `backups/` beside the journal, named by UTC."""
    stamp = datetime.fromtimestamp(now // 1_000_000_000, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    return journal.parent / "backups" / f"{journal.stem}-{stamp}.sqlite"


def backup(journal: Path, out: Path) -> Proof:
    """Copy a journal with its archived segments, and prove the copy.

    A daemon may write meanwhile. Raises JournalError where the journal is not whole, where `out` is
    taken, or where the disk refuses; nothing half-made stays.
    """
    if not journal.is_file():
        msg = f"no journal {journal}: name its file"
        raise JournalError(msg)
    if out.exists():
        msg = f"{out} exists: name another file with --out, a backup replaces nothing"
        raise JournalError(msg)
    try:
        _copy(journal, out)
        return verify(out)
    except (OSError, sqlite3.Error) as error:
        _remove(out)
        msg = f"could not back up {journal} to {out}: {error}"
        raise JournalError(msg) from error
    except JournalError:
        _remove(out)
        raise


def restore(source: Path, journal: Path, now: Nanos) -> Path | None:
    """Put a proven backup in a journal's place, halted; where the old one lies now.

    Raises JournalError where the backup is not whole, a daemon has the journal, or the disk
    refuses: then the old journal is where it was.
    """
    if source.resolve() == journal.resolve():
        msg = f"{source} is the journal itself: name a backup"
        raise JournalError(msg)
    proof = verify(source)
    lock = JournalLock(journal)
    made = journal.with_name(f"{journal.name}.restoring")
    try:
        _remove(made)
        _copy(source, made)
        aside = _move_aside(journal)
        _move(made, journal)
        cut = m.JournalCut(
            kept=proof.last,
            entries=1,
            aside=aside.name if aside else "",
            reason=f"the journal was restored from {source.name}",
            ts=now,
        )
        write_down(journal, cut, now)
    except (OSError, sqlite3.Error) as error:
        msg = f"could not restore {journal} from {source}: {error}"
        raise JournalError(msg) from error
    finally:
        lock.release()
    return aside


def _copy(journal: Path, out: Path) -> None:
    """The file as of one moment, and the segments that its snapshot stands for."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(out)) as target,
    ):
        source.backup(target)
        query = "SELECT coalesce(max(seq), 0) FROM snapshots"
        (folded,) = target.execute(query).fetchone()
        target.execute("PRAGMA journal_mode=DELETE")  # one file, to be carried elsewhere
    for segment in segments(journal):
        if last_of(segment) <= folded:  # a later one was archived after the copy
            folder_of(out).mkdir(exist_ok=True)
            shutil.copy2(segment, folder_of(out) / segment.name)


def _move_aside(journal: Path) -> Path | None:
    if not journal.exists():
        return None
    number = 1
    while (aside := journal.with_name(f"{journal.name}.replaced-{number}")).exists():
        number += 1
    _move(journal, aside)
    return aside


def _move(journal: Path, to: Path) -> None:
    for end in _BESIDE:
        part = journal.with_name(f"{journal.name}{end}")
        if part.exists():
            part.replace(to.with_name(f"{to.name}{end}"))
    journal.replace(to)


def _remove(journal: Path) -> None:
    journal.unlink(missing_ok=True)
    for end in _BESIDE:
        part = journal.with_name(f"{journal.name}{end}")
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
