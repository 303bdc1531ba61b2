"""Recorded frames: every one is read; a broken one is lost alone; new ones keep their number."""

from __future__ import annotations

import gzip
import itertools
import os
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from core.exchange.records import Outcome, Side
from core.exchange.wire.frames import (
    MalformedFrame,
    Numbers,
    Origin,
    UnknownFrame,
    decode_frame,
    encode_frame,
)
from core.exchange.wire.market_frames import OrderbookDelta, OrderbookSnapshot
from core.exchange.wire.translate import read_frame
from core.messages import (
    BookDelta,
    BookSnapshot,
    FillReport,
    FrameSkipped,
    IndexPrint,
    MarketDetermined,
    MarketFinalized,
    MarketListed,
    MarketStatusChanged,
    OrderReport,
    StreamReply,
    StrikePublished,
    TopOfBook,
    TradePrint,
)
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.messages import Message

ORIGIN = Origin(stream="market", conn=3, ts_recv=Nanos(1_795_360_032_500_000_000))
SAMPLE = 20_000
EVERYTHING = "QUARTERHOUR_ALL_FRAMES"
"""Set in the environment: read all 319,797 recorded frames, not the first 20,000."""


def recorded_frames(recorded: Path) -> Iterator[bytes]:
    """The recorder's lines of kind `frame`, each as the text that came over the wire."""
    with gzip.open(recorded / "frames_kalshi_ws.jsonl.gz") as lines:
        for line in lines:
            row = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            if bytes(row["kind"]) == b'"frame"':
                yield bytes(row["raw"])


def exact_frames(recorded: Path) -> list[str]:
    """The byte-exact texts of April 2026, with `ts` in place of `ts_ms`."""
    with gzip.open(recorded / "frames_kalshi_ws_exact_apr2026.jsonl.gz") as lines:
        return [msgspec.json.decode(line)["raw"] for line in lines]


def read(text: str | bytes) -> Message:
    (message,) = read_frame(text, ORIGIN)
    return message


def test_every_recorded_frame_is_read(recorded: Path) -> None:
    limit = None if os.environ.get(EVERYTHING) else SAMPLE
    frames = itertools.islice(recorded_frames(recorded), limit)
    kinds = Counter(type(message).__name__ for text in frames for message in [read(text)])
    assert set(kinds) == {"BookDelta", "BookSnapshot", "StreamReply", "TopOfBook"}
    assert kinds.total() >= SAMPLE


def test_the_byte_exact_frames_are_read(recorded: Path) -> None:
    messages = [read(text) for text in exact_frames(recorded)]
    kinds = Counter(type(message) for message in messages)
    errors = [m for m in messages if isinstance(m, StreamReply) and m.kind == "error"]
    deltas = [m for m in messages if isinstance(m, BookDelta)]
    assert kinds == {StreamReply: 5, BookSnapshot: 8, BookDelta: 61}
    assert [(m.code, m.text) for m in errors] == [(8, "Unknown channel name")] * 3
    assert deltas[0].ts_event == 1_776_490_489_816_683_000


def test_one_corrupted_frame_is_the_only_one_lost(recorded: Path) -> None:
    texts = list(itertools.islice(recorded_frames(recorded), 1_000))
    position = 500
    assert isinstance(read(texts[position]), BookDelta)
    for broken in (
        texts[position][:-20],
        texts[position].replace(b'"price_dollars"', b'"price"'),
        texts[position].replace(b'"delta_fp":"', b'"delta_fp":"x'),
        texts[position].replace(b'"side":"', b'"side":"may'),
        b"\xff" + texts[position][1:],
    ):
        feed = [*texts[:position], broken, *texts[position + 1 :]]
        skipped = [index for index, text in enumerate(feed) if isinstance(read(text), FrameSkipped)]
        assert skipped == [position]


def test_a_skipped_frame_says_where_and_why_and_shows_its_beginning() -> None:
    skipped = read('{"type":"orderbook_delta","sid":1,"seq":2,"msg":{}}')
    assert isinstance(skipped, FrameSkipped)
    assert (skipped.stream, skipped.conn) == ("market", 3)
    assert "market_ticker" in skipped.reason
    assert skipped.sample.startswith('{"type":"orderbook_delta"')


def test_a_delta_is_exact() -> None:
    text = """{"type": "orderbook_delta", "sid": 1, "seq": 2, "sending_ts_ms": 1795359601312,
      "msg": {"market_ticker": "KXSOL15M-26NOV221015-15", "market_id": "7b1c", "clock": 88120455,
      "price_dollars": "0.4600", "delta_fp": "-54.00", "side": "yes", "ts_ms": 1795359601309}}"""
    assert read(text) == BookDelta(
        ticker="KXSOL15M-26NOV221015-15",
        leg=Outcome.YES,
        price=4600,  # type: ignore[arg-type]
        delta=-5400,  # type: ignore[arg-type]
        conn=3,
        sid=1,
        seq=2,
        ts_event=Nanos(1_795_359_601_309_000_000),
        ts_recv=ORIGIN.ts_recv,
    )


