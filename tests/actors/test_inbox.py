"""The inbox promises: control first, snapshots conflate in place, nothing else is lost or moved."""

from __future__ import annotations

import random
import sys
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pykka import ThreadingFuture
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.inbox import Inbox
from core import messages as m
from core.topology import CONFLATE, CONTROL
from core.units import IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.messages import Message

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

PRODUCERS = 4
PER_PRODUCER = 3_000
ORIGINS = tuple(f"P{number}" for number in range(PRODUCERS))
LANES = ("plain", "control", "A", "B")
"""Lanes of the storms; the letters are keys of snapshots."""
Sent = dict[str, list["Message"]]


def plain(number: int, origin: str = "") -> Message:
    return m.CancelRefused(order_id=origin, code="", ts_recv=Nanos(number))


def control(number: int, origin: str = "") -> Message:
    return m.ArmTrading(by=origin, reason=str(number))


def snapshot(number: int, key: str = "K", origin: str = "") -> Message:
    return m.Pass(strategy=origin, ticker=key, code="", values=(), created=Nanos(number))


def shared(number: int, origin: str) -> Message:
    """A snapshot that all producers write under one key."""
    return m.CompositePrice(
        product="X",
        price=IndexValue(number),
        sources=(origin,),
        spread_bps=0.0,
        ts_event=Nanos(0),
        ts_recv=Nanos(0),
    )


LAST = plain(0, "last")


def put(inbox: Inbox, message: Message, to: str = "risk") -> None:
    inbox.put(Envelope((to, message)))


def drain(inbox: Inbox) -> list[Message]:
    taken = []
    while not inbox.empty():
        taken.append(inbox.get().message[1])
    return taken


def wait_for_sleeper(inbox: Inbox) -> tuple[threading.Thread, list[Any]]:
    """A thread that takes one message from an empty inbox."""
    taken: list[Any] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.get().message), daemon=True)
    thread.start()
    return thread, taken


def test_plain_messages_keep_their_order() -> None:
    inbox = Inbox()
    for number in range(5):
        put(inbox, plain(number))
    assert drain(inbox) == [plain(number) for number in range(5)]


def test_control_overtakes_and_keeps_its_own_order() -> None:
    inbox = Inbox()
    for message in (plain(1), control(1), snapshot(1), control(2), plain(2)):
        put(inbox, message)
    assert drain(inbox) == [control(1), control(2), plain(1), snapshot(1), plain(2)]


@pytest.mark.parametrize(
    "urgent",
    [
        m.Permit(epoch=1, state="ACTIVE", expires=Nanos(1)),
        m.HaltTrading(by="", reason="", code=""),
        m.CancelAllOrders(reason=""),
    ],
    ids=lambda urgent: type(urgent).__name__,
)
def test_permission_halt_and_cancel_overtake(urgent: Message) -> None:
    inbox = Inbox()
    put(inbox, plain(1))
    put(inbox, urgent)
    assert inbox.get().message[1] is urgent


def test_no_type_is_both_control_and_conflated() -> None:
    assert not CONTROL & CONFLATE.keys()


def test_pykkas_stop_overtakes_but_not_control_before_it() -> None:
    inbox = Inbox()
    put(inbox, plain(1))
    put(inbox, control(1))
    inbox.put(Envelope(_ActorStop()))
    assert inbox.get().message == ("risk", control(1))
    assert inbox.get().message == _ActorStop()


def test_unread_snapshot_is_replaced_in_its_place() -> None:
    inbox = Inbox()
    for message in (plain(1), snapshot(1), plain(2), snapshot(2), snapshot(3)):
        put(inbox, message)
    assert drain(inbox) == [plain(1), snapshot(3), plain(2)]


def test_snapshot_that_was_read_is_not_replaced() -> None:
    inbox = Inbox()
    put(inbox, snapshot(1))
    first = drain(inbox)
    put(inbox, snapshot(2))
    assert (first, drain(inbox)) == ([snapshot(1)], [snapshot(2)])


def test_snapshots_differ_by_role_type_and_key() -> None:
    inbox = Inbox()
    put(inbox, snapshot(1, "A"), to="risk")
    put(inbox, snapshot(2, "B"), to="risk")
    put(inbox, snapshot(3, "A"), to="dashboard")
    put(inbox, m.Tick(due=Nanos(4)), to="risk")
    assert inbox.depth == 4


