"""A host promises: written before sent, state from the journal, every fall reported, no ghosts."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import pykka
import pytest
from msgspec import structs

from actors.address import Directory
from actors.host import BaseActor, Crew, RoleActor, Station
from actors.inbox import Inbox
from core import messages as m
from core.clock import SystemClock
from core.journal import JournalError, MemoryJournal
from core.topology import DASHBOARD, EXECUTION, RISK, SUPERVISION, Routing
from core.units import Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from core.journal import Journal
    from core.messages import Message

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

Kind = TypeVar("Kind", bound=m.Message)
DEPOSIT = m.CapitalSet(cash=Money(7), source="test", ts=Nanos(1))
ASK = m.QueryAccount(since=Nanos(1))
BEAT = m.Heartbeat(sent=Nanos(5))
MARK = m.Pass(strategy="s", ticker="K", code="", values=(), created=Nanos(1))


HANG = m.PauseTrading(by="", reason="stay in this until released")
POISON = m.DisarmTrading(by="", reason="fail on this")
ARM = m.ArmTrading(by="", reason="journal a deposit")


class Treasurer:
    """A role: counts money. Each deposit is journalled and shown."""

    def __init__(self, name: str, instance: str, gate: Gate) -> None:
        self.name = name
        self.instance = instance
        self.gate = gate
        self.cash = 0
        self.seen: list[Message] = []

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        del now
        self.seen.append(message)
        if message == POISON:
            raise ZeroDivisionError("poison")
        if message == HANG:
            self.gate.entered.set()
            self.gate.release.wait()
        return (DEPOSIT,) if message in (ARM, HANG) else ()

    def apply(self, event: Message) -> None:
        assert isinstance(event, m.CapitalSet)
        self.cash += event.cash


class Gate:
    """Holds a role in the middle of a message."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()


class ClosingJournal(MemoryJournal):
    """Tells when it was closed; may refuse to write."""

    def __init__(self, *, full: bool = False, events: Sequence[Message] = ()) -> None:
        super().__init__(events=events)
        self.closed = threading.Event()
        self._full = full

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        if self._full:
            raise JournalError("disk full")
        super().append(events, now)

    def close(self) -> None:
        self.closed.set()


