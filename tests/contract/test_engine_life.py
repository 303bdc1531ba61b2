"""A market from its listing to its payout: times, strikes, results, rows, pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.domain.windows import WINDOW_LENGTH, window_closing
from core.exchange.engine_events import (
    BookCleared,
    IndexPublished,
    MarketChanged,
    MarketEvent,
    OrderChanged,
    StatusChanged,
    UpdateReason,
)
from core.exchange.engine_types import SOL_15M, EngineConfig, Timeline
from core.exchange.listing import MarketStatus
from core.exchange.records import OrderStatus, Outcome
from core.exchange.simulated import SimulatedExchange
from core.units import (
    INDEX_DOLLAR,
    MILLISECOND,
    MINUTE,
    SECOND,
    Money,
    Nanos,
    Price,
    Quantity,
    parse_index,
)
from tests.contract.engine_bench import (
    ASK,
    BID,
    CASH,
    CLOSES,
    IOC,
    OPENS,
    STRIKE,
    TICKER,
    WINDOW,
    Bench,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FOLLOWING = window_closing("KXSOL15M", Nanos(CLOSES + WINDOW_LENGTH))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def fresh(config: EngineConfig | None = None) -> SimulatedExchange:
    """Both windows listed, nothing has happened yet."""
    engine = SimulatedExchange(config or EngineConfig())
    engine.add_series(SOL_15M)
    for window in (WINDOW, FOLLOWING):
        engine.list_market(window, Nanos(OPENS - MINUTE))
    return engine


def print_index(
    engine: SimulatedExchange, start: Nanos, end: Nanos, value: Callable[[Nanos], str]
) -> None:
    """A print at every whole second of [start, end)."""
    for stamp in range(start, end, SECOND):
        at = Nanos(stamp)
        engine.publish_index(SOL_15M.index_id, parse_index(value(at)), at, at)


def steps(engine: SimulatedExchange, ticker: str) -> list[tuple[MarketEvent, float]]:
    """What happened to a market, in seconds from the first window's open."""
    return [
        (event.kind, (event.ts - OPENS) / SECOND)
        for event in engine.drain()
        if isinstance(event, MarketChanged) and event.market.ticker == ticker
    ]


def test_a_window_goes_through_its_life_at_the_times_of_the_timeline() -> None:
    engine = fresh()
    engine.fix_strike(TICKER, STRIKE)
    engine.advance(Nanos(CLOSES + 30 * SECOND))
    assert steps(engine, TICKER) == [
        (MarketEvent.CREATED, -60.0),
        (MarketEvent.OPENED, 0.0),
        (MarketEvent.METADATA_UPDATED, 0.55),
        (MarketEvent.CLOSED, 900.0),
        (MarketEvent.DETERMINED, 901.0),
        (MarketEvent.SETTLED, 907.0),
    ]


def test_the_delays_can_be_switched() -> None:
    slow = Timeline(strike=Nanos(3 * SECOND), determined=Nanos(60 * SECOND), settled=Nanos(MINUTE))
    engine = fresh(EngineConfig(timeline=slow))
    engine.fix_strike(TICKER, STRIKE)
    engine.advance(Nanos(CLOSES + 100 * SECOND))
    times = dict(steps(engine, TICKER))
    assert times[MarketEvent.METADATA_UPDATED] == 3.0
    assert times[MarketEvent.DETERMINED] == times[MarketEvent.SETTLED] == 960.0


def test_windows_abut_and_the_old_one_closes_first() -> None:
    engine = fresh()
    engine.drain()
    engine.advance(Nanos(CLOSES))
    at_the_edge = [
        (event.market.ticker, event.kind)
        for event in engine.drain()
        if isinstance(event, MarketChanged) and event.ts == CLOSES
    ]
    assert at_the_edge == [
        (TICKER, MarketEvent.CLOSED),
        (FOLLOWING.market_ticker, MarketEvent.OPENED),
    ]


def test_the_strike_is_the_settlement_value_of_the_window_before() -> None:
    engine = fresh()
    print_index(engine, Nanos(CLOSES - MINUTE), CLOSES, lambda at: f"118.{at // SECOND % 97:04}")
    engine.advance(Nanos(CLOSES + 10 * SECOND))
    before, after = (engine.market(w.market_ticker) for w in (WINDOW, FOLLOWING))
    assert after.strike == before.settlement_value is not None


def test_a_fixed_settlement_value_is_the_next_strike_too() -> None:
    engine = fresh()
    engine.fix_settlement(TICKER, parse_index("119.5"))
    engine.advance(Nanos(CLOSES + 10 * SECOND))
    assert engine.market(FOLLOWING.market_ticker).strike == parse_index("119.5")


