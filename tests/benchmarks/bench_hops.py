"""How long a message takes to reach a sleeping thread, and to pass through five.

One message at a time, half a millisecond apart, each carrying its time of sending: the wake-up is
what costs. In turn: bare threads on a `SimpleQueue` (the floor), a bare Pykka actor on its own
`queue.Queue`, the same on our inbox, and whole hosts, with role, runner, directory and meters.
Everything runs with the switch interval of the daemon; free on all cores, then on one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pykka

from actors.address import Directory
from actors.host import Crew, RoleActor, Station
from actors.inbox import Inbox
from core import messages as m
from core.clock import SystemClock
from core.journal import MemoryJournal
from core.topology import Routing
from core.units import Nanos
from tests.benchmarks.measure import Row, daemon_switching, in_turn, on_cores, percentile, rows

if TYPE_CHECKING:
    from core.messages import Message

TITLE = "hops between threads"
_SAMPLES = 400
_PAUSE_S = 0.0005
_CHAIN = 5
_Send = Callable[[int], None]
"""Sends one message, which carries its time of sending, on its way."""
_Line = Callable[[Callable[[int], None]], tuple[_Send, Callable[[], object]]]
"""Builds a line of threads that ends in the given function: how to send, how to take it down."""


class _Stock(pykka.ThreadingActor):
    """Hands what it gets to the next, on Pykka's own inbox."""

    use_daemon_thread = True

    def __init__(self, forward: Callable[[int], None]) -> None:
        super().__init__()
        self._forward = forward

    def on_receive(self, message: Any) -> None:  # noqa: ANN401 - Pykka's signature
        self._forward(message)


class _OnOurInbox(_Stock):
    """The same, on our inbox."""

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()


class _Relay:
    """A role that hands on what it gets."""

    def __init__(self, name: str, answer: Callable[[int], Message]) -> None:
        self.name = name
        self._answer = answer

    def handle(self, message: Message, now: Nanos) -> tuple[Message, ...]:
        del now
        return () if isinstance(message, m.Begin) else (self._answer(_stamp(message)),)

    def apply(self, event: Message) -> None:
        """Nothing is journalled here."""


def _query(sent: int) -> Message:
    return m.QueryAccount(since=Nanos(sent))


def _stamp(message: Message) -> int:
    assert isinstance(message, m.QueryAccount)
    return message.since


def _pykka_line(kind: type[_Stock], length: int) -> _Line:
    def build(last: Callable[[int], None]) -> tuple[_Send, Callable[[], object]]:
        refs: list[pykka.ActorRef[_Stock]] = []
        forward = last
        for _ in range(length):
            refs.append(kind.start(forward))
            forward = refs[-1].tell
        return forward, lambda: [ref.stop() for ref in refs]

    return build


def _raw_line(length: int) -> _Line:
    def build(last: Callable[[int], None]) -> tuple[_Send, Callable[[], object]]:
        forward = last
        threads: list[threading.Thread] = []
        for _ in range(length):
            queue: SimpleQueue[int] = SimpleQueue()
            threads.append(threading.Thread(target=_forward, args=(queue, forward), daemon=True))
            threads[-1].start()
            forward = queue.put

        def end() -> None:
            first(-1)
            for thread in threads:
                thread.join()

        first = forward
        return first, end

    return build


def _forward(queue: SimpleQueue[int], forward: Callable[[int], None]) -> None:
    while (sent := queue.get()) >= 0:
        forward(sent)
    forward(sent)


class _Hops(Routing):
    """A chain in place of the topology: each role's answers go to the next."""

    def __init__(self, target: str) -> None:
        super().__init__(())
        self._to = (target,)

    def targets(self, message: type[Message]) -> tuple[str, ...]:
        del message
        return self._to


def host_line(length: int) -> _Line:
    """Whole hosts, each of which hands on what it gets."""

    def build(last: Callable[[int], None]) -> tuple[_Send, Callable[[], object]]:
        directory = Directory()
        directory.register_sink("hop:0", lambda message: last(_stamp(message)))
        directory.register_sink("supervision", lambda _: None)
        refs = [
            RoleActor.start(
                Station(
                    name=f"hop:{number}", generation=0, directory=directory, clock=SystemClock()
                ),
                Crew(
                    names=(f"hop:{number}",),
                    make=lambda name, _: _Relay(name, _query),
                    routing=_Hops(f"hop:{number - 1}"),
                    journal=MemoryJournal,
                ),
            )
            for number in range(1, length + 1)
        ]
        tell = directory.tell
        return lambda sent: tell(f"hop:{length}", _query(sent)), lambda: [r.stop() for r in refs]

    return build


def _latency(line: _Line, share: float) -> float:
    """Microseconds from sending to the last handler."""
    samples: list[int] = []
    arrived = threading.Event()

    def last(sent: int) -> None:
        if sent >= 0:
            samples.append(time.perf_counter_ns() - sent)
            arrived.set()

    send, end = line(last)
    for _ in range(_SAMPLES):
        time.sleep(_PAUSE_S)
        arrived.clear()
        send(time.perf_counter_ns())
        arrived.wait()
    end()
    return percentile(samples, share) / 1_000


def _measure(rounds: int, place: str) -> list[Row]:
    results: list[Row] = []
    for length in (1, _CHAIN):
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            what = f"{length} hop{'s' * (length > 1)} {label} {place}"
            lines = {
                f"{what}, raw SimpleQueue": _raw_line(length),
                f"{what}, Pykka": _pykka_line(_Stock, length),
                f"{what}, Pykka on our inbox": _pykka_line(_OnOurInbox, length),
                f"{what}, our hosts": host_line(length),
            }
            cases = {
                name: lambda line=line, share=share: _latency(line, share)
                for name, line in lines.items()
            }
            results += rows(in_turn(cases, rounds), "us", f"{what}, raw SimpleQueue")
    return results


def run(rounds: int) -> list[Row]:
    """One hop and five, free and on one core."""
    with daemon_switching():
        results = _measure(rounds, "free")
        with on_cores({min(os.sched_getaffinity(0))}):
            results += _measure(rounds, "pinned")
    return results
