"""What a REST failure means: refused, unknown, later, or stop. Against a server of raw sockets.

Everything here holds on both roads: through requests, and on the fast one for orders.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest

from core.clock import VirtualClock
from core.exchange.auth import Signer, generate_ed25519
from core.exchange.express import connect_express
from core.exchange.kalshi import Timeouts, connect
from core.exchange.listing import MarketStatus
from core.exchange.port import (
    Ambiguous,
    ExchangeError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from core.exchange.records import CancelRequest, OrderRequest, Side, TimeInForce
from core.units import Nanos, Price, Quantity

QUICK = Timeouts(connect=5, read=0.3)
PATIENT = Timeouts(connect=30, read=60)
SIGNER = Signer("key", generate_ed25519(), VirtualClock(Nanos(1_795_360_032_345_000_000)))
ORDER = OrderRequest(
    ticker="KXSOL15M-26NOV221015-15",
    client_order_id="c1",
    side=Side.BID,
    quantity=Quantity(2500),
    price=Price(4700),
    time_in_force=TimeInForce.IOC,
    shard=2,
)
PLACED = b'{"order_id":"o","fill_count":"0.00","remaining_count":"0.00","ts_ms":1}'

Script = Callable[[socket.socket, bytes], None]
road = connect
"""How a test connects: each runs on every road."""


@pytest.fixture(params=[connect, connect_express], ids=["requests", "express"], autouse=True)
def _road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "road", request.param)


class Scripted:
    """Accepts connections one after another and lets the script answer each request."""

    def __init__(self, script: Script) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._script = script
        self.requests: list[bytes] = []
        self._connections: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            with connection:
                while request := _request(connection):
                    self.requests.append(request)
                    self._script(connection, request)


def _request(connection: socket.socket) -> bytes:
    """One whole request; nothing when the peer has gone."""
    text = b""
    try:
        while b"\r\n\r\n" not in text:
            data = connection.recv(65_536)
            if not data:
                return b""
            text += data
        head, _, body = text.partition(b"\r\n\r\n")
        lengths = [
            int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"
        ]
        while lengths and len(body) < lengths[0]:
            body += connection.recv(65_536)
    except OSError:
        return b""
    return head + b"\r\n\r\n" + body


def answering(status: int, body: bytes, more: bytes = b"") -> Script:
    def answer(connection: socket.socket, _: bytes) -> None:
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), more)
        connection.sendall(head + body)

    return answer


def hanging_up(connection: socket.socket, _: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half_an_answer(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 201 X\r\nContent-Length: 500\r\n\r\n" + PLACED)
    connection.shutdown(socket.SHUT_RDWR)


def silent(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    server = Scripted(script)
    try:
        yield server
    finally:
        server.close()


def base(server: Scripted) -> str:
    return f"http://127.0.0.1:{server.port}/trade-api/v2"


def create(script: Script, timeouts: Timeouts = PATIENT) -> ExchangeError:
    """What a create raises."""
    with scripted(script) as server:
        exchange = road(base(server), SIGNER, timeouts)
        with pytest.raises(ExchangeError) as caught:
            exchange.create_order(ORDER)
        exchange.close()
        assert len(server.requests) == 1, "never sent twice by itself"
    return caught.value


def read(script: Script, timeouts: Timeouts = PATIENT) -> ExchangeError:
    """What a read raises."""
    with scripted(script) as server:
        exchange = road(base(server), SIGNER, timeouts)
        with pytest.raises(ExchangeError) as caught:
            exchange.balance()
        exchange.close()
    return caught.value


@pytest.mark.parametrize(
    "script",
    [
        hanging_up,
        half_an_answer,
        answering(500, b'{"error":{"code":"internal_server_error"}}'),
        answering(502, b"<html>"),
        answering(503, b'{"error":{"code":"service_unavailable"}}'),
        answering(504, b""),
        answering(201, b"{}"),
        answering(201, b"not json"),
        answering(201, b""),
        answering(201, PLACED.replace(b'"o"', b'""')),
        answering(201, PLACED.replace(b'"0.00"', b'"zero"', 1)),
        answering(201, PLACED.replace(b"{", b'{"client_order_id":"c2",', 1)),
        answering(408, b"<html>"),
        answering(409, b""),
        answering(103, b""),
    ],
)
def test_a_write_without_a_readable_answer_is_ambiguous(script: Script) -> None:
    assert isinstance(create(script), Ambiguous)


def test_an_answer_that_comes_after_an_interim_one_is_not_taken_for_the_next_orders() -> None:
    """103 says that the answer is still to come: whoever writes next on that line would get it."""
    early: list[socket.socket] = []

    def interim(connection: socket.socket, request: bytes) -> None:
        if not early:
            early.append(connection)
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        else:
            late = connection is early[0]
            answering(201, PLACED.replace(b'"o"', b'"o1"' if late else b'"o2"'))(
                connection, request
            )

    with scripted(interim) as server:
        exchange = road(base(server), SIGNER, PATIENT)
        with pytest.raises(Ambiguous):
            exchange.create_order(ORDER)
        second = msgspec.structs.replace(ORDER, client_order_id="c2")
        assert exchange.create_order(second).order_id == "o2"
        exchange.close()


def test_the_answer_about_another_order_is_no_answer_to_a_cancel() -> None:
    canceled = b'{"order_id":"other","reduced_by":"3.00"}'
    with scripted(answering(200, canceled)) as server:
        exchange = road(base(server), SIGNER, PATIENT)
        with pytest.raises(Ambiguous, match="other"):
            exchange.cancel_order(CancelRequest(order_id="mine", ticker="T", shard=2))
        exchange.close()


def test_a_late_answer_to_a_write_is_ambiguous_and_to_a_read_unavailable() -> None:
    assert isinstance(create(silent, QUICK), Ambiguous)
    assert isinstance(read(silent, QUICK), Unavailable)


@pytest.mark.parametrize(
    "script",
    [
        hanging_up,
        answering(500, b""),
        answering(503, b"{}"),
        answering(200, b"{}"),
        answering(200, b'{"balance":"many"}'),
        answering(302, b"", b"Location: /x\r\n"),
    ],
)
def test_a_read_without_a_readable_answer_is_unavailable(script: Script) -> None:
    assert isinstance(read(script), Unavailable)


def test_a_connection_that_never_stood_leaves_nothing_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    exchange = road(f"http://127.0.0.1:{port}/trade-api/v2", SIGNER, PATIENT)
    with pytest.raises(Unavailable):
        exchange.create_order(ORDER)
    unresolved = road("http://no-such-host.invalid/trade-api/v2", SIGNER, PATIENT)
    with pytest.raises(Unavailable):
        unresolved.create_order(ORDER)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            b'{"error":{"code":"insufficient_balance","message":"m","details":"d"}}',
            "insufficient_balance",
        ),
        (409, b'{"code":"order_already_exists","message":"m"}', "order_already_exists"),
        (
            409,
            b'{"error":{"code":"fill_or_kill_insufficient_resting_volume"}}',
            "fill_or_kill_insufficient_resting_volume",
        ),
        (404, b'{"error":{"code":"MARKET_NOT_FOUND"}}', "market_not_found"),
        (410, b'{"error":{"code":"deprecated_v1_order_endpoint"}}', "deprecated_v1_order_endpoint"),
        (403, b'{"error":{"code":"EXCHANGE_PAUSED"}}', "exchange_paused"),
        (503, b'{"error":{"code":"trading_is_paused"}}', "trading_is_paused"),
        (400, b"", "http_400"),
    ],
)
def test_a_refusal_keeps_its_code_and_status(status: int, body: bytes, code: str) -> None:
    refused = create(answering(status, body))
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.status) == (code, status)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_or_scope_is_unauthorized(status: int) -> None:
    refused = create(answering(status, b'{"error":{"code":"NOT_FOUND","message":"no key"}}'))
    assert isinstance(refused, Unauthorized)
    assert (refused.code, refused.status) == ("not_found", status)


def test_an_empty_bucket_is_rate_limited() -> None:
    limited = create(answering(429, b'{"error":"too many requests"}'))
    assert isinstance(limited, RateLimited)


def test_what_is_signed_is_what_is_sent() -> None:
    with scripted(answering(200, b'{"order_id":"o","reduced_by":"1.00","ts_ms":1}')) as server:
        exchange = road(base(server) + "/", SIGNER, PATIENT)
        exchange.cancel_order(CancelRequest(order_id="o", ticker="T", shard=2))
        exchange.close()
    (request,) = server.requests
    line = (
        b"DELETE /trade-api/v2/portfolio/events/orders/o?market_ticker=T&exchange_index=2 HTTP/1.1"
    )
    assert request.startswith(line)
    signed = SIGNER.sign("DELETE", "/trade-api/v2/portfolio/events/orders/o")
    for name, value in signed.headers().items():
        assert f"{name}: {value}".encode() in request


def test_a_create_says_everything_that_was_asked_for() -> None:
    with scripted(answering(201, PLACED)) as server:
        exchange = road(base(server), SIGNER, PATIENT)
        exchange.create_order(ORDER)
        exchange.close()
    (request,) = server.requests
    assert request.endswith(
        b'{"ticker":"KXSOL15M-26NOV221015-15","side":"bid","count":"25.00","price":"0.4700",'
        b'"time_in_force":"immediate_or_cancel","self_trade_prevention_type":"taker_at_cross",'
        b'"client_order_id":"c1","exchange_index":2}'
    )


def test_public_reads_are_unsigned_and_private_ones_need_a_key() -> None:
    with scripted(answering(200, b'{"exchange_active":true,"trading_active":true}')) as server:
        exchange = connect(base(server), None, PATIENT)
        assert exchange.status().trading_active
        with pytest.raises(Unavailable, match="needs an API key"):
            exchange.balance()
        exchange.close()
    (request,) = server.requests
    assert b"KALSHI-ACCESS" not in request


def test_a_market_that_cannot_be_read_is_left_out_and_counted() -> None:
    good = (
        b'{"ticker":"T","event_ticker":"T","status":"active","open_time":"2026-11-22T15:00:00Z",'
        b'"close_time":"2026-11-22T15:15:00Z","price_ranges":[],"yes_bid_dollars":"0.1",'
        b'"yes_ask_dollars":"0.2","result":"","expiration_value":""}'
    )
    bad = good.replace(b'"0.1"', b'"x"')
    worse = good.replace(b"close_time", b"closed_time")
    body = b'{"cursor":"","markets":[%b,%b,%b]}' % (bad, good, worse)
    with scripted(answering(200, body)) as server:
        exchange = connect(base(server), None, PATIENT)
        found = exchange.markets(series="T", status=MarketStatus.ACTIVE)
        exchange.close()
    assert ([market.ticker for market in found], exchange.skipped_rows) == (["T"], 2)
    assert b"series_ticker=T&status=open&limit=1000" in server.requests[0]


def test_an_order_that_cannot_be_read_fails_the_whole_list() -> None:
    body = b'{"cursor":"","orders":[{"order_id":"o"}]}'
    with scripted(answering(200, body)) as server:
        exchange = road(base(server), SIGNER, PATIENT)
        with pytest.raises(Unavailable):
            exchange.orders()
        exchange.close()


def test_a_cursor_that_repeats_does_not_turn_for_ever() -> None:
    body = b'{"cursor":"again","fills":[]}'
    with scripted(answering(200, body)) as server:
        exchange = road(base(server), SIGNER, PATIENT)
        assert exchange.fills() == ()
        exchange.close()
    assert len(server.requests) == 2


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with scripted(answering(200, b'{"exchange_active":true,"trading_active":true}')) as server:
        exchange = connect(base(server), None, PATIENT)
        assert exchange.status().exchange_active
        exchange.close()