class Outside:
    """Where everything arrives that leaves the host."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.supervision: SimpleQueue[Message] = SimpleQueue()
        self.dashboard: SimpleQueue[Message] = SimpleQueue()
        self.directory.register_sink(SUPERVISION, self.supervision.put)
        self.directory.register_sink(DASHBOARD, self.dashboard.put)
        self.gate = Gate()
        self.roles: list[Treasurer] = []
        """Every role ever made, oldest first."""

    def make(self, name: str, instance: str) -> Treasurer:
        self.roles.append(Treasurer(name, instance, self.gate))
        return self.roles[-1]

    def station(self, name: str = RISK, generation: int = 0) -> Station:
        return Station(
            name=name, generation=generation, directory=self.directory, clock=SystemClock()
        )

    def crew(self, journal: Callable[[], Journal], names: tuple[str, ...] = (RISK,)) -> Crew:
        routing = Routing((*names, DASHBOARD, SUPERVISION))
        return Crew(names=names, make=self.make, routing=routing, journal=journal)

    def start(self, journal: Journal, generation: int = 0) -> pykka.ActorRef[RoleActor]:
        return RoleActor.start(self.station(generation=generation), self.crew(lambda: journal))

    def settle(self, name: str = RISK) -> None:
        """Wait until the host has handled all that it was told so far."""
        ref = self.directory.ref(name)
        assert ref is not None
        ref.ask((name, ASK))


@pytest.fixture
def outside() -> Iterator[Outside]:
    yield Outside()
    pykka.ActorRegistry.stop_all(timeout=60)


def of(kind: type[Kind], queue: SimpleQueue[Message]) -> Kind:
    """The next message of a kind; waits for it."""
    while not isinstance(message := queue.get(), kind):
        pass
    return message


# --- start ----------------------------------------------------------------------------------------


def test_state_is_regained_before_the_first_message(outside: Outside) -> None:
    outside.start(MemoryJournal(events=(DEPOSIT, DEPOSIT)))
    outside.settle()
    (role,) = outside.roles
    assert role.cash == 14
    assert role.seen == [m.Begin(recovered=2), ASK]


def test_start_is_reported_with_what_was_recovered(outside: Outside) -> None:
    outside.start(MemoryJournal(events=(DEPOSIT,)), generation=4)
    started = outside.supervision.get()
    assert isinstance(started, m.ActorStarted)
    assert (started.actor, started.generation, started.recovered) == (RISK, 4, 1)


def test_roles_are_made_with_the_journals_instance(outside: Outside) -> None:
    outside.start(MemoryJournal(instance="abc123"))
    outside.settle()
    assert [(role.name, role.instance) for role in outside.roles] == [(RISK, "abc123")]


def test_mail_finds_a_host_as_soon_as_start_returns(outside: Outside) -> None:
    may_open = threading.Event()

    def journal() -> Journal:
        may_open.wait()
        return MemoryJournal()

    RoleActor.start(outside.station(), outside.crew(journal))
    outside.directory.tell(RISK, ASK)
    may_open.set()
    outside.settle()
    assert outside.roles[0].seen == [m.Begin(recovered=0), ASK, ASK]


def test_thread_bears_the_hosts_name_and_does_not_keep_the_process(outside: Outside) -> None:
    outside.start(MemoryJournal())
    threads = [thread for thread in threading.enumerate() if thread.name == RISK]
    assert threads
    assert all(thread.daemon for thread in threads)


def test_host_of_several_roles_answers_to_every_name(outside: Outside) -> None:
    names = (RISK, EXECUTION)
    RoleActor.start(outside.station("hot"), outside.crew(MemoryJournal, names))
    outside.directory.tell(EXECUTION, ASK)
    outside.settle(RISK)
    risk, execution = outside.roles
    assert execution.seen == [m.Begin(recovered=0), ASK]
    assert risk.seen == [m.Begin(recovered=0), ASK]
    assert outside.directory.ref("hot") is outside.directory.ref(RISK)


# --- work -----------------------------------------------------------------------------------------


def test_nothing_leaves_before_it_is_written(outside: Outside) -> None:
    journal = MemoryJournal()
    written_when_told: list[int] = []
    outside.directory.register_sink(
        DASHBOARD, lambda _: written_when_told.append(len(journal.events))
    )
    outside.start(journal)
    outside.directory.tell(RISK, ARM)
    outside.settle()
    assert written_when_told == [1]
    assert outside.roles[0].cash == 7


def test_what_could_not_be_written_does_not_leave(outside: Outside) -> None:
    ref = outside.start(ClosingJournal(full=True))
    outside.directory.tell(RISK, ARM)
    failed = of(m.ActorFailed, outside.supervision)
    ref.actor_stopped.wait()
    assert failed.error == "JournalError: disk full (at ArmTrading to risk)"
    assert outside.dashboard.empty()
    assert outside.roles[0].cash == 0


def test_pulse_is_given_after_the_work_before_it_and_tells_how_that_went(outside: Outside) -> None:
    machine = [0]

    class Metered(RoleActor):
        @staticmethod
        def _create_actor_inbox() -> Inbox:
            return Inbox(meter=lambda: machine[0])

    Metered.start(outside.station(generation=3), outside.crew(MemoryJournal))
    outside.directory.tell(RISK, HANG)
    outside.gate.entered.wait()
    for message in (ASK, m.Heartbeat(sent=Nanos(4)), ASK, BEAT):
        outside.directory.tell(RISK, message)
    assert of(m.ActorStarted, outside.supervision)
    assert outside.supervision.empty(), "no pulse while the host is busy"
    machine[0] = 100
    outside.gate.release.set()
    pulse = of(m.HostPulse, outside.supervision)
    assert (pulse.actor, pulse.generation, pulse.sent) == (RISK, 3, BEAT.sent)
    assert (pulse.handled, pulse.depth) == (3, 1)
    assert (pulse.busiest_ns, pulse.oldest_ns) == (100, 100)
    outside.settle()
    for _ in range(2):
        outside.directory.tell(RISK, BEAT)
        pulse = of(m.HostPulse, outside.supervision)
    assert (pulse.busiest_ns, pulse.oldest_ns) == (0, 0), "the meters begin anew"


# --- failure --------------------------------------------------------------------------------------


def test_fall_is_reported_with_what_caused_it(outside: Outside) -> None:
    ref = outside.start(MemoryJournal(), generation=2)
    outside.directory.tell(RISK, POISON)
    failed = of(m.ActorFailed, outside.supervision)
    ref.actor_stopped.wait()
    assert (failed.actor, failed.generation) == (RISK, 2)
    assert failed.error == "ZeroDivisionError: poison (at DisarmTrading to risk)"
    assert ref not in pykka.ActorRegistry.get_all()
    assert outside.supervision.empty(), "one report for one fall"


def test_fall_under_ask_ends_the_host_too(outside: Outside) -> None:
    ref = outside.start(MemoryJournal())
    with pytest.raises(ZeroDivisionError, match="poison"):
        ref.ask((RISK, POISON))
    assert of(m.ActorFailed, outside.supervision)
    ref.actor_stopped.wait()
    assert outside.directory.ref(RISK) is None


def test_successor_regains_state_and_gets_the_unread_mail_but_not_the_poison(
    outside: Outside,
) -> None:
    journal = MemoryJournal()
    outside.start(journal, generation=0)
    outside.directory.tell(RISK, HANG)
    outside.gate.entered.wait()
    for message in (POISON, ASK):
        outside.directory.tell(RISK, message)
    outside.gate.release.set()
    assert of(m.ActorFailed, outside.supervision)
    outside.start(journal, generation=1)
    outside.settle()
    _, successor = outside.roles
    assert successor.cash == 7
    assert successor.seen == [m.Begin(recovered=1), ASK, ASK]


def test_journal_is_closed_when_the_host_falls(outside: Outside) -> None:
    journal = ClosingJournal()
    outside.start(journal)
    outside.directory.tell(RISK, POISON)
    journal.closed.wait()


def test_failed_start_is_reported(outside: Outside) -> None:
    def journal() -> Journal:
        raise JournalError("journal x: damaged")

    ref = RoleActor.start(outside.station(generation=5), outside.crew(journal))
    failed = of(m.ActorFailed, outside.supervision)
    ref.actor_stopped.wait()
    assert (failed.actor, failed.generation) == (RISK, 5)
    assert failed.error == "JournalError: journal x: damaged (at start)"
    assert outside.directory.ref(RISK) is None


def test_failed_recovery_closes_the_journal_and_keeps_the_mail(outside: Outside) -> None:
    day = m.DayOpened(day="2026-05-11", equity=Money(1), ts=Nanos(1))  # this role cannot fold it
    journal = ClosingJournal(events=(day,))
    outside.directory.tell(RISK, ASK)
    outside.start(journal)
    assert of(m.ActorFailed, outside.supervision)
    journal.closed.wait()
    assert outside.directory.losses().parked == {RISK: 1}


def test_host_without_a_thread_leaves_no_trace(outside: Outside) -> None:
    class Threadless(BaseActor):
        def _spawn(self) -> None:
            raise RuntimeError("can't start new thread")

    known = set(pykka.ActorRegistry.get_all())
    with pytest.raises(RuntimeError, match="can't start"):
        Threadless.start(outside.station())
    assert outside.directory.ref(RISK) is None
    assert set(pykka.ActorRegistry.get_all()) <= known


def test_message_that_nobody_on_board_knows_is_a_defect(outside: Outside) -> None:
    BaseActor.start(outside.station())
    outside.directory.tell(RISK, ASK)
    failed = of(m.ActorFailed, outside.supervision)
    assert failed.error.startswith("NotImplementedError: risk has no use for QueryAccount")


# --- ghosts ---------------------------------------------------------------------------------------


def test_abandoned_host_that_wakes_can_neither_write_nor_send(outside: Outside) -> None:
    journal = ClosingJournal()
    ghost = outside.start(journal, generation=0)
    outside.directory.tell(RISK, HANG)
    outside.gate.entered.wait()
    outside.directory.retire(RISK, 0)
    outside.start(MemoryJournal(), generation=1)
    outside.settle()
    outside.gate.release.set()
    ghost.actor_stopped.wait()
    journal.closed.wait()
    assert journal.events == []
    assert outside.dashboard.empty()
    assert outside.directory.is_current(RISK, 1)
    kinds = [type(outside.supervision.get()) for _ in range(2)]
    assert kinds == [m.ActorStarted, m.ActorStarted]
    assert outside.supervision.empty(), "its end is no news"


def test_abandoned_host_that_wakes_with_mail_only_to_send_is_fenced_too(outside: Outside) -> None:
    class Chatty(Treasurer):
        def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
            answers = super().handle(message, now)
            return (MARK,) if answers else ()

    crew = outside.crew(MemoryJournal)
    crew = structs.replace(crew, make=lambda name, one: Chatty(name, one, outside.gate))
    ghost = RoleActor.start(outside.station(), crew)
    outside.directory.tell(RISK, HANG)
    outside.gate.entered.wait()
    outside.directory.retire(RISK, 0)
    outside.gate.release.set()
    ghost.actor_stopped.wait()
    assert outside.dashboard.empty()


def test_idle_host_that_is_retired_ends_by_itself(outside: Outside) -> None:
    journal = ClosingJournal()
    ref = outside.start(journal)
    outside.settle()
    outside.directory.retire(RISK, 0)
    ref.actor_stopped.wait()
    journal.closed.wait()


# --- stop -----------------------------------------------------------------------------------------


def test_stopped_host_has_left_and_closed_when_stop_returns(outside: Outside) -> None:
    journal = ClosingJournal()
    ref = outside.start(journal)
    assert ref.stop()
    assert journal.closed.is_set()
    assert outside.directory.ref(RISK) is None
    assert isinstance(outside.supervision.get(), m.ActorStarted)
    assert outside.supervision.empty(), "an ordered stop is no failure"
