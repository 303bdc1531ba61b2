"""The supervisor's journal: a halt takes effect even when it cannot be written.

Whoever may halt must not be stopped by a full disk. A reserve beside the journal is given up to
make room for that one entry; where even that does not help, the halt is kept in memory, holds in
this process, and is written before anything else once the disk takes it. Everything that gives
permission fails like any other write.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.journal import JournalError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from core.journal import Journal
    from core.messages import Message
    from core.units import Nanos

RESERVE_BYTES: Final = 256 * 1024
"""Room for some dozens of pages of SQLite's log."""


def reserve_of(journal: Path) -> Path:
    """The file that is given up for a halt."""
    return journal.with_name(f"{journal.name}.reserve")


def lay_reserve(journal: Path) -> None:
    """Put the reserve in place (again). Raises OSError on a disk without room for it."""
    with reserve_of(journal).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


class LastWordJournal:
    """Wraps the journal of the role that halts. One thread, that of its host."""

    def __init__(self, journal: Journal, reserve: Path) -> None:
        self.instance = journal.instance
        self._journal = journal
        self._reserve = reserve
        self._unwritten: list[Message] = []

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write; a halt that cannot be written is kept. Raises JournalError for all else."""
        try:
            self._append(events, now)
        except JournalError:
            if not all(_is_halt(event) for event in events):
                raise
            self._unwritten += events

    def _append(self, events: Sequence[Message], now: Nanos) -> None:
        due = [*self._unwritten, *events]
        try:
            self._journal.append(due, now)
        except JournalError:
            self._give_up_reserve()
            self._journal.append(due, now)
        self._unwritten.clear()

    def _give_up_reserve(self) -> None:
        try:
            self._reserve.unlink(missing_ok=True)
        except OSError:
            return  # a disk that can only be read: the halt is kept in memory

    def replay(self, kinds: Collection[type[Message]] | None = None) -> Iterator[Message]:
        """The events of these kinds in the order of writing."""
        return self._journal.replay(kinds)

    def close(self) -> None:
        """Release the connection."""
        self._journal.close()


def _is_halt(event: Message) -> bool:
    return isinstance(event, m.TradingStateChanged) and event.state == "HALTED"
