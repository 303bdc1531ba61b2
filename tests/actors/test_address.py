"""The directory promises: telling never hurts the sender; mail outlives the host it was for."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pykka
import pytest

from actors.address import LOT, SAMPLES, Directory, GenerationError
from actors.host import BaseActor, Station
from core import messages as m
from core.clock import SystemClock
from core.exchange.records import Side
from core.units import IndexValue, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages import Message

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

EVENT = m.OrderFilled(
    trade_id="t",
    order_id="o",
    ticker="K",
    side=Side.BID,
    price=Price(1),
    quantity=Quantity(1),
    fee=Money(0),
    is_taker=True,
    ts_event=Nanos(0),
    ts=Nanos(0),
)
STREAMED = m.IndexPrint(index_id="i", value=IndexValue(1), ts_event=Nanos(0), ts_recv=Nanos(0))
SNAPSHOT = m.Tick(due=Nanos(0))


def answer(number: int, origin: str = "") -> Message:
    """What the exchange says, once."""
    return m.CancelRefused(order_id=origin, code="", ts_recv=Nanos(number))


def control(number: int) -> Message:
    return m.ArmTrading(by="", reason=str(number))


class Notes:
    """What one host was told, and a way to keep it busy."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.busy = threading.Event()
        self.release = threading.Event()


class Notebook(BaseActor):
    """Writes down what it is told."""

    def __init__(self, station: Station, notes: Notes, also: tuple[str, ...] = ()) -> None:
        super().__init__(station)
        self._notes = notes
        self._also = also

    @property
    def names(self) -> tuple[str, ...]:
        return (self.station.name, *self._also)

    def receive(self, to: str, message: Message) -> None:
        del to
        if message == FLUSH:
            return
        self._notes.told.append(message)
        if message == BUSY:
            self._notes.busy.set()
            self._notes.release.wait()


BUSY = m.HaltTrading(by="", reason="stay with this until released", code="")
FLUSH = m.QueryAccount(since=Nanos(0))


@pytest.fixture
def directory() -> Iterator[Directory]:
    yield Directory()
    pykka.ActorRegistry.stop_all(timeout=60)


def start(
    directory: Directory, notes: Notes, generation: int = 0, also: tuple[str, ...] = ()
) -> pykka.ActorRef[Notebook]:
    station = Station(name="risk", generation=generation, directory=directory, clock=SystemClock())
    return Notebook.start(station, notes, also)


def keep_busy(directory: Directory, notes: Notes) -> None:
    directory.tell("risk", BUSY)
    notes.busy.wait()


def settle(directory: Directory) -> None:
    """Wait until the host has handled all that it was told so far."""
    ref = directory.ref("risk")
    assert ref is not None
    ref.ask(("risk", FLUSH))


def test_every_name_of_a_host_reaches_it(directory: Directory) -> None:
    notes = Notes()
    start(directory, notes, also=("feed:market",))
    directory.tell("risk", answer(1))
    directory.tell("feed:market", answer(2))
    settle(directory)
    assert notes.told == [answer(1), answer(2)]


def test_what_nothing_else_holds_waits_for_the_next_host_in_order(directory: Directory) -> None:
    notes = Notes()
    for message in (answer(1), answer(2), answer(3)):
        directory.tell("risk", message)
    assert directory.losses().parked == {"risk": 3}
    start(directory, notes)
    directory.tell("risk", answer(4))
    settle(directory)
    assert notes.told == [answer(1), answer(2), answer(3), answer(4)]
    assert directory.losses().parked == {}


@pytest.mark.parametrize("message", [EVENT, STREAMED, SNAPSHOT], ids=("event", "data", "snapshot"))
def test_what_is_journalled_or_superseded_is_dropped_and_counted(
    directory: Directory, message: Message
) -> None:
    directory.tell("risk", message)
    losses = directory.losses()
    assert (losses.dead, losses.parked) == ({"risk": 1}, {})
    assert [(one.name, one.message) for one in losses.samples] == [("risk", message)]


def test_the_lot_is_bounded_and_keeps_the_newest(directory: Directory) -> None:
    for number in range(LOT + 3):
        directory.tell("risk", answer(number))
    losses = directory.losses()
    assert (losses.parked, losses.dead) == ({"risk": LOT}, {"risk": 3})
    assert [one.message for one in losses.samples] == [answer(0), answer(1), answer(2)]


def test_samples_are_bounded_and_the_count_is_not(directory: Directory) -> None:
    for _ in range(SAMPLES + 5):
        directory.tell("risk", SNAPSHOT)
    losses = directory.losses()
    assert (len(losses.samples), losses.dead) == (SAMPLES, {"risk": SAMPLES + 5})


def test_unread_mail_of_a_retired_host_goes_to_the_next(directory: Directory) -> None:
    first, second = Notes(), Notes()
    start(directory, first)
    keep_busy(directory, first)
    for message in (answer(1), SNAPSHOT, EVENT, control(1), answer(2)):
        directory.tell("risk", message)
    assert directory.retire("risk", 0)
    directory.tell("risk", answer(3))
    start(directory, second, generation=1)
    settle(directory)
    first.release.set()
    assert first.told == [BUSY]
    assert second.told == [control(1), answer(1), answer(2), answer(3)]