def test_an_asked_snapshot_is_not_replaced_for_somebody_waits() -> None:
    inbox = Inbox()
    inbox.put(Envelope(("risk", snapshot(1)), reply_to=ThreadingFuture()))
    put(inbox, snapshot(2))
    assert drain(inbox) == [snapshot(1), snapshot(2)]


def test_meters_count_and_the_longest_wait_starts_anew() -> None:
    now = iter((10, 20, 100, 105))
    inbox = Inbox(meter=lambda: next(now))
    put(inbox, plain(1))  # at 10
    put(inbox, snapshot(1))  # at 20
    put(inbox, snapshot(2))  # keeps its turn and its time
    inbox.get()  # at 100
    first = inbox.read_meters()
    inbox.get()  # at 105
    second = inbox.read_meters()
    assert (first.depth, first.taken, first.conflated, first.oldest_ns) == (1, 1, 0, 90)
    assert (second.depth, second.taken, second.conflated, second.oldest_ns) == (0, 2, 1, 85)


def test_inbox_is_empty_though_a_wake_token_is_left_over() -> None:
    inbox = Inbox()
    put(inbox, control(1))
    inbox.get()
    assert inbox.empty()
    put(inbox, plain(1))
    assert (inbox.depth, drain(inbox)) == (1, [plain(1)])


@pytest.mark.parametrize("message", [plain(1), control(1), snapshot(1)])
def test_sleeping_consumer_is_woken(message: Message) -> None:
    inbox = Inbox()
    thread, taken = wait_for_sleeper(inbox)
    put(inbox, message)
    thread.join()
    assert taken == [("risk", message)]


# --- closing ----------------------------------------------------------------------------------


def test_closing_gives_back_what_is_unread_control_first() -> None:
    inbox = Inbox()
    for message in (plain(1), snapshot(1), control(1), snapshot(2)):
        put(inbox, message)
    back: list[Message] = []
    inbox.close(lambda closed: back.extend(e.message[1] for e in closed.unread()))
    assert back == [control(1), plain(1), snapshot(2)]
    assert inbox.empty()


def test_what_is_put_into_a_closed_inbox_is_given_back() -> None:
    inbox = Inbox()
    back: list[Message] = []
    inbox.close(lambda closed: back.extend(e.message[1] for e in closed.unread()))
    for message in (plain(1), control(1), snapshot(1), snapshot(2)):
        put(inbox, message)
    assert back == [plain(1), control(1), snapshot(1), snapshot(2)]


def test_consumer_that_sleeps_when_its_inbox_closes_is_told_to_stop() -> None:
    inbox = Inbox()
    thread, taken = wait_for_sleeper(inbox)
    inbox.close(lambda closed: [*closed.unread()].clear())
    thread.join()
    assert taken == [_ActorStop()]


def test_consumer_that_comes_back_to_a_closed_inbox_takes_nothing_from_its_successor() -> None:
    inbox = Inbox()
    put(inbox, plain(1))
    inbox.close(lambda _: None)  # as far as a producer that has put, and not yet given back
    put(inbox, control(1))
    assert inbox.get().message == _ActorStop()
    assert [one.message[1] for one in inbox.unread()] == [control(1), plain(1)]


# --- races, forced ------------------------------------------------------------------------------


