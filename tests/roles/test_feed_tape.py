"""The market feed on tapes: nothing can be asked for, data just arrive."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.series import SeriesSource
from core.domain.windows import window_of
from core.exchange.wire.frames import Origin
from core.exchange.wire.translate import read_frame
from core.roles.feed import MarketFeed
from core.roles.feed_terms import MARKET_STREAM, FeedTerms
from core.units import Nanos, Quantity, index_from_float
from tests.builders import TICKER, terms
from tests.roles.feed_bench import Bench, only, tape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.messages import Message


def test_a_tape_is_asked_for_nothing() -> None:
    bench = Bench(commanded=False)
    assert bench.begin() == []
    assert bench.listed(terms(strike=None))
    bench.stream("lost", conn=3)
    asked = (m.OpenStream, m.SendCommand, m.QueryMarkets)
    assert not [answer for answer in bench.ticks(100) if isinstance(answer, asked)]


def test_a_ticker_is_a_book_of_one_level_where_there_are_no_snapshots() -> None:
    bench = tape()
    (view,) = only(m.MarketView, bench.top(4600, 4800))
    assert (view.bids, view.asks) == (((4600, 100),), ((4800, 100),))
    assert view.book_fresh
    assert bench.top(4600, 4800) == (), "unchanged"
    (view,) = only(m.MarketView, bench.top(4600, 0, ask_size=Quantity(0)))
    assert view.asks == ()


def test_a_ticker_that_is_crossed_is_not_believed() -> None:
    bench = tape()
    bench.top(4600, 4800)
    (view,) = only(m.MarketView, bench.top(4900, 4800))
    assert not view.book_fresh
    (view,) = only(m.MarketView, bench.top(4600, 4800))
    assert view.book_fresh


def test_snapshots_take_over_from_tickers() -> None:
    bench = tape()
    bench.top(4600, 4800)
    (view,) = only(m.MarketView, bench.snapshot())
    assert len(view.bids) == 2
    assert bench.top(3000, 3100) == ()


def test_a_recording_may_begin_in_the_middle_of_a_sequence() -> None:
    bench = tape()
    bench.seq = 5000
    assert only(m.MarketView, bench.snapshot())
    assert only(m.MarketView, bench.delta(4600, 10))


def test_a_gap_on_a_tape_voids_the_book_until_the_next_snapshot() -> None:
    bench = tape()
    bench.snapshot()
    bench.numbered()
    (view,) = only(m.MarketView, bench.delta(4600, 10))
    assert not view.book_fresh
    assert not [view for view in only(m.MarketView, bench.ticks(20)) if view.book_fresh]
    (view,) = only(m.MarketView, bench.snapshot())
    assert view.book_fresh


def test_a_lost_connection_on_a_tape_is_followed() -> None:
    bench = tape()
    bench.snapshot()
    (view,) = only(m.MarketView, bench.stream("lost", conn=1))
    assert not view.book_fresh
    bench.conn, bench.seq = 2, 0
    bench.stream("open", conn=2)
    assert bench.delta(4600, 10) == (), "no book before its snapshot"
    (view,) = only(m.MarketView, bench.snapshot())
    assert view.book_fresh


def test_a_snapshot_of_another_connection_begins_it() -> None:
    bench = tape()
    bench.snapshot()
    bench.conn, bench.seq = 9, 70
    assert bench.delta(4600, 10, conn=8) == ()
    (doubted, view) = only(m.MarketView, bench.snapshot())
    assert (doubted.book_fresh, view.book_fresh) == (False, True)
    assert only(m.MarketView, bench.delta(4600, 10))


def test_unnumbered_books_are_taken_as_they_come() -> None:
    bench = tape()
    made = m.BookSnapshot(
        ticker=TICKER, yes=(), no=(), conn=1, sid=0, seq=0, ts_event=bench.now, ts_recv=bench.now
    )
    bench.send(made)
    for _ in range(3):
        bench.send(msgspec.structs.replace(made, ts_recv=bench.now))
    (health,) = only(m.FeedHealth, bench.tick())
    assert (health.gaps, health.state) == (0, "tape")


class _Line(msgspec.Struct):
    kind: str
    recv_ns: int = 0
    conn: int = 0
    note: str = ""
    raw: msgspec.Raw = msgspec.Raw(b"{}")
    data: dict[str, object] = {}


def _recorded(path: Path) -> Iterator[tuple[Message, Nanos]]:
    """A recording of frames as the messages that its reader thread would have sent."""
    decode = msgspec.json.Decoder(_Line).decode
    run = 0
    with gzip.open(path) as lines:
        for text in lines:
            line = decode(text)
            now = Nanos(line.recv_ns)
            run += line.note == "run"
            conn = 1000 * run + line.conn
            if line.kind == "frame":
                origin = Origin(stream=MARKET_STREAM, conn=conn, ts_recv=now)
                for message in read_frame(bytes(line.raw), origin):
                    yield message, now
            elif line.note == "market_metadata":
                yield m.MarketListed(market=_terms(line.data, now), ts_recv=now), now
            elif line.note == "ws_connected":
                change = m.StreamChanged(
                    stream=MARKET_STREAM, conn=conn, state="open", reason="", ts_recv=now
                )
                yield change, now


def _terms(data: dict[str, object], now: Nanos) -> m.MarketTerms:
    ticker, strike = str(data["ticker"]), data.get("floor_strike")
    window = window_of(ticker, now)
    return terms(
        ticker=ticker,
        event_ticker=window.event_ticker,
        series=window.series,
        open_ns=window.open_ns,
        close_ns=window.close_ns,
        strike=None if strike is None else index_from_float(float(str(strike))),
        digits=2,
    )


def test_recorded_frames_leave_no_gap_and_no_doubt_and_agree_with_their_tickers(
    recorded: Path,
) -> None:
    source = SeriesSource(series="KXBTC15M", index_id="BRTI", product="BTC-USD")
    feed = MarketFeed(FeedTerms(sources=(source,), commanded=False))
    deltas = views = doubts = agreeing = disagreeing = changed = 0
    waiting: m.TopOfBook | None = None
    for message, now in _recorded(recorded / "frames_kalshi_ws.jsonl.gz"):
        deltas += isinstance(message, m.BookDelta)
        if isinstance(message, m.TopOfBook):
            waiting = message
        elif isinstance(message, m.BookDelta) and waiting and message.ts_event > waiting.ts_event:
            # every change up to the ticker's millisecond is in the book, and none after it
            record = feed._markets.records[waiting.ticker]
            if record.valid and changed <= waiting.ts_event:
                same = (record.book.bid, record.book.ask) == (waiting.bid, waiting.ask)
                agreeing, disagreeing = agreeing + same, disagreeing + (not same)
            waiting = None
        if isinstance(message, m.BookDelta):
            changed = message.ts_event
        shown = only(m.MarketView, feed.handle(message, now))
        views += len(shown)
        if isinstance(message, m.BookDelta | m.TopOfBook):
            trading = [view for view in shown if now < view.market.close_ns]
            doubts += sum(not view.book_fresh for view in trading)
    (health,) = only(m.FeedHealth, feed.handle(m.Tick(due=now), now))
    assert (deltas, doubts) == (316_192, 0)
    assert (health.gaps, health.skipped) == (0, 0)
    assert views > deltas // 2, "the touch of this market is busy"
    assert agreeing > 300, "most tickers come when the book has gone on already"
    assert disagreeing == 0
