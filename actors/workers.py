"""A few threads and one queue in order of urgency: where blocking calls to the exchange are made.

Cancels overtake everything that has not begun. Among equals the older goes first. A job whose first
request finds no tokens stays in the queue, and so does what would draw from the same bucket after
it; what draws from another goes on. Nothing is ever given up half way: a call that has begun ends
in its own time-out.
"""

from __future__ import annotations

import logging
import threading
from bisect import insort
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from core.exchange.costs import FREE, Bill
from core.exchange.throttle import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.gate import Gate
    from core.units import Nanos

_log = logging.getLogger(__name__)


def _nothing() -> None:
    """Nobody waits for the job's answer."""


class Job(NamedTuple):
    """A blocking call and what it needs to begin."""

    urgency: Urgency
    run: Callable[[], None]
    dropped: Callable[[], None] = _nothing
    """Called in its place when the workers stop before it has begun, on the stopping thread."""
    bill: Bill = FREE
    """Of its first request."""
    deadline: Nanos | None = None
    late: Callable[[], None] = _nothing
    """Called in its place when its tokens would come at the deadline or after."""


class _Waiting(NamedTuple):
    urgency: Urgency
    number: int
    job: Job


class Workers:
    """Threads that run jobs. All methods may be called on any thread."""

    def __init__(
        self, name: str, threads: int, gate: Gate, failed: Callable[[Exception], None]
    ) -> None:
        self._gate = gate
        self._failed = failed
        self._jobs: list[_Waiting] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._stopping = False
        self._reading = 0
        self._readers = max(1, threads - 1)
        """So many may be busy with reads, which can be long: one is left for what is urgent."""
        self._threads = tuple(
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        )

    def start(self) -> None:
        """Begin to work; once."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job. What it raises is a defect: it is logged and told to `failed`."""
        with self._changed:
            if not self._stopping:
                insort(self._jobs, _Waiting(job.urgency, next(self._numbers), job))
                self._changed.notify()
                return
        job.dropped()

    def stop(self) -> None:
        """Drop what has not begun, and let the threads end after what has; does not wait."""
        with self._changed:
            self._stopping = True
            left, self._jobs = self._jobs, []
            self._changed.notify_all()
        for waiting in left:
            waiting.job.dropped()

    def join(self, timeout: float) -> bool:
        """Wait for the threads, each at most `timeout` seconds; whether all have ended."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._jobs)

    # --- on a worker's thread --------------------------------------------------------------------

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - border: a worker's thread; its owner decides
                _log.exception("a job failed")
                self._failed(error)

    def _next(self) -> Callable[[], None] | None:
        """What this thread does next; waits for it. None: nothing any more."""
        with self._changed:
            while not self._stopping:
                call, pause = self._choose()
                if call is not None:
                    return call
                self._changed.wait(pause)
            return None

    def _choose(self) -> tuple[Callable[[], None] | None, float | None]:
        """The first job that may begin; else how long until one may, None: until one comes."""
        dry: set[str] = set()
        soonest: float | None = None
        for place, waiting in enumerate(self._jobs):
            job = waiting.job
            if job.urgency is Urgency.READ and self._reading >= self._readers:
                break
            if not dry.isdisjoint(bucket for bucket, _ in job.bill):
                continue
            pause = self._gate.admit(job.bill, job.urgency, job.deadline)
            if pause is None or pause == 0.0:
                del self._jobs[place]
                return (job.late if pause is None else self._begin(job)), None
            dry.update(bucket for bucket, _ in job.bill)
            soonest = pause if soonest is None else min(soonest, pause)
        return None, soonest

    def _begin(self, job: Job) -> Callable[[], None]:
        self._reading += job.urgency is Urgency.READ
        return lambda: self._carry(job)

    def _carry(self, job: Job) -> None:
        try:
            with self._gate.errand(job.urgency, job.bill):
                job.run()
        finally:
            with self._changed:
                self._reading -= job.urgency is Urgency.READ
                self._changed.notify()
