"""The hot host promises: lent to who brings data, one thing at a time, order kept, no ghost."""

from __future__ import annotations

import random
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pykka
import pytest

from actors.address import Directory
from actors.host import Crew, Station
from actors.hot import HotActor
from core import messages as m
from core.clock import SystemClock
from core.journal import MemoryJournal
from core.topology import DASHBOARD, FEED, RISK, SUPERVISION, Routing
from core.units import IndexValue, Nanos
from tests.actors.test_host import of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.messages import Message

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

HOT = "hot"
PRODUCERS = 3
PER_PRODUCER = 2_000


def data(number: int, origin: str = "") -> Message:
    """Market data: what is lent."""
    return m.IndexPrint(
        index_id=origin,
        value=IndexValue(number),
        ts_event=Nanos(number),
        ts_recv=Nanos(number),
    )


def answer(number: int, origin: str = "") -> Message:
    """An answer of the exchange: never lent."""
    return m.CancelRefused(order_id=origin, code="", ts_recv=Nanos(number))


class Witness:
    """A role that notes what it is told, on which thread, and whether it is told two at once."""

    def __init__(self, name: str, watch: Watch) -> None:
        self.name = name
        self._watch = watch

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        del now
        watch = self._watch
        watch.inside += 1
        watch.crowded = watch.crowded or watch.inside > 1
        if message == watch.hold_on:
            watch.entered.set()
            watch.release.wait()
        watch.told.append((message, threading.current_thread().name))
        watch.inside -= 1
        if message == watch.fall_on:
            raise ZeroDivisionError("poison")
        return ()

    def apply(self, event: Message) -> None:
        raise AssertionError(event)


class Watch:
    """What the witnesses of all generations saw, and the hot host's surroundings."""

    def __init__(self) -> None:
        self.inside = 0
        self.crowded = False
        self.told: list[tuple[Message, str]] = []
        self.hold_on: Message | None = None
        self.fall_on: Message | None = None
        self.entered = threading.Event()
        self.release = threading.Event()
        self.supervision: SimpleQueue[Message] = SimpleQueue()
        self.directory = Directory()
        self.directory.register_sink(SUPERVISION, self.supervision.put)

    def start(self, generation: int = 1) -> None:
        """A host that is ready to lend."""
        names = (FEED, RISK)
        crew = Crew(
            names=names,
            make=lambda name, _: Witness(name, self),
            routing=Routing((*names, DASHBOARD, SUPERVISION)),
            journal=MemoryJournal,
        )
        station = Station(
            name=HOT, generation=generation, directory=self.directory, clock=SystemClock()
        )
        HotActor.start(station, crew)
        self.beat()

    def beat(self) -> m.HostPulse:
        """Wait until the host's own thread has handled what it was told so far; its pulse."""
        self.directory.tell(HOT, m.Heartbeat(sent=Nanos(1)))
        return of(m.HostPulse, self.supervision)

    def of(self, origin: str) -> list[int]:
        """Numbers of what came from one sender, in the order of handling."""
        numbers = []
        for message, _ in self.told:
            match message:
                case m.IndexPrint(index_id=name, value=number) if name == origin:
                    numbers.append(int(number))
                case m.CancelRefused(order_id=name, ts_recv=number) if name == origin:
                    numbers.append(int(number))
                case _:
                    pass
        return numbers

    def thread_of(self, message: Message) -> str:
        return next(thread for told, thread in self.told if told == message)


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.release.set()
    pykka.ActorRegistry.stop_all(timeout=60)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_thread(name: str, watch: Watch, *messages: Message) -> threading.Thread:
    def send() -> None:
        for message in messages:
            watch.directory.tell(FEED, message)

    thread = threading.Thread(target=send, name=name, daemon=True)
    thread.start()
    return thread


def test_data_are_handled_on_the_thread_that_brings_them(watch: Watch) -> None:
    watch.start()
    in_thread("reader", watch, data(1)).join()
    assert (data(1), "reader") in watch.told  # at once: nobody was waited for
    assert watch.beat().handled >= 2


def test_everything_else_is_handled_on_the_hosts_own_thread(watch: Watch) -> None:
    watch.start()
    in_thread("reader", watch, answer(1)).join()
    watch.beat()
    assert watch.thread_of(answer(1)) == HOT


def test_data_behind_an_unhandled_message_keep_their_turn(watch: Watch) -> None:
    watch.hold_on = answer(1)
    watch.start()
    in_thread("reader", watch, answer(1), data(2), answer(3), data(4)).join()
    watch.entered.wait()
    assert watch.of("") == []
    watch.release.set()
    watch.beat()
    assert watch.of("") == [1, 2, 3, 4]


