"""The express door: orders leave on the thread that decided, under the same last look."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from actors.exchange import ExchangeActor
from actors.exchange_orders import DeskTerms
from actors.gate import Gate
from core import messages as m
from core.exchange.express import ExpressExchange
from core.exchange.records import OrderStatus, Side
from core.topology import EXCHANGE, EXECUTION
from core.units import Nanos, seconds
from tests.actors.outside_bench import HANG_SECONDS, Mailboxes, settle
from tests.contract.venue import Venue, order, served_venue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.exchange.lines import Line

pytestmark = pytest.mark.timeout(300)
EPOCH = 2


class Bench:
    """The exchange actor with its express door, on a served local exchange."""

    def __init__(self, venue: Venue, halt_file: Path) -> None:
        assert isinstance(venue.exchange, ExpressExchange)
        self.venue = venue
        self.exchange = venue.exchange
        self.halt_file = halt_file
        self.boxes = Mailboxes(venue.clock)
        self.gate = Gate(venue.clock)
        self.threads: list[str] = []
        self._watch()
        terms = DeskTerms(series=("KXSOL15M",), halt_file=halt_file, prepare_seconds=0.01)
        self.actor = ExchangeActor.start(
            self.boxes.station(EXCHANGE),
            self.boxes.routing,
            lambda: self.exchange,
            terms,
            self.gate,
        )
        self.permit()
        settle(self.actor, self.boxes, EXCHANGE)

    def _watch(self) -> None:
        """Note on which thread each create is written."""
        begin = self.exchange.begin_create

        def noting(*given: Any) -> Any:  # noqa: ANN401 - passed through
            self.threads.append(threading.current_thread().name)
            return begin(*given)

        self.exchange.begin_create = noting  # type: ignore[method-assign]

    def ready(self) -> Bench:
        """Wait until a connection and a signature lie ready."""
        waiting = threading.Event()
        while not self.exchange.is_ready:
            waiting.wait(0.005)
        return self

    def permit(self, **changes: object) -> None:
        now = self.venue.clock.now()
        made = m.Permit(epoch=EPOCH, state="ACTIVE", expires=Nanos(now + seconds(3)))
        self.boxes.directory.tell(EXCHANGE, msgspec.structs.replace(made, **changes))

    def place(self, order_id: str, **changes: object) -> m.Message:
        """Send a resting order, and the answer that execution gets."""
        made = msgspec.structs.replace(self.order(order_id), **changes)
        self.boxes.directory.tell(EXCHANGE, made)
        return self.boxes.get(EXECUTION)

    def order(self, order_id: str) -> m.PlaceOrder:
        return m.PlaceOrder(
            request=order(order_id, Side.BID, "0.40", "2"),
            epoch=EPOCH,
            deadline=Nanos(self.venue.clock.now() + seconds(1)),
        )

    def resting(self) -> list[str]:
        rows = self.venue.exchange.orders(status=OrderStatus.RESTING)
        return sorted(row.client_order_id for row in rows)

    def stop(self) -> None:
        if self.actor.is_alive():
            self.actor.stop(block=True, timeout=HANG_SECONDS)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    venue = served_venue(tmp_path, express=True)
    venue.at(Nanos(venue.clock.now() + seconds(200)))
    bench = Bench(venue, tmp_path / "HALT")
    yield bench
    bench.stop()
    bench.exchange.close()
    assert venue.running is not None
    venue.running.stop()


def here() -> str:
    return threading.current_thread().name


def test_an_order_leaves_on_the_thread_that_sends_it(bench: Bench) -> None:
    accepted = bench.ready().place("a")
    assert isinstance(accepted, m.PlaceAccepted)
    assert bench.threads == [here()]
    assert bench.resting() == ["a"]


def test_the_next_ones_use_the_same_connection(bench: Bench) -> None:
    for number in range(5):
        assert isinstance(bench.ready().place(f"a{number}"), m.PlaceAccepted)
    assert bench.threads == [here()] * 5
    assert bench.exchange._fast.lines.opened <= 2, "one, and one that was warm meanwhile"


def test_without_a_connection_the_order_goes_by_the_inbox(bench: Bench) -> None:
    bench.ready()
    bench.exchange._fast.lines.close()
    bench.exchange._fast.warm = lambda: None  # type: ignore[method-assign] # it stays down
    bench.exchange._fast.lines.close()
    assert isinstance(bench.place("a"), m.PlaceAccepted)
    assert here() not in bench.threads
    assert bench.resting() == ["a"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"epoch": 1}, "stale_epoch"), ({"deadline": Nanos(1)}, "intent_expired")],
)
def test_the_last_look_is_the_same(bench: Bench, changes: dict[str, Any], code: str) -> None:
    refused = bench.ready().place("a", **changes)
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code in (code, "rate_limited")
    assert bench.resting() == []


def test_no_order_leaves_while_the_halt_file_stands(bench: Bench) -> None:
    bench.ready()
    bench.halt_file.write_text("stop")
    refused = bench.place("a")
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code == "halted"


def test_no_order_leaves_without_a_permit(bench: Bench) -> None:
    bench.ready()
    bench.permit(expires=Nanos(0))
    settle(bench.actor, bench.boxes, EXCHANGE)
    refused = bench.place("a")
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code == "permit_expired"


@pytest.mark.parametrize("by_the_door", [True, False])
@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        (lambda bench: bench.halt_file.write_text("stop"), "halted"),
        (lambda bench: bench.gate.line.forbid(EPOCH + 1), "stale_epoch"),
        (lambda bench: bench.venue.at(Nanos(bench.venue.clock.now() + seconds(2))), "intent_e"),
        (lambda bench: bench.venue.at(Nanos(bench.venue.clock.now() + seconds(3))), "permit_e"),
    ],
)
def test_what_happens_while_a_connection_is_made_is_seen_before_the_write(
    bench: Bench, meanwhile: Callable[[Bench], object], code: str, *, by_the_door: bool
) -> None:
    """A connection may take seconds: longer than an order and its permit live."""
    bench.ready()
    lines, undisturbed = bench.exchange._fast.lines, threading.Event()
    bench.exchange._fast.warm = undisturbed.set  # type: ignore[method-assign] # it stays down
    assert undisturbed.wait(HANG_SECONDS)
    opens = lines._open
    for line in lines._idle:  # it looks as if one stood, and then it has ended
        line.close()
    if not by_the_door:
        lines._idle.clear()

    def slow(what: str) -> Line:
        meanwhile(bench)
        return opens(what)

    lines._open = slow  # type: ignore[method-assign]
    refused = bench.place("a")
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code.startswith(code)
    assert (here() in bench.threads) is by_the_door
    assert bench.resting() == []


def test_no_order_leaves_once_the_line_forbids_its_epoch(bench: Bench) -> None:
    bench.ready()
    bench.gate.line.forbid(EPOCH + 1)
    refused = bench.place("a")
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code == "stale_epoch"


def test_the_line_is_quiet_only_when_the_answer_is_there(bench: Bench) -> None:
    bench.ready().place("a")
    assert bench.gate.line.wait_until_quiet(HANG_SECONDS)


def test_an_order_whose_answer_nobody_waits_for_is_unknown(bench: Bench) -> None:
    """The actor ends between the write and the answer: execution must ask."""
    bench.ready()
    workers = bench.actor._actor_weakref()._workers  # type: ignore[union-attr]
    workers.stop()
    ambiguous = bench.place("a")
    assert isinstance(ambiguous, m.PlaceAmbiguous)
    assert bench.gate.line.wait_until_quiet(HANG_SECONDS)


def test_a_defect_behind_the_door_does_not_reach_the_sender(bench: Bench) -> None:
    bench.ready()

    def broken(*_: object) -> object:
        msg = "a defect"
        raise RuntimeError(msg)

    bench.exchange.begin_create = broken  # type: ignore[method-assign, assignment]
    assert isinstance(bench.place("a"), m.PlaceAmbiguous)
    assert bench.gate.line.wait_until_quiet(HANG_SECONDS)


def test_what_is_more_urgent_goes_first(bench: Bench) -> None:
    """While a cancel waits for its tokens, no order overtakes it by the door."""
    bench.ready()
    bench.gate._throttle.take((("write:2", 200),), bench.venue.clock.now())
    bench.boxes.directory.tell(
        EXCHANGE, m.CancelOrder(order_id="x", venue_order_id="v", ticker="T", shard=2)
    )
    settle(bench.actor, bench.boxes, EXCHANGE)
    bench.boxes.directory.tell(EXCHANGE, bench.order("a"))
    settle(bench.actor, bench.boxes, EXCHANGE)
    assert bench.threads == []
