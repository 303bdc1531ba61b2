"""Stepping proves: hosts one by one, hosts fused, and one runner do the same, in the same order."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pykka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.address import Directory
from actors.host import Crew, RoleActor, Station
from actors.stepper import Stepper
from actors.timers import Agenda
from core import messages as m
from core.clock import VirtualClock
from core.journal import MemoryJournal
from core.runner import Runner
from core.topology import (
    DASHBOARD,
    EXECUTION,
    FEED,
    PAPER,
    RISK,
    SUPERVISION,
    TIMERS,
    Routing,
)
from core.units import SECOND, IndexValue, Money, Nanos, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.messages import Message
    from core.runner import Outgoing

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

START = Nanos(1_000 * SECOND)
STRATEGY_A = "strategy:a"
ROLES = (FEED, STRATEGY_A, RISK, EXECUTION, PAPER, DASHBOARD)
TICK = Nanos(2 * SECOND)
TIME_OUT = Nanos(3 * SECOND)
NOTE = m.QueryFailed(what="", key="", reason="", ts_recv=Nanos(0))
POISON = m.QueryMarkets(series="poison")

WIRES: dict[type[Message], tuple[str, ...]] = {
    m.Pass: (STRATEGY_A, RISK, DASHBOARD),
    m.QueryOrder: (RISK,),
    m.PeakRaised: (EXECUTION, DASHBOARD),
    m.OrderSubmitting: (DASHBOARD,),
    m.QueryAccount: (PAPER,),
    m.CancelAccepted: (EXECUTION,),
    m.OrderClosed: (RISK, DASHBOARD),
    m.ArmTrading: (STRATEGY_A, EXECUTION),
    m.Scheduled: (TIMERS,),
}


class Wires(Routing):
    """A small topology of its own."""

    def __init__(self) -> None:
        super().__init__(())

    def targets(self, message: type[Message]) -> tuple[str, ...]:
        return WIRES[message]


class Toy:
    """A role of a small trading loop; what it does depends on the order of what it hears.

    feed: print -> snapshot; strategy: snapshot -> wish; risk: wish -> journalled leave; execution:
    leave -> journalled order, question, time-out; paper: question -> answer; execution: answer ->
    journalled end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.heard: list[tuple[Message, Nanos]] = []

    def apply(self, event: Message) -> None:
        match event:
            case m.PeakRaised(equity=equity):
                self.total += equity
            case m.OrderClosed(filled=filled):
                self.total -= filled
            case _:
                pass

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        self.heard.append((message, now))
        if message == POISON:
            raise ZeroDivisionError("poison")
        return (*self._opinions(message, now), *self._orders(message, now))

    def _opinions(self, message: Message, now: Nanos) -> Iterator[Message]:
        match self.name, message:
            case "feed:market", m.IndexPrint(value=value):
                for part in range(1 + value % 3):
                    yield m.Pass(
                        strategy="a", ticker="K", code=str(part), values=(), created=Nanos(value)
                    )
            case "strategy:a", m.Pass(created=value) if value % 2:
                yield m.QueryOrder(
                    order_id=f"{value}-{len(self.heard)}", venue_order_id="", ticker="", since=now
                )
            case "risk", m.QueryOrder() if self.total < 50:
                yield m.PeakRaised(equity=Money(1 + len(self.heard)), ts=now)
            case "risk", m.Tick():
                yield m.ArmTrading(by=str(self.total), reason="")
            case _:
                return

    def _orders(self, message: Message, now: Nanos) -> Iterator[Message]:
        match self.name, message:
            case "execution", m.PeakRaised(equity=equity):
                yield m.QueryAccount(since=Nanos(equity))
                yield m.OrderSubmitting(order_id=str(len(self.heard)), ts=now)
                late = m.QueryFailed(what="", key=str(equity), reason="late", ts_recv=now)
                yield m.Scheduled(due=Nanos(now + TIME_OUT), to=EXECUTION, message=late)
            case "paper", m.QueryAccount(since=since):
                yield m.CancelAccepted(
                    order_id=str(since), reduced_by=Quantity(since), ts_event=now, ts_recv=now
                )
            case "execution", m.CancelAccepted(reduced_by=quantity):
                yield m.OrderClosed(
                    order_id=str(len(self.heard)), reason="", filled=quantity, ts=now
                )
            case _:
                return


Tape = list[tuple[int, int]]
"""Nanoseconds since the record before, and a value."""
Outcome = tuple[list["Message"], dict[str, list[tuple["Message", Nanos]]]]
"""The journal, and what each role heard and when."""