def test_data_that_come_while_another_hand_is_lent_go_to_the_inbox(watch: Watch) -> None:
    watch.hold_on = data(1, "A")
    watch.start()
    first = in_thread("A", watch, data(1, "A"))
    watch.entered.wait()
    in_thread("B", watch, data(1, "B"), data(2, "B")).join()  # does not wait for A
    watch.release.set()
    first.join()
    watch.beat()
    assert watch.of("B") == [1, 2]
    assert watch.thread_of(data(1, "B")) == HOT


def test_nothing_is_lent_before_the_host_has_begun(watch: Watch) -> None:
    may_open = threading.Event()

    def journal() -> MemoryJournal:
        may_open.wait()
        return MemoryJournal()

    crew = Crew(
        names=(FEED, RISK),
        make=lambda name, _: Witness(name, watch),
        routing=Routing((FEED, RISK, SUPERVISION)),
        journal=journal,
    )
    station = Station(name=HOT, generation=1, directory=watch.directory, clock=SystemClock())
    HotActor.start(station, crew)
    in_thread("reader", watch, data(1)).join()
    assert watch.told == []
    may_open.set()
    watch.beat()
    assert [message for message, _ in watch.told] == [*[m.Begin(recovered=0)] * 2, data(1)]


@pytest.mark.usefixtures("restless")
def test_storm_keeps_each_senders_order_and_never_does_two_things_at_once(watch: Watch) -> None:
    watch.start()
    kinds = {
        f"P{number}": [
            random.Random(f"{number}-{place}").choice((data, data, data, answer))
            for place in range(PER_PRODUCER)
        ]
        for number in range(PRODUCERS)
    }
    senders = [
        in_thread(origin, watch, *(kind(place, origin) for place, kind in enumerate(chosen)))
        for origin, chosen in kinds.items()
    ]
    for sender in senders:
        sender.join()
    watch.beat()
    for origin in kinds:
        assert watch.of(origin) == list(range(PER_PRODUCER))
    assert not watch.crowded
    threads = {thread for message, thread in watch.told if isinstance(message, m.IndexPrint)}
    assert HOT in threads
    assert threads & set(kinds), "nothing was lent in the whole storm"


@pytest.mark.usefixtures("restless")
def test_heartbeat_is_answered_before_the_burst_that_goes_on_behind_it(watch: Watch) -> None:
    watch.hold_on = data(0)
    watch.start()
    reader = in_thread("reader", watch, *map(data, range(PER_PRODUCER)))
    watch.entered.wait()  # in the middle of the first one
    watch.directory.tell(HOT, m.Heartbeat(sent=Nanos(1)))
    watch.release.set()
    assert of(m.HostPulse, watch.supervision).actor == HOT
    reader.join()
    watch.beat()
    assert watch.of("") == list(range(PER_PRODUCER))


def test_fall_on_the_readers_thread_is_reported_and_does_not_harm_the_reader(watch: Watch) -> None:
    watch.fall_on = data(1)
    watch.start()
    in_thread("reader", watch, data(1), data(2)).join()
    failed = of(m.ActorFailed, watch.supervision)
    assert (failed.actor, failed.generation, failed.cause) == (HOT, 1, "ZeroDivisionError")
    assert failed.fingerprint
    watch.start(generation=2)
    in_thread("reader", watch, data(3)).join()
    assert watch.of("") == [1, 3]  # 2 was worthless to the successor: it asks for a snapshot


def test_what_the_hosts_thread_held_at_a_fall_elsewhere_reaches_the_successor(watch: Watch) -> None:
    watch.hold_on = watch.fall_on = data(1)
    watch.start()
    reader = in_thread("reader", watch, data(1))
    watch.entered.wait()
    other = in_thread("worker", watch, answer(7, "worker"))
    other.join()
    watch.release.set()
    reader.join()
    of(m.ActorFailed, watch.supervision)
    watch.start(generation=2)
    assert watch.of("worker") == [7]


def test_stop_waits_for_the_hand_that_is_lent(watch: Watch) -> None:
    watch.hold_on = data(1)
    watch.start()
    reader = in_thread("reader", watch, data(1))
    watch.entered.wait()
    ref = watch.directory.ref(HOT)
    assert ref is not None
    stopped = ref.stop(block=False)
    watch.release.set()
    reader.join()
    assert stopped.get(timeout=60)
    assert watch.of("") == [1]
