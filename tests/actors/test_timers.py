"""Timers promise: at its time, once, in order; ticks neither drift nor pile up; nothing spins."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.timers import Agenda, Timers
from core import messages as m
from core.clock import ScaledClock, SystemClock, start_spec
from core.topology import SUPERVISION, TIMERS
from core.units import MINUTE, SECOND, Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

START = Nanos(1_000 * SECOND)


def note(number: int) -> Message:
    return m.QueryAccount(since=Nanos(number))


def scheduled(due: int, number: int = 0, to: str = "risk") -> m.Scheduled:
    return m.Scheduled(due=Nanos(due), to=to, message=note(number))


def take_all(agenda: Agenda, now: int) -> list[tuple[str, Message]]:
    taken = []
    while (delivery := agenda.take(Nanos(now))) is not None:
        taken.append(delivery)
    return taken


def ticks(agenda: Agenda, now: int) -> list[int]:
    due: list[int] = []
    for _, message in take_all(agenda, now):
        assert isinstance(message, m.Tick)
        due.append(message.due)
    return due


# --- the agenda -----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50)), st.integers(0, 60))
def test_what_is_due_is_taken_in_order_and_nothing_else(dues: list[int], now: int) -> None:
    agenda = Agenda()
    for number, due in enumerate(dues):
        agenda.schedule(scheduled(due, number), Nanos(0))
    order = sorted(range(len(dues)), key=lambda number: (dues[number], number))
    expected = [("risk", note(number)) for number in order if dues[number] <= now]
    later = [due for due in sorted(dues) if due > now]
    assert take_all(agenda, now) == expected
    assert agenda.next_due == (later[0] if later else None)


def test_what_is_overdue_when_scheduled_goes_behind_what_is_due() -> None:
    agenda = Agenda()
    agenda.schedule(scheduled(START, 1), START)
    agenda.schedule(scheduled(START - 5, 2), START)
    assert take_all(agenda, START) == [("risk", note(1)), ("risk", note(2))]


def test_only_scheduled_can_be_scheduled() -> None:
    with pytest.raises(TypeError, match="QueryAccount"):
        Agenda().schedule(note(1), START)


def test_ticks_come_at_whole_intervals_from_the_start() -> None:
    agenda = Agenda()
    agenda.tick("risk", Nanos(10), START)
    taken = [ticks(agenda, START + later) for later in (9, 10, 19, 20)]
    assert taken == [[], [START + 10], [], [START + 20]]


@given(interval=st.integers(1, 1_000), steps=st.lists(st.integers(0, 5_000), max_size=30))
def test_ticks_neither_drift_nor_pile_up(interval: int, steps: list[int]) -> None:
    agenda = Agenda()
    agenda.tick("risk", Nanos(interval), START)
    now, last = int(START), int(START)
    for step in steps:
        now += step
        newest = START + (now - START) // interval * interval
        assert ticks(agenda, now) == ([newest] if newest > last else [])
        assert agenda.next_due == newest + interval
        last = newest


def test_a_second_interval_replaces_the_first() -> None:
    agenda = Agenda()
    agenda.tick("risk", Nanos(10), START)
    agenda.tick("risk", Nanos(25), START)
    assert [ticks(agenda, START + later) for later in (10, 20, 25)] == [[], [], [START + 25]]


def test_ticks_of_other_roles_go_on_when_one_ceases() -> None:
    agenda = Agenda()
    agenda.tick("risk", Nanos(10), START)
    agenda.tick("execution", Nanos(10), START)
    agenda.cease("risk")
    assert take_all(agenda, START + 10) == [("execution", m.Tick(due=Nanos(START + 10)))]


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_that_would_never_end_is_refused(interval: int) -> None:
    with pytest.raises(ValueError, match="risk needs a positive interval"):
        Agenda().tick("risk", Nanos(interval), START)


def test_ticks_go_on_when_the_clock_is_set_back() -> None:
    agenda = Agenda()
    agenda.tick("risk", SECOND, START)
    assert ticks(agenda, START + SECOND) == [START + SECOND]
    back = START - MINUTE
    assert ticks(agenda, back) == []
    assert ticks(agenda, back + SECOND) == [back + SECOND]


def test_a_message_for_a_time_is_not_moved_when_the_clock_is_set_back() -> None:
    agenda = Agenda()
    agenda.schedule(scheduled(START + 5), START)
    agenda.take(START)
    agenda.take(Nanos(START - MINUTE))
    assert agenda.next_due == START + 5


# --- the thread -----------------------------------------------------------------------------------


class Told:
    """Takes what the timers tell."""

    def __init__(self) -> None:
        self.messages: SimpleQueue[tuple[str, Message]] = SimpleQueue()

    def __call__(self, name: str, message: Message) -> None:
        self.messages.put((name, message))


class CountedClock(SystemClock):
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0
        self.read_thrice = threading.Event()

    def now(self) -> Nanos:
        self.reads += 1
        if self.reads == 3:
            self.read_thrice.set()
        return super().now()


def test_messages_are_told_at_their_time_in_their_order() -> None:
    told, clock = Told(), ScaledClock.from_spec(start_spec(1_000.0))
    timers = Timers(clock, told)
    now = clock.now()
    for after in (30, 10, 20):
        timers.schedule(scheduled(now + after * SECOND, after))
    timers.start()
    for after in (10, 20, 30):
        assert told.messages.get() == ("risk", note(after))
        assert clock.now() >= now + after * SECOND
    timers.stop()


def test_ticks_are_told_on_the_scaled_clock() -> None:
    told, clock = Told(), ScaledClock.from_spec(start_spec(1_000.0))
    timers = Timers(clock, told)
    timers.tick("risk", seconds(5))
    timers.start()
    (_, first), (_, second) = told.messages.get(), told.messages.get()
    timers.stop()
    assert isinstance(first, m.Tick)
    assert isinstance(second, m.Tick)
    assert (second.due - first.due) % seconds(5) == 0
    assert second.due > first.due


def test_an_earlier_message_wakes_the_sleeping_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.timers._LONGEST_SLEEP_S", 3_600.0)
    told, clock = Told(), CountedClock()
    timers = Timers(clock, told)
    timers.schedule(scheduled(SystemClock().now() + 60 * MINUTE, 2))
    timers.start()
    clock.read_thrice.wait()  # when scheduling, to see what is due, and how long to sleep
    timers.schedule(scheduled(SystemClock().now(), 1))
    assert told.messages.get() == ("risk", note(1))
    timers.stop()


def test_waiting_costs_no_work() -> None:
    told, clock = Told(), CountedClock()
    timers = Timers(clock, told)
    timers.schedule(scheduled(clock.now() + seconds(0.3)))
    timers.start()
    told.messages.get()
    timers.stop()
    assert clock.reads < 20  # a loop that spins reads it a hundred thousand times


def test_stopping_ends_the_thread_and_delivers_nothing_more() -> None:
    told, clock = Told(), SystemClock()
    timers = Timers(clock, told)
    timers.schedule(scheduled(clock.now() + 60 * MINUTE))
    timers.start()
    assert timers.alive
    timers.stop()
    assert not timers.alive
    assert told.messages.empty()


def test_timers_that_never_started_can_be_stopped() -> None:
    timers = Timers(SystemClock(), Told())
    timers.stop()
    assert not timers.alive


def test_timers_may_be_stopped_by_what_they_tell() -> None:
    stopped = threading.Event()
    clock = SystemClock()

    def tell(name: str, message: Message) -> None:
        del name, message
        timers.stop()
        stopped.set()

    timers = Timers(clock, tell)
    timers.schedule(scheduled(clock.now()))
    timers.start()
    stopped.wait()
    timers.stop()
    assert not timers.alive


def test_a_failure_of_the_thread_is_reported() -> None:
    told, clock = Told(), SystemClock()

    def tell(name: str, message: Message) -> None:
        if name == "risk":
            raise ZeroDivisionError("telling failed")
        told(name, message)

    timers = Timers(clock, tell)
    timers.schedule(scheduled(clock.now()))
    timers.start()
    name, failure = told.messages.get()
    assert name == SUPERVISION
    assert isinstance(failure, m.ActorFailed)
    assert (failure.actor, failure.error) == (TIMERS, "ZeroDivisionError: telling failed")
    timers.stop()
    assert not timers.alive