def test_without_a_window_before_the_strike_is_the_mean_before_the_open() -> None:
    engine = fresh()
    print_index(engine, Nanos(OPENS - MINUTE), OPENS, lambda _: "118.0001")
    engine.advance(Nanos(OPENS + SECOND))
    assert engine.market(TICKER).strike == parse_index("118.0001")


def test_without_any_print_there_is_no_strike_and_the_result_is_no() -> None:
    engine = fresh()
    engine.advance(Nanos(CLOSES + 10 * SECOND))
    market = engine.market(TICKER)
    assert (market.strike, market.settlement_value, market.result) == (None, None, Outcome.NO)
    assert MarketEvent.METADATA_UPDATED not in dict(steps(engine, TICKER))


def test_only_prints_of_the_final_minute_before_the_close_count() -> None:
    engine = fresh()
    engine.fix_strike(TICKER, STRIKE)

    def value(at: Nanos) -> str:
        return "118.0000" if CLOSES - MINUTE <= at < CLOSES else "500"

    print_index(engine, Nanos(CLOSES - 2 * MINUTE), Nanos(CLOSES + 5 * SECOND), value)
    engine.advance(Nanos(CLOSES + 10 * SECOND))
    assert engine.market(TICKER).settlement_value == parse_index("118")


def test_prints_between_whole_seconds_do_not_count() -> None:
    engine = fresh()
    for k in range(60 * 5):
        stamp = Nanos(CLOSES - MINUTE + k * 200 * MILLISECOND)
        value = "118.0000" if stamp % SECOND == 0 else "119.0000"
        engine.publish_index(SOL_15M.index_id, parse_index(value), stamp, stamp)
    engine.advance(Nanos(CLOSES + 10 * SECOND))
    assert engine.market(TICKER).settlement_value == parse_index("118")


def test_the_mean_is_rounded_half_up_and_a_tie_is_yes(bench: Bench) -> None:
    bench.show(ASK, "0.50", "10")
    bench.place("ann", BID, "0.50", "10", time_in_force=IOC)

    def value(at: Nanos) -> str:  # the mean is 117.99995, exactly half a unit below the strike
        return "118.0000" if at // SECOND % 2 else "117.9999"

    print_index(bench.engine, Nanos(CLOSES - MINUTE), CLOSES, value)
    bench.engine.advance(Nanos(CLOSES + 10 * SECOND))
    market = bench.engine.market(TICKER)
    assert (market.settlement_value, market.result) == (STRIKE, Outcome.YES)
    assert bench.engine.settlements("ann")[0].revenue == 10_000_000


@pytest.mark.parametrize(("value", "result"), [(117.9999, Outcome.NO), (118.0, Outcome.YES)])
def test_one_unit_below_the_strike_is_no(bench: Bench, value: float, result: Outcome) -> None:
    bench.settle(value)
    assert bench.engine.market(TICKER).result is result


def test_the_payout_lands_with_settled_and_not_before(bench: Bench) -> None:
    bench.show(ASK, "0.40", "10")
    bench.place("ann", BID, "0.40", "10", time_in_force=IOC)
    paid = bench.cash("ann")
    bench.engine.fix_settlement(TICKER, STRIKE)
    bench.engine.advance(Nanos(CLOSES + 7 * SECOND - 1))
    assert bench.cash("ann") == paid
    assert len(bench.engine.positions("ann")) == 1
    bench.engine.advance(Nanos(CLOSES + 7 * SECOND))
    assert bench.cash("ann") == paid + 10_000_000
    assert bench.engine.positions("ann") == ()


def test_a_settlement_row_tells_the_side_that_was_held(bench: Bench) -> None:
    bench.place("ann", BID, "0.40", "10")
    bench.place("bob", ASK, "0.40", "10", time_in_force=IOC)
    bench.settle(100.0)
    (ann,), (bob,) = bench.engine.settlements("ann"), bench.engine.settlements("bob")
    assert (ann.yes_quantity, ann.yes_cost, ann.no_quantity, ann.revenue) == (
        1_000,
        4_000_000,
        0,
        0,
    )
    assert (bob.no_quantity, bob.no_cost, bob.yes_quantity, bob.revenue) == (
        1_000,
        6_000_000,
        0,
        10_000_000,
    )
    assert (ann.fees, bob.fees) == (0, 168_000)
    assert (ann.settled, ann.result) == (CLOSES + 7 * SECOND, Outcome.NO)


def test_who_traded_and_is_flat_gets_a_row_and_no_payout(bench: Bench) -> None:
    bench.show(ASK, "0.40", "10")
    bench.place("ann", BID, "0.40", "10", time_in_force=IOC)
    bench.show(BID, "0.45", "10")
    bench.place("ann", ASK, "0.45", "10", time_in_force=IOC)
    before = bench.cash("ann")
    bench.settle(118.0)
    (row,) = bench.engine.settlements("ann")
    assert (row.revenue, row.yes_quantity, row.no_quantity) == (0, 0, 0)
    assert (bench.cash("ann"), bench.engine.settlements("bob")) == (before, ())


