"""A daemon's hold on its journal: locked, checked, kept small, and open to its hosts.

Used by the main thread; only `connect` is called by others, each in a thread of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.journal_archive import Bounds, Compacted, compact
from core.journal_check import check
from core.journal_lock import JournalLock
from core.journal_sqlite import SqliteJournal

if TYPE_CHECKING:
    from pathlib import Path

    from core.journal import Journal
    from core.units import Nanos


class JournalKeeper:
    """One journal from the daemon's start to its end.

    Construction locks and checks; raises JournalError where another daemon has it, or where it is
    damaged other than at its end.
    """

    def __init__(self, path: Path, now: Nanos, bounds: Bounds | None = None) -> None:
        self.path = path
        self._bounds = bounds or Bounds()
        self._lock = JournalLock(path)
        try:
            self.checked = check(path, now)
        except BaseException:
            self._lock.release()
            raise

    def tend(self) -> Compacted | None:
        """Fold old entries away if there are too many. Raises JournalError; nothing is lost."""
        return compact(self.path, self._bounds)

    def connect(self) -> Journal:
        """A connection for one host."""
        return SqliteJournal(self.path)

    def release(self) -> None:
        """Let another daemon have the journal. Idempotent."""
        self._lock.release()
