"""Public channels: trades, tickers, lifecycle, the settlement index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import Side
from core.exchange.wire.control_frames import StreamError, Subscribed
from core.exchange.wire.market_frames import (
    EventLifecycle,
    FastIndexFrame,
    IndexFrame,
    Lifecycle,
    Ticker,
    TradeFrame,
)
from core.units import SECOND, Nanos
from tests.contract.venue import CLOSES, INDEX, NEXT, TICKER, Venue, index_at

if TYPE_CHECKING:
    from tests.contract.follower import Follower


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
