"""What the feed asks for when trades or the life of markets were lost."""

from __future__ import annotations

from core import messages as m
from core.exchange.records import Side
from core.roles.feed_terms import MARKET_STREAM
from core.units import Nanos, Price, Quantity, seconds
from tests.builders import TICKER, terms
from tests.roles.feed_bench import Bench, only

ALL_OVER = m.QueryMarkets(series="KXSOL15M", past=True)


def running() -> Bench:
    bench = Bench()
    bench.begin()
    bench.stream("open")
    bench.listed(terms())
    return bench


def lose(bench: Bench, channel: str, conn: int | None = None) -> list[m.Message]:
    gap = m.StreamGap(
        stream=MARKET_STREAM,
        conn=bench.conn if conn is None else conn,
        channel=channel,
        missed=2,
        ts_recv=bench.now,
    )
    return list(bench.send(gap))


def trade(bench: Bench, name: str, after: float = 1.0) -> list[m.Message]:
    bench.now = Nanos(bench.now + seconds(after))
    told = m.TradePrint(
        ticker=TICKER,
        trade_id=name,
        price=Price(4700),
        quantity=Quantity(100),
        taker_side=Side.BID,
        ts_event=bench.now,
        ts_recv=bench.now,
    )
    return list(bench.send(told))


def test_a_lost_life_cycle_message_asks_for_the_markets_with_the_one_before() -> None:
    assert lose(running(), "market_lifecycle_v2") == [ALL_OVER]


def test_lost_trades_are_asked_for_between_the_last_and_the_next_one_seen() -> None:
    bench = running()
    trade(bench, "a")
    last = bench.now
    assert lose(bench, "trade") == []
    assert trade(bench, "d") == [
        m.QueryTrades(ticker=TICKER, since=last, until=bench.now, known=("a", "d"))
    ]
    assert trade(bench, "e") == []


def test_without_a_trade_seen_they_are_asked_for_since_the_stream_opened() -> None:
    bench = running()
    opened = bench.now
    lose(bench, "trade")
    (asked,) = trade(bench, "b", after=9.0)
    assert asked == m.QueryTrades(ticker=TICKER, since=opened, until=bench.now, known=("b",))


def test_after_a_reconnect_the_time_without_a_stream_is_made_up_for() -> None:
    bench = running()
    trade(bench, "a")
    bench.stream("lost")
    bench.now = Nanos(bench.now + seconds(60))
    bench.stream("connecting")
    assert ALL_OVER in bench.stream("open")
    assert only(m.QueryTrades, trade(bench, "z"))


def test_the_first_connection_asks_for_no_past() -> None:
    bench = Bench()
    bench.begin()
    assert ALL_OVER not in bench.stream("open")
    bench.listed(terms())
    assert trade(bench, "a") == []


def test_a_gap_of_an_older_connection_asks_for_nothing() -> None:
    bench = running()
    assert lose(bench, "market_lifecycle_v2", conn=bench.conn - 1) == []


def test_every_gap_is_counted_in_the_health() -> None:
    bench = running()
    for channel in ("trade", "cfbenchmarks_value", "market_lifecycle_v2"):
        lose(bench, channel)
    (health,) = only(m.FeedHealth, bench.tick())
    assert health.gaps == 3


def test_a_tape_is_asked_for_no_trades() -> None:
    bench = Bench(commanded=False)
    bench.listed(terms())
    lose(bench, "trade", conn=0)
    assert trade(bench, "a") == []
