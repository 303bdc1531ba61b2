"""What waits for one client of the exchange's stream: order, pings, limits, and an end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from web.exchange_outbox import Outbox, Pace
from web.server import StreamSocket

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT = 30
QUIET = Pace(ping=1000)


@pytest.fixture
def pair() -> Iterator[tuple[StreamSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(WAIT)
    stream = StreamSocket(ours.detach())
    yield stream, theirs
    stream.close()
    theirs.close()


def test_frames_leave_in_order_and_the_end_waits_for_them(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, client = pair
    outbox = Outbox(stream, 100, QUIET)
    assert all(outbox.offer(b"%d" % n) for n in range(10))
    outbox.put(b"reply")
    outbox.close()
    outbox.start()
    wanted = b"".join(b"\x81\x01%d" % n for n in range(10)) + b"\x81\x05reply"
    got = b""
    while len(got) < len(wanted):
        got += client.recv(4096)
    assert got == wanted


def test_a_quiet_connection_is_pinged_with_the_payload_heartbeat(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, client = pair
    outbox = Outbox(stream, 100, Pace(ping=0.05))
    outbox.start()
    got = b""
    while got.count(b"\x89\x09heartbeat") < 2:
        got += client.recv(4096)
    outbox.close()
    assert set(got.split(b"\x89\x09heartbeat")) == {b""}


def test_pings_go_out_between_frames_that_never_stop(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, client = pair
    outbox = Outbox(stream, 1_000_000, Pace(ping=0.01))
    outbox.start()
    got = b""
    while b"\x89\x09heartbeat" not in got:
        outbox.offer(b"x" * 100)
        got += client.recv(102)
    outbox.close()
    assert got.startswith(b"\x81\x64x")


def test_beyond_the_limit_nothing_more_is_taken_and_replies_have_a_reserve(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, _ = pair
    outbox = Outbox(stream, 3, QUIET)
    taken = [outbox.offer(b"x") for _ in range(5)]
    outbox.put(b"error 25")
    assert taken == [True, True, True, False, False]
    assert stream.fileno() != -1


def test_a_flood_of_replies_that_nobody_reads_cuts_the_connection(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, client = pair
    outbox = Outbox(stream, 3, QUIET)
    for _ in range(1_100):
        outbox.put(b"reply")
    assert client.recv(4096) == b""


def test_a_client_that_never_reads_is_cut_when_the_system_waits_no_longer(
    pair: tuple[StreamSocket, socket.socket],
) -> None:
    stream, client = pair
    outbox = Outbox(stream, 1_000, Pace(ping=1000, send=1))
    for _ in range(100):
        outbox.offer(b"x" * 60_000)
    outbox.start()
    reader = stream.recv(1)  # as the stream's own reader would, until the connection is cut
    assert reader == b""
    received = 0
    while data := client.recv(1 << 20):
        received += len(data)
    assert 0 < received < 6_000_000
