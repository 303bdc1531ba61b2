"""Spot venues' frames as ticks: numbers exact, times theirs, sides the taker's, bad ones counted.

Coinbase, Bitstamp and Gemini are held against captured frames. Of Kraken only version 1 was
captured, which nobody connects to any more: its frames are composed from kalshi.md 9.2, as are
those of the channels that the recorder of the others did not subscribe.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.fields import SPOT_NAMES
from core.exchange.records import Side
from core.exchange.spot.parser import BadFrame, StreamBroken, dollars
from core.exchange.spot.venue import VENUES, source_of
from core.units import MILLISECOND, SECOND, IndexValue, Nanos, format_fixed, parse_index
from tests.unit.exchange.spot_bench import (
    ASK,
    BID,
    EVENT,
    LAST,
    NOW,
    captured,
    parser_of,
    play,
    prices,
    read,
    skips,
    ticks,
)

if TYPE_CHECKING:
    from pathlib import Path

COINBASE_TICKER = {
    "type": "ticker",
    "sequence": 4400124,
    "product_id": "SOL-USD",
    "price": "118.47",
    "best_bid": "118.46",
    "best_bid_size": "12.1",
    "best_ask": "118.47",
    "best_ask_size": "4.4",
    "side": "buy",
    "time": "2026-11-22T15:07:12.418733Z",
    "trade_id": 912345,
    "last_size": "3.21",
}
COINBASE_MATCH = {
    "type": "match",
    "trade_id": 912345,
    "side": "sell",
    "size": "3.21",
    "price": "118.47",
    "product_id": "SOL-USD",
    "time": "2026-11-22T15:07:12.418733Z",
}
KRAKEN_TICKER = b"""{"channel": "ticker", "type": "update", "data": [{"symbol": "SOL/USD",
 "bid": 118.46, "bid_qty": 12.1, "ask": 118.47, "ask_qty": 4.4, "last": 118.47,
 "volume": 90123.4, "vwap": 117.9, "low": 115.9, "high": 119.3, "change": 1.2}]}"""
KRAKEN_TRADE = b"""{"channel": "trade", "type": "update", "data": [{"symbol": "SOL/USD",
 "side": "buy", "price": 118.47, "qty": 3.21, "ord_type": "limit", "trade_id": 55123,
 "timestamp": "2026-11-22T15:07:12.418733Z"}]}"""
BITSTAMP_TRADE = {
    "event": "trade",
    "channel": "live_trades_solusd",
    "data": {
        "id": 401234567,
        "price": 118.47,
        "price_str": "118.47",
        "amount": 3.21,
        "amount_str": "3.21000000",
        "type": 0,
        "microtimestamp": "1795360032418733",
    },
}
BITSTAMP_BOOK = {
    "event": "data",
    "channel": "order_book_solusd",
    "data": {
        "timestamp": "1795360032",
        "microtimestamp": "1795360032418733",
        "bids": [["118.46", "12.1"], ["118.45", "1"]],
        "asks": [["118.47", "4.4"], ["118.48", "1"]],
    },
}
GEMINI_BOOK = {
    "type": "l2_updates",
    "symbol": "SOLUSD",
    "changes": [["buy", "118.45", "9"], ["buy", "118.46", "12.1"], ["sell", "118.47", "4.4"]],
    "trades": [],
}
GEMINI_TRADE = {
    "type": "trade",
    "symbol": "SOLUSD",
    "event_id": 3575573053,
    "timestamp": 1795360032418,
    "price": "118.47",
    "quantity": "3.21",
    "side": "buy",
}

QUOTES: dict[str, Any] = {
    "coinbase": COINBASE_TICKER,
    "kraken": KRAKEN_TICKER,
    "bitstamp": BITSTAMP_BOOK,
    "gemini": GEMINI_BOOK,
}
TRADES: dict[str, Any] = {
    "coinbase": COINBASE_MATCH,
    "kraken": KRAKEN_TRADE,
    "bitstamp": BITSTAMP_TRADE,
    "gemini": GEMINI_TRADE,
}
THEIR_QUOTE_TIME = {"coinbase", "bitstamp"}
EVERY = pytest.mark.parametrize("name", VENUES)


# --- all venues alike


def test_the_settings_offer_the_venues_that_there_are() -> None:
    assert set(SPOT_NAMES) == VENUES.keys() == QUOTES.keys()
    assert [source_of(venue.stream) for venue in VENUES.values()] == list(VENUES)


@EVERY
def test_a_quote_is_exact_and_has_the_venues_own_time_where_it_tells_one(name: str) -> None:
    (tick,) = ticks(read(parser_of(name), QUOTES[name]))
    assert (tick.source, tick.product, tick.taker_side) == (name, "SOL-USD", None)
    assert (tick.bid, tick.ask) == (BID, ASK)
    assert tick.ts_event == (EVENT if name in THEIR_QUOTE_TIME else NOW)
    assert tick.ts_recv == NOW


@EVERY
def test_a_trade_tells_its_price_its_time_and_who_took(name: str) -> None:
    (tick,) = ticks(read(parser_of(name), TRADES[name]))
    assert (tick.source, tick.product) == (name, "SOL-USD")
    assert prices(tick) == (LAST, IndexValue(0), IndexValue(0))
    assert tick.taker_side is Side.BID
    assert tick.ts_event // MILLISECOND == EVENT // MILLISECOND


@EVERY
def test_a_trade_comes_with_the_quote_that_stands(name: str) -> None:
    parser = parser_of(name)
    read(parser, QUOTES[name])
    (tick,) = ticks(read(parser, TRADES[name]))
    assert prices(tick) == (LAST, BID, ASK)


@EVERY
def test_an_unchanged_quote_is_told_again_only_after_half_a_second(name: str) -> None:
    parser = parser_of(name)
    assert len(ticks(read(parser, QUOTES[name]))) == 1
    assert ticks(read(parser, QUOTES[name])) == []


@EVERY
def test_products_nobody_asked_for_are_left_alone(name: str) -> None:
    parser = parser_of(name, "OTHER")
    assert read(parser, QUOTES[name]) == []
    assert read(parser, TRADES[name]) == []


@EVERY
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"{}", b'{"type": 3}'])
def test_what_cannot_be_read_is_counted_and_never_fatal(name: str, text: bytes) -> None:
    (skipped,) = read(parser_of(name), text)
    assert skips([skipped]) == [skipped]
    assert (skipped.stream, skipped.conn) == ("spot:x", 3)  # type: ignore[union-attr]


@EVERY
@pytest.mark.parametrize("price", ["NaN", "-1", "0", "1e12", "1e999999", "Infinity", "1.123456789"])
def test_a_price_that_cannot_be_is_counted(name: str, price: str) -> None:
    text = _encoded(TRADES[name]).replace(b"118.47", price.encode())
    (skipped,) = read(parser_of(name), text)
    assert skips([skipped]) == [skipped]


@EVERY
@pytest.mark.parametrize("size", ["NaN", "0", "-3"])
def test_a_trade_of_nothing_is_counted(name: str, size: str) -> None:
    text = _encoded(TRADES[name]).replace(b"3.21", size.encode())
    (skipped,) = read(parser_of(name), text)
    assert skips([skipped]) == [skipped]


@EVERY
def test_a_time_in_the_future_is_counted_for_later_ticks_would_look_older(name: str) -> None:
    long_ago = Nanos(EVENT - 61 * SECOND)
    (skipped,) = read(parser_of(name), TRADES[name], long_ago)
    assert "a time that cannot be" in skips([skipped])[0].reason


@EVERY
def test_frames_of_a_kind_that_did_not_exist_yet_are_left_alone(name: str) -> None:
    new = {
        "coinbase": {"type": "full_moon"},
        "gemini": {"type": "auction_open"},
        "kraken": {"channel": "moon", "type": "update", "data": {"a": 1}},
        "bitstamp": {"event": "moon", "channel": "live_orders_solusd", "data": []},
    }
    assert read(parser_of(name), new[name]) == []


@given(price=st.integers(1, 10**16 - 1))
def test_prices_are_read_without_a_float_between(price: int) -> None:
    text = format_fixed(price, 8)
    assert dollars(Decimal(text)) == price
    (tick,) = ticks(read(parser_of("kraken"), KRAKEN_TRADE.replace(b"118.47", text.encode())))
    assert tick.price == price


def test_a_ninth_decimal_is_refused_and_not_rounded() -> None:
    with pytest.raises(BadFrame, match="8 decimals"):
        dollars(Decimal("1.000000001"))


# --- subscribing


def test_each_venue_is_asked_in_its_own_words() -> None:
    asked = {
        name: [json.loads(text) for text in venue.greeting(("SOL-USD", "BTC-USD"))]
        for name, venue in VENUES.items()
    }
    assert asked["coinbase"] == [
        {
            "type": "subscribe",
            "product_ids": ["SOL-USD", "BTC-USD"],
            "channels": ["ticker", "matches", "heartbeat"],
        }
    ]
    assert [command["params"]["channel"] for command in asked["kraken"]] == ["ticker", "trade"]
    assert all(c["params"]["symbol"] == ["SOL/USD", "BTC/USD"] for c in asked["kraken"])
    assert asked["kraken"][0]["params"]["event_trigger"] == "bbo"
    assert [command["data"]["channel"] for command in asked["bitstamp"]] == [
        "live_trades_solusd",
        "order_book_solusd",
        "live_trades_btcusd",
        "order_book_btcusd",
    ]
    assert asked["gemini"] == [
        {"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": ["SOLUSD", "BTCUSD"]}]}
    ]


# --- coinbase


def test_all_captured_frames_of_coinbase_are_understood(recorded: Path) -> None:
    frames = captured(recorded, "coinbase")
    products = {frame.json["product_id"] for frame in frames if "product_id" in frame.json}
    parser = parser_of("coinbase", *products)
    quotes: dict[str, tuple[IndexValue, IndexValue]] = {}
    trades = 0
    for frame in frames:
        told = read(parser, *frame)
        assert skips(told) == []
        trades += sum(tick.taker_side is not None for tick in ticks(told))
        quotes.update((tick.product, (tick.bid, tick.ask)) for tick in ticks(told))
        body = frame.json
        if body["type"] == "ticker":
            expected = parse_index(body["best_bid"]), parse_index(body["best_ask"])
            assert quotes[body["product_id"]] == expected
    assert trades == 97
    assert len(quotes) == 10


def test_on_coinbase_the_taker_is_the_other_side_of_the_match(recorded: Path) -> None:
    """The ticker of the same trade tells the taker's side by itself."""
    frames = captured(recorded, "coinbase")
    bodies = [frame.json for frame in frames]
    takers = {
        (body["product_id"], body["trade_id"]): body["side"]
        for body in bodies
        if body["type"] == "ticker" and "trade_id" in body
    }
    compared = 0
    for frame in frames:
        body = frame.json
        expected = takers.get((body.get("product_id"), body.get("trade_id")))
        if body["type"] == "match" and expected is not None:
            (tick,) = ticks(read(parser_of("coinbase", body["product_id"]), *frame))
            assert tick.taker_side is (Side.BID if expected == "buy" else Side.ASK)
            compared += 1
    assert compared > 50