def test_starting_the_next_host_retires_the_one_before(directory: Directory) -> None:
    first, second = Notes(), Notes()
    start(directory, first)
    keep_busy(directory, first)
    directory.tell("risk", answer(1))
    start(directory, second, generation=1)
    settle(directory)
    first.release.set()
    assert (first.told, second.told) == ([BUSY], [answer(1)])


def test_mail_told_after_a_death_waits_behind_what_was_left_unread(directory: Directory) -> None:
    first, second = Notes(), Notes()
    ref = start(directory, first)
    keep_busy(directory, first)
    directory.tell("risk", answer(1))
    ref.actor_stopped.set()  # as Pykka does on any failure, before it calls a hook
    directory.tell("risk", answer(2))
    start(directory, second, generation=1)
    settle(directory)
    first.release.set()
    assert second.told == [answer(1), answer(2)]


def test_an_unread_question_is_answered_with_the_death(directory: Directory) -> None:
    notes = Notes()
    ref = start(directory, notes)
    keep_busy(directory, notes)
    question = ref.ask(("risk", answer(1)), block=False)
    stop = ref.stop(block=False)
    directory.retire("risk", 0)
    notes.release.set()
    with pytest.raises(pykka.ActorDeadError):
        question.get()
    assert stop.get()


def test_names_of_an_old_generation_are_refused(directory: Directory) -> None:
    start(directory, Notes(), generation=3)
    known = set(pykka.ActorRegistry.get_all())
    with pytest.raises(GenerationError, match="risk: generation 3 after 3"):
        start(directory, Notes(), generation=3)
    assert directory.is_current("risk", 3)
    assert set(pykka.ActorRegistry.get_all()) <= known, "the refused one left a trace"


def test_a_late_retirement_of_an_old_generation_does_nothing(directory: Directory) -> None:
    start(directory, Notes(), generation=1)
    start(directory, Notes(), generation=2)
    assert not directory.retire("risk", 1)
    assert directory.is_current("risk", 2)


def test_the_fence_stands_between_generations(directory: Directory) -> None:
    start(directory, Notes(), generation=1)
    assert directory.is_current("risk", 1)
    directory.retire("risk", 1)
    assert not directory.is_current("risk", 1)
    assert directory.ref("risk") is None


def test_nobody_waits_at_the_end_for_a_host_that_hangs(directory: Directory) -> None:
    notes = Notes()
    ref = start(directory, notes)
    keep_busy(directory, notes)
    directory.retire("risk", 0)
    assert ref not in pykka.ActorRegistry.get_all()
    notes.release.set()
    ref.actor_stopped.wait()  # once it comes back, it ends by itself


def test_a_retired_host_loses_all_its_names(directory: Directory) -> None:
    start(directory, Notes(), also=("feed:market",))
    directory.retire("feed:market", 0)
    for name in ("risk", "feed:market"):
        directory.tell(name, answer(1))
    assert directory.losses().parked == {"risk": 1, "feed:market": 1}


def test_a_sink_is_told_in_the_senders_thread_and_gets_what_was_parked(
    directory: Directory,
) -> None:
    told: list[tuple[Message, threading.Thread]] = []
    directory.tell("timers", answer(1))
    directory.register_sink("timers", lambda one: told.append((one, threading.current_thread())))
    directory.tell("timers", answer(2))
    here = threading.current_thread()
    assert told == [(answer(1), here), (answer(2), here)]


def test_a_broken_sink_does_not_hurt_its_sender(directory: Directory) -> None:
    def broken(message: Message) -> None:
        raise ValueError(message)

    directory.register_sink("screen", broken)
    directory.tell("screen", answer(1))
    losses = directory.losses()
    assert losses.dead == {"screen": 1}
    assert losses.samples[0].reason.startswith("ValueError")


def test_a_sink_may_tell_others(directory: Directory) -> None:
    directory.register_sink("screen", lambda message: directory.tell("risk", message))
    directory.tell("screen", answer(1))
    assert directory.losses().parked == {"risk": 1}


def test_restarts_under_fire_deliver_every_answer_once_and_in_order(directory: Directory) -> None:
    origins, burst, generations = ("P0", "P1", "P2"), 100, 40
    notes = Notes()
    round_begins = threading.Barrier(len(origins) + 1)

    def produce(origin: str) -> None:
        for number in range(generations * burst):
            if number % burst == 0:
                round_begins.wait()
            directory.tell("risk", answer(number, origin))

    threads = [threading.Thread(target=produce, args=(origin,)) for origin in origins]
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for generation in range(generations):
            round_begins.wait()
            ref = start(directory, notes, generation)
            settle(directory)
            ref.stop()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch_interval)
    start(directory, notes, generations)
    settle(directory)
    for origin in origins:
        got = [one for one in notes.told if isinstance(one, m.CancelRefused)]
        numbers = [one.ts_recv for one in got if one.order_id == origin]
        assert numbers == list(range(generations * burst))