def print_of(value: int, now: Nanos) -> Message:
    return m.IndexPrint(index_id="i", value=IndexValue(value), ts_event=now, ts_recv=now)


def by_one_runner(tape: Tape) -> Outcome:
    """The reference: a loop that knows nothing of actors."""
    clock, journal, agenda = VirtualClock(START), MemoryJournal(), Agenda()
    roles = {name: Toy(name) for name in ROLES}
    runner = Runner(roles, Wires(), journal)

    def run(to: str, message: Message) -> None:
        sent: list[Outgoing] = runner.run(to, message, clock.now())
        for _, effect in sent:
            agenda.schedule(effect, clock.now())

    def advance(until: Nanos) -> None:
        while (due := agenda.next_due) is not None and due <= until:
            clock.advance_to(due)
            delivery = agenda.take(due)
            assert delivery is not None
            run(*delivery)
        clock.advance_to(until)

    for name in ROLES:
        run(name, m.Begin(recovered=0))
    agenda.tick(RISK, TICK, START)
    now = START
    for step, value in tape:
        now = Nanos(now + step)
        advance(now)
        run(FEED, print_of(value, now))
    advance(Nanos(now + 2 * TIME_OUT))
    return journal.events, {name: role.heard for name, role in roles.items()}


class Stage:
    """Toys on stepped hosts."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.directory = Directory()
        self.supervision: list[Message] = []
        self.directory.register_sink(SUPERVISION, self.supervision.append)
        self.journal = MemoryJournal()
        self.toys: dict[str, Toy] = {}
        self.stepper = Stepper(self.directory, self.clock)

    def start(self, *names: str, generation: int = 0) -> pykka.ActorRef[RoleActor]:
        station = Station(
            name=names[0], generation=generation, directory=self.directory, clock=self.clock
        )
        crew = Crew(names=names, make=self._make, routing=Wires(), journal=lambda: self.journal)
        return self.stepper.start(RoleActor, station, crew)

    def _make(self, name: str, instance: str) -> Toy:
        del instance
        return self.toys.setdefault(name, Toy(name))


def by_stepped_hosts(tape: Tape, *hosts: tuple[str, ...]) -> Outcome:
    stage = Stage()
    for names in hosts:
        stage.start(*names)
    stage.stepper.run()
    stage.stepper.tick(RISK, TICK)
    now = START
    for step, value in tape:
        now = Nanos(now + step)
        stage.stepper.advance_to(now)
        stage.stepper.deliver(FEED, print_of(value, now))
    stage.stepper.advance_to(Nanos(now + 2 * TIME_OUT))
    stage.stepper.stop()
    assert stage.directory.losses().dead == {}
    return stage.journal.events, {name: stage.toys[name].heard for name in ROLES}


ALONE = tuple((name,) for name in ROLES)
FUSED = ((FEED, STRATEGY_A, RISK, EXECUTION), (PAPER,), (DASHBOARD,))
tapes: st.SearchStrategy[Tape] = st.lists(
    st.tuples(st.sampled_from((0, 1, SECOND, TICK, 5 * SECOND + 1)), st.integers(0, 9)),
    max_size=25,
)


@settings(deadline=None)
@given(tapes)
def test_hosts_alone_do_exactly_what_one_runner_does(tape: Tape) -> None:
    assert by_stepped_hosts(tape, *ALONE) == by_one_runner(tape)


@settings(deadline=None)
@given(tapes)
def test_fused_hosts_write_the_same_journal_as_one_runner(tape: Tape) -> None:
    journal, heard = by_stepped_hosts(tape, *FUSED)
    expected, expected_heard = by_one_runner(tape)
    assert journal == expected
    assert heard[EXECUTION] == expected_heard[EXECUTION]


def test_the_tapes_make_the_loop_trade() -> None:
    journal, heard = by_one_runner([(SECOND, 1), (SECOND, 3), (TICK, 5)])
    assert {type(event) for event in journal} == {m.PeakRaised, m.OrderSubmitting, m.OrderClosed}
    assert {type(message) for message, _ in heard[EXECUTION]} == {
        m.Begin,
        m.PeakRaised,
        m.CancelAccepted,
        m.ArmTrading,
        m.QueryFailed,
    }


def test_one_step_is_one_message_in_the_order_of_sending() -> None:
    stage = Stage()
    stage.start(RISK)
    stage.start(DASHBOARD)
    stage.stepper.run()
    messages = [m.Tick(due=Nanos(number)) for number in range(4)]
    for message, name in zip(messages, (DASHBOARD, RISK, DASHBOARD, DASHBOARD), strict=True):
        stage.directory.tell(name, message)

    def heard() -> list[int]:
        return [len(stage.toys[name].heard) - 1 for name in (RISK, DASHBOARD)]

    progress = []
    for _ in range(4):
        assert stage.stepper.step()
        progress.append(heard())
    assert progress == [[0, 1], [1, 1], [1, 2], [1, 3]]
    stage.stepper.stop()


def test_start_comes_before_mail_that_was_waiting() -> None:
    stage = Stage()
    stage.directory.tell(DASHBOARD, NOTE)
    stage.start(DASHBOARD)
    stage.stepper.run()
    heard = [message for message, _ in stage.toys[DASHBOARD].heard]
    assert heard == [m.Begin(recovered=0), NOTE]
    stage.stepper.stop()


def test_time_passes_through_every_tick_and_everything_scheduled() -> None:
    stage = Stage()
    stage.start(DASHBOARD)
    stage.stepper.run()
    stage.stepper.tick(DASHBOARD, Nanos(10))
    later = m.Scheduled(due=Nanos(START + 15), to=DASHBOARD, message=NOTE)
    stage.directory.tell(TIMERS, later)
    stage.stepper.advance_to(Nanos(START + 25))
    assert stage.toys[DASHBOARD].heard == [
        (m.Begin(recovered=0), START),
        (m.Tick(due=Nanos(START + 10)), START + 10),
        (NOTE, START + 15),
        (m.Tick(due=Nanos(START + 20)), START + 20),
    ]
    assert stage.clock.now() == START + 25
    stage.stepper.stop()


def test_host_falls_under_the_stepper_as_on_its_thread() -> None:
    stage = Stage()
    ref = stage.start(RISK, generation=3)
    stage.stepper.run()
    for message in (POISON, NOTE):
        stage.directory.tell(RISK, message)
    stage.stepper.run()
    failed = stage.supervision[-1]
    assert isinstance(failed, m.ActorFailed)
    assert (failed.actor, failed.generation, failed.ts) == (RISK, 3, START)
    assert not ref.is_alive()
    assert stage.directory.losses().parked == {RISK: 1}


def test_successor_under_the_stepper_regains_state_and_mail() -> None:
    stage = Stage()
    stage.start(RISK)
    stage.stepper.run()
    stage.journal.append((m.PeakRaised(equity=Money(5), ts=START),), START)
    stage.directory.tell(RISK, POISON)
    stage.directory.tell(RISK, NOTE)
    stage.stepper.run()
    stage.toys.clear()
    stage.start(RISK, generation=1)
    stage.stepper.run()
    assert stage.toys[RISK].total == 5
    assert [message for message, _ in stage.toys[RISK].heard] == [m.Begin(recovered=1), NOTE]
    stage.stepper.stop()


def test_retired_host_ends_at_its_next_turn() -> None:
    stage = Stage()
    ref = stage.start(RISK)
    stage.stepper.run()
    stage.directory.retire(RISK, 0)
    stage.stepper.run()
    assert not ref.is_alive()
    gc.collect()
    assert ref._actor_weakref() is None, "the stepper forgets who has ended"


def test_an_ask_is_answered_when_its_turn_comes() -> None:
    stage = Stage()
    ref = stage.start(RISK)
    stage.stepper.run()
    answer = ref.ask((RISK, NOTE), block=False)
    stage.stepper.run()
    assert answer.get(timeout=0) is None
    stage.stepper.stop()


def test_stopping_leaves_no_actor_behind() -> None:
    stage = Stage()
    refs = {stage.start(name) for name in ROLES}
    stage.stepper.run()
    stage.stepper.stop()
    assert not refs & set(pykka.ActorRegistry.get_all())
    assert not any(ref.is_alive() for ref in refs)


def test_pulse_tells_virtual_time_and_so_is_the_same_every_time() -> None:
    stage = Stage()
    stage.start(RISK)
    stage.stepper.run()
    stage.directory.tell(RISK, m.Heartbeat(sent=START))
    stage.clock.advance_to(Nanos(START + 7))
    stage.stepper.run()
    pulse = stage.supervision[-1]
    assert isinstance(pulse, m.HostPulse)
    assert (pulse.oldest_ns, pulse.busiest_ns, pulse.ts) == (7, 0, START + 7)
    stage.stepper.stop()
