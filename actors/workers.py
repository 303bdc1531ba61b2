"""A few threads and one queue in order of urgency: where blocking calls to the exchange are made.

Cancels overtake everything that has not begun. Among equals the older goes first. Nothing is ever
given up half way: a call that has begun ends in its own time-out.
"""

from __future__ import annotations

import heapq
import logging
import threading
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Urgency(IntEnum):
    """What goes first."""

    CANCEL = 0
    PLACE = 1
    ORDER = 2
    """Questions about an order whose outcome is unknown."""
    READ = 3


class Workers:
    """Threads that run jobs. All methods may be called on any thread."""

    def __init__(self, name: str, threads: int, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._jobs: list[tuple[Urgency, int, Callable[[], None], Callable[[], None]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = tuple(
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        )

    def start(self) -> None:
        """Begin to work; once."""
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        urgency: Urgency,
        job: Callable[[], None],
        dropped: Callable[[], None] = lambda: None,
    ) -> None:
        """Queue a job. What it raises is a defect: it is logged and told to `failed`.

        If the workers stop before it has begun, `dropped` is called instead, on that thread.
        """
        with self._changed:
            if not self._stopping:
                heapq.heappush(self._jobs, (urgency, next(self._order), job, dropped))
                self._changed.notify()
                return
        dropped()

    def stop(self) -> None:
        """Drop what has not begun, and let the threads end after what has; does not wait."""
        with self._changed:
            self._stopping = True
            left, self._jobs = self._jobs, []
            self._changed.notify_all()
        for *_, dropped in left:
            dropped()

    def join(self, timeout: float) -> bool:
        """Wait for the threads, each at most `timeout` seconds; whether all have ended."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._jobs)

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._jobs:
                if self._stopping:
                    return None
                self._changed.wait()
            return heapq.heappop(self._jobs)[2]

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - border: a worker's thread; its owner decides
                _log.exception("a job failed")
                self._failed(error)
