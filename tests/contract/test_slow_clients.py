"""A client that does not read loses its subscription with error 25, and slows nobody."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import websocket

from core.exchange.records import Side
from core.exchange.wire.control_frames import StreamError
from core.exchange.wire.market_frames import OrderbookDelta, OrderbookSnapshot
from core.units import SECOND, Nanos
from tests.contract.follower import WAIT, Follower, follow, signed_headers
from tests.contract.venue import OPENS, TICKER, Venue, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 200
CHANGES = 12_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Venue]:
    made = served_venue(tmp_path, outbox_frames=LIMIT, streams=2)
    made.at(Nanos(OPENS + 60 * SECOND))
    yield made
    assert made.running is not None
    made.exchange.close()  # type: ignore[attr-defined]
    made.running.stop()


def deaf(venue: Venue) -> Follower:
    """A connection with the smallest receive buffer there is."""
    assert venue.running is not None
    return Follower(
        websocket.create_connection(
            venue.running.announcement.ws_url,
            timeout=WAIT,
            header=signed_headers(venue),
            sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)],
        )
    )


def test_error_25_ends_the_subscription_in_sequence_and_a_new_one_begins(served: Venue) -> None:
    slow, quick = deaf(served), follow(served)
    slow.subscribe("orderbook_delta")
    quick.subscribe("orderbook_delta")
    for n in range(CHANGES):
        served.quote(Side.BID, "0.40", str(1 + n % 2))
        if n % 100 == 0:
            quick.settle()
    quick.settle()
    assert [frame.seq for frame in quick.of(OrderbookDelta)] == list(range(2, CHANGES + 2))

    slow.until(lambda frame: isinstance(frame, StreamError))
    sequenced = [frame.seq for frame in slow.frames if frame.seq]
    (error,) = slow.of(StreamError)
    assert sequenced == list(range(1, len(sequenced) + 1))
    assert (error.msg.code, error.sid) == (25, 1)
    assert len(sequenced) < CHANGES

    slow.subscribe("orderbook_delta")
    again = slow.of(OrderbookSnapshot)[-1]
    assert (again.sid, again.seq, again.msg.market_ticker) == (2, 1, TICKER)
    slow.close()
    quick.close()


def test_more_clients_than_places_are_turned_away_and_a_freed_place_is_taken(
    served: Venue,
) -> None:
    first, second = follow(served), follow(served)
    first.settle()
    second.settle()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        follow(served)
    assert refused.value.status_code == 429
    assert refused.value.resp_body == b'{"error":"too many connections"}'
    first.close()
    second.settle()
    third = None
    while third is None:
        try:
            third = follow(served)
        except websocket.WebSocketBadStatusException:
            second.settle()  # the server has not noticed the hang-up yet
    third.close()
    second.close()
