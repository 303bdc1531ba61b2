"""What a message costs on its way through an inbox, and how many pass in a second.

Beside ours: Pykka's own `queue.Queue`, and a bare `SimpleQueue` between two threads as the floor.
Sender and receiver sit on two cores, where a lock between them makes each wait for the other, and
then on one.
"""

from __future__ import annotations

import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope

from actors.address import Directory
from actors.inbox import Inbox
from core import messages as m
from core.units import Nanos
from tests.benchmarks.measure import Row, daemon_switching, in_turn, on_cores, rows

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "messages through an inbox"
_FLOOD = 50_000
Cores = tuple[int, int]
"""Where the sender runs, and where the receiver."""
_PLAIN = ("risk", m.CancelRefused(order_id="o", code="c", ts_recv=Nanos(1)))
_SNAPSHOT = ("risk", m.Tick(due=Nanos(1)))
_CONTROL = ("risk", m.Permit(epoch=1, state="ACTIVE", expires=Nanos(1)))


class _Stock(pykka.ThreadingActor):
    """Counts down and says when it has all, on Pykka's own inbox."""

    use_daemon_thread = True

    def __init__(self) -> None:
        super().__init__()
        self.left = _FLOOD
        self.done = threading.Event()

    def on_receive(self, message: Any) -> None:  # noqa: ANN401 - Pykka's signature
        del message
        self.left -= 1
        if not self.left:
            self.done.set()


class _Ours(_Stock):
    """The same on our inbox."""

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()


def _flood_actor(kind: type[_Stock], cores: Cores) -> float:
    """Thousand messages a second from one thread by `ActorRef.tell`, until all are handled."""
    with on_cores({cores[1]}):
        ref = kind.start()
    actor = ref._actor_weakref()
    assert actor is not None
    return _timed_flood(ref.tell, actor.done, ref.stop, cores)


def _flood_directory(cores: Cores) -> float:
    """The same by `Directory.tell`."""
    directory = Directory()
    with on_cores({cores[1]}):
        ref = _Ours.start()
    directory.register(("risk",), ref, 0)
    actor = ref._actor_weakref()
    assert actor is not None
    tell = directory.tell
    return _timed_flood(lambda delivery: tell(*delivery), actor.done, ref.stop, cores)


def _flood_raw(cores: Cores) -> float:
    """The floor: a bare queue between two threads."""
    queue: SimpleQueue[object] = SimpleQueue()
    done = threading.Event()

    def consume() -> None:
        for _ in range(_FLOOD):
            queue.get()
        done.set()

    thread = threading.Thread(target=consume)
    with on_cores({cores[1]}):
        thread.start()
    return _timed_flood(queue.put, done, thread.join, cores)


def _timed_flood(
    tell: Callable[[Any], None],
    done: threading.Event,
    end: Callable[[], object],
    cores: Cores,
) -> float:
    with on_cores({cores[0]}):
        started = time.perf_counter()
        for _ in range(_FLOOD):
            tell(_PLAIN)
        done.wait()
        elapsed = time.perf_counter() - started
    end()
    return _FLOOD / elapsed / 1_000


def _there_and_back(inbox: Any, delivery: object) -> float:  # noqa: ANN401 - any inbox
    """Microseconds for put and get of one message in one thread."""
    put, get = inbox.put, inbox.get
    started = time.perf_counter()
    for _ in range(_FLOOD):
        put(Envelope(delivery))
        get()
    return (time.perf_counter() - started) / _FLOOD * 1e6


def _floods(rounds: int, place: str, cores: Cores) -> list[Row]:
    medians = in_turn(
        {
            f"{place}, stock Pykka": lambda: _flood_actor(_Stock, cores),
            f"{place}, our inbox": lambda: _flood_actor(_Ours, cores),
            f"{place}, Directory and our inbox": lambda: _flood_directory(cores),
            f"{place}, raw SimpleQueue": lambda: _flood_raw(cores),
        },
        rounds,
    )
    return rows(medians, "k msg/s", f"{place}, stock Pykka")


def run(rounds: int) -> list[Row]:
    """Throughput from thread to thread, then the bare cost of put and get."""
    cores = sorted(os.sched_getaffinity(0))
    with daemon_switching():
        floods = _floods(rounds, "tell on one core", (cores[0], cores[0]))
        if len(cores) > 1:
            floods += _floods(rounds, "tell across cores", (cores[0], cores[1]))
    stock = pykka.ThreadingActor._create_actor_inbox
    costs = in_turn(
        {
            "put+get, stock Pykka": lambda: _there_and_back(stock(), _PLAIN),
            "put+get, plain": lambda: _there_and_back(Inbox(), _PLAIN),
            "put+get, snapshot": lambda: _there_and_back(Inbox(), _SNAPSHOT),
            "put+get, control": lambda: _there_and_back(Inbox(), _CONTROL),
            "put+get, raw SimpleQueue": lambda: _there_and_back(SimpleQueue(), _PLAIN),
        },
        rounds,
    )
    return [*floods, *rows(costs, "us", "put+get, stock Pykka")]
