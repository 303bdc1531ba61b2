"""What can be switched at the engine: tail of a cancel-all, price grid, late settlements, holes."""

from __future__ import annotations

import pytest

from core.domain.grid import STRUCTURES, price_grid
from core.exchange.engine.tails import delay_at, tail_delay
from core.exchange.engine_events import IndexPublished, MarketChanged, MarketEvent
from core.exchange.engine_types import CRYPTO_SHARD, SOL_15M, EngineConfig
from core.exchange.listing import MarketStatus
from core.exchange.records import OrderStatus
from core.exchange.scenario_maintenance import Maintenance, maintenance_at
from core.exchange.simulated import SimulatedExchange
from core.exchange.wire.scalars import rfc3339
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price
from tests.contract.engine_bench import ASK, BID, CLOSES, STRIKE, TICKER, Bench, refused

# --- the tail of a cancel-all


def test_what_rests_within_the_tail_of_a_cancel_all_is_cancelled_too() -> None:
    bench = Bench(EngineConfig(cancel_all_tail=Nanos(60 * SECOND)))
    bench.engine.cancel_all_orders("ann", bench.now)
    bench.pass_time(59.0)
    swept = bench.place("ann", BID, "0.40", "5")
    spared = bench.place("bob", BID, "0.40", "5")
    assert bench.status("ann", swept) is OrderStatus.RESTING
    bench.pass_time(1.0)
    kept = bench.place("ann", BID, "0.41", "5")
    bench.pass_time(5.0)
    assert bench.status("ann", swept) is OrderStatus.CANCELED
    assert bench.status("ann", kept) is OrderStatus.RESTING
    assert bench.status("bob", spared) is OrderStatus.RESTING


def test_what_traded_within_the_tail_keeps_its_fills() -> None:
    bench = Bench(EngineConfig(cancel_all_tail=Nanos(60 * SECOND)))
    bench.engine.cancel_all_orders("ann", bench.now)
    bench.show(ASK, "0.40", "2")
    placed = bench.place("ann", BID, "0.40", "5")
    bench.pass_time(5.0)
    row = bench.engine.order("ann", placed.order_id)
    assert (row.status, row.filled) == (OrderStatus.CANCELED, 200)


# --- the grid


def test_a_grid_that_changes_is_told_and_holds_for_new_orders_only() -> None:
    bench = Bench()
    old = bench.place("ann", BID, "0.055", "5")
    bench.engine.drain()
    ranges = STRUCTURES["linear_cent"]
    bench.engine.change_grid(TICKER, "linear_cent", ranges, bench.now)
    (told,) = bench.events(MarketChanged)
    assert (told.kind, told.market.price_ranges) == (MarketEvent.GRID_CHANGED, ranges)
    assert bench.status("ann", old) is OrderStatus.RESTING
    assert refused(lambda: bench.place("ann", BID, "0.055", "5")) == ("invalid_price", 400)
    assert bench.status("ann", bench.place("ann", BID, "0.05", "5")) is OrderStatus.RESTING


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("linear_cent", (500, 5000), (505, 5010)),
        ("deci_cent", (510, 5010), (515, 5005)),
        ("tapered_deci_cent", (510, 5000, 9510), (515, 5010, 8550)),
        ("center_half_edge_quint_cent", (520, 5050, 9520), (510, 5020)),
        ("center_whole_edge_half_cent", (550, 5000, 9550), (510, 5050)),
        ("center_quint_edge_deci_cent", (510, 5020), (515, 5010)),
        ("center_deci_edge_centi_cent", (99, 5010, 9901), (5005, 9895)),
        ("center_centi_edge_centi_cent", (1, 5001), ()),
    ],
)
def test_named_structures_have_the_steps_of_the_fact_sheet(
    name: str, valid: tuple[int, ...], invalid: tuple[int, ...]
) -> None:
    grid = price_grid(STRUCTURES[name])
    assert all(grid.is_valid(Price(price)) for price in valid)
    assert not any(grid.is_valid(Price(price)) for price in invalid)
    assert {10_000 - price for price in grid.prices} == set(grid.prices)


# --- late settlements