class Interrupted(dict[Any, Any]):
    """A dictionary of cells in which others act once: after a lookup, or before a removal."""

    def __init__(
        self,
        *,
        after_lookup: Callable[[], object] = int,
        before_removal: Callable[[], object] = int,
    ) -> None:
        super().__init__()
        self._after_lookup = after_lookup
        self._before_removal = before_removal

    def setdefault(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 - as in dict
        found = super().setdefault(key, default)
        meanwhile, self._after_lookup = self._after_lookup, int
        meanwhile()
        return found

    def __delitem__(self, key: Any) -> None:  # noqa: ANN401 - as in dict
        meanwhile, self._before_removal = self._before_removal, int
        meanwhile()
        super().__delitem__(key)


def test_producer_that_found_a_cell_just_being_read_starts_over() -> None:
    inbox = Inbox()
    put(inbox, snapshot(1))
    read: list[Message] = []
    cells = Interrupted(after_lookup=lambda: read.append(inbox.get().message[1]))
    cells.update(inbox._cells)
    inbox._cells = cells
    put(inbox, snapshot(2))  # finds the cell of 1; before it overwrites, 1 is read
    assert (read, drain(inbox)) == ([snapshot(1)], [snapshot(2)])


def test_snapshot_stored_before_its_cell_is_queued_is_the_one_read() -> None:
    inbox = Inbox()
    inbox._cells = Interrupted(after_lookup=lambda: put(inbox, snapshot(2)))
    put(inbox, snapshot(1))  # brings in the cell; before it is queued, 2 overwrites it
    assert drain(inbox) == [snapshot(2)]


def test_producer_that_comes_while_a_cell_is_being_read_need_not_wait() -> None:
    inbox = Inbox()
    inbox._cells = Interrupted(before_removal=lambda: put(inbox, snapshot(2)))
    put(inbox, snapshot(1))
    assert drain(inbox) == [snapshot(2)]


def test_control_is_there_before_anybody_is_woken_for_it() -> None:
    inbox = Inbox()
    tokens_before: list[int] = []

    class Watched(deque[Any]):
        def append(self, item: object, /) -> None:
            tokens_before.append(inbox._queue.qsize())
            super().append(item)

    inbox._control = Watched()
    put(inbox, control(1))
    assert tokens_before == [0]


def test_control_that_closing_takes_away_from_the_consumer_is_given_back() -> None:
    inbox = Inbox()
    back: list[Message] = []

    class Vanishing(deque[Any]):
        """Closes its inbox between the consumer's look and its grip."""

        def __len__(self) -> int:
            if inbox._reclaim is None:
                inbox.close(lambda closed: back.extend(e.message[1] for e in closed.unread()))
                return 1
            return super().__len__()

    inbox._control = Vanishing()
    put(inbox, control(1))
    assert inbox.get().message == _ActorStop()
    assert back == [control(1)]


def test_message_that_comes_into_the_hands_while_the_inbox_closes_is_given_back() -> None:
    back: list[Message] = []

    class Closing(Inbox):
        """Is closed by somebody else when its consumer has gripped a snapshot."""

        def _open(self, cell: Any) -> Any:  # noqa: ANN401 - a cell is nobody's business
            envelope = super()._open(cell)
            if self._reclaim is None:
                self.close(lambda closed: back.extend(e.message[1] for e in closed.unread()))
            return envelope

    inbox = Closing()
    put(inbox, snapshot(1))
    assert inbox.get().message == _ActorStop()
    assert back == [snapshot(1)]


# --- against a model ------------------------------------------------------------------------------


class InboxModel(RuleBasedStateMachine):
    """One thread, any sequence of puts and gets, against the plainest description there is."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox()
        self.urgent: list[Message] = []
        self.normal: list[Message] = []
        self.count = 0

    @rule()
    def put_plain(self) -> None:
        self.count += 1
        self.normal.append(plain(self.count))
        put(self.inbox, plain(self.count))

    @rule()
    def put_control(self) -> None:
        self.count += 1
        self.urgent.append(control(self.count))
        put(self.inbox, control(self.count))

    @rule(key=st.sampled_from("AB"))
    def put_snapshot(self, key: str) -> None:
        self.count += 1
        newest = snapshot(self.count, key)
        waiting = [isinstance(one, m.Pass) and one.ticker == key for one in self.normal]
        if True in waiting:
            self.normal[waiting.index(True)] = newest
        else:
            self.normal.append(newest)
        put(self.inbox, newest)

    @precondition(lambda self: self.urgent or self.normal)
    @rule()
    def get(self) -> None:
        expected = (self.urgent or self.normal).pop(0)
        assert self.inbox.get().message[1] == expected

    @invariant()
    def depth_is_exact(self) -> None:
        assert self.inbox.depth == len(self.urgent) + len(self.normal)


TestInboxModel = InboxModel.TestCase
TestInboxModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


# --- with threads ---------------------------------------------------------------------------------


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def produce(inbox: Inbox, origin: str) -> Sent:
    """Put a seeded mixture; returns what was put, by lane."""
    random_ = random.Random(origin)
    sent: Sent = defaultdict(list)
    for number in range(PER_PRODUCER):
        lane = random_.choice(LANES)
        match lane:
            case "plain":
                message = plain(number, origin)
            case "control":
                message = control(number, origin)
            case key:
                message = snapshot(number, key, origin)
        sent[lane].append(message)
        put(inbox, message)
    return sent


def storm(
    inbox: Inbox,
    produce_all: Callable[[str], object],
    consume: Callable[[threading.Event], list[Message]] | None = None,
) -> list[Message]:
    """Several producers and one consumer at once; what came out."""
    finished = threading.Event()
    out: list[Message] = []
    take = consume or (lambda end: take_all(inbox, end))
    consumer = threading.Thread(target=lambda: out.extend(take(finished)))
    producers = [threading.Thread(target=produce_all, args=(origin,)) for origin in ORIGINS]
    for thread in (consumer, *producers):
        thread.start()
    for thread in producers:
        thread.join()
    finished.set()
    put(inbox, LAST)
    consumer.join()
    return out


def take_all(inbox: Inbox, finished: threading.Event) -> list[Message]:
    taken = []
    while not (finished.is_set() and inbox.empty()):
        taken.append(inbox.get().message[1])
    return taken


def of(origin: str, lane: str, messages: list[Message]) -> list[Message]:
    """The messages of one producer in one lane, in order."""
    return [one for one in messages if lane_of(one) == (origin, lane)]


def lane_of(message: Message) -> tuple[str, str]:
    match message:
        case m.CancelRefused(order_id=origin):
            return origin, "plain"
        case m.ArmTrading(by=origin):
            return origin, "control"
        case m.Pass(strategy=origin, ticker=key):
            return origin, key
        case _:
            return "", ""


@pytest.mark.usefixtures("restless")
def test_storm_loses_nothing_but_superseded_snapshots() -> None:
    inbox = Inbox()
    sent: dict[str, Sent] = {}
    out = storm(inbox, lambda origin: sent.update({origin: produce(inbox, origin)}))
    for origin in ORIGINS:
        for lane in ("plain", "control"):
            assert of(origin, lane, out) == sent[origin][lane]
        for key in ("A", "B"):
            remaining = iter(sent[origin][key])
            assert all(one in remaining for one in of(origin, key, out)), "older after newer"
            assert of(origin, key, out)[-1] == sent[origin][key][-1]
    meters = inbox.read_meters()
    puts = PRODUCERS * PER_PRODUCER + 1
    assert meters.taken + meters.conflated == puts  # each key here has one producer


@pytest.mark.usefixtures("restless")
def test_storm_on_one_key_ends_with_the_newest_snapshot() -> None:
    inbox = Inbox()

    def produce_shared(origin: str) -> None:
        for number in range(PER_PRODUCER):
            put(inbox, shared(number, origin))

    out = storm(inbox, produce_shared)
    prices = [one for one in out if isinstance(one, m.CompositePrice)]
    for origin in ORIGINS:
        numbers = [one.price for one in prices if one.sources == (origin,)]
        assert numbers == sorted(set(numbers))
    # The newest of all is the last that one of the producers put.
    assert prices[-1].price == PER_PRODUCER - 1


@pytest.mark.usefixtures("restless")
def test_inbox_closed_in_a_storm_gives_each_message_to_one_side_once() -> None:
    inbox = Inbox()
    back: list[Message] = []
    lock = threading.Lock()

    def reclaim(closed: Inbox) -> None:
        with lock:
            back.extend(one.message[1] for one in closed.unread() if one.message != _ActorStop())

    def take_until_stopped(_: threading.Event) -> list[Message]:
        taken = []
        while (content := inbox.get().message) != _ActorStop():
            taken.append(content[1])
            if len(taken) == PER_PRODUCER:
                inbox.close(reclaim)
        return taken

    sent: dict[str, Sent] = {}
    out = storm(
        inbox, lambda origin: sent.update({origin: produce(inbox, origin)}), take_until_stopped
    )
    for origin in ORIGINS:
        for lane in ("plain", "control"):
            assert of(origin, lane, out) + of(origin, lane, back) == sent[origin][lane]
