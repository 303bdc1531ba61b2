"""Readers and their owner against a real server: what is told, what is skipped, how it ends."""

from __future__ import annotations

import json
import queue
import socket
from typing import TYPE_CHECKING

import pytest

from actors.reader import Opening
from actors.sockets import KalshiStream, KalshiTerms
from actors.stream import StreamActor
from core import messages as m
from core.clock import SystemClock
from core.exchange.auth import Signer, generate_ed25519, signed_text, verify
from core.roles.feed_terms import MARKET_STREAM
from core.topology import EXECUTION, FEED, STREAM, SUPERVISION
from core.units import Nanos, Price, Quantity, seconds
from tests.actors.outside_bench import HANG_SECONDS, Mailboxes
from tests.actors.plain_server import CLOSE, PING, PONG, TEXT, Caller, PlainServer, frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.messages import Message

pytestmark = pytest.mark.timeout(300)

TICKER = "KXSOL15M-26NOV221015-15"
KEY = generate_ed25519()


def delta(seq: int, ticker: str = TICKER) -> bytes:
    body = {"market_ticker": ticker, "price_dollars": "0.4600", "delta_fp": "5.00", "side": "yes"}
    told = {"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": {**body, "ts_ms": 1}}
    return json.dumps(told).encode()


class Bench:
    """A reader on a plain server; what it tells is in `news`."""

    def __init__(self) -> None:
        self.server = PlainServer()
        self.news: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.reader: KalshiStream | None = None
        self.fenced = False

    def start(self, pause: float = 0.0, url: str = "", silence: float = 30.0) -> KalshiStream:
        order = m.OpenStream(stream=MARKET_STREAM, conn=7, delay=seconds(pause))
        opening = Opening(
            order=order,
            clock=SystemClock(),
            deliver=self.deliver,
            failed=self.failures.put,
            is_fenced=lambda: self.fenced,
        )
        terms = KalshiTerms(
            url=url or self.server.url,
            series=("KXSOL15M",),
            connect_seconds=30,
            silence_seconds=silence,
        )
        self.reader = KalshiStream(opening, terms, Signer("key", KEY, SystemClock()))
        self.reader.start()
        return self.reader

    def deliver(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.news.put(message)

    def open(self, silence: float = 30.0) -> Caller:
        self.start(silence=silence)
        caller = self.server.accept().welcome()
        assert [self.state(), self.state()] == ["connecting", "open"]
        return caller

    def next(self) -> Message:
        return self.news.get(timeout=HANG_SECONDS)

    def state(self) -> str:
        change = self.next()
        assert isinstance(change, m.StreamChanged), change
        assert (change.stream, change.conn) == (MARKET_STREAM, 7)
        return change.state

    def loss(self) -> str:
        """Why the connection was lost, after all else has been read."""
        while True:
            message = self.next()
            if isinstance(message, m.StreamChanged) and message.state == "lost":
                return message.reason

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


# --- the handshake


def test_the_handshake_is_freshly_signed(bench: Bench) -> None:
    bench.start()
    caller = bench.server.accept()
    text = signed_text(caller.headers["kalshi-access-timestamp"], "GET", "/trade-api/ws/v2")
    assert caller.path == "/trade-api/ws/v2"
    assert caller.headers["kalshi-access-key"] == "key"
    assert verify(KEY.public_key(), text, caller.headers["kalshi-access-signature"])


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("401 Unauthorized", "401"),
        ("302 Found", "Redirect limit exhausted"),
        ("200 OK", "200"),
        ("503 Busy", "503"),
    ],
)
def test_a_handshake_that_is_refused_is_a_loss_that_says_why(
    bench: Bench, status: str, reason: str
) -> None:
    bench.start()
    bench.server.accept().refuse(status)
    assert bench.state() == "connecting"
    assert reason in bench.loss()
    assert bench.news.empty()
    assert bench.failures.empty()


