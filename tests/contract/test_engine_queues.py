"""Where an own order stands in a queue of others, and what moves it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.engine_events import BookChanged, Traded
from core.exchange.engine_types import CancelModel, EngineConfig
from core.units import Price, Quantity
from tests.contract.engine_bench import ASK, BID, IOC, TICKER, Bench

if TYPE_CHECKING:
    from core.exchange.records import Placed


def bench_with(model: CancelModel) -> Bench:
    return Bench(EngineConfig(cancel_model=model))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ahead(bench: Bench, placed: Placed) -> int:
    return bench.engine.queue_ahead("ann", placed.order_id)


def test_an_order_joins_behind_everything_at_its_price(bench: Bench) -> None:
    bench.show(BID, "0.47", "100")
    bench.place("bob", BID, "0.47", "7")
    placed = bench.place("ann", BID, "0.47", "5")
    assert ahead(bench, placed) == 10_700


def test_later_increases_go_behind(bench: Bench) -> None:
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.show(BID, "0.47", "300")
    bench.move(BID, "0.47", "50")
    assert ahead(bench, placed) == 10_000
    assert bench.bids() == [(4700, 35_500)]


def test_trades_consume_from_the_front(bench: Bench) -> None:
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.take(ASK, "0.47", "60")
    assert ahead(bench, placed) == 4_000
    bench.take(ASK, "0.47", "42")
    assert bench.fills("ann") == [(4700, 200)]


@pytest.mark.parametrize(
    ("model", "left_ahead"),
    [
        (CancelModel.PESSIMISTIC, 10_000),
        (CancelModel.OPTIMISTIC, 2_000),
        (CancelModel.PROPORTIONAL, 6_000),
    ],
)
def test_where_a_decrease_without_a_trade_comes_from(model: CancelModel, left_ahead: int) -> None:
    bench = bench_with(model)
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.show(BID, "0.47", "200")
    bench.show(BID, "0.47", "120")
    assert ahead(bench, placed) == left_ahead
    assert bench.bids() == [(4700, 12_500)]


@pytest.mark.parametrize("model", list(CancelModel))
@pytest.mark.parametrize("gone", ["0.01", "33.33", "149.99", "150"])
def test_no_model_loses_or_invents_quantity(model: CancelModel, gone: str) -> None:
    bench = bench_with(model)
    bench.show(BID, "0.47", "100")
    bench.place("ann", BID, "0.47", "5")
    bench.move(BID, "0.47", "50")
    bench.move(BID, "0.47", f"-{gone}")
    left = 15_500 - round(float(gone) * 100)
    assert bench.bids() == [(4700, left)]


def test_pessimism_reaches_the_front_once_nothing_is_behind() -> None:
    bench = bench_with(CancelModel.PESSIMISTIC)
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.move(BID, "0.47", "-30")
    assert ahead(bench, placed) == 7_000


def test_what_an_own_taker_ate_stays_eaten_under_deltas(bench: Bench) -> None:
    bench.show(ASK, "0.48", "100")
    bench.place("ann", BID, "0.48", "60", time_in_force=IOC)
    assert bench.engine.quote(TICKER).ask_size == 4_000
    bench.move(ASK, "0.48", "-50")  # the recording has 50 now; 40 are left here
    assert bench.engine.quote(TICKER).ask_size == 4_000
    bench.move(ASK, "0.48", "-30")  # and now 20
    assert bench.engine.quote(TICKER).ask_size == 2_000
    bench.move(ASK, "0.48", "10")
    assert bench.engine.quote(TICKER).ask_size == 3_000


def test_a_level_that_the_outside_empties_forgets_what_was_eaten(bench: Bench) -> None:
    bench.show(ASK, "0.48", "100")
    bench.place("ann", BID, "0.48", "60", time_in_force=IOC)
    bench.move(ASK, "0.48", "-100")
    bench.move(ASK, "0.48", "80")
    assert bench.engine.quote(TICKER).ask_size == 8_000


def test_an_absolute_update_says_what_is_there(bench: Bench) -> None:
    bench.show(ASK, "0.48", "100")
    bench.place("ann", BID, "0.48", "60", time_in_force=IOC)
    bench.show(ASK, "0.48", "100")
    assert bench.engine.quote(TICKER).ask_size == 10_000


def test_seeing_the_same_recorded_book_again_brings_nothing_back(bench: Bench) -> None:
    asks = [(Price(4800), Quantity(10_000))]
    bench.engine.observe_outside(TICKER, [], asks, bench.now)
    bench.place("ann", BID, "0.48", "60", time_in_force=IOC)
    bench.engine.observe_outside(TICKER, [], asks, bench.now)
    assert bench.engine.quote(TICKER).ask_size == 4_000
    bench.engine.observe_outside(TICKER, [], [(Price(4800), Quantity(12_000))], bench.now)
    assert bench.engine.quote(TICKER).ask_size == 6_000


def test_a_whole_book_replaces_the_one_before_and_keeps_own_orders(bench: Bench) -> None:
    bench.show(BID, "0.40", "9")
    bench.place("ann", BID, "0.41", "2")
    bench.engine.replace_outside(
        TICKER, [(Price(4200), Quantity(300))], [(Price(4400), Quantity(100))], bench.now
    )
    book = bench.engine.book(TICKER)
    assert book.yes == ((4100, 200), (4200, 300))
    assert book.no == ((5600, 100),)


def test_a_moved_up_book_never_looks_crossed(bench: Bench) -> None:
    def replace(bid: int, ask: int) -> None:
        bids, asks = [(Price(bid), Quantity(100))], [(Price(ask), Quantity(100))]
        bench.engine.replace_outside(TICKER, bids, asks, bench.now)

    replace(4000, 4200)
    bench.engine.drain()
    replace(4500, 4700)
    best = {"yes": 4000, "no": 5800}
    for event in bench.events(BookChanged):
        best[event.leg] = event.price if event.delta > 0 else 0
        assert best["yes"] + best["no"] < 10_000


def test_outside_quantity_that_crosses_an_own_order_fills_it_at_its_price(bench: Bench) -> None:
    bench.show(ASK, "0.48", "10")
    placed = bench.place("ann", ASK, "0.48", "5")
    bench.engine.drain()
    bench.show(BID, "0.50", "3")
    assert bench.fills("ann") == [(4800, 300)]
    assert bench.engine.order("ann", placed.order_id).remaining == 200
    assert not any(fill.is_taker for fill in bench.engine.fills("ann"))
    assert [event.trade.taker_side for event in bench.events(Traded)] == [BID]
    assert bench.engine.book(TICKER).yes == ()


def test_crossing_quantity_beyond_the_own_order_stays_in_the_book(bench: Bench) -> None:
    bench.place("ann", ASK, "0.48", "5")
    bench.show(BID, "0.50", "8")
    assert bench.fills("ann") == [(4800, 500)]
    assert bench.bids() == [(5000, 300)]


def test_a_recorded_trade_fills_what_it_reaches_in_the_queue(bench: Bench) -> None:
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.printed("0.47", "40", ASK)
    assert ahead(bench, placed) == 6_000
    bench.printed("0.47", "62", ASK)
    assert bench.fills("ann") == [(4700, 200)]
    assert ahead(bench, placed) == 0


@pytest.mark.parametrize("delta_first", [True, False])
def test_a_recorded_trade_and_its_delta_count_once_in_either_order(*, delta_first: bool) -> None:
    bench = bench_with(CancelModel.PESSIMISTIC)
    bench.show(BID, "0.47", "100")
    placed = bench.place("ann", BID, "0.47", "5")
    bench.move(BID, "0.47", "200")
    if delta_first:
        bench.move(BID, "0.47", "-40")
    bench.printed("0.47", "40", ASK)
    if not delta_first:
        bench.move(BID, "0.47", "-40")
    assert ahead(bench, placed) == 6_000
    assert bench.bids() == [(4700, 26_500)]


def test_a_trade_through_an_own_price_fills_the_own_order_first(bench: Bench) -> None:
    bench.show(BID, "0.48", "100")
    bench.place("ann", BID, "0.48", "5")
    bench.printed("0.47", "3", ASK)
    assert bench.fills("ann") == [(4800, 300)]


def test_a_recorded_trade_elsewhere_leaves_own_orders_alone(bench: Bench) -> None:
    bench.place("ann", BID, "0.46", "5")
    bench.printed("0.47", "50", ASK)
    bench.printed("0.46", "50", BID)
    assert bench.fills("ann") == []
    assert bench.engine.quote(TICKER).volume == 10_000


def test_the_public_tape_shows_each_contract_of_a_recorded_trade_once(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "5")
    bench.engine.drain()
    bench.printed("0.47", "8", ASK)
    assert sorted(e.trade.quantity for e in bench.events(Traded)) == [300, 500]


def test_outsiders_can_sweep_several_levels(bench: Bench) -> None:
    bench.show(ASK, "0.48", "5")
    bench.show(ASK, "0.49", "5")
    bench.place("ann", ASK, "0.49", "5")
    assert bench.take(BID, "0.49", "12") == 1_200
    assert bench.fills("ann") == [(4900, 200)]
    assert bench.engine.quote(TICKER).volume == 1_200


def test_outside_changes_can_be_kept_out_of_the_events() -> None:
    bench = Bench(EngineConfig(publish_outside=False))
    bench.show(ASK, "0.48", "5")
    assert bench.events(BookChanged) == []
    bench.place("ann", BID, "0.48", "2", time_in_force=IOC)
    assert [event.delta for event in bench.events(BookChanged)] == [-200]
