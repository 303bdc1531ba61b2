"""The fast road's connections: kept, checked before use, never used twice for the same request."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from core.exchange.kalshi import Timeouts
from core.exchange.lines import Lines, send
from core.exchange.port import Ambiguous, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENT = Timeouts(connect=30, read=30)
REQUEST = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nok"


def request() -> bytes:
    return REQUEST


class Far:
    """The other side, moved by the test's own hand."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/base"
        self.ends: list[socket.socket] = []

    def accept(self) -> socket.socket:
        end, _ = self._listener.accept()
        end.settimeout(30)
        self.ends.append(end)
        return end

    def stop_listening(self) -> None:
        self._listener.close()


@contextmanager
def far_side() -> Iterator[Far]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    far = Far(listener)
    try:
        yield far
    finally:
        for end in far.ends:
            end.close()
        listener.close()


def taken(end: socket.socket) -> bytes:
    """One whole request."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        text += end.recv(65_536)
    return text


def closed(lines: Lines) -> None:
    """Wait until a kept connection has noticed its end."""
    noticed = threading.Event()
    while lines._idle and lines._idle[0].is_fresh:
        noticed.wait(0.005)


def test_an_answered_line_is_used_again() -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        for _ in range(3):
            sent = send(lines, "POST", request, "create")
            end = far.ends[0] if far.ends else far.accept()
            assert taken(end) == REQUEST
            end.sendall(OK)
            answer = sent.receive()
            assert (answer.status, answer.date, answer.body) == (200, "today", b"ok")
        assert lines.opened == 1
        lines.close()


def test_two_requests_at_once_have_a_line_each() -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        first, second = (send(lines, "POST", request, name) for name in "ab")
        one, two = far.accept(), far.accept()
        two.sendall(OK.replace(b"ok", b"b!"))
        one.sendall(OK.replace(b"ok", b"a!"))
        assert (first.receive().body, second.receive().body) == (b"a!", b"b!")
        lines.close()


def test_a_line_that_ended_while_it_was_idle_is_not_written_to() -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        lines.warm()
        far.accept().close()
        closed(lines)
        sent = send(lines, "POST", request, "create")
        end = far.accept()
        assert taken(end) == REQUEST
        end.sendall(OK)
        assert sent.receive().status == 200
        assert lines.opened == 2
        lines.close()


def test_a_line_on_which_something_came_unasked_is_not_trusted() -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        lines.warm()
        far.accept().sendall(OK)
        closed(lines)
        sent = send(lines, "POST", request, "create")
        end = far.accept()
        end.sendall(OK.replace(b"ok", b"my"))
        assert sent.receive().body == b"my"
        lines.close()


def test_a_line_that_the_other_side_closes_after_its_answer_is_not_kept() -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        sent = send(lines, "POST", request, "create")
        far.accept().sendall(OK.replace(b"Date", b"Connection: close\r\nDate"))
        sent.receive()
        assert not lines.has_idle
        lines.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_an_answer_that_does_not_come_whole_leaves_the_outcome_unknown(answer: bytes) -> None:
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        sent = send(lines, "POST", request, "create c1")
        end = far.accept()
        taken(end)
        end.sendall(answer)
        end.shutdown(socket.SHUT_RDWR)
        with pytest.raises(Ambiguous, match="create c1: no answer"):
            sent.receive()
        assert not lines.has_idle
        lines.close()


def test_chunked_and_large_answers_are_read_whole() -> None:
    body = b"x" * 300_000
    chunked = (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    )
    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        sent = send(lines, "POST", request, "create")
        end = far.accept()
        writer = threading.Thread(target=end.sendall, args=(chunked,))
        writer.start()
        answer = sent.receive()
        writer.join(30)
        assert (answer.status, answer.body) == (201, body)
        assert lines.has_idle
        lines.close()


def test_silence_ends_in_the_time_out() -> None:
    with far_side() as far:
        lines = Lines(far.url, Timeouts(connect=30, read=0.05))
        sent = send(lines, "POST", request, "create")
        far.accept()
        with pytest.raises(Ambiguous, match="no answer"):
            sent.receive()
        lines.close()


def test_what_is_held_back_at_the_last_moment_leaves_its_line_for_the_next() -> None:
    def second_thoughts() -> bytes:
        msg = "not any more"
        raise RuntimeError(msg)

    with far_side() as far:
        lines = Lines(far.url, PATIENT)
        with pytest.raises(RuntimeError, match="not any more"):
            send(lines, "POST", second_thoughts, "create")
        sent = send(lines, "POST", request, "create")
        end = far.accept()
        assert taken(end) == REQUEST
        end.sendall(OK)
        assert sent.receive().status == 200
        assert lines.opened == 1
        lines.close()


def test_without_a_connection_nothing_was_sent() -> None:
    with far_side() as far:
        far.stop_listening()
        lines = Lines(far.url, PATIENT)
        with pytest.raises(Unavailable, match="not sent"):
            send(lines, "POST", request, "create")


def test_over_tls_only_whom_the_authorities_vouch_for_is_talked_to() -> None:
    with far_side() as far:
        lines = Lines(far.url.replace("http:", "https:"), Timeouts(connect=30, read=5))
        answering = threading.Thread(
            target=lambda: far.accept().sendall(b"HTTP/1.1 400 plain text\r\n\r\n")
        )
        answering.start()
        with pytest.raises(Unavailable, match="not sent"):
            send(lines, "POST", request, "create")
        answering.join(30)
