"""Connections of the stream: handshakes, several at a time, the fields of every frame."""

from __future__ import annotations

import msgspec
import pytest
import websocket

from core.exchange.records import Side
from core.exchange.wire.frames import Origin
from core.exchange.wire.market_frames import (
    OrderbookDelta,
)
from core.exchange.wire.translate import read_frame
from core.messages import FrameSkipped
from core.units import SECOND, Nanos
from tests.contract.follower import WAIT, Follower, follow, signed_headers
from tests.contract.stirring import stir
from tests.contract.venue import CLOSES, TICKER, Venue, order


def test_s23_a_handshake_without_a_valid_signature_is_refused_with_401(served: Venue) -> None:
    assert served.running is not None
    url = served.running.announcement.ws_url
    for headers in ([], signed_headers(served, "/trade-api/v2/ws")):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            websocket.create_connection(url, timeout=WAIT, header=headers)
        assert refused.value.status_code == 401
        assert set(msgspec.json.decode(refused.value.resp_body or b"{}")["error"]) == {
            "code",
            "message",
            "details",
        }


def test_s24_every_frame_is_read_by_the_client_without_a_skip(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe(
        "orderbook_delta",
        "trade",
        "ticker",
        "fill",
        "user_orders",
        "market_positions",
        market_tickers=[TICKER],
    )
    follower.subscribe("market_lifecycle_v2")
    follower.subscribe("cfbenchmarks_value", "cfbenchmarks_value_5hz", index_ids=["all"])
    stir(served, 8, 12)
    served.at(Nanos(CLOSES + 20 * SECOND))
    follower.settle()
    origin = Origin(stream="market", conn=1, ts_recv=Nanos(1))
    messages = [message for text in follower.raw for message in read_frame(text, origin)]
    kinds = {type(message).__name__ for message in messages}
    assert not [message for message in messages if isinstance(message, FrameSkipped)]
    assert kinds == {
        "BookDelta",
        "BookSnapshot",
        "FillReport",
        "IndexPrint",
        "MarketDetermined",
        "MarketFinalized",
        "OrderReport",
        "StreamReply",
        "StrikePublished",
        "TopOfBook",
        "TradePrint",
    }


REQUIRED = {
    "orderbook_snapshot": "market_ticker market_id clock",
    "orderbook_delta": "market_ticker market_id clock price_dollars delta_fp side",
    "ticker": "market_id market_ticker price_dollars yes_bid_dollars yes_ask_dollars volume_fp"
    " open_interest_fp dollar_volume dollar_open_interest yes_bid_size_fp yes_ask_size_fp"
    " last_trade_size_fp ts ts_ms time",
    "trade": "trade_id market_ticker yes_price_dollars no_price_dollars count_fp taker_side"
    " taker_outcome_side taker_book_side is_block_trade ts ts_ms",
    "fill": "trade_id order_id market_ticker exchange_index is_taker side yes_price_dollars"
    " count_fp fee_cost action outcome_side book_side ts ts_ms post_position_fp purchased_side",
    "user_order": "order_id user_id ticker exchange_index status side is_yes outcome_side"
    " book_side yes_price_dollars fill_count_fp remaining_count_fp initial_count_fp"
    " taker_fill_cost_dollars maker_fill_cost_dollars taker_fees_dollars maker_fees_dollars"
    " client_order_id created_ts_ms",
    "market_position": "user_id market_ticker position_fp position_cost_dollars"
    " realized_pnl_dollars fees_paid_dollars position_fee_cost_dollars volume_fp",
    "market_lifecycle_v2": "event_type market_ticker",
    "cfbenchmarks_value": "index_id received_at data avg_60s_data",
    "cfbenchmarks_value_5hz": "index_id value_usd source_ts_ms received_at data",
}
"""What the venue's own description of its stream requires in `msg`."""


def test_s27_frames_carry_every_required_field(served: Venue, follower: Follower) -> None:
    follower.subscribe(
        "orderbook_delta",
        "trade",
        "ticker",
        "fill",
        "user_orders",
        "market_positions",
        market_tickers=[TICKER],
    )
    follower.subscribe("market_lifecycle_v2")
    follower.subscribe("cfbenchmarks_value", "cfbenchmarks_value_5hz", index_ids=["all"])
    served.quote(Side.ASK, "0.50", "5")
    served.exchange.create_order(order("s27", Side.BID, "0.50", "9"))
    served.at(Nanos(CLOSES + SECOND))
    follower.settle()
    seen = set()
    for text in follower.raw:
        frame = msgspec.json.decode(text)
        if frame["type"] in REQUIRED:
            seen.add(frame["type"])
            assert set(REQUIRED[frame["type"]].split()) <= set(frame["msg"]), text
            assert {"sid", "sending_ts_ms"} <= set(frame)
    assert seen == set(REQUIRED)


def test_s25_two_connections_get_the_same_changes_under_numbers_of_their_own(
    served: Venue, follower: Follower
) -> None:
    other = follow(served)
    other.subscribe("trade")
    for each in (follower, other):
        each.subscribe("orderbook_delta")
    stir(served, 9, 10)
    for each in (follower, other):
        each.settle()
    clocks = [[f.msg.clock for f in each.of(OrderbookDelta)] for each in (follower, other)]
    sids = [each.of(OrderbookDelta)[0].sid for each in (follower, other)]
    other.close()
    assert clocks[0] == clocks[1]
    assert sids == [1, 2]


def test_s26_after_a_hang_up_nothing_is_kept_of_a_connection(served: Venue) -> None:
    first = follow(served)
    first.subscribe("orderbook_delta")
    assert first.socket.sock is not None
    first.socket.sock.close()
    served.quote(Side.BID, "0.40", "1")
    second = follow(served)
    second.subscribe("orderbook_delta")
    assert [frame.sid for frame in second.frames if frame.seq] == [1]
    assert [frame.seq for frame in second.frames if frame.seq] == [1]
    second.close()
