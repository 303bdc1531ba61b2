"""The journal behind a host's fence: a retired host writes no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from core.journal import Journal
    from core.messages import Message
    from core.units import Nanos


class FencedError(Exception):
    """A retired host came back to life and wanted to write or send."""


class FencedJournal:
    """The host's journal, closed to it once it is retired.

    The check and the write are two steps: a host retired between them still writes. Replacing a
    host takes a supervisor's heartbeat time-out, the step microseconds.
    """

    def __init__(self, journal: Journal, check_fence: Callable[[], None]) -> None:
        self.instance = journal.instance
        self._journal = journal
        self._check_fence = check_fence

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write, unless retired: FencedError."""
        self._check_fence()
        self._journal.append(events, now)

    def replay(self, kinds: Collection[type[Message]] | None = None) -> Iterator[Message]:
        """The events of these kinds in the order of writing."""
        return self._journal.replay(kinds)

    def close(self) -> None:
        """Release the connection."""
        self._journal.close()
