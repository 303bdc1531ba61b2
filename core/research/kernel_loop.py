"""A loop whose roles sleep while nothing can come of their ticks.

Ticks are what a trial mostly consists of: six or seven roles every second, to look whether a lease
must be renewed or an answer is late. Here those of a role may be put off to a time, each in its own
rhythm, as the loop itself does where a tape is silent.
"""

from __future__ import annotations

from heapq import heapify
from typing import TYPE_CHECKING

from core.messages import Scheduled
from core.research.backtest_loop import Loop
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Mapping


class SparseLoop(Loop):
    """Not thread-safe."""

    @property
    def is_waiting(self) -> bool:
        """Whether anything but ticks is due: an order or an answer is on its way."""
        return any(isinstance(entry, Scheduled) for _, _, entry in self._agenda)

    def sleep(self, until: Mapping[str, Nanos]) -> None:
        """Put the ticks of each role off to the first that is not before its time here."""
        kept = []
        for due, order, entry in self._agenda:
            later = due
            if not isinstance(entry, Scheduled):
                wake = until.get(entry.to, due)
                if due < wake:
                    later = Nanos(wake + (due - wake) % entry.interval)
            kept.append((later, order, entry))
        self._agenda = kept
        heapify(self._agenda)
