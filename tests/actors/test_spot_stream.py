"""Readers of spot venues against a real server that plays what the venues were heard to say."""

from __future__ import annotations

import json
import queue
from typing import TYPE_CHECKING

import msgspec
import pytest

from actors.host import Crew, RoleActor
from actors.reader import Opening
from actors.spot_stream import SpotStream
from actors.stream import StreamActor
from core import messages as m
from core.clock import SystemClock
from core.exchange.spot.venue import VENUES, SpotVenue
from core.journal import MemoryJournal
from core.roles.feed_link import LinkTerms
from core.roles.spot import SpotFeed, SpotTerms
from core.topology import DASHBOARD, FEED, SPOT, STREAM, SUPERVISION
from core.units import Nanos, seconds
from tests.actors.outside_bench import HANG_SECONDS, Mailboxes
from tests.actors.plain_server import CLOSE, TEXT, Caller, PlainServer, frame
from tests.unit.exchange.spot_bench import captured, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from core.messages import Message

pytestmark = pytest.mark.timeout(300)

HEARTBEAT = b'{"type":"heartbeat","product_id":"SOL-USD","last_trade_id":1,"sequence":2}'


class Bench:
    """A reader on a plain server; what it tells is in `news`."""

    def __init__(self) -> None:
        self.server = PlainServer()
        self.news: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.reader: SpotStream | None = None

    def open(self, venue: SpotVenue, products: tuple[str, ...] = ("SOL-USD",)) -> Caller:
        order = m.OpenStream(stream=venue.stream, conn=7, delay=Nanos(0))
        opening = Opening(
            order=order, clock=SystemClock(), deliver=self._take, failed=self.failures.put
        )
        here = msgspec.structs.replace(venue, url=self.server.url)
        self.reader = SpotStream(opening, here, products, connect_seconds=30)
        self.reader.start()
        caller = self.server.accept().welcome()
        assert [self.state(), self.state()] == ["connecting", "open"]
        return caller

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.news.put(message)

    def next(self) -> Message:
        return self.news.get(timeout=HANG_SECONDS)

    def state(self) -> str:
        change = self.next()
        assert isinstance(change, m.StreamChanged), change
        return change.state

    def until_lost(self) -> tuple[list[Message], str]:
        """Everything up to the loss, and its reason."""
        told: list[Message] = []
        while True:
            message = self.next()
            if isinstance(message, m.StreamChanged) and message.state == "lost":
                return told, message.reason
            told.append(message)

    def close(self) -> None:
        self.server.close()
        if self.reader is not None:
            self.reader.close()
            assert self.reader.join(HANG_SECONDS)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()
    assert made.failures.empty()


@pytest.mark.parametrize("name", VENUES)
def test_a_venue_is_told_at_once_what_is_wanted_of_it(bench: Bench, name: str) -> None:
    caller = bench.open(VENUES[name])
    greeting = VENUES[name].greeting(("SOL-USD",))
    assert [caller.hear() for _ in greeting] == [(TEXT, text) for text in greeting]
    assert "kalshi-access-key" not in caller.headers, "keys are for their own exchange"


@pytest.mark.parametrize(("name", "trades"), [("coinbase", 97), ("bitstamp", 10), ("gemini", 16)])
def test_captured_frames_arrive_as_ticks_through_a_real_socket(
    bench: Bench, recorded: Path, name: str, trades: int
) -> None:
    frames = captured(recorded, name)
    known = {"coinbase": "product_id", "bitstamp": "channel", "gemini": "symbol"}[name]
    symbols = {str(body[known]).rpartition("_")[2] for f in frames if known in (body := f.json)}
    spelled = msgspec.structs.replace(VENUES[name], symbol=str)
    caller = bench.open(spelled, tuple(symbols))
    for text, _ in frames:
        caller.say(frame(text))
    caller.say(frame(b"\x03\xe8", CLOSE))
    told, _ = bench.until_lost()
    assert [message for message in told if isinstance(message, m.FrameSkipped)] == []
    assert sum(tick.taker_side is not None for tick in ticks(told)) == trades
    assert len({tick.product for tick in ticks(told) if tick.bid}) >= (
        0 if name == "bitstamp" else 8
    )


