"""The fast socket gives the very texts that were sent, however they were framed and cut."""

from __future__ import annotations

import random
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket import (
    WebSocketConnectionClosedException,
    WebSocketProtocolException,
    WebSocketTimeoutException,
)

from actors.fast_socket import FastSocket
from tests.actors.outside_bench import HANG_SECONDS
from tests.actors.plain_server import BINARY, CLOSE, PING, PONG, TEXT, frame

pytestmark = pytest.mark.timeout(300)


def pair() -> tuple[FastSocket, socket.socket]:
    """A fast socket behind its handshake, and the server's end."""
    ours, theirs = socket.socketpair()
    fast = FastSocket(skip_utf8_validation=True, enable_multithread=True)
    fast.sock, fast.connected = ours, True
    fast.settimeout(30)
    return fast, theirs


def read(fast: FastSocket, count: int) -> list[bytes]:
    texts: list[bytes] = []
    while len(texts) < count:
        texts += fast.texts()
    return texts


def framed(kind: int, payload: bytes) -> bytes:
    """A message in one frame, in three with a ping between, or followed by a pong."""
    if kind == 0:
        return frame(payload)
    if kind == 1:
        third = len(payload) // 3
        return (
            frame(payload[:third], TEXT, fin=False)
            + frame(b"between", PING)
            + frame(payload[third : 2 * third], 0, fin=False)
            + frame(payload[2 * third :], 0)
        )
    return frame(b"", PONG) + frame(payload, BINARY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 0, 1, 2]),
            st.sampled_from([0, 1, 5, 125, 126, 127, 240, 2000, 65_535, 65_536, 70_000]),
        ),
        max_size=12,
    ),
    st.integers(0, 2**32),
)
def test_every_text_arrives_whole_and_in_order(messages: list[tuple[int, int]], seed: int) -> None:
    chance = random.Random(seed)
    sent = [chance.randbytes(size) for _, size in messages]
    stream = b"".join(framed(kind, body) for (kind, _), body in zip(messages, sent, strict=True))
    fast, server = pair()
    pieces = []
    while stream:
        cut = chance.choice([1, 2, 3, 100, 5_000, 50_000])
        pieces.append(stream[:cut])
        stream = stream[cut:]
    with server:
        sender = threading.Thread(target=lambda: [server.sendall(piece) for piece in pieces])
        sender.start()
        received = read(fast, len(sent))
        sender.join()
        fast.release()
    assert received == sent


def test_many_frames_of_one_read_come_at_once() -> None:
    fast, server = pair()
    with server:
        server.sendall(b"".join(frame(b"%d" % i) for i in range(1000)))
        texts = read(fast, 1000)
        fast.release()
    assert texts == [b"%d" % i for i in range(1000)]


def test_a_ping_is_answered_with_its_payload() -> None:
    fast, server = pair()
    with server:
        server.sendall(frame(b"heartbeat", PING))
        assert fast.texts() == []
        first, second, *rest = server.recv(100)
        fast.release()
    mask, body = bytes(rest[:4]), bytes(rest[4:])
    assert (first & 0x0F, second & 0x7F) == (PONG, 9)
    assert bytes(b ^ mask[i % 4] for i, b in enumerate(body)) == b"heartbeat"


def test_a_close_frame_ends_it_with_the_reason_given() -> None:
    fast, server = pair()
    with server:
        server.sendall(frame(b"last") + frame((1001).to_bytes(2, "big") + b"deploy", CLOSE))
        assert fast.texts() == [b"last"]
        with pytest.raises(WebSocketConnectionClosedException, match="1001 deploy"):
            fast.texts()
        fast.release()


def test_an_end_in_the_middle_of_a_frame_is_an_end() -> None:
    fast, server = pair()
    server.sendall(frame(b"whole") + frame(b"half a frame")[:5])
    server.close()
    assert fast.texts() == [b"whole"]
    with pytest.raises(WebSocketConnectionClosedException):
        fast.texts()


def test_what_was_read_with_an_earlier_frame_is_ready_without_a_byte_more() -> None:
    reader, server = pair()
    server.sendall(frame(b"one") + frame(b"", PING) + frame(b"two") + frame(b"\x03\xe8", CLOSE))
    assert reader.ready(HANG_SECONDS)
    assert reader.texts() == [b"one"]
    for expected in ([], [b"two"]):
        assert reader.ready(0)
        assert reader.texts() == expected
    assert reader.ready(0), "the close frame"
    server.close()
    reader.release()


def test_before_a_byte_came_nothing_is_ready() -> None:
    reader, server = pair()
    assert not reader.ready(0.01)
    server.sendall(frame(b"whole")[:3])
    assert reader.ready(HANG_SECONDS), "the beginning of a frame is something to read"
    server.close()
    reader.release()


def test_silence_ends_it() -> None:
    fast, server = pair()
    fast.settimeout(0.05)
    with server, pytest.raises(WebSocketTimeoutException):
        fast.texts()
    fast.release()


def test_what_is_no_frame_at_all_is_told_as_such() -> None:
    fast, server = pair()
    with server:
        server.sendall(bytes([0x80 | 0x40 | TEXT, 1, 65]))
        with pytest.raises(WebSocketProtocolException):
            fast.texts()
        fast.release()
