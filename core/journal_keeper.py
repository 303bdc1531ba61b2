"""A daemon's hold on its journal: locked, checked, kept small, and open to its hosts.

Used by the main thread; only `connect` is called by others, each in a thread of its own.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from core.domain.fold import folded
from core.journal import JournalError
from core.journal_archive import Bounds, Compacted, compact
from core.journal_check import check
from core.journal_last_word import LastWordJournal, lay_reserve, reserve_of
from core.journal_lock import JournalLock
from core.journal_schema import connect
from core.journal_sqlite import SqliteJournal

if TYPE_CHECKING:
    from pathlib import Path

    from core.domain.fold import Fold
    from core.journal import Journal
    from core.units import Nanos


class JournalKeeper:
    """One journal from the daemon's start to its end.

    Construction locks and checks; raises JournalError where another daemon has it, where it is
    damaged other than at its end, or where the disk takes no more.
    """

    def __init__(self, path: Path, now: Nanos, bounds: Bounds | None = None) -> None:
        self.path = path
        self._bounds = bounds or Bounds()
        self._lock = JournalLock(path)
        try:
            self.checked = check(path, now)
            _prove_writable(path)
        except BaseException:
            self._lock.release()
            raise

    def tend(self) -> Compacted | None:
        """Fold old entries away if there are too many. Raises JournalError; nothing is lost."""
        return compact(self.path, self._bounds)

    def connect(self) -> Journal:
        """A connection for one host."""
        return SqliteJournal(self.path)

    def connect_to_halt(self) -> Journal:
        """A connection for the host that halts trading."""
        return LastWordJournal(self.connect(), reserve_of(self.path))

    def fold(self) -> Fold:
        """Everything journalled so far, folded; any thread."""
        with closing(self.connect()) as journal:
            return folded(journal.replay())

    def release(self) -> None:
        """Let another daemon have the journal. Idempotent."""
        self._lock.release()


def _prove_writable(path: Path) -> None:
    """Write through to the disk once, and lay the reserve, before anybody relies on it."""
    try:
        lay_reserve(path)
        db = connect(path)
        try:
            db.execute("PRAGMA synchronous=FULL")
            db.execute("INSERT OR REPLACE INTO meta VALUES ('opened_by', ?)", (str(os.getpid()),))
        finally:
            db.close()
    except (sqlite3.Error, OSError) as error:
        msg = f"journal {path}: could not write: {error}; free the disk and start again"
        raise JournalError(msg) from error
