"""What the dashboard tells of the market and of the system itself."""

from __future__ import annotations

import msgspec
import pytest

from core import messages as m
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price, seconds
from tests.builders import (
    CLOSE,
    NOW,
    OPEN,
    TICKER,
    contracts,
    signal,
    terms,
    view,
)
from tests.roles.dashboard_stage import TERMS, Stage, actor, state


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_market_row_tells_distance_and_countdown(stage: Stage) -> None:
    stage.take(view())
    row = stage.last("market")
    assert (row.ticker, row.phase, row.seconds_left) == (TICKER, "open", 600.0)
    assert (row.strike, row.index) == (118.4213, 118.5)
    assert row.distance == pytest.approx(0.0787)
    assert row.distance_bps == pytest.approx(6.65, abs=0.01)
    assert (row.ahead, row.known, row.needed_mean) == ("yes", 0, None)
    assert row.cone[0][0] == NOW // 10**6
    assert row.cone[-1][0] == CLOSE // 10**6
    assert row.cone[-1][1] < 118.5 < row.cone[-1][2]


def test_the_final_minute_tells_what_is_known_and_what_is_needed(stage: Stage) -> None:
    known = 20
    low = IndexValue(round(118.40 * INDEX_DOLLAR))
    stage.now = Nanos(CLOSE - 40 * SECOND)
    stage.take(view(known=known, known_sum=known * low))
    row = stage.last("market")
    assert (row.phase, row.known, row.known_mean) == ("final_minute", 20, 118.4)
    # half a unit of the last digit may be missing per print, because the mean is rounded half up
    assert row.needed_mean == pytest.approx(
        (60 * (118.4213 - 0.00005) - 20 * 118.40) / 40, abs=1e-6
    )


def test_the_screen_rolls_to_the_next_window_by_itself(stage: Stage) -> None:
    following = terms(
        ticker="NEXT", open_ns=CLOSE, close_ns=Nanos(CLOSE + 900 * SECOND), strike=None
    )
    stage.take(view())
    stage.take(m.MarketListed(market=following, ts_recv=NOW))
    stage.flush()
    assert stage.last("market").ticker == TICKER
    stage.now = CLOSE
    stage.flush()
    assert (stage.last("market").ticker, stage.last("market").strike) == ("NEXT", None)
    strike = IndexValue(118 * INDEX_DOLLAR)
    stage.take(
        m.StrikePublished(ticker="NEXT", strike=strike, ts_event=CLOSE, ts_recv=CLOSE), after=1
    )
    assert stage.last("market").strike == 118.0


def test_a_day_of_windows_listed_ahead_does_not_hide_the_one_that_is_open(stage: Stage) -> None:
    stage.take(view())
    for ahead in range(1, 97):
        opens = Nanos(OPEN + ahead * 900 * SECOND)
        listed = terms(ticker=f"AHEAD{ahead}", open_ns=opens, close_ns=Nanos(opens + 900 * SECOND))
        stage.take(m.MarketListed(market=listed, ts_recv=NOW))
    stage.flush()
    assert stage.last("market").ticker == TICKER


def test_a_pause_of_the_market_is_told(stage: Stage) -> None:
    stage.take(view())
    paused = m.MarketStatusChanged(
        ticker=TICKER, status=MarketStatus.INACTIVE, ts_event=NOW, ts_recv=NOW
    )
    stage.take(paused, after=1)
    assert stage.last("market").status == "inactive"


def test_the_book_is_told_best_first_in_dollars(stage: Stage) -> None:
    stage.take(view())
    row = stage.last("book")
    assert row.bids == ((0.46, 300.0), (0.45, 500.0))
    assert row.asks == ((0.48, 200.0), (0.49, 500.0))
    assert (row.mid, row.spread) == (0.47, 0.02)


