"""The local exchange's stream, over real sockets: what is sent, under which numbers, to whom."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest
import websocket

from core.exchange.records import CancelRequest, Outcome, Side, TimeInForce
from core.exchange.wire.control_frames import Ok, StreamError, Subscribed, Unsubscribed
from core.exchange.wire.frames import Origin
from core.exchange.wire.market_frames import (
    EventLifecycle,
    FastIndexFrame,
    IndexFrame,
    Lifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    TradeFrame,
)
from core.exchange.wire.private_frames import FillFrame, MarketPosition, UserOrder
from core.exchange.wire.translate import read_frame
from core.messages import FrameSkipped
from core.units import SECOND, Nanos
from tests.contract.follower import WAIT, Follower, follow, signed_headers
from tests.contract.venue import CLOSES, INDEX, NEXT, TICKER, Venue, index_at, order

if TYPE_CHECKING:
    from collections.abc import Iterator

IOC = TimeInForce.IOC


@pytest.fixture
def follower(served: Venue) -> Iterator[Follower]:
    follower = follow(served)
    yield follower
    follower.close()


def rebuilt(follower: Follower, ticker: str = TICKER) -> dict[Outcome, dict[str, int]]:
    """The book of the frames so far: a snapshot, and the deltas after it added up."""
    book: dict[Outcome, dict[str, int]] = {Outcome.YES: {}, Outcome.NO: {}}
    for frame in follower.frames:
        match frame:
            case OrderbookSnapshot(msg=body) if body.market_ticker == ticker:
                book = {
                    Outcome.YES: {str(p): _hundredths(q) for p, q in body.yes_dollars_fp},
                    Outcome.NO: {str(p): _hundredths(q) for p, q in body.no_dollars_fp},
                }
            case OrderbookDelta(msg=body) if body.market_ticker == ticker:
                side, price = book[body.side], str(body.price_dollars)
                side[price] = side.get(price, 0) + _hundredths(body.delta_fp)
                assert side[price] >= 0, f"level {price} fell below zero"
                if not side[price]:
                    del side[price]
            case _:
                pass
    return book


def shown(venue: Venue) -> dict[Outcome, dict[str, int]]:
    """The same book over REST."""
    book = venue.exchange.order_book(TICKER)
    return {
        leg: {f"{level.price / 10_000:.4f}": level.quantity for level in levels}
        for leg, levels in ((Outcome.YES, book.yes), (Outcome.NO, book.no))
    }


def _hundredths(text: object) -> int:
    return round(float(str(text)) * 100)


def stir(venue: Venue, seed: int, steps: int) -> None:
    """Outside liquidity comes and goes, takers come, own orders too; repeatable."""
    draw = random.Random(seed)
    for n in range(steps):
        cents = draw.randint(30, 48), draw.randint(52, 70)
        venue.quote(Side.BID, f"0.{cents[0]}", str(draw.randint(0, 40)))
        venue.quote(Side.ASK, f"0.{cents[1]}", str(draw.randint(0, 40)))
        if n % 3 == 0:
            venue.outsider(Side.BID, "0.60", "5.5")
        if n % 4 == 0:
            side = Side.BID if n % 8 else Side.ASK
            venue.exchange.create_order(order(f"s{seed}-{n}", side, "0.5000", "3"))
        venue.later(0.5)


# --- books


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


# --- own account


def test_s08_a_fill_is_told_to_its_owner_with_the_position_after_it(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("fill", "user_orders", "market_positions")
    served.quote(Side.ASK, "0.47", "18")
    placed = served.exchange.create_order(order("s08", Side.BID, "0.47", "25", time_in_force=IOC))
    follower.settle()
    (fill,) = [frame.msg for frame in follower.of(FillFrame)]
    (rest,) = served.exchange.fills()
    last_order = follower.of(UserOrder)[-1].msg
    position = follower.of(MarketPosition)[-1].msg
    assert (fill.order_id, fill.client_order_id, fill.trade_id) == (
        placed.order_id,
        "s08",
        rest.trade_id,
    )
    assert (fill.post_position_fp, fill.count_fp, fill.yes_price_dollars) == (
        "18.00",
        "18.00",
        "0.4700",
    )
    assert (fill.is_taker, fill.outcome_side, fill.exchange_index) == (True, "yes", 2)
    assert (last_order.status, last_order.fill_count_fp, last_order.remaining_count_fp) == (
        "canceled",
        "18.00",
        "0.00",
    )
    assert (position.position_fp, position.position_cost_dollars) == ("18.00", "8.460000")


def test_s09_own_channels_have_no_seq(served: Venue, follower: Follower) -> None:
    follower.subscribe("fill", "user_orders", "market_positions")
    follower.subscribe("ticker", market_tickers=[TICKER])
    served.quote(Side.ASK, "0.47", "18")
    served.exchange.create_order(order("s09", Side.BID, "0.47", "1", time_in_force=IOC))
    follower.command(
        id=4,
        cmd="update_subscription",
        params={"sids": [4], "action": "add_markets", "market_tickers": [NEXT.market_ticker]},
    )
    follower.settle()
    kinds = (FillFrame, UserOrder, MarketPosition, Ticker, Ok)
    assert all(follower.of(kind) for kind in kinds)
    assert {frame.seq for frame in follower.frames} == {0}


def test_s10_a_cancel_by_its_owner_has_no_reason_and_an_expiry_has(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("user_orders")
    placed = served.exchange.create_order(order("s10a", Side.BID, "0.40", "1"))
    served.exchange.cancel_order(CancelRequest(order_id=placed.order_id, ticker=TICKER, shard=2))
    expires = Nanos(served.clock.now() + 5 * SECOND)
    served.exchange.create_order(order("s10b", Side.BID, "0.40", "1", expires=expires))
    served.later(6)
    follower.settle()
    told = [
        (o.msg.client_order_id, o.msg.status, o.msg.last_update_reason)
        for o in follower.of(UserOrder)
    ]
    assert told == [
        ("s10a", "resting", None),
        ("s10a", "canceled", None),
        ("s10b", "resting", None),
        ("s10b", "canceled", "ExpiryCancel"),
    ]


def test_s11_a_settlement_is_told_as_a_position(served: Venue, follower: Follower) -> None:
    served.quote(Side.ASK, "0.50", "10")
    served.exchange.create_order(order("s11", Side.BID, "0.50", "10", time_in_force=IOC))
    follower.subscribe("market_positions")
    served.at(Nanos(CLOSES + 8 * SECOND))
    follower.settle()
    last = follower.of(MarketPosition)[-1].msg
    assert (last.position_fp, last.realized_pnl_dollars) == ("0.00", "5.000000")


# --- public channels


def test_s12_a_trade_is_told_with_its_taker(served: Venue, follower: Follower) -> None:
    follower.subscribe("trade")
    served.quote(Side.BID, "0.47", "12")
    served.outsider(Side.ASK, "0.47", "5")
    follower.settle()
    (frame,) = follower.of(TradeFrame)
    assert (frame.seq, frame.msg.taker_book_side, frame.msg.taker_outcome_side) == (1, "ask", "no")
    assert (frame.msg.yes_price_dollars, frame.msg.no_price_dollars) == ("0.4700", "0.5300")


def test_s13_the_ticker_is_the_top_of_the_book_whenever_it_moves(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("ticker", market_tickers=[TICKER], send_initial_snapshot=True)
    served.quote(Side.BID, "0.46", "256.50")
    served.quote(Side.ASK, "0.48", "204")
    served.quote(Side.BID, "0.30", "1")
    follower.settle()
    first, bid, both = (frame.msg for frame in follower.of(Ticker))
    assert (first.yes_bid_dollars, first.yes_ask_dollars) == ("0.0000", "1.0000")
    assert (bid.yes_bid_dollars, bid.yes_bid_size_fp) == ("0.4600", "256.50")
    assert (both.yes_ask_dollars, both.yes_ask_size_fp) == ("0.4800", "204.00")


def test_s14_the_strike_comes_by_the_lifecycle_half_a_second_after_the_open(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("market_lifecycle_v2")
    served.at(Nanos(CLOSES + 20 * SECOND))
    served.control(lambda engine, now: engine.pause_market(NEXT.market_ticker, now))
    served.control(lambda engine, now: engine.resume_market(NEXT.market_ticker, now))
    follower.settle()
    steps = [(frame.msg.event_type, frame.msg.market_ticker) for frame in follower.of(Lifecycle)]
    assert steps == [
        ("metadata_updated", NEXT.market_ticker),
        ("determined", TICKER),
        ("settled", TICKER),
        ("deactivated", NEXT.market_ticker),
        ("activated", NEXT.market_ticker),
    ]
    assert [frame.seq for frame in follower.of(Lifecycle)] == [1, 2, 3, 4, 5]
    strike, determined, settled = (frame.msg for frame in follower.of(Lifecycle)[:3])
    value = served.exchange.market(NEXT.market_ticker).strike
    assert value is not None
    assert strike.floor_strike == value / 10**8
    assert strike.yes_sub_title == f"Target Price: ${value / 10**8:.4f}"
    assert (determined.result, determined.settlement_value) == ("yes", "1.0000")
    assert determined.determination_ts == CLOSES // SECOND + 1
    assert settled.settled_ts == CLOSES // SECOND + 7


def test_s15_a_new_market_is_announced_with_its_terms(served: Venue, follower: Follower) -> None:
    follower.subscribe("market_lifecycle_v2")
    window = msgspec.structs.replace(
        NEXT, open_ns=NEXT.close_ns, close_ns=Nanos(NEXT.close_ns + 900 * SECOND)
    )
    served.control(lambda engine, now: engine.list_market(window, now))
    follower.settle()
    (event,), (created,) = follower.of(EventLifecycle), follower.of(Lifecycle)
    assert event.msg.event_ticker == window.event_ticker
    assert created.msg.market_ticker == window.market_ticker
    assert (created.msg.open_ts, created.msg.close_ts) == (
        window.open_ns // SECOND,
        window.close_ns // SECOND,
    )
    assert created.msg.price_ranges is not None
    assert [part.step for part in created.msg.price_ranges] == ["0.0010", "0.0100", "0.0010"]
    assert created.msg.additional_metadata is not None
    assert created.msg.additional_metadata.floor_strike is None


def test_s16_the_index_comes_each_second_with_its_means(served: Venue, follower: Follower) -> None:
    follower.subscribe("cfbenchmarks_value", "cfbenchmarks_value_5hz", index_ids=[INDEX])
    served.at(CLOSES)
    half = Nanos(CLOSES + SECOND // 5)
    served.clock.advance_to(half)
    served.control(lambda engine, now: engine.publish_index(INDEX, index_at(now), half, now))
    follower.settle()
    slow, fast = follower.of(IndexFrame), follower.of(FastIndexFrame)
    at_close = slow[-1].msg
    assert len(fast) == len(slow) + 1
    assert fast[-1].msg.source_ts_ms == half // 1_000_000
    assert msgspec.json.decode(at_close.data)["time"] == CLOSES // 1_000_000
    mean = at_close.avg_60s_data
    assert mean is not None
    assert (mean.window_size, mean.window_end_ts_exclusive) == (60, CLOSES // 1_000_000)
    quarter = at_close.last_60s_windowed_average_15min
    assert quarter is not None
    assert quarter.window_size == 60
    assert quarter.window_end_ts_exclusive == CLOSES // 1_000_000 + 1
    assert slow[0].msg.last_60s_windowed_average_15min is None
    assert [frame.seq for frame in slow] == list(range(1, len(slow) + 1))


def test_s17_index_channels_are_silent_until_they_are_told_which(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("cfbenchmarks_value")
    served.later(3)
    follower.settle()
    assert follower.of(IndexFrame) == []
    sid = follower.of(Subscribed)[0].msg.sid
    updates: tuple[dict[str, object], ...] = (
        {"action": "subscribe_indices"},
        {"action": "indexlist"},
        {"action": "add_markets"},
        {"action": "subscribe_indices", "index_ids": ["all"]},
    )
    for n, update in enumerate(updates, 20):
        follower.command(id=n, cmd="update_subscription", params={"sid": sid, **update})
    follower.settle()
    served.later(1)
    follower.settle()
    errors = [(frame.id, frame.msg.code) for frame in follower.of(StreamError)]
    listed = msgspec.json.decode(next(text for text in follower.raw if "indexlist" in text))
    assert errors == [(20, 24), (22, 13)]
    assert listed["type"] == "cfbenchmarks_value_indexlist"
    assert listed["msg"] == {"index_ids": [INDEX]}
    assert len(follower.of(IndexFrame)) == 1


# --- commands


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"cmd": "subscribe"}, 2),
        ({"cmd": "subscribe", "params": {}}, 3),
        ({"cmd": "subscribe", "params": {"channels": ["orderbook"]}}, 8),
        ({"cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}, 14),
        ({"cmd": "subscribe", "params": {"channels": "trade"}}, 11),
        (
            {
                "cmd": "subscribe",
                "params": {"channels": ["trade"], "market_ticker": "A", "market_tickers": ["B"]},
            },
            11,
        ),
        ({"cmd": "follow", "params": {}}, 5),
        ({"cmd": "unsubscribe", "params": {}}, 4),
        ({"cmd": "unsubscribe", "params": {"sids": [99]}}, 7),
        ({"cmd": "update_subscription", "params": {"action": "add_markets"}}, 12),
        ({"cmd": "update_subscription", "params": {"sid": 99, "action": "add_markets"}}, 7),
        ({"cmd": "update_subscription", "params": {"sid": 1}}, 15),
        ({"cmd": "update_subscription", "params": {"sid": 1, "action": "get_snapshot"}}, 13),
        ({"cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}, 14),
    ],
)
def test_s18_a_bad_command_is_answered_with_its_code(
    follower: Follower, command: dict[str, object], code: int
) -> None:
    follower.subscribe("trade", market_tickers=[TICKER])
    follower.command(id=5, **command)
    follower.settle()
    (error,) = follower.of(StreamError)
    assert error.msg.code == code
    assert error.id in {5, 0}
    assert error.seq == 0


def test_s19_text_that_is_no_json_is_answered_and_the_connection_lives(
    follower: Follower,
) -> None:
    follower.socket.send("{not json")
    follower.settle()
    assert [frame.msg.code for frame in follower.of(StreamError)] == [1]


def test_s20_a_second_subscription_merges_into_the_first(follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    follower.subscribe("orderbook_delta", market_tickers=[TICKER, NEXT.market_ticker])
    sids = {frame.msg.sid for frame in follower.of(Subscribed)}
    snapshots = [frame.msg.market_ticker for frame in follower.of(OrderbookSnapshot)]
    follower.command(id=30, cmd="list_subscriptions")
    answer = follower.read()
    assert sids == {1}
    assert snapshots == [TICKER, NEXT.market_ticker]
    assert msgspec.json.decode(follower.raw[-1])["msg"] == [
        {"channel": "orderbook_delta", "sid": 1}
    ]
    assert answer.seq == 0


def test_s21_an_unknown_market_is_subscribed_in_silence(follower: Follower) -> None:
    follower.subscribe("orderbook_delta", market_tickers=["KXSOL15M-26NOV221016-16"])
    assert follower.of(OrderbookSnapshot) == []
    assert len(follower.of(Subscribed)) == 1


def test_s22_deleted_markets_are_followed_no_more(served: Venue, follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    params = {"sid": 1, "action": "delete_markets", "market_tickers": [TICKER]}
    follower.command(id=6, cmd="update_subscription", params=params)
    follower.settle()
    served.quote(Side.BID, "0.40", "1")
    assert follower.settle() == []


# --- connections


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