def test_a_bad_frame_is_told_and_the_next_is_read(bench: Bench) -> None:
    caller = bench.open(VENUES["kraken"])
    quote = {"symbol": "SOL/USD", "bid": 118.46, "ask": 118.47}
    good = json.dumps({"channel": "ticker", "data": [quote]}).encode()
    caller.say(frame(good[:-3]) + frame(good))
    skipped, tick = bench.next(), bench.next()
    assert isinstance(skipped, m.FrameSkipped)
    assert (skipped.stream, skipped.conn) == ("spot:kraken", 7)
    assert isinstance(tick, m.SpotTick)


def test_a_venue_that_breaks_its_heartbeat_is_lost(bench: Bench) -> None:
    impatient = msgspec.structs.replace(VENUES["coinbase"], silence_seconds=0.2)
    caller = bench.open(impatient)
    caller.say(frame(HEARTBEAT))
    _, reason = bench.until_lost()
    assert reason == "silent for 0.2 s"


def test_a_venue_without_a_heartbeat_is_asked_for_a_sign_of_life(bench: Bench) -> None:
    venue = msgspec.structs.replace(VENUES["bitstamp"], ask_seconds=0.05, silence_seconds=0.5)
    caller = bench.open(venue)
    for _ in venue.greeting(("SOL-USD",)):
        caller.hear()
    answer = frame(b'{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}')
    for _ in range(3):
        assert caller.hear() == (TEXT, venue.ask)
        caller.say(answer)
    assert caller.hear() == (TEXT, venue.ask)
    _, reason = bench.until_lost()
    assert reason == "silent for 0.5 s"


def test_a_connection_of_no_more_use_says_why_it_ends(bench: Bench) -> None:
    caller = bench.open(VENUES["bitstamp"])
    caller.say(frame(b'{"event":"bts:request_reconnect","channel":"","data":""}'))
    _, reason = bench.until_lost()
    assert "asked to connect again" in reason


def test_it_ends_when_it_is_told_to(bench: Bench) -> None:
    bench.open(VENUES["gemini"])
    assert bench.reader is not None
    bench.reader.close()
    _, reason = bench.until_lost()
    assert reason == "closed"


# --- role, owner of the streams, and server together


class Loop:
    """The role `feed:spot` and the actor `stream`; everybody else is a mailbox."""

    def __init__(self) -> None:
        self.server = PlainServer()
        clock = SystemClock()
        self.boxes = Mailboxes(clock, (FEED, DASHBOARD, SUPERVISION), (STREAM, SPOT))
        venue = msgspec.structs.replace(VENUES["coinbase"], url=self.server.url)
        link = LinkTerms(stream=venue.stream, first_delay=seconds(0.01))
        crew = Crew(
            names=(SPOT,),
            make=lambda _name, _instance: SpotFeed(SpotTerms(links=(link,))),
            routing=self.boxes.routing,
            journal=lambda: MemoryJournal(instance="test"),
        )
        self.actors = [
            StreamActor.start(
                self.boxes.station(STREAM),
                self.boxes.routing,
                {venue.stream: lambda opening: SpotStream(opening, venue, ("SOL-USD",), 30.0)},
            ),
            RoleActor.start(self.boxes.station(SPOT), crew),
        ]

    def state(self) -> m.StreamChanged:
        return self.boxes.until(DASHBOARD, m.StreamChanged)

    def close(self) -> None:
        for actor in self.actors:
            actor.stop(block=True, timeout=HANG_SECONDS)
        self.server.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def quote(bid: str, ask: str) -> bytes:
    body = {"type": "ticker", "product_id": "SOL-USD", "best_bid": bid, "best_ask": ask}
    return frame(json.dumps(body).encode())


def test_a_venue_that_hangs_up_is_called_again_and_its_price_goes_on(loop: Loop) -> None:
    first = loop.server.accept().welcome()
    first.say(quote("118.46", "118.48"))
    price = loop.boxes.until(FEED, m.CompositePrice)
    assert (price.product, price.sources) == ("SOL-USD", ("coinbase",))
    first.connection.shutdown(2)
    second = loop.server.accept().welcome()
    second.say(quote("118.50", "118.52"))
    again = loop.boxes.until(FEED, m.CompositePrice)
    assert again.price > price.price
    states = [loop.state() for _ in range(5)]
    assert [change.state for change in states] == [
        "connecting",
        "open",
        "lost",
        "connecting",
        "open",
    ]
    assert states[3].conn == states[0].conn + 1