def test_one_corrupted_frame_of_coinbase_is_lost_alone(recorded: Path) -> None:
    frames = captured(recorded, "coinbase")
    products = {frame.json["product_id"] for frame in frames if "product_id" in frame.json}
    whole = ticks(play(parser_of("coinbase", *products), frames))
    at = next(n for n, frame in enumerate(frames) if frame.json["type"] == "match")
    torn = [*frames[:at], frames[at]._replace(text=frames[at].text[:-9]), *frames[at + 1 :]]
    told = play(parser_of("coinbase", *products), torn)
    assert len(skips(told)) == 1
    assert len(ticks(told)) == len(whole) - 1


def test_a_ticker_of_coinbase_without_a_time_is_as_old_as_its_arrival() -> None:
    fresh = {key: value for key, value in COINBASE_TICKER.items() if key != "time"}
    (tick,) = ticks(read(parser_of("coinbase"), fresh))
    assert tick.ts_event == NOW


def test_a_crossed_quote_is_counted() -> None:
    (skipped,) = read(parser_of("coinbase"), {**COINBASE_TICKER, "best_bid": "118.48"})
    assert "above ask" in skips([skipped])[0].reason


def test_an_error_of_coinbase_ends_the_connection_and_says_why() -> None:
    error = {"type": "error", "message": "Failed to subscribe", "reason": "no such product"}
    with pytest.raises(StreamBroken, match="Failed to subscribe no such product"):
        read(parser_of("coinbase"), error)


