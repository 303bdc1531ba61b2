"""Books on the stream: snapshots, deltas, sequence, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import Outcome, Side
from core.exchange.wire.control_frames import Ok, Subscribed, Unsubscribed
from core.exchange.wire.market_frames import (
    OrderbookDelta,
    OrderbookSnapshot,
)
from core.units import SECOND, Nanos
from tests.contract.follower import Follower, follow
from tests.contract.stirring import rebuilt, shown, stir
from tests.contract.venue import CLOSES, NEXT, OPENS, TICKER, Venue, order, served_venue

if TYPE_CHECKING:
    from pathlib import Path


def test_s01_snapshot_and_deltas_are_the_rest_book(served: Venue, follower: Follower) -> None:
    stir(served, 1, 10)
    follower.subscribe("orderbook_delta")
    stir(served, 2, 60)
    follower.settle()
    assert rebuilt(follower) == shown(served)
    assert len(follower.of(OrderbookSnapshot)) == 1
    assert len(follower.of(OrderbookDelta)) > 100


def test_s02_seq_counts_every_message_of_the_sid_control_replies_included(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("orderbook_delta")
    stir(served, 3, 3)
    sid = follower.of(Subscribed)[0].msg.sid
    update = {"sid": sid, "market_tickers": [NEXT.market_ticker]}
    follower.command(id=7, cmd="update_subscription", params={**update, "action": "add_markets"})
    stir(served, 4, 3)
    follower.command(id=8, cmd="update_subscription", params={**update, "action": "get_snapshot"})
    follower.command(id=9, cmd="update_subscription", params={**update, "action": "delete_markets"})
    stir(served, 5, 3)
    follower.command(id=10, cmd="unsubscribe", params={"sids": [sid]})
    follower.settle()
    numbered = [frame.seq for frame in follower.frames if frame.sid == sid]
    assert numbered == list(range(1, len(numbered) + 1))
    assert [(ok.id, ok.seq > 0) for ok in follower.of(Ok)] == [(7, True), (9, True)]
    assert [frame.id for frame in follower.of(Unsubscribed)] == [10]
    replies = [frame.id for frame in follower.of(OrderbookSnapshot) if frame.id]
    assert replies == [8]


def test_s03_an_empty_side_is_left_out_and_an_empty_book_still_snapshots(
    served: Venue, follower: Follower
) -> None:
    served.quote(Side.BID, "0.40", "1")
    follower.subscribe("orderbook_delta", market_tickers=[TICKER, NEXT.market_ticker])
    one, empty = (msgspec.json.decode(text)["msg"] for text in follower.raw[1:3])
    assert one["yes_dollars_fp"] == [["0.4000", "1.00"]]
    assert "no_dollars_fp" not in one
    assert "yes_dollars_fp" not in empty
    assert empty["market_ticker"] == NEXT.market_ticker


def test_s04_yes_prices_mirror_the_no_leg(served: Venue, follower: Follower) -> None:
    served.quote(Side.ASK, "0.48", "204")
    other = follow(served)
    follower.subscribe("orderbook_delta", use_yes_price=False)
    other.subscribe("orderbook_delta", use_yes_price=True)
    served.quote(Side.ASK, "0.48", "150")
    for each in (follower, other):
        each.settle()
    plain, mirrored = (
        [(f.msg.no_dollars_fp[0][0], d.msg.price_dollars, d.msg.side)]
        for each in (follower, other)
        for f in each.of(OrderbookSnapshot)
        for d in each.of(OrderbookDelta)
    )
    other.close()
    assert plain == [("0.5200", "0.5200", Outcome.NO)]
    assert mirrored == [("0.4800", "0.4800", Outcome.NO)]


def test_s05_only_the_owner_sees_the_client_order_id_of_a_delta(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("orderbook_delta")
    served.exchange.create_order(order("mine", Side.BID, "0.40", "1"))
    served.quote(Side.BID, "0.39", "1")
    follower.settle()
    own, foreign = follower.of(OrderbookDelta)
    assert (own.msg.client_order_id, own.msg.subaccount) == ("mine", 0)
    assert (foreign.msg.client_order_id, foreign.msg.subaccount) == ("", None)


def test_s06_deltas_have_growing_clocks_beyond_the_snapshots(
    served: Venue, follower: Follower
) -> None:
    stir(served, 6, 2)
    follower.subscribe("orderbook_delta")
    stir(served, 7, 4)
    follower.settle()
    clocks = [
        frame.msg.clock or 0
        for frame in follower.frames
        if isinstance(frame, OrderbookDelta | OrderbookSnapshot)
    ]
    assert clocks == sorted(clocks)
    assert clocks[1] > clocks[0]


def test_s07_after_the_close_an_empty_snapshot_comes(served: Venue, follower: Follower) -> None:
    served.quote(Side.BID, "0.40", "1")
    follower.subscribe("orderbook_delta")
    served.at(Nanos(CLOSES + SECOND))
    follower.settle()
    last = follower.of(OrderbookSnapshot)[-1].msg
    assert (last.yes_dollars_fp, last.no_dollars_fp) == ((), ())


def test_s28_a_client_that_insists_on_empty_sides_can_have_them(tmp_path: Path) -> None:
    venue = served_venue(tmp_path, empty_sides="send")
    venue.at(Nanos(OPENS + 60 * SECOND))
    follower = follow(venue)
    follower.subscribe("orderbook_delta")
    body = msgspec.json.decode(next(text for text in follower.raw if "orderbook_snapshot" in text))[
        "msg"
    ]
    assert (body["yes_dollars_fp"], body["no_dollars_fp"]) == ([], [])
    follower.close()
    assert venue.running is not None
    venue.exchange.close()  # type: ignore[attr-defined]
    venue.running.stop()
