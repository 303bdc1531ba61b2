"""The workers: urgency decides, nothing is lost in silence, a defect is told."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import pytest

from actors.gate import Gate
from actors.workers import Job, Workers
from core.clock import SystemClock
from core.exchange.throttle import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)

HANG_SECONDS = 30.0


class Crew:
    """One worker, held at its first job until `release`."""

    def __init__(self) -> None:
        self.failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.workers = Workers("crew", 1, Gate(SystemClock()), self.failures.put)
        self.done: list[str] = []
        self.finished = threading.Event()
        self._released = threading.Event()

    def hold(self) -> None:
        begun = threading.Event()

        def first() -> None:
            begun.set()
            assert self._released.wait(HANG_SECONDS)

        self.workers.start()
        self.workers.submit(Job(Urgency.READ, first))
        assert begun.wait(HANG_SECONDS)

    def submit(self, urgency: Urgency, name: str) -> None:
        self.workers.submit(
            Job(
                urgency,
                run=lambda: self.done.append(name),
                dropped=lambda: self.done.append(f"dropped {name}"),
            )
        )

    def release(self) -> None:
        """Let the worker go on, and wait until it has done everything."""
        self.workers.submit(Job(Urgency.READ, self.finished.set))
        self._released.set()
        assert self.finished.wait(HANG_SECONDS)

    def free(self) -> None:
        self._released.set()


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew()
    made.hold()
    yield made
    made.free()
    made.workers.stop()
    assert made.workers.join(HANG_SECONDS)


def test_the_urgent_goes_first_and_the_older_among_equals(crew: Crew) -> None:
    for urgency, name in (
        (Urgency.READ, "read 1"),
        (Urgency.PLACE, "place 1"),
        (Urgency.READ, "read 2"),
        (Urgency.CANCEL, "cancel"),
        (Urgency.PLACE, "place 2"),
        (Urgency.ORDER, "order"),
    ):
        crew.submit(urgency, name)
    assert crew.workers.waiting == 6
    crew.release()
    assert crew.done == ["cancel", "place 1", "place 2", "order", "read 1", "read 2"]


def test_a_defect_is_told_and_the_worker_goes_on(crew: Crew) -> None:
    def broken() -> None:
        msg = "a defect"
        raise RuntimeError(msg)

    crew.workers.submit(Job(Urgency.CANCEL, broken))
    crew.submit(Urgency.READ, "after")
    crew.release()
    assert str(crew.failures.get(timeout=HANG_SECONDS)) == "a defect"
    assert crew.done == ["after"]


def test_what_has_not_begun_when_it_stops_is_dropped_and_told(crew: Crew) -> None:
    crew.submit(Urgency.PLACE, "waiting")
    crew.workers.stop()
    crew.submit(Urgency.PLACE, "late")
    assert crew.done == ["dropped waiting", "dropped late"]