def test_numbers_are_read_where_strings_are_documented() -> None:
    strings = """{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"market_ticker":"A",
      "price_dollars":"0.4600","delta_fp":"-54.00","side":"yes","ts_ms":5}}"""
    numbers = strings.replace('"0.4600"', "0.46").replace('"-54.00"', "-54")
    assert read(strings) == read(numbers)


def test_a_missing_side_is_an_empty_one_and_a_renamed_one_is_no_book() -> None:
    empty = '{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"A"}}'
    renamed = empty.replace('"A"', '"A","yes":[[46,310]],"no":[]')
    snapshot = read(empty)
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.yes, snapshot.no) == ((), ())
    assert isinstance(read(renamed), FrameSkipped)


def test_without_times_of_its_own_a_frame_has_that_of_its_arrival() -> None:
    sent = """{"type":"orderbook_snapshot","sid":1,"seq":1,"sending_ts_ms":7,
      "msg":{"market_ticker":"A"}}"""
    unsent = sent.replace('"sending_ts_ms":7,', "")
    times = [getattr(read(text), "ts_event", None) for text in (sent, unsent)]
    assert times == [7_000_000, ORIGIN.ts_recv]


def test_an_unknown_type_keeps_its_place_in_the_sequence() -> None:
    text = '{"type":"brand_new","sid":4,"seq":17,"msg":{"a":[1]}}'
    assert decode_frame(text) == UnknownFrame(type="brand_new", sid=4, seq=17)
    reply = read(text)
    assert isinstance(reply, StreamReply)
    assert (reply.kind, reply.sid, reply.seq) == ("other", 4, 17)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"type":1}', "\x00"])
def test_what_is_no_frame_is_malformed(text: str) -> None:
    with pytest.raises(MalformedFrame):
        decode_frame(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            '{"id":1,"type":"subscribed","msg":{"channel":"trade","sid":2}}',
            ("subscribed", "trade", 2, 0, 1, 0),
        ),
        (
            '{"id":4,"type":"ok","sid":1,"seq":9131,"msg":{"market_tickers":["A"]}}',
            ("ok", "", 1, 9131, 4, 0),
        ),
        ('{"id":7,"type":"ok","msg":[{"channel":"trade","sid":2}]}', ("ok", "", 0, 0, 7, 0)),
        ('{"id":8,"type":"unsubscribed","sid":2,"seq":4411}', ("unsubscribed", "", 2, 4411, 8, 0)),
        (
            '{"type":"error","sid":1,"seq":9200,"msg":{"code":25,"msg":"overflow"}}',
            ("error", "", 1, 9200, 0, 25),
        ),
        (
            '{"type":"cfbenchmarks_value_indexlist","sid":9,"seq":1,"msg":{"index_ids":["BRTI"]}}',
            ("other", "", 9, 1, 0, 0),
        ),
        (
            '{"type":"event_fee_update","sid":7,"seq":3,"msg":{"event_ticker":"A"}}',
            ("other", "", 7, 3, 0, 0),
        ),
    ],
)
def test_control_replies_keep_their_numbers(
    text: str, wanted: tuple[str, str, int, int, int, int]
) -> None:
    m = read(text)
    assert isinstance(m, StreamReply)
    assert (m.kind, m.channel, m.sid, m.seq, m.command_id, m.code) == wanted


def test_a_ticker_is_the_top_of_the_book() -> None:
    m = read("""{"type":"ticker","sid":3,"msg":{"market_ticker":"A","yes_bid_dollars":"0.4600",
      "yes_ask_dollars":"0.4800","yes_bid_size_fp":"256.50","yes_ask_size_fp":"204.00",
      "ts_ms":1795360032420}}""")
    assert isinstance(m, TopOfBook)
    assert (m.bid, m.bid_size, m.ask, m.ask_size) == (4600, 25_650, 4800, 20_400)


def test_a_trade_names_its_taker() -> None:
    m = read("""{"type":"trade","sid":2,"seq":87,"msg":{"trade_id":"t","market_ticker":"A",
      "yes_price_dollars":"0.4700","no_price_dollars":"0.5300","count_fp":"15.00",
      "taker_outcome_side":"no","taker_book_side":"ask","taker_side":"no","ts_ms":5}}""")
    assert isinstance(m, TradePrint)
    assert (m.price, m.quantity, m.taker_side) == (4700, 1500, Side.ASK)


def test_a_fill_carries_both_ids_and_its_fee() -> None:
    m = read("""{"type":"fill","sid":4,"msg":{"trade_id":"t","order_id":"o",
      "client_order_id":"mine","market_ticker":"A","exchange_index":2,"is_taker":true,
      "outcome_side":"yes","book_side":"bid","yes_price_dollars":"0.4700","count_fp":"15.00",
      "fee_cost":"0.261600","post_position_fp":"18.00","side":"yes","action":"buy","ts_ms":5}}""")
    assert isinstance(m, FillReport)
    assert (m.order_id, m.fill.order_id, m.fill.trade_id) == ("mine", "o", "t")
    assert (m.fill.fee, m.fill.quantity, m.fill.shard) == (261_600, 1500, 2)


