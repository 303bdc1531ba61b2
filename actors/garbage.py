"""What Python's garbage collector costs, and what is kept out of its way.

A collection stops every thread of the process for as long as it takes to walk what it tracks.
What stands once the daemon has started stays for its life, so `settle` puts it where no collection
looks; messages never get there (`core.messages.base`). What has lasted since is put there too,
twice a minute, so that a full collection never has more than half a minute's survivors to walk; the
interpreter makes none by itself. What is left is counted here.
"""

from __future__ import annotations

import gc
import time
from importlib import import_module
from typing import Final

from core.messages.safety import Collections

GENERATIONS: Final = 3
TEND_SECONDS: Final = 30.0
"""Between two full collections; of the machine."""
_NEVER: Final = 1_000_000
"""Collections of the middle generation before the interpreter makes a full one by itself."""
LOADED_LATE: Final = ("encodings.ascii", "numpy.ma", "numpy.random", "pyarrow.compute")
"""Modules that libraries import when they first need them: 0.1 s in the middle of trading, and some
5,000 objects that every full collection would walk."""


class Garbage:
    """Counts collections from `settle` on. One for a process, made and settled on its main thread.

    The callbacks run on whatever thread a collection happens, always one at a time: a collection
    within a collection is not made.
    """

    def __init__(self) -> None:
        self._times = [0] * GENERATIONS
        self._total = [0] * GENERATIONS
        self._longest = [0] * GENERATIONS
        self._began = 0
        self._thresholds = gc.get_threshold()
        self._tend_at = 0.0

    def settle(self) -> None:
        """Collect what the start has left, keep the rest out of all collections, begin to count."""
        for module in LOADED_LATE:
            import_module(module)
        self._keep_out()
        if self._told not in gc.callbacks:
            self._thresholds = gc.get_threshold()
            gc.set_threshold(*self._thresholds[:2], _NEVER)
            gc.callbacks.append(self._told)

    def tend(self) -> None:
        """Now and then collect everything, and keep what has lasted out of the next collections.

        A ring of objects that dies after it was kept out stays until the end: connections make a
        few in a day.
        """
        if time.monotonic() >= self._tend_at:
            self._keep_out()

    def _keep_out(self) -> None:
        gc.collect()
        gc.freeze()
        self._tend_at = time.monotonic() + TEND_SECONDS

    def end(self) -> None:
        """Count no more, and let go of what was kept out."""
        if self._told in gc.callbacks:
            gc.callbacks.remove(self._told)
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()

    def _told(self, phase: str, about: dict[str, int]) -> None:
        """Called by the collector. Time of the thread, not of the wall: who else had the processor
        meanwhile is not the collector's doing.
        """
        if phase == "start":
            self._began = time.thread_time_ns()
            return
        took, generation = time.thread_time_ns() - self._began, about["generation"]
        self._times[generation] += 1
        self._total[generation] += took
        self._longest[generation] = max(self._longest[generation], took)

    def collections(self) -> tuple[Collections, ...]:
        """What happened so far, youngest generation first. Any thread."""
        return tuple(
            Collections(times=times, total_ns=total, longest_ns=longest)
            for times, total, longest in zip(self._times, self._total, self._longest, strict=True)
        )
