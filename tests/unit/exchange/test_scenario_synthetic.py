"""The synthetic market: its index, spreads, volumes and calendar stay within stated bounds.

The figures of KXSOL15M that it is calibrated to are those of kalshi.md 8.5.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import pytest

from core.domain.windows import WINDOW_LENGTH, close_times, window_at
from core.exchange.engine_events import BookChanged, EngineEvent, MarketChanged, MarketEvent
from core.exchange.engine_types import SOL_15M, EngineConfig, Quote
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome, Side
from core.exchange.scenario_index import STEPS_PER_SECOND, IndexModel, SyntheticIndex
from core.exchange.scenario_makers import MakerModel
from core.exchange.scenario_synthetic import SyntheticConfig, SyntheticScenario
from core.exchange.scenario_takers import TakerModel
from core.exchange.simulated import SimulatedExchange
from core.units import DOLLAR_PRICE, MINUTE, SECOND, IndexValue, Nanos

MONDAY = Nanos(1_795_413_600 * SECOND)
"""2026-11-23 06:00 UTC: 01:00 in New York."""
WINDOWS = 16


class Seen(NamedTuple):
    """A quote and how long before the close it stood."""

    quote: Quote
    left_s: float

    @property
    def mid(self) -> float:
        return (self.quote.bid + self.quote.ask) / 2 / DOLLAR_PRICE

    @property
    def spread(self) -> float:
        return (self.quote.ask - self.quote.bid) / DOLLAR_PRICE


class Recording(NamedTuple):
    """Four hours of the default market, a quote every five seconds."""

    engine: SimulatedExchange
    quotes: list[Seen]
    events: Counter[str]
    crossed: int


@pytest.fixture(scope="module")
def recording() -> Recording:
    engine = SimulatedExchange(EngineConfig())
    scenario = SyntheticScenario(engine, SyntheticConfig(seed=3), MONDAY)
    quotes: list[Seen] = []
    counts: Counter[str] = Counter()
    crossed = 0
    for now in range(MONDAY, MONDAY + WINDOWS * WINDOW_LENGTH, 5 * SECOND):
        scenario.advance(Nanos(now))
        events = engine.drain()
        counts.update(type(event).__name__ for event in events)
        window = window_at("KXSOL15M", Nanos(now))
        assert window is not None
        quote = engine.quote(window.market_ticker)
        crossed += quote.bid >= quote.ask
        if quote.bid > 0 and quote.ask < DOLLAR_PRICE:
            quotes.append(Seen(quote, (window.close_ns - now) / SECOND))
    scenario.advance(Nanos(MONDAY + WINDOWS * WINDOW_LENGTH + 20 * SECOND))
    return Recording(engine, quotes, counts, crossed)


def spreads(recording: Recording, low: float, high: float) -> list[float]:
    """Spreads at mids in a range and its mirror image, away from both ends of the window."""
    return [
        seen.spread
        for seen in recording.quotes
        if low <= min(seen.mid, 1 - seen.mid) < high and 60 < seen.left_s < 780
    ]


@pytest.mark.parametrize(
    ("low", "high", "least", "most"),
    [(0.3, 0.51, 0.015, 0.025), (0.1, 0.3, 0.01, 0.02), (0.03, 0.1, 0.002, 0.006)],
)
def test_median_spreads_are_those_of_the_venue(
    recording: Recording, low: float, high: float, least: float, most: float
) -> None:
    assert least <= median(spreads(recording, low, high)) <= most


def test_the_spread_is_wider_at_both_ends(recording: Recording) -> None:
    def typical(first: float, last: float) -> float:
        """Mean spread as if the mid were 0.50."""
        found = [
            seen.spread / (4 * seen.mid * (1 - seen.mid))
            for seen in recording.quotes
            if 0.1 < seen.mid < 0.9 and first <= seen.left_s < last
        ]
        return sum(found) / len(found)

    middle = typical(300, 600)
    assert typical(860, 900) > 1.3 * middle
    assert typical(0, 30) > 1.1 * middle


def test_a_quiet_book_is_never_crossed(recording: Recording) -> None:
    assert recording.crossed == 0


def settled(recording: Recording) -> list[str]:
    """Tickers of the windows that are over."""
    return [m.ticker for m in recording.engine.markets() if m.status is MarketStatus.FINALIZED]


def test_volume_and_open_interest_are_those_of_the_venue(recording: Recording) -> None:
    rows = [recording.engine.market(ticker) for ticker in settled(recording)]
    assert len(rows) == WINDOWS
    assert 8_000 < median(row.volume / 100 for row in rows) < 28_000
    assert 3_000 < median(row.open_interest / 100 for row in rows) < 14_000
    assert min(row.volume for row in rows) * 2 < max(row.volume for row in rows)


def test_trades_are_small_and_many(recording: Recording) -> None:
    sizes = [t.quantity / 100 for name in settled(recording) for t in recording.engine.trades(name)]
    assert 400 < len(sizes) / WINDOWS < 2_500
    assert 1 < median(sizes) < 12
    assert any(size < 0.1 for size in sizes)
    assert max(sizes) > 100


def test_each_strike_is_the_value_before_and_results_follow(recording: Recording) -> None:
    rows = [recording.engine.market(ticker) for ticker in settled(recording)]
    for earlier, later in pairwise(rows):
        assert later.strike == earlier.settlement_value
    for row in rows:
        assert row.strike is not None
        assert row.settlement_value is not None
        wins = row.settlement_value >= row.strike
        assert row.result is (Outcome.YES if wins else Outcome.NO)


def test_the_index_is_published_five_times_a_second(recording: Recording) -> None:
    seconds = WINDOWS * WINDOW_LENGTH // SECOND
    assert recording.events["IndexPublished"] == pytest.approx(5 * seconds, abs=30)


def test_moves_of_the_index_have_the_measured_size_and_tails() -> None:
    index = SyntheticIndex(IndexModel(), 4, seed=11)
    steps = 900 * STEPS_PER_SECOND
    moves = []
    for _ in range(300):
        before = index.price
        for _ in range(steps):
            index.step()
        moves.append(math.log(index.price / before) * 10_000)
    deviation = math.sqrt(sum(move * move for move in moves) / len(moves))
    typical = median(abs(move) for move in moves)
    assert 22 < deviation < 45
    assert 10 < typical < 21
    assert deviation > 1.6 * typical  # a normal distribution has 1.48


def test_a_jump_is_bigger_than_its_second() -> None:
    still = IndexModel(base_bps=0.001, jumps_per_hour=3600.0, jump_bps=50.0)
    index = SyntheticIndex(still, 4, seed=1)
    values = [index.step() for _ in range(100)]
    assert max(abs(b - a) / a for a, b in pairwise(values)) > 0.002


def run(engine: SimulatedExchange, config: SyntheticConfig, seconds: int) -> list[EngineEvent]:
    """So many seconds of a market that starts with a window."""
    scenario = SyntheticScenario(engine, config, MONDAY)
    scenario.advance(Nanos(MONDAY + seconds * SECOND))
    return list(engine.drain())


def test_makers_wait_for_the_strike() -> None:
    engine = SimulatedExchange(EngineConfig())
    events = run(engine, SyntheticConfig(), 60)
    changes = [event.ts for event in events if isinstance(event, BookChanged)]
    assert min(changes) > MONDAY + 550_000_000


def test_a_quick_perfect_maker_leaves_nothing_to_pick() -> None:
    """With no lag and no error a quote is never worth taking, so the quick eyes stay idle."""
    sharp = MakerModel(
        lag_s=(0.0, 0.0),
        shared_noise=0.0,
        own_noise=0.0,
        anchoring=0.0,
        requote_s=0.01,
        entry_s=(0.0, 0.0),
        dust=0.0,
    )
    quiet = TakerModel(trades_per_window=0.0, pick_chance=1.0)
    for makers, least, most in ((sharp, 0, 6), (MakerModel(), 20, 10_000)):
        engine = SimulatedExchange(EngineConfig())
        run(engine, SyntheticConfig(seed=4, makers=makers, takers=quiet), 890)
        window = window_at("KXSOL15M", MONDAY)
        assert window is not None
        assert least <= len(engine.trades(window.market_ticker)) <= most


def test_a_whole_day_is_listed_ahead_and_the_next_one_in_the_afternoon() -> None:
    engine = SimulatedExchange(EngineConfig())
    scenario = SyntheticScenario(engine, SyntheticConfig(), MONDAY)
    assert len(engine.markets()) == 92
    afternoon = Nanos(MONDAY + 15 * 60 * MINUTE + MINUTE)  # 16:01 in New York
    engine.drain()
    scenario.advance(Nanos(MONDAY + 2 * MINUTE))
    assert sum(_is_created(event) for event in engine.drain()) == 0
    late = SimulatedExchange(EngineConfig())
    SyntheticScenario(late, SyntheticConfig(), afternoon)
    assert len(late.markets()) == 32 + 96
    before = SimulatedExchange(EngineConfig())
    SyntheticScenario(before, SyntheticConfig(), Nanos(afternoon - SECOND))
    assert len(before.markets()) == 32


def test_no_window_closes_in_the_thursday_gap() -> None:
    thursday = Nanos(MONDAY + 3 * 24 * 60 * MINUTE)
    engine = SimulatedExchange(EngineConfig())
    scenario = SyntheticScenario(
        engine, SyntheticConfig(), Nanos(thursday + 105 * MINUTE)
    )  # 02:45 in New York: the last window has just closed
    closes = [close_times(market.ticker)[0] for market in engine.markets()]
    assert min(closes) == thursday + 4 * 60 * MINUTE + 15 * MINUTE  # 05:15
    scenario.advance(Nanos(thursday + 106 * MINUTE))
    assert all(market.status is MarketStatus.INITIALIZED for market in engine.markets())


def test_a_start_within_a_window_finds_it_open_with_its_strike() -> None:
    engine = SimulatedExchange(EngineConfig())
    scenario = SyntheticScenario(engine, SyntheticConfig(), Nanos(MONDAY + 7 * MINUTE))
    scenario.advance(Nanos(MONDAY + 7 * MINUTE + 10 * SECOND))
    window = window_at("KXSOL15M", MONDAY)
    assert window is not None
    market = engine.market(window.market_ticker)
    prints = engine.index_prints(SOL_15M.index_id, Nanos(MONDAY - MINUTE), MONDAY)
    assert market.strike == IndexValue(
        (sum(value for _, value in prints) // 60 + 5_000) // 10_000 * 10_000
    )
    assert market.status is MarketStatus.ACTIVE
    assert market.yes_bid > 0


def test_own_resting_orders_are_hit_and_own_takers_change_the_book() -> None:
    engine = SimulatedExchange(EngineConfig())
    scenario = SyntheticScenario(engine, SyntheticConfig(seed=5), MONDAY)
    scenario.advance(Nanos(MONDAY + MINUTE))
    window = window_at("KXSOL15M", MONDAY)
    assert window is not None
    before = engine.quote(window.market_ticker)
    taken = engine.outside_order(
        window.market_ticker, Side.BID, before.ask, before.ask_size, engine.now
    )
    assert taken == before.ask_size
    assert engine.quote(window.market_ticker).ask > before.ask
    scenario.advance(Nanos(MONDAY + MINUTE + 20 * SECOND))
    after = engine.quote(window.market_ticker)
    assert after.ask - after.bid <= 800


def _is_created(event: EngineEvent) -> bool:
    return isinstance(event, MarketChanged) and event.kind is MarketEvent.CREATED