def test_an_order_of_unknown_status_says_nothing() -> None:
    text = """{"type":"user_order","sid":5,"msg":{"order_id":"o","ticker":"A","status":"resting",
      "book_side":"ask","yes_price_dollars":"0.4700","initial_count_fp":"25.00",
      "fill_count_fp":"18.00","remaining_count_fp":"7.00","client_order_id":"mine",
      "created_ts_ms":1000,"last_updated_ts_ms":2000,"expiration_ts_ms":3000}}"""
    m = read(text)
    assert isinstance(m, OrderReport)
    assert (m.order.side, m.order.remaining, m.order.expires) == (Side.ASK, 700, 3_000_000_000)
    assert (m.order.created, m.order.updated) == (1_000_000_000, 2_000_000_000)
    assert read_frame(text.replace('"resting"', '"unknown"'), ORIGIN) == ()


@pytest.mark.parametrize("value", ['\\"118.5107\\"', "118.5107"])
def test_the_index_is_read_from_the_publishers_frame(value: str) -> None:
    m = read(
        '{"type":"cfbenchmarks_value","sid":9,"seq":412,"msg":{"index_id":"SOLUSD_RTI",'
        '"received_at":1795360458112,"data":"{\\"type\\":\\"value\\",\\"id\\":\\"SOLUSD_RTI\\",'
        f'\\"value\\":{value},\\"time\\":1795360458000}}"}}}}'
    )
    assert isinstance(m, IndexPrint)
    assert (m.value, m.ts_event) == (11_851_070_000, 1_795_360_458_000_000_000)


def test_the_fast_index_has_fields_of_its_own() -> None:
    m = read("""{"type":"cfbenchmarks_value_5hz","sid":10,"seq":2051,"msg":
      {"index_id":"SOLUSD_RTI","value_usd":"118.51070000","source_ts_ms":1795360458200,
      "received_at":1795360458291,"data":"{}"}}""")
    assert isinstance(m, IndexPrint)
    assert (m.value, m.ts_event) == (11_851_070_000, 1_795_360_458_200_000_000)


def lifecycle(**body: object) -> tuple[Message, ...]:
    ticker = {"market_ticker": "KXSOL15M-26NOV221015-15"}
    frame = {"type": "market_lifecycle_v2", "sid": 7, "seq": 1, "msg": {**ticker, **body}}
    return read_frame(msgspec.json.encode(frame), ORIGIN)


def test_the_steps_of_a_markets_life_are_messages() -> None:
    kinds = [
        type(message)
        for body in (
            {"event_type": "metadata_updated", "floor_strike": 118.4213},
            {"event_type": "deactivated", "is_deactivated": True},
            {"event_type": "activated", "is_deactivated": False},
            {
                "event_type": "determined",
                "determination_ts": 5,
                "result": "yes",
                "settlement_value": "1.0000",
            },
            {"event_type": "settled", "settled_ts": 6},
        )
        for message in lifecycle(**body)
    ]
    assert kinds == [
        StrikePublished,
        MarketStatusChanged,
        MarketStatusChanged,
        MarketDetermined,
        MarketFinalized,
    ]


def test_a_payout_is_not_taken_for_the_settlement_value() -> None:
    (m,) = lifecycle(event_type="determined", result="no", settlement_value="0.0000")
    assert isinstance(m, MarketDetermined)
    assert (m.result, m.value) == (Outcome.NO, None)


def test_a_created_market_has_its_terms() -> None:
    (m,) = lifecycle(
        event_type="created",
        exchange_index=2,
        open_ts=1795359600,
        close_ts=1795360500,
        price_ranges=[{"start": "0.0000", "end": "1.0000", "step": "0.0010"}],
        additional_metadata={"custom_strike": {"round_digits": "4"}},
    )
    assert isinstance(m, MarketListed)
    terms = m.market
    assert (terms.series, terms.event_ticker) == ("KXSOL15M", "KXSOL15M-26NOV221015")
    assert (terms.strike, terms.digits, terms.shard) == (None, 4, 2)
    assert terms.close_ns - terms.open_ns == 900_000_000_000


def test_the_rest_of_the_exchange_is_passed_over() -> None:
    body = {"event_type": "created", "market_ticker": "KXBTCD-26NOV2217-T114999.99"}
    assert lifecycle(**body) == ()
    assert lifecycle(event_type="close_date_updated", close_ts=5) == ()


def test_a_wrapped_body_is_read_back() -> None:
    body = b'{"market_ticker":"A","price_dollars":"0.1","delta_fp":"1","side":"no"}'
    frame = decode_frame(encode_frame("orderbook_delta", body, Numbers(1, 2), 3))
    bare = encode_frame("orderbook_snapshot", b'{"market_ticker":"A"}', Numbers(5, 6, 7), 8)
    snapshot = decode_frame(bare)
    assert isinstance(frame, OrderbookDelta)
    assert (frame.sid, frame.seq, frame.sending_ts_ms, frame.id) == (1, 2, 3, 0)
    assert isinstance(snapshot, OrderbookSnapshot)
    assert (snapshot.sid, snapshot.seq, snapshot.id) == (5, 6, 7)
