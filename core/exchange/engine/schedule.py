"""What is due when: one heap, worked off in order of time, then of entry."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.units import Nanos


class Schedule:
    """Actions at times. Each runs at its own time, however late `run_due` is called."""

    def __init__(self) -> None:
        self._heap: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._count = 0

    def add(self, at: Nanos, action: Callable[[], None]) -> None:
        """Have something done at a time; of equal times the first entered goes first."""
        self._count += 1
        heappush(self._heap, (at, self._count, action))

    def next_due(self) -> Nanos | None:
        """The time of the next action."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: Nanos) -> tuple[Nanos, Callable[[], None]] | None:
        """The next action due at or before `now`, taken off."""
        if not self._heap or self._heap[0][0] > now:
            return None
        at, _, action = heappop(self._heap)
        return at, action
