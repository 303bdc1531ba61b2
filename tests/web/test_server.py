"""The web server: one port, plain requests and streams side by side, and an ordered end."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest
import requests
import websocket
from cheroot.makefile import StreamWriter
from flask import Flask, request
from flask_sock import Sock

from web.server import STREAM_OPTIONS, CannotListen, PortTaken, Server, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simple_websocket import Server as Stream

WAIT = 20


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config["SOCK_SERVER_OPTIONS"] = STREAM_OPTIONS
    sock = Sock(app)

    @app.before_request
    def refuse() -> tuple[str, int] | None:
        return ("no", 401) if request.args.get("key") == "wrong" else None

    @app.get("/plain")
    def plain() -> str:
        return "hello"

    @app.get("/long")
    def long() -> bytes:
        return b"x" * 20_000_000

    @app.post("/echo")
    def echo() -> bytes:
        return request.get_data()

    @sock.route("/stream")  # type: ignore[untyped-decorator] # no types in flask-sock
    def stream(ws: Stream) -> None:
        while True:
            ws.send(ws.receive())

    @sock.route("/brief")  # type: ignore[untyped-decorator] # no types in flask-sock
    def brief(ws: Stream) -> None:
        ws.send("only this")

    return app


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    server = serve(app, "127.0.0.1", 0, threads=4)
    yield server
    server.stop()


def open_stream(server: Server, path: str) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{server.port}{path}", timeout=WAIT)


def close_quietly(stream: websocket.WebSocket) -> None:
    if stream.sock is not None:
        stream.sock.close()


def test_plain_requests_are_answered_on_a_kept_connection(server: Server) -> None:
    with requests.Session() as session:
        bodies = [
            session.post(f"http://127.0.0.1:{server.port}/echo", data=b"x" * n, timeout=WAIT)
            for n in (1, 100_000, 0)
        ]
    assert [len(answer.content) for answer in bodies] == [1, 100_000, 0]


def test_a_stream_carries_messages_of_every_frame_size_both_ways(server: Server) -> None:
    stream = open_stream(server, "/stream")
    for size in (1, 125, 126, 65_535, 65_536, 500_000):
        stream.send("x" * size)
        assert len(stream.recv()) == size
    stream.close()


def test_a_handler_that_ends_closes_its_stream_without_stray_bytes(server: Server) -> None:
    stream = open_stream(server, "/brief")
    assert stream.recv() == "only this"
    opcode, _ = stream.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    raw = stream.sock
    assert raw is not None
    raw.settimeout(WAIT)
    assert raw.recv(100) == b""
    raw.close()


def test_a_refused_handshake_is_an_ordinary_answer(server: Server) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_stream(server, "/stream?key=wrong")
    assert refused.value.status_code == 401
    assert refused.value.resp_body == b"no"


def test_compression_is_not_accepted(server: Server) -> None:
    stream = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/stream",
        timeout=WAIT,
        header=["Sec-WebSocket-Extensions: permessage-deflate"],
    )
    assert "sec-websocket-extensions" not in (stream.getheaders() or {})
    stream.close()


def test_an_answer_that_nobody_waits_for_is_dropped(server: Server) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(100)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.stop()
    held = [item for item in gc.get_objects() if isinstance(item, StreamWriter)]
    assert [writer for writer in held if not writer.closed and writer._write_buf] == []


def test_a_taken_port_is_one_error_that_names_it_and_starts_no_thread(
    server: Server, app: Flask
) -> None:
    before = set(threading.enumerate())
    with pytest.raises(PortTaken, match=rf"port {server.port} on 127\.0\.0\.1 is taken: .*choose"):
        serve(app, "127.0.0.1", server.port)
    assert set(threading.enumerate()) <= before


def test_an_impossible_address_is_one_error_that_names_it(app: Flask) -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:0: .*choose"):
        serve(app, "192.0.2.1", 0)


def test_a_bound_server_answers_what_waited_until_it_started(app: Flask) -> None:
    server = Server(app, "127.0.0.1", 0, threads=2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as early:
        early.sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.start()
        answer = early.makefile("rb").read()
    server.stop()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")


def test_stopping_ends_open_streams_and_leaves_no_thread_and_a_free_port(app: Flask) -> None:
    before = set(threading.enumerate())
    server = serve(app, "127.0.0.1", 0, threads=4)
    stream = open_stream(server, "/stream")
    stream.send("x")
    assert stream.recv() == "x"
    server.stop()
    server.stop()
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        stream.recv()
    close_quietly(stream)
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT)
    assert set(threading.enumerate()) <= before
    serve(app, "127.0.0.1", server.port, threads=1).stop()


def test_a_server_that_never_started_gives_its_port_back(app: Flask) -> None:
    server = Server(app, "127.0.0.1", 0, threads=1)
    server.stop()
    serve(app, "127.0.0.1", server.port, threads=1).stop()


def stopped_in_time(server: Server) -> bool:
    """Whether `stop` returns at all; the limit is far beyond any slow day."""
    stopper = threading.Thread(target=server.stop, daemon=True)
    stopper.start()
    stopper.join(WAIT * 3)
    return not stopper.is_alive()


def test_a_stream_that_opens_during_the_stop_does_not_delay_it(app: Flask) -> None:
    arrived, stopping = threading.Event(), threading.Event()

    @app.before_request
    def hold() -> None:
        if request.path == "/stream":
            arrived.set()
            stopping.wait(WAIT)

    server = serve(app, "127.0.0.1", 0, threads=4)
    plain = server._cheroot.cut_streams

    def cut_then_let_in() -> None:
        plain()
        stopping.set()

    server._cheroot.cut_streams = cut_then_let_in  # type: ignore[method-assign]
    late = threading.Thread(target=_knock, args=(server,), daemon=True)
    late.start()
    assert arrived.wait(WAIT)
    assert stopped_in_time(server)


def _knock(server: Server) -> None:
    with contextlib.suppress(OSError, websocket.WebSocketException):
        open_stream(server, "/stream").recv()


@pytest.mark.parametrize(
    "frame",
    [
        b"\xf1\x80\x00\x00\x00\x00",  # reserved bits that nobody agreed on
        b"\x81\x05hello",  # a client must mask what it sends
        b"\x83\x80\x00\x00\x00\x00",  # an opcode that does not exist
        b"\x81\xff\x00\x00\x00\x00\x00\x20\x00\x00mask" + b"x" * 70_000,  # larger than allowed
    ],
)
def test_a_client_that_breaks_the_protocol_ends_its_stream_and_no_more(
    server: Server, frame: bytes
) -> None:
    stream = open_stream(server, "/stream")
    with contextlib.suppress(OSError):
        stream.sock.sendall(frame)
    stream.sock.shutdown(socket.SHUT_WR)
    assert stopped_in_time(server)
    close_quietly(stream)
