"""The gate: tokens are taken once, waited for in the thread, given back unused, and 429s heeded."""

from __future__ import annotations

import queue
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.gate import Gate
from actors.workers import Job, Workers
from core.clock import ScaledClock, VirtualClock, start_spec
from core.exchange.auth import Signer, read_private_key
from core.exchange.costs import FREE, READ, Bill
from core.exchange.kalshi import Timeouts, connect
from core.exchange.port import RateLimited
from core.exchange.throttle import Urgency
from core.units import SECOND, Nanos, seconds
from web.exchange import serve_exchange
from web.exchange_options import ExchangeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(300)

HANG_SECONDS = 30.0
START = Nanos(1_795_360_000 * SECOND)
CREATE: Bill = (("write:2", 10),)
CANCEL: Bill = (("write:2", 2),)
ALL_WRITES: Bill = (("write:2", 100),)
ASK: Bill = ((READ, 10),)


def tokens(gate: Gate) -> dict[str, int]:
    return {row.bucket: row.tokens for row in gate.gauge(0).buckets}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def gate(clock: VirtualClock) -> Gate:
    return Gate(clock)


# --- letting in


def test_a_job_is_let_in_when_its_tokens_are_there_and_they_are_taken(gate: Gate) -> None:
    assert gate.admit(CREATE, Urgency.PLACE, None) == 0.0
    assert tokens(gate) == {"write:2": 90}


def test_a_job_without_tokens_is_told_how_long_in_seconds_of_the_machine() -> None:
    clock = ScaledClock.from_spec(start_spec(10.0, START))
    gate = Gate(clock)
    assert gate.admit((("write:2", 10_000),), Urgency.CANCEL, None) == 0.0
    wait = gate.admit(CANCEL, Urgency.CANCEL, None)
    assert wait is not None
    assert 0.0 < wait <= (10_000 - 98) / 100 / 10.0


@pytest.mark.parametrize(("before", "admitted"), [(0.3, None), (0.31, 0.3)])
def test_a_turn_at_the_deadline_is_too_late(
    gate: Gate, before: float, admitted: float | None
) -> None:
    gate.admit(ALL_WRITES, Urgency.CANCEL, None)
    deadline = Nanos(START + seconds(before))
    assert gate.admit(CREATE, Urgency.PLACE, deadline) == admitted


# --- errands


def test_the_first_request_of_a_job_is_paid_and_the_next_pays_itself(gate: Gate) -> None:
    gate.admit(ASK, Urgency.READ, None)
    with gate.errand(Urgency.READ, ASK):
        gate.enter(FREE)
        gate.enter(ASK)
        assert tokens(gate)["read"] == 590
        gate.enter(ASK)
    assert tokens(gate)["read"] == 580


def test_tokens_of_a_job_that_sent_nothing_come_back(gate: Gate) -> None:
    gate.admit(CREATE, Urgency.PLACE, None)
    with gate.errand(Urgency.PLACE, CREATE):
        pass
    assert tokens(gate) == {"write:2": 100}


def test_tokens_come_back_also_from_a_job_that_broke(gate: Gate) -> None:
    gate.admit(CREATE, Urgency.PLACE, None)
    with pytest.raises(ValueError, match="broke"), gate.errand(Urgency.PLACE, CREATE):
        raise ValueError("broke")
    assert tokens(gate) == {"write:2": 100}


def test_what_a_job_paid_is_of_use_to_its_own_thread_alone(gate: Gate) -> None:
    gate.admit(ASK, Urgency.READ, None)
    with gate.errand(Urgency.READ, ASK):
        other = threading.Thread(target=gate.enter, args=(ASK,))
        other.start()
        other.join(HANG_SECONDS)
        assert tokens(gate)["read"] == 580


def test_a_request_in_a_cancelling_job_may_use_the_reserve(gate: Gate) -> None:
    gate.admit((("write:2", 90),), Urgency.CANCEL, None)
    with gate.errand(Urgency.CANCEL, FREE):
        for _ in range(5):
            gate.enter(CANCEL)
    assert tokens(gate)["write:2"] == 0


def test_a_request_waits_in_its_thread_until_its_tokens_have_come() -> None:
    clock = ScaledClock.from_spec(start_spec(50.0, START))
    gate = Gate(clock)
    gate.admit(ALL_WRITES, Urgency.CANCEL, None)
    with gate.errand(Urgency.CANCEL, FREE):
        for _ in range(100):
            gate.enter(CANCEL)
    assert clock.now() - START >= 2 * SECOND, "two hundred tokens at a hundred a second"


def test_a_request_that_would_wait_too_long_is_given_up_unpaid(gate: Gate) -> None:
    gate.admit((("write:2", 700),), Urgency.CANCEL, None)
    with pytest.raises(RateLimited, match="write:2"):
        gate.enter(CREATE)
    assert tokens(gate)["write:2"] == -600