def test_a_server_that_is_not_there_is_a_loss(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    bench.start(url=f"ws://127.0.0.1:{port}/trade-api/ws/v2")
    assert bench.state() == "connecting"
    assert "refused" in bench.loss()


def test_a_connection_closed_in_its_pause_is_never_made(bench: Bench) -> None:
    reader = bench.start(pause=1_000)
    reader.close()
    assert bench.loss() == "closed before it was opened"
    assert reader.join(HANG_SECONDS)


# --- frames


def test_frames_become_messages_with_their_connection_and_time(bench: Bench) -> None:
    caller = bench.open()
    caller.say(frame(delta(1)))
    told = bench.next()
    assert isinstance(told, m.BookDelta)
    assert (told.ticker, told.price, told.delta) == (TICKER, Price(4600), Quantity(500))
    assert (told.conn, told.sid, told.seq) == (7, 1, 1)
    assert abs(told.ts_recv - SystemClock().now()) < seconds(HANG_SECONDS)


def test_frames_arrive_in_order_however_they_are_cut(bench: Bench) -> None:
    caller = bench.open()
    stream = b"".join(frame(delta(seq)) for seq in range(1, 300))
    stream += frame(delta(300)[:20], TEXT, fin=False) + frame(b"", PING)
    stream += frame(delta(300)[20:], 0)
    for at in range(0, len(stream), 997):
        caller.say(stream[at : at + 997])
    read = [bench.next() for _ in range(300)]
    assert [told.seq for told in read if isinstance(told, m.BookDelta)] == list(range(1, 301))


def test_a_snapshot_larger_than_the_buffer_arrives_whole(bench: Bench) -> None:
    caller = bench.open()
    levels = [[f"0.{price:04d}", "1234567.00"] for price in range(1, 5_000)]
    body = {"market_ticker": TICKER, "market_id": "", "yes_dollars_fp": levels}
    told = {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": body}
    text = json.dumps(told).encode()
    assert len(text) > 65_536
    caller.say(frame(text))
    snapshot = bench.next()
    assert isinstance(snapshot, m.BookSnapshot)
    assert len(snapshot.yes) == 4_999


@pytest.mark.parametrize(
    "garbage",
    [
        b"{",
        b"not JSON at all",
        b"\xff\xfe\x00",
        b"[]",
        b'{"type": "orderbook_delta", "sid": 1, "seq": 2}',
        delta(2).replace(b'"0.4600"', b'"a lot"'),
        delta(2).replace(b'"yes"', b'"maybe"'),
    ],
)
def test_a_frame_that_cannot_be_read_is_told_and_its_neighbours_arrive(
    bench: Bench, garbage: bytes
) -> None:
    caller = bench.open()
    caller.say(frame(delta(1)) + frame(garbage) + frame(delta(3)))
    first, skipped, third = bench.next(), bench.next(), bench.next()
    assert isinstance(skipped, m.FrameSkipped)
    assert (skipped.stream, skipped.conn) == (MARKET_STREAM, 7)
    assert skipped.reason
    assert isinstance(first, m.BookDelta)
    assert isinstance(third, m.BookDelta)
    assert third.seq == 3


def test_news_of_other_series_stay_outside(bench: Bench) -> None:
    caller = bench.open()

    def struck(ticker: str) -> bytes:
        body = {"event_type": "metadata_updated", "market_ticker": ticker, "floor_strike": 118.5}
        told = {"type": "market_lifecycle_v2", "sid": 2, "seq": 1, "msg": body}
        return frame(json.dumps(told).encode())

    caller.say(struck("KXBTC15M-26NOV221015-15") + struck("INXD-26NOV22") + struck(TICKER))
    told = bench.next()
    assert isinstance(told, m.StrikePublished)
    assert told.ticker == TICKER


# --- commands


def test_a_command_is_sent_as_the_exchange_spells_it(bench: Bench) -> None:
    caller = bench.open()
    assert bench.reader is not None
    bench.reader.send(_subscribe(conn=7))
    opcode, body = caller.hear()
    sent = json.loads(body)
    assert (opcode, sent["cmd"], sent["id"]) == (TEXT, "subscribe", 3)
    assert sent["params"]["channels"] == ["orderbook_delta"]
    assert sent["params"]["market_tickers"] == [TICKER]
    assert sent["params"]["use_yes_price"] is False


def test_a_ping_is_answered(bench: Bench) -> None:
    caller = bench.open()
    caller.say(frame(b"heartbeat", PING))
    assert caller.hear() == (PONG, b"heartbeat")


def test_a_client_that_cannot_send_gives_the_connection_up(bench: Bench) -> None:
    bench.open()
    assert bench.reader is not None
    huge = tuple(f"{TICKER}-{number}" for number in range(200_000))
    command = m.SendCommand(stream=MARKET_STREAM, conn=7, command="add_markets", tickers=huge)
    bench.reader._socket.settimeout(0.05)  # type: ignore[union-attr]
    while not bench.reader._ending.is_set():
        bench.reader.send(command)  # nobody reads at the other end: the buffers fill
    assert bench.loss() == "closed"


# --- ends


def test_a_sudden_end_is_a_loss_told_once(bench: Bench) -> None:
    caller = bench.open()
    caller.say(frame(delta(1)))
    caller.hang_up()
    assert isinstance(bench.next(), m.BookDelta)
    assert bench.state() == "lost"
    assert bench.reader is not None
    assert bench.reader.join(HANG_SECONDS)
    assert bench.news.empty()
    assert bench.failures.empty()


def test_a_close_frame_is_a_loss_with_its_reason(bench: Bench) -> None:
    caller = bench.open()
    caller.say(frame((1012).to_bytes(2, "big") + b"restart", CLOSE))
    assert "1012 restart" in bench.loss()


def test_silence_is_a_loss(bench: Bench) -> None:
    bench.open(silence=0.2)
    assert bench.loss() == "silent for 0.2 s"


def test_bytes_that_are_no_frames_are_a_loss_and_no_defect(bench: Bench) -> None:
    caller = bench.open()
    caller.say(b"HTTP/1.1 500 Oops\r\n\r\n" + b"x" * 1_000)
    assert bench.loss()
    assert bench.failures.empty()


def test_closing_it_ends_the_thread_and_is_told(bench: Bench) -> None:
    caller = bench.open()
    assert bench.reader is not None
    bench.reader.close()
    assert bench.loss() == "closed"
    assert bench.reader.join(HANG_SECONDS)
    assert caller.ended()


def test_it_ends_when_its_owner_hung_and_was_replaced(bench: Bench) -> None:
    """Nobody could send on it any more, and the feed would wait for answers that never come."""
    caller = bench.open()
    bench.fenced = True
    caller.say(frame(delta(1)))
    assert isinstance(bench.next(), m.BookDelta)
    assert bench.loss() == "its owner was replaced"
    assert caller.ended()


def test_a_defect_in_the_reader_is_told_beside_the_loss(bench: Bench) -> None:
    def broken(messages: Iterable[Message]) -> None:
        for message in messages:
            assert not isinstance(message, m.BookDelta), "a defect"
            bench.news.put(message)

    bench.deliver = broken  # type: ignore[method-assign]
    bench.open().say(frame(delta(1)))
    assert "a defect" in bench.loss()
    assert "a defect" in str(bench.failures.get(timeout=HANG_SECONDS))


# --- the owner


class OwnerBench:
    """The actor `stream` on a plain server, the rest of the system as mailboxes."""

    def __init__(self) -> None:
        clock = SystemClock()
        self.server = PlainServer()
        self.boxes = Mailboxes(clock)
        terms = KalshiTerms(url=self.server.url, series=("KXSOL15M",), connect_seconds=30)
        signer = Signer("key", KEY, clock)
        self.actor = StreamActor.start(
            self.boxes.station(STREAM),
            self.boxes.routing,
            {MARKET_STREAM: lambda opening: KalshiStream(opening, terms, signer)},
        )

    def ask(self, conn: int, stream: str = MARKET_STREAM) -> None:
        self.tell(m.OpenStream(stream=stream, conn=conn, delay=Nanos(0)))

    def tell(self, message: Message) -> None:
        self.boxes.directory.tell(STREAM, message)

    def state(self, conn: int, state: str) -> m.StreamChanged:
        return self.boxes.until(
            FEED, m.StreamChanged, lambda told: (told.conn, told.state) == (conn, state)
        )

    def stop(self) -> None:
        if self.actor.is_alive():
            self.actor.stop(block=True, timeout=HANG_SECONDS)
        self.server.close()


@pytest.fixture
def owner() -> Iterator[OwnerBench]:
    made = OwnerBench()
    yield made
    made.stop()


def test_the_owner_reports_that_it_runs_and_opens_nothing_by_itself(owner: OwnerBench) -> None:
    started = owner.boxes.until(SUPERVISION, m.ActorStarted)
    assert (started.actor, started.generation) == (STREAM, 1)
    assert owner.boxes.empty(FEED)


def test_what_a_reader_reads_goes_to_those_it_concerns(owner: OwnerBench) -> None:
    owner.ask(1)
    caller = owner.server.accept().welcome()
    owner.state(1, "open")
    body = {
        "trade_id": "t1",
        "order_id": "v1",
        "client_order_id": "c1",
        "market_ticker": TICKER,
        "is_taker": True,
        "book_side": "bid",
        "yes_price_dollars": "0.4700",
        "ts_ms": 5,
        "count_fp": "15.00",
        "fee_cost": "0.261600",
        "exchange_index": 2,
    }
    filled = {"type": "fill", "sid": 4, "msg": body}
    caller.say(frame(json.dumps(filled).encode()) + frame(delta(1)))
    report = owner.boxes.until(EXECUTION, m.FillReport)
    assert (report.order_id, report.fill.trade_id, report.fill.shard) == ("c1", "t1", 2)
    assert owner.boxes.until(FEED, m.BookDelta).seq == 1


def test_a_command_goes_to_the_connection_it_was_meant_for_and_to_no_other(
    owner: OwnerBench,
) -> None:
    owner.ask(2)
    caller = owner.server.accept().welcome()
    owner.state(2, "open")
    owner.tell(_subscribe(conn=1, command_id=1))
    owner.tell(_subscribe(conn=2, command_id=2))
    _, body = caller.hear()
    assert json.loads(body)["id"] == 2


def test_a_new_connection_ends_the_one_before(owner: OwnerBench) -> None:
    owner.ask(1)
    first = owner.server.accept().welcome()
    owner.state(1, "open")
    owner.ask(2)
    owner.server.accept().welcome()
    assert owner.state(1, "lost").reason == "closed"
    owner.state(2, "open")
    assert first.ended()


def test_connections_end_with_their_owner(owner: OwnerBench) -> None:
    owner.ask(1)
    caller = owner.server.accept().welcome()
    owner.state(1, "open")
    owner.actor.stop(block=True, timeout=HANG_SECONDS)
    assert owner.state(1, "lost").reason == "closed"
    assert caller.ended()


def test_a_stream_nobody_can_open_is_a_defect(owner: OwnerBench) -> None:
    owner.ask(1, stream="coinbase")
    failure = owner.boxes.until(SUPERVISION, m.ActorFailed)
    assert (failure.actor, failure.generation) == (STREAM, 1)
    assert "coinbase" in failure.error


def _subscribe(conn: int, command_id: int = 3) -> m.SendCommand:
    return m.SendCommand(
        stream=MARKET_STREAM,
        conn=conn,
        command="subscribe",
        channels=("orderbook_delta",),
        tickers=(TICKER,),
        command_id=command_id,
    )