def test_the_tail_of_settlements_is_the_recorded_one() -> None:
    assert delay_at(0.5) == 0
    assert delay_at(0.9) == 135 * SECOND
    assert delay_at(0.99) == 1_910 * SECOND
    assert delay_at(1.0) == 86_400 * SECOND
    shares = [n / 1000 for n in range(1001)]
    assert [delay_at(share) for share in shares] == sorted(delay_at(share) for share in shares)
    drawn = sorted(tail_delay(7, f"market {n}") for n in range(4000))
    assert 60 * SECOND < drawn[3600] < 300 * SECOND
    assert drawn[0] == drawn[1900] == 0


def test_a_market_of_the_tail_settles_that_much_later_and_once() -> None:
    seed = next(s for s in range(100) if 60 * SECOND < tail_delay(s, TICKER) < 3_000 * SECOND)
    late = tail_delay(seed, TICKER)
    bench = Bench(EngineConfig(seed=seed, settlement_tail=True))
    bench.show(ASK, "0.40", "2")
    bench.place("ann", BID, "0.40", "2")
    bench.engine.fix_settlement(TICKER, STRIKE)
    bench.engine.advance(Nanos(CLOSES + 7 * SECOND + late - 1))
    assert bench.engine.settlements("ann") == ()
    bench.engine.advance(Nanos(CLOSES + 7 * SECOND + late))
    assert [row.settled for row in bench.engine.settlements("ann")] == [CLOSES + 7 * SECOND + late]
    assert bench.engine.market(TICKER).status is MarketStatus.FINALIZED


# --- holes of the index


def test_prints_in_a_hole_are_lost_for_the_stream_and_for_the_settlement() -> None:
    bench = Bench()
    bench.publish(119.0, upto=Nanos(CLOSES - 30 * SECOND))
    bench.engine.silence_index(SOL_15M.index_id, Nanos(CLOSES - 10 * SECOND))
    bench.engine.drain()
    bench.publish(999.0, upto=Nanos(CLOSES - 10 * SECOND))
    assert bench.events(IndexPublished) == []
    bench.publish(117.0)
    bench.engine.advance(Nanos(CLOSES + 20 * SECOND))
    value = bench.engine.market(TICKER).settlement_value
    assert value == IndexValue((30 * 119 + 10 * 117) * INDEX_DOLLAR // 40)


# --- Thursday

THURSDAY = rfc3339("2026-11-26T08:00:00Z")
"""03:00 in New York."""


def test_trading_pauses_on_thursday_morning_and_says_until_when() -> None:
    engine = SimulatedExchange(EngineConfig())
    engine.add_series(SOL_15M)
    start = Nanos(THURSDAY - 60 * SECOND)
    scenario = Maintenance(engine, (0, CRYPTO_SHARD), start)
    scenario.advance(start)
    assert engine.status().of_shard(CRYPTO_SHARD).trading_active
    assert scenario.next_due() == THURSDAY
    scenario.advance(THURSDAY)
    paused = engine.status()
    assert not paused.trading_active
    assert not paused.of_shard(CRYPTO_SHARD).trading_active
    assert paused.of_shard(CRYPTO_SHARD).exchange_active
    assert paused.resumes == THURSDAY + 7_200 * SECOND == scenario.next_due()
    scenario.advance(Nanos(THURSDAY + 7_200 * SECOND))
    assert engine.status().of_shard(CRYPTO_SHARD).trading_active
    assert scenario.next_due() == THURSDAY + 7 * 86_400 * SECOND


def test_a_start_within_the_maintenance_is_paused_at_once() -> None:
    engine = SimulatedExchange(EngineConfig())
    scenario = Maintenance(engine, (0,), Nanos(THURSDAY + SECOND))
    scenario.advance(Nanos(THURSDAY + SECOND))
    assert not engine.status().trading_active
    assert scenario.next_due() == THURSDAY + 7_200 * SECOND


def test_the_maintenance_follows_new_york_through_the_change_of_clocks() -> None:
    summer = rfc3339("2026-10-30T00:00:00Z")
    assert maintenance_at(rfc3339("2026-10-28T00:00:00Z"))[0] == rfc3339("2026-10-29T07:00:00Z")
    assert maintenance_at(summer)[0] == rfc3339("2026-11-05T08:00:00Z")