def test_those_who_wait_are_counted(clock: VirtualClock, gate: Gate) -> None:
    gate.admit(ALL_WRITES, Urgency.CANCEL, None)
    waits = threading.Thread(target=gate.enter, args=(CREATE,))
    waits.start()
    while gate.gauge(0).waiting == 0:
        threading.Event().wait(0.001)
    assert gate.gauge(3).waiting == 4
    clock.advance_to(Nanos(START + SECOND))
    gate.answered(CREATE, 200)
    waits.join(HANG_SECONDS)
    assert gate.gauge(0).waiting == 0


# --- the client at the gate


class Desk:
    """Answers requests one after another with the statuses it is given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/trade-api/v2"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                status = self._statuses.pop(0) if self._statuses else 200
                body = b'{"error": "too many requests"}' if status == 429 else STATUS
                head = b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                connection.sendall(head % (status, len(body)) + body)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(HANG_SECONDS)
        self._listener.close()


STATUS = b'{"exchange_active": true, "trading_active": true}'


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*statuses: int) -> Desk:
        made.append(Desk(*statuses))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_after_a_429_nothing_of_that_bucket_leaves_for_a_while(
    desk: Callable[..., Desk], clock: VirtualClock
) -> None:
    gate = Gate(clock, patience_seconds=0.05)
    exchange = connect(desk(429).url, None, Timeouts(connect=30, read=60), gate)
    with pytest.raises(RateLimited, match="too many requests"):
        exchange.status()
    with pytest.raises(RateLimited, match="not sent"):
        exchange.status()
    assert gate.gauge(0).refused == 1
    clock.advance_to(Nanos(START + SECOND))
    assert exchange.status().trading_active
    exchange.close()


def test_at_an_exchange_with_the_same_buckets_nothing_is_ever_turned_away(tmp_path: Path) -> None:
    """A hundred reads cost a thousand tokens; six hundred are there, the rest has to come."""
    running = serve_exchange(
        ExchangeOptions(state=tmp_path, key_type="ed25519", streams=2, speed=5, tier="basic")
    )
    told = running.announcement
    assert told.clock is not None
    clock = ScaledClock.from_spec(told.clock)
    gate = Gate(clock)
    signer = Signer(told.key_id, read_private_key(Path(str(told.private_key_path))), clock)
    exchange = connect(told.base_url, signer, Timeouts(connect=30, read=60), gate)
    try:
        for _ in range(100):
            exchange.orders()
        for _ in range(3):
            exchange.balance()
    finally:
        exchange.close()
        running.stop()
    assert gate.gauge(0).refused == 0


# --- the queue of the workers


@pytest.fixture
def crew(gate: Gate) -> Iterator[Workers]:
    failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
    made = Workers("crew", 2, gate, failures.put)
    made.start()
    yield made
    made.stop()
    assert made.join(HANG_SECONDS)
    assert failures.empty()


def test_jobs_without_tokens_wait_and_others_go_on(
    crew: Workers, gate: Gate, clock: VirtualClock
) -> None:
    gate.admit(ALL_WRITES, Urgency.CANCEL, None)
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    crew.submit(Job(Urgency.PLACE, lambda: done.put("place"), bill=CREATE))
    crew.submit(Job(Urgency.CANCEL, lambda: done.put("cancel"), bill=CANCEL))
    crew.submit(Job(Urgency.READ, lambda: done.put("read"), bill=ASK))
    assert done.get(timeout=HANG_SECONDS) == "read"
    assert crew.waiting == 2
    clock.advance_to(Nanos(START + seconds(0.1)))
    assert done.get(timeout=HANG_SECONDS) == "cancel"
    clock.advance_to(Nanos(START + seconds(0.5)))
    assert done.get(timeout=HANG_SECONDS) == "place"


def test_a_job_whose_tokens_come_too_late_is_told_so_in_its_place(
    crew: Workers, gate: Gate
) -> None:
    gate.admit(ALL_WRITES, Urgency.CANCEL, None)
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    crew.submit(
        Job(
            Urgency.PLACE,
            run=lambda: told.put("sent"),
            bill=CREATE,
            deadline=Nanos(START + seconds(0.1)),
            late=lambda: told.put("late"),
        )
    )
    assert told.get(timeout=HANG_SECONDS) == "late"
    assert tokens(gate)["write:2"] == 0


def test_reads_never_keep_all_workers_busy(crew: Workers) -> None:
    opened, begun, done = threading.Event(), threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        assert opened.wait(HANG_SECONDS)

    for _ in range(3):
        crew.submit(Job(Urgency.READ, long))
    assert begun.wait(HANG_SECONDS)
    crew.submit(Job(Urgency.PLACE, done.set))
    assert done.wait(HANG_SECONDS)
    assert crew.waiting == 2
    opened.set()