def test_a_picture_of_the_next_window_does_not_hide_the_open_one(stage: Stage) -> None:
    following = terms(ticker="NEXT", open_ns=CLOSE, close_ns=Nanos(CLOSE + 900 * SECOND))
    stage.take(view(), after=1)
    stage.take(view(market=following, bids=((Price(1000), contracts(1)),)), after=1)
    stage.take(view(bids=((Price(4700), contracts(9)),)), after=1)
    assert (stage.last("book").ticker, stage.last("book").bid) == (TICKER, 0.47)
    assert stage.last("market").ticker == TICKER


def test_an_empty_side_has_no_mid(stage: Stage) -> None:
    stage.take(view(bids=()))
    row = stage.last("book")
    assert (row.bid, row.mid, row.spread, row.ask) == (None, None, None, 0.48)


def test_chart_lines_have_one_point_a_second_in_order_of_time(stage: Stage) -> None:
    stage.flush()
    for offset in (0, 0.2, 1, 2, 1.5):
        at = Nanos(NOW + seconds(offset))
        value = IndexValue(round((118 + offset) * INDEX_DOLLAR))
        stage.take(m.IndexPrint(index_id="SOLUSD_RTI", value=value, ts_event=at, ts_recv=at))
    stage.flush()
    points = [point for row in stage.rows("index") for point in row.points]
    assert [point[1] for point in points] == [118.2, 119.0, 120.0]