def test_resting_orders_are_cancelled_shortly_after_the_close(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.40", "10")
    bench.show(BID, "0.39", "10")
    bench.engine.drain()
    bench.engine.advance(Nanos(CLOSES + SECOND))
    events = bench.engine.drain()
    changed = [event for event in events if isinstance(event, OrderChanged)]
    cleared = [event for event in events if isinstance(event, BookCleared)]
    assert [(event.order.order_id, event.reason) for event in changed] == [
        (placed.order_id, UpdateReason.CLOSE_CANCEL)
    ]
    assert [event.ts for event in cleared] == [CLOSES + 20 * MILLISECOND]
    assert bench.engine.book(TICKER).yes == ()
    assert bench.spendable("ann") == CASH


def test_outsiders_who_have_not_noticed_the_close_are_ignored(bench: Bench) -> None:
    bench.now = Nanos(CLOSES + SECOND)
    bench.show(BID, "0.40", "10")
    bench.printed("0.40", "10", ASK)
    assert bench.engine.book(TICKER).yes == ()
    assert bench.engine.quote(TICKER).volume == 0


def test_rest_shows_strike_result_and_end_of_quotes_late(bench: Bench) -> None:
    engine = bench.engine
    fresh_engine = fresh()
    fresh_engine.fix_strike(TICKER, STRIKE)
    fresh_engine.advance(Nanos(OPENS + SECOND))
    assert fresh_engine.market(TICKER).strike == STRIKE
    assert fresh_engine.listed_market(TICKER, Nanos(OPENS + SECOND)).strike is None
    bench.show(BID, "0.40", "10")
    engine.fix_settlement(TICKER, STRIKE)
    engine.advance(Nanos(CLOSES + 12 * SECOND))
    stale = engine.listed_market(TICKER, Nanos(CLOSES + 8 * SECOND))
    assert (stale.status, stale.result, stale.yes_bid) == (MarketStatus.CLOSED, None, 4000)
    later = engine.listed_market(TICKER, Nanos(CLOSES + 10 * SECOND))
    assert (later.status, later.yes_bid, later.yes_ask) == (MarketStatus.CLOSED, 0, 10_000)
    final = engine.listed_market(TICKER, Nanos(CLOSES + 11 * SECOND))
    assert (final.status, final.result, final.payout) == (
        MarketStatus.FINALIZED,
        Outcome.YES,
        10_000,
    )


def test_a_market_row_says_what_was_traded(bench: Bench) -> None:
    bench.show(ASK, "0.40", "10")
    bench.place("ann", BID, "0.40", "4", time_in_force=IOC)
    bench.engine.set_outside_interest(TICKER, Quantity(300))
    market = bench.engine.market(TICKER)
    assert (market.volume, market.last_price, market.last_size) == (400, 4000, 400)
    assert (market.dollar_volume, market.open_interest) == (1_600_000, 700)
    assert (market.yes_bid, market.yes_ask, market.yes_ask_size) == (0, 4000, 600)


def test_a_pause_of_a_market_ends_with_an_empty_own_book(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.40", "10")
    bench.engine.pause_market(TICKER, bench.now)
    assert bench.status("ann", placed) is OrderStatus.RESTING
    bench.engine.resume_market(TICKER, bench.now)
    assert bench.status("ann", placed) is OrderStatus.CANCELED
    kinds = [event.kind for event in bench.events(MarketChanged)]
    assert kinds == [MarketEvent.DEACTIVATED, MarketEvent.ACTIVATED]
    assert bench.place("ann", BID, "0.40", "1").remaining == 100


def test_a_market_closes_while_it_is_paused(bench: Bench) -> None:
    bench.place("ann", BID, "0.40", "10")
    bench.engine.pause_market(TICKER, bench.now)
    bench.settle(118.0)
    assert bench.engine.market(TICKER).status is MarketStatus.FINALIZED
    assert bench.spendable("ann") == CASH


def test_a_trading_pause_cancels_who_asked_for_it(bench: Bench) -> None:
    kept = bench.place("ann", BID, "0.40", "1")
    gone = bench.place("ann", BID, "0.41", "1", cancel_on_pause=True)
    bench.engine.drain()
    bench.engine.pause_trading(2, bench.now)
    events = bench.engine.drain()
    told = [event.status for event in events if isinstance(event, StatusChanged)]
    assert [status.of_shard(2).trading_active for status in told] == [False]
    assert told[0].trading_active
    assert bench.status("ann", gone) is OrderStatus.CANCELED
    assert bench.status("ann", kept) is OrderStatus.RESTING
    bench.engine.resume_trading(2, bench.now)
    assert bench.place("ann", BID, "0.40", "1").remaining == 100


def test_index_frames_carry_their_means(bench: Bench) -> None:
    engine = bench.engine
    print_index(engine, Nanos(CLOSES - 2 * MINUTE), Nanos(CLOSES + SECOND), _saw)
    published = {event.stamp: event for event in bench.events(IndexPublished)}
    last = published[CLOSES]
    engine.advance(Nanos(CLOSES + 2 * SECOND))
    assert last.average_60s is not None
    assert (last.average_60s.count, last.average_60s.start, last.average_60s.end) == (
        60,
        CLOSES - MINUTE,
        CLOSES,
    )
    settled = engine.market(TICKER).settlement_value
    assert settled is not None
    assert abs(last.average_60s.value - settled) <= INDEX_DOLLAR // 10_000
    middle = published[Nanos(CLOSES - 42 * SECOND)]
    assert middle.final_minute is not None
    assert (middle.final_minute.count, middle.final_minute.start) == (18, CLOSES - MINUTE)
    assert published[Nanos(CLOSES - 61 * SECOND)].final_minute is None


def test_the_final_minute_mean_is_not_the_settlement_mean(bench: Bench) -> None:
    def value(at: Nanos) -> str:
        return "200" if at == CLOSES else "100"

    print_index(bench.engine, Nanos(CLOSES - 2 * MINUTE), Nanos(CLOSES + SECOND), value)
    last = bench.events(IndexPublished)[-1]
    assert last.final_minute is not None
    assert last.average_60s is not None
    assert last.average_60s.value == 100 * INDEX_DOLLAR
    assert last.final_minute.value > last.average_60s.value
    bench.engine.advance(Nanos(CLOSES + 10 * SECOND))
    assert bench.engine.market(TICKER).settlement_value == 100 * INDEX_DOLLAR


def test_repeated_and_late_index_stamps_are_dropped(bench: Bench) -> None:
    for stamp in (bench.now, bench.now, Nanos(bench.now - SECOND)):
        bench.engine.publish_index(SOL_15M.index_id, STRIKE, stamp, bench.now)
    assert len(bench.events(IndexPublished)) == 1
    assert bench.engine.index_prints(SOL_15M.index_id, Nanos(0), CLOSES) == ((bench.now, STRIKE),)


def test_old_markets_go_with_everything_that_hangs_on_them() -> None:
    engine = SimulatedExchange(EngineConfig(keep_markets=2))
    engine.add_series(SOL_15M)
    engine.open_account("ann", {2: Money(10_000_000)}, Nanos(0))
    for k in range(4):
        window = window_closing("KXSOL15M", Nanos(CLOSES + k * WINDOW_LENGTH))
        ticker = engine.list_market(window, window.open_ns)
        engine.advance(Nanos(window.open_ns + SECOND))
        bench_order = Bench().request(BID, "0.10", "1", ticker=ticker, client_order_id=f"w{k}")
        engine.create_order("ann", bench_order, engine.now)
        engine.outside_order(ticker, ASK, Price(1000), Quantity(100), engine.now)
        engine.advance(Nanos(window.close_ns + 10 * SECOND))
    assert len(engine.markets()) == 2
    assert [row.client_order_id for row in engine.orders("ann")] == ["w3", "w2"]
    assert len(engine.fills("ann")) == len(engine.settlements("ann")) == 2
    assert engine.books("ann").cash == 10_000_000 - 4 * 100_000


def test_a_name_is_listed_once() -> None:
    engine = fresh()
    with pytest.raises(ValueError, match="listed already"):
        engine.list_market(WINDOW, OPENS)


def test_the_engine_tells_when_it_has_something_to_do() -> None:
    engine = fresh()
    assert engine.next_due() == OPENS
    engine.advance(OPENS)
    assert engine.next_due() == OPENS + 550 * MILLISECOND


def _saw(at: Nanos) -> str:
    return f"118.{at // SECOND % 7}"


def test_steps_that_overtake_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="then settled"):
        Timeline(determined=Nanos(8 * SECOND), settled=Nanos(7 * SECOND))


def test_quotes_from_before_the_open_are_there_at_the_open() -> None:
    engine = fresh()
    early = Nanos(OPENS - SECOND)
    engine.set_outside(TICKER, BID, Price(4000), Quantity(500), early)
    assert engine.outside_order(TICKER, ASK, Price(4000), Quantity(100), early) == 0
    engine.advance(OPENS)
    assert engine.outside_order(TICKER, ASK, Price(4000), Quantity(100), OPENS) == 100


def test_a_paused_market_takes_quotes_and_trades_nothing(bench: Bench) -> None:
    bench.place("ann", ASK, "0.48", "5")
    bench.engine.pause_market(TICKER, bench.now)
    bench.show(BID, "0.50", "8")
    bench.printed("0.50", "8", BID)
    assert bench.fills("ann") == []
    assert bench.bids() == [(5000, 800)]
