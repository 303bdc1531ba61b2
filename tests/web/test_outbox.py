"""The way out to one client: whole messages in order, bounded memory, never a wait."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.frames import text_frame
from web.outbox import FloodError, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pair = tuple[Outbox, socket.socket]

SMALL = 4_096


def pair() -> Pair:
    ours, theirs = socket.socketpair()
    outbox = Outbox(ours, cursor=0, topics=None)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    theirs.settimeout(0)
    return outbox, theirs


@pytest.fixture
def ends() -> Iterator[Pair]:
    outbox, theirs = pair()
    yield outbox, theirs
    outbox.close()
    theirs.close()


def read(theirs: socket.socket, most: int = 1 << 20) -> bytes:
    data = b""
    while len(data) < most:
        try:
            part = theirs.recv(most - len(data))
        except BlockingIOError:
            break
        if not part:
            break
        data += part
    return data


def messages(stream: bytes) -> list[Any]:
    """Cut a stream of unmasked text frames; fails on anything that is not one."""
    found: list[Any] = []
    while stream:
        assert stream[0] == 0x81
        size, start = stream[1], 2
        if size == 126:
            size, start = int.from_bytes(stream[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(stream[2:10]), 10
        found.append(json.loads(stream[start : start + size]))
        stream = stream[start + size :]
    return found


def message(kind: str, number: int, size: int) -> bytes:
    return text_frame(json.dumps([kind, number, "x" * size]).encode())


steps = st.lists(
    st.tuples(st.sampled_from(["frame", "answer", "read"]), st.integers(0, 9_000)), max_size=40
)


@given(steps)
def test_frames_and_answers_arrive_whole_and_in_order_however_little_the_kernel_takes(
    plan: list[tuple[str, int]],
) -> None:
    outbox, theirs = pair()
    received, sent = b"", {"frame": 0, "answer": 0}
    for kind, size in plan:
        if kind == "read":
            received += read(theirs, size)
            outbox.flush()
        elif kind == "answer":
            outbox.send(message(kind, sent[kind], size))
            sent[kind] += 1
        elif outbox.idle:
            outbox.offer(message(kind, sent[kind], size), sent[kind])
            sent[kind] += 1
    while not outbox.idle:
        received += read(theirs)
        outbox.flush()
    received += read(theirs)
    outbox.close()
    theirs.close()
    arrived = messages(received)
    for kind, count in sent.items():
        assert [number for name, number, _ in arrived if name == kind] == list(range(count))


def test_a_client_that_leaves_its_answers_unread_is_ended(ends: Pair) -> None:
    outbox, theirs = ends
    outbox.offer(message("frame", 0, 100_000), 1)
    for number in range(65):
        assert not outbox.dead
        outbox.send(message("answer", number, 10))
    assert outbox.dead
    assert outbox.idle
    read(theirs)
    assert theirs.recv(1) == b""


def test_a_cut_wakes_the_reader_and_silences_the_writer(ends: Pair) -> None:
    outbox, theirs = ends
    outbox.cut()
    assert outbox.recv() == b""
    outbox.send(b"late")
    outbox.offer(b"late", 9)
    assert theirs.recv(10) == b""


def test_a_peer_that_is_gone_ends_the_outbox_without_an_error(ends: Pair) -> None:
    outbox, theirs = ends
    theirs.close()
    outbox.send(b"x" * 10)
    outbox.send(b"x" * 10)
    assert outbox.dead


def test_too_much_from_one_client_is_a_flood(ends: Pair) -> None:
    outbox, theirs = ends
    theirs.settimeout(None)

    def flood() -> None:
        for _ in range(300):
            theirs.sendall(b"x" * 1_024)
            outbox.recv()

    with pytest.raises(FloodError, match="more than 262144 bytes"):
        flood()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_of_every_length_are_well_formed(size: int) -> None:
    payload = json.dumps("x" * size).encode()
    assert messages(text_frame(payload)) == ["x" * size]