def test_quotes_outside_their_window_are_not_drawn(stage: Stage) -> None:
    for moment in (OPEN - 1, NOW, CLOSE):
        stage.take(view(ts_event=Nanos(moment)), after=1)
    stage.flush()
    points = [point for row in stage.rows("quote") for point in row.points]
    assert points == [(NOW // 10**6, 0.46, 0.48, None)]


def test_the_newest_fair_value_goes_with_the_quote(stage: Stage) -> None:
    stage.take(signal(outcome=Outcome.NO, probability=0.3))
    stage.take(view(), after=1)
    assert stage.last("quote").points[-1][3] == pytest.approx(0.7)
    stage.take(
        m.Pass(
            strategy="s", ticker=TICKER, code="edge", values=(("fair", 0.55),), created=stage.now
        )
    )
    stage.take(view(ts_event=Nanos(NOW + SECOND)), after=1)
    assert stage.last("quote").points[-1][3] == 0.55


def test_the_trading_state_leaves_at_once_with_its_reason(stage: Stage) -> None:
    stage.take(state("ACTIVE"))
    stage.take(state("HALTED", epoch=3, code="drawdown", reason="too deep", by="risk"))
    row = stage.last("status_update")
    assert (row.state, row.running, row.epoch) == ("HALTED", False, 3)
    assert row.risk_metrics.circuit_breaker_triggered
    assert stage.last("alert").level == "critical"


def test_an_older_epoch_changes_nothing(stage: Stage) -> None:
    stage.take(state("HALTED", epoch=3))
    stage.take(state("ACTIVE", epoch=2))
    stage.flush()
    assert stage.last("status_update").state == "HALTED"


def test_the_proof_of_a_stop_is_shown(stage: Stage) -> None:
    stage.take(m.CancelAllDone(cancelled=2, resting=0, reason="halt", ts_recv=NOW))
    assert stage.last("status_update").proof == "2 orders cancelled, 0 still rest"


def test_the_health_board_counts_messages_a_second_within_a_generation(stage: Stage) -> None:
    stage.take(actor())
    stage.take(actor(2, handled=150), after=2)
    assert (stage.last("health").rate, stage.last("health").age) == (25.0, 0.5)
    stage.take(actor(3, handled=4, generation=2), after=1)
    assert stage.last("health").rate is None


def test_the_health_board_tells_how_long_messages_wait_and_take(stage: Stage) -> None:
    """Of the machine, whatever the clock's speed."""
    stage.take(actor(oldest_ns=3_400_000, p50_ns=51_200, p99_ns=2_000_000, error="it fell"))
    row = stage.last("health")
    assert (row.wait_ms, row.p50_ms, row.p99_ms, row.error) == (3.4, 0.051, 2.0, "it fell")


def test_actors_age_in_the_machines_time_when_the_clock_is_fast() -> None:
    stage = Stage(msgspec.structs.replace(TERMS, speed=10.0))
    stage.take(actor(age_ns=5 * SECOND))
    stage.take(actor(20, handled=150), after=20)
    assert stage.rows("health")[0].age == 0.5
    assert stage.last("health").rate == 25.0


def test_a_restart_is_told_once_and_makes_the_whole_unhealthy(stage: Stage) -> None:
    for _ in range(3):
        stage.take(actor(state="restarting", error="KeyError"), after=1)
    stage.flush()
    alerts = stage.rows("alert")
    assert [(row.level, row.code, row.count) for row in alerts] == [
        ("warning", "actor_restarting", 1)
    ]
    assert stage.last("status_update").client_health.healthy is False


def test_a_lost_stream_is_told_with_its_reason(stage: Stage) -> None:
    stage.take(m.StreamChanged(stream="market", conn=2, state="lost", reason="EOF", ts_recv=NOW))
    stage.flush()
    assert (stage.last("feed").state, stage.last("feed").reason) == ("lost", "EOF")
    assert stage.last("alert").code == "stream_lost"


def test_an_open_stream_without_news_is_told_as_stale(stage: Stage) -> None:
    def told(age: float) -> tuple[bool, bool]:
        health = m.FeedHealth(
            stream="market",
            state="open",
            conn=1,
            gaps=0,
            skipped=0,
            reconnects=0,
            age_ns=seconds(age),
            ts=stage.now,
        )
        stage.take(health)
        stage.flush()
        return stage.last("feed").stale, stage.last("status_update").client_health.healthy

    assert told(TERMS.book_fresh / SECOND) == (False, True)
    assert told(TERMS.book_fresh / SECOND + 0.1) == (True, False)
    assert told(0.2) == (False, True)


def test_a_market_tells_how_much_history_it_still_wants(stage: Stage) -> None:
    stage.take(view(warm=False, warm_in_s=181.5), after=1)
    assert (stage.last("market").warm, stage.last("market").warm_in) == (False, 181.5)
    stage.take(view(), after=1)
    assert (stage.last("market").warm, stage.last("market").warm_in) == (True, 0.0)


def test_books_that_differ_are_a_critical_alert(stage: Stage) -> None:
    difference = m.Difference(what="cash", key="", ours="10.00", theirs="9.00")
    stage.take(m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW))
    stage.flush()
    assert stage.last("alert").level == "critical"
    assert "ours 10.00, the exchange has 9.00" in stage.last("alert").text


def test_unreadable_frames_are_counted_in_one_alert_a_minute(stage: Stage) -> None:
    for _ in range(50):
        stage.take(
            m.FrameSkipped(stream="market", conn=1, reason="no seq", sample="{}", ts_recv=NOW)
        )
    stage.flush()
    assert [row.count for row in stage.rows("alert")][-1] == 50


def gauge(*buckets: m.TokenGauge, **changes: object) -> m.RequestGauge:
    made = m.RequestGauge(tier="basic", buckets=buckets, waiting=0, refused=0, ts=NOW)
    return msgspec.structs.replace(made, **changes)


def test_the_rate_limits_are_shown_by_bucket_and_again_only_when_they_change(stage: Stage) -> None:
    reads = m.TokenGauge(bucket="read", tokens=590, capacity=600, refill=200, paused_ns=0)
    writes = m.TokenGauge(
        bucket="write:2", tokens=0, capacity=100, refill=100, paused_ns=150_000_000
    )
    stage.take(gauge(reads))
    stage.take(gauge(reads))
    stage.flush()
    assert len(stage.rows("limit")) == 1
    stage.take(gauge(reads, writes, refused=1))
    stage.flush()
    rows = {row.bucket: row for row in stage.rows("limit")}
    assert (rows["read"].tokens, rows["read"].tier, rows["read"].refused) == (590, "basic", 1)
    assert (rows["write:2"].paused, rows["write:2"].capacity) == (0.15, 100)