# --- kraken


@pytest.mark.parametrize(
    "text",
    [
        b'{"channel":"heartbeat"}',
        b'{"method":"pong","req_id":1,"time_in":"x","time_out":"y"}',
        b'{"channel":"status","type":"update","data":[{"system":"online","version":"2.0.0"}]}',
        b'{"method":"subscribe","result":{"channel":"ticker"},"success":true}',
    ],
)
def test_what_kraken_says_beside_data_is_no_tick(text: bytes) -> None:
    assert read(parser_of("kraken"), text) == []


def test_a_subscription_that_kraken_refuses_is_counted() -> None:
    text = b'{"method":"subscribe","success":false,"error":"Currency pair not supported ABC/USD"}'
    (skipped,) = read(parser_of("kraken"), text)
    assert "not supported ABC/USD" in skips([skipped])[0].reason


def test_a_ticker_of_kraken_with_a_time_has_that_time() -> None:
    text = KRAKEN_TICKER.replace(
        b'"change": 1.2', b'"change": 1.2, "timestamp": "2026-11-22T15:07:12.418733Z"'
    )
    (tick,) = ticks(read(parser_of("kraken"), text))
    assert tick.ts_event == EVENT


@pytest.mark.parametrize("name", ["kraken", "gemini"])
def test_where_every_change_is_told_any_frame_confirms_the_quotes_that_stand(name: str) -> None:
    parser = parser_of(name)
    read(parser, QUOTES[name])
    beat = {"kraken": b'{"channel":"heartbeat"}', "gemini": b'{"type":"heartbeat"}'}[name]
    assert read(parser, beat, Nanos(NOW + SECOND - 1)) == []
    (standing,) = ticks(read(parser, beat, Nanos(NOW + SECOND)))
    assert (standing.bid, standing.ask, standing.ts_event) == (BID, ASK, NOW + SECOND)
    assert read(parser, beat, Nanos(NOW + SECOND + 1)) == []


def test_a_heartbeat_of_coinbase_confirms_no_quote_for_it_tells_only_trades() -> None:
    parser = parser_of("coinbase")
    read(parser, COINBASE_TICKER)
    beat = b'{"type":"heartbeat","product_id":"SOL-USD","last_trade_id":912345,"sequence":1}'
    assert read(parser, beat, Nanos(NOW + 5 * SECOND)) == []


# --- bitstamp


def test_all_captured_frames_of_bitstamp_are_understood(recorded: Path) -> None:
    frames = captured(recorded, "bitstamp")
    symbols = {frame.json["channel"].rpartition("_")[2] for frame in frames}
    told = play(parser_of("bitstamp", *symbols), frames)
    assert skips(told) == []
    trades = [frame.json["data"] for frame in frames if frame.json["event"] == "trade"]
    assert len(trades) == 10
    assert [(tick.price, tick.taker_side, tick.ts_event // 1000) for tick in ticks(told)] == [
        (
            parse_index(trade["price_str"]),
            (Side.BID, Side.ASK)[trade["type"]],
            int(trade["microtimestamp"]),
        )
        for trade in trades
    ]


def test_a_book_of_bitstamp_with_an_empty_side_is_no_quote() -> None:
    empty = {**BITSTAMP_BOOK, "data": {**BITSTAMP_BOOK["data"], "bids": []}}  # type: ignore[dict-item]
    assert read(parser_of("bitstamp"), empty) == []


def test_when_bitstamp_asks_for_it_the_connection_is_given_up() -> None:
    with pytest.raises(StreamBroken, match="connect again"):
        read(parser_of("bitstamp"), b'{"event":"bts:request_reconnect","channel":"","data":""}')


def test_a_channel_that_bitstamp_refuses_is_counted() -> None:
    text = b'{"event":"bts:error","channel":"","data":{"code":4002,"message":"Incorrect channel"}}'
    (skipped,) = read(parser_of("bitstamp"), text)
    assert "Incorrect channel" in skips([skipped])[0].reason


def test_the_answer_to_our_heartbeat_is_no_tick() -> None:
    text = b'{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}'
    assert read(parser_of("bitstamp"), text) == []


# --- gemini


def test_all_captured_frames_of_gemini_are_understood_and_the_books_are_right(
    recorded: Path,
) -> None:
    frames = captured(recorded, "gemini")
    symbols = {frame.json["symbol"] for frame in frames if "symbol" in frame.json}
    parser = parser_of("gemini", *symbols)
    last: dict[str, tuple[IndexValue, IndexValue]] = {}
    trades = 0
    for frame in frames:
        told = read(parser, *frame)
        assert skips(told) == []
        trades += sum(tick.taker_side is not None for tick in ticks(told))
        last.update((tick.product, (tick.bid, tick.ask)) for tick in ticks(told) if tick.bid)
    assert trades == 16
    assert last == {symbol: _best(frames, symbol) for symbol in last}
    assert len(last) >= 8


def _best(frames: list[Any], symbol: str) -> tuple[IndexValue, IndexValue]:
    """Best bid and ask after all updates, put together in the plainest way."""
    books: dict[str, dict[str, float]] = {"buy": {}, "sell": {}}
    for frame in frames:
        body = frame.json
        if body["type"] == "l2_updates" and body["symbol"] == symbol:
            for side, price, size in body["changes"]:
                books[side][price] = float(size)
    bids = [parse_index(price) for price, size in books["buy"].items() if size]
    asks = [parse_index(price) for price, size in books["sell"].items() if size]
    return max(bids), min(asks)


def test_a_level_of_gemini_that_goes_uncovers_the_next() -> None:
    parser = parser_of("gemini")
    read(parser, GEMINI_BOOK)
    gone = {**GEMINI_BOOK, "changes": [["buy", "118.46", "0"]]}
    (tick,) = ticks(read(parser, gone))
    assert (tick.bid, tick.ask) == (parse_index("118.45"), ASK)


def test_a_crossed_book_of_gemini_ends_the_connection() -> None:
    parser = parser_of("gemini")
    read(parser, GEMINI_BOOK)
    with pytest.raises(StreamBroken, match="crossed"):
        read(parser, {**GEMINI_BOOK, "changes": [["buy", "118.48", "1"]]})


@pytest.mark.parametrize(
    "bad",
    [
        b'{"type":"l2_updates","symbol":"SOLUSD","changes":[["buy","x","1"]]}',
        b'{"type":"l2_updates","symbol":"SOLUSD","changes":[["buy","1.0","-1"]]}',
        b'{"type":"l2_upd',
    ],
)
def test_an_update_of_gemini_that_cannot_be_read_is_counted_and_ends_the_connection(
    bad: bytes,
) -> None:
    parser = parser_of("gemini")
    assert len(skips(read(parser, bad))) == 1
    with pytest.raises(StreamBroken, match="not to be trusted"):
        read(parser, b'{"type":"heartbeat","timestamp":1795360033000}')


def test_a_trade_of_gemini_that_cannot_be_read_harms_no_book() -> None:
    parser = parser_of("gemini")
    assert len(skips(read(parser, {**GEMINI_TRADE, "price": "x"}))) == 1
    assert len(ticks(read(parser, GEMINI_BOOK))) == 1


def _encoded(frame: bytes | dict[str, Any]) -> bytes:
    return frame if isinstance(frame, bytes) else json.dumps(frame).encode()
