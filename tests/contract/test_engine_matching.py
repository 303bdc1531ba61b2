"""Price-time priority, time in force, self-trade prevention, amends: what meets what, and when."""

from __future__ import annotations

from functools import partial

import pytest

from core.exchange.engine_events import BookChanged, Filled, OrderChanged, Traded, UpdateReason
from core.exchange.engine_types import EngineConfig
from core.exchange.records import (
    AmendRequest,
    CancelRequest,
    DecreaseRequest,
    OrderStatus,
    Outcome,
    Placed,
    SelfTradePrevention,
)
from core.units import SECOND, Nanos, Price, Quantity
from tests.contract.engine_bench import ASK, BID, CLOSES, FOK, IOC, TICKER, Bench, refused


@pytest.fixture
def bench() -> Bench:
    return Bench()


def amend(placed: Placed, price: int, total: int, **more: object) -> AmendRequest:
    return AmendRequest(
        order_id=placed.order_id,
        ticker=TICKER,
        side=BID,
        price=Price(price),
        total=Quantity(total),
        **more,  # type: ignore[arg-type]
    )


def test_better_prices_trade_first_then_older_orders(bench: Bench) -> None:
    for account, price, size in (
        ("ann", "0.50", "3"),
        ("ann", "0.48", "2"),
        ("bob", "0.48", "4"),
        ("ann", "0.48", "5"),
    ):
        bench.place(account, ASK, price, size)
    bench.engine.drain()
    assert bench.take(BID, "0.50", "12") == 1200
    makers = [(e.account, e.fill.price, e.fill.quantity) for e in bench.events(Filled)]
    assert makers == [
        ("ann", 4800, 200),
        ("bob", 4800, 400),
        ("ann", 4800, 500),
        ("ann", 5000, 100),
    ]


def test_trades_happen_at_the_resting_price(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "10")
    placed = bench.place("bob", ASK, "0.40", "10", time_in_force=IOC)
    assert bench.fills("bob") == [(4700, 1000)]
    assert placed.average_price == 4700


def test_the_average_price_is_the_yes_price_for_both_sides(bench: Bench) -> None:
    bench.show(BID, "0.60", "1")
    bench.show(BID, "0.50", "3")
    placed = bench.place("ann", ASK, "0.50", "4", time_in_force=IOC)
    assert placed.average_price == 5250


def test_a_limit_is_never_passed(bench: Bench) -> None:
    bench.show(ASK, "0.48", "5")
    bench.show(ASK, "0.49", "5")
    placed = bench.place("ann", BID, "0.48", "8")
    assert (placed.filled, placed.remaining) == (500, 300)
    assert bench.bids() == [(4800, 300)]


def test_each_chunk_of_a_queue_is_a_trade_of_its_own(bench: Bench) -> None:
    bench.place("ann", ASK, "0.48", "1")
    bench.show(ASK, "0.48", "2")
    bench.place("ann", ASK, "0.48", "4")
    bench.engine.drain()
    bench.place("bob", BID, "0.48", "5", time_in_force=IOC)
    traded = bench.events(Traded)
    assert [event.trade.quantity for event in traded] == [100, 200, 200]
    assert {event.trade.taker_side for event in traded} == {BID}


def test_taker_at_cross_stops_at_the_own_order_and_keeps_its_fills(bench: Bench) -> None:
    bench.place("bob", ASK, "0.47", "2")
    own = bench.place("ann", ASK, "0.48", "5")
    bench.place("bob", ASK, "0.49", "5")
    bench.engine.drain()
    placed = bench.place("ann", BID, "0.50", "9")
    last = [e for e in bench.events(OrderChanged) if e.order.order_id == placed.order_id][-1]
    assert (placed.filled, placed.remaining) == (200, 0)
    assert (last.order.status, last.reason) == (
        OrderStatus.CANCELED,
        UpdateReason.SELF_TRADE_CANCEL,
    )
    assert bench.status("ann", own) is OrderStatus.RESTING


def test_maker_prevention_cancels_the_own_order_and_trades_on(bench: Bench) -> None:
    own = bench.place("ann", ASK, "0.48", "5")
    bench.place("bob", ASK, "0.49", "5")
    placed = bench.place("ann", BID, "0.50", "9", self_trade_prevention=SelfTradePrevention.MAKER)
    assert bench.status("ann", own) is OrderStatus.CANCELED
    assert (placed.filled, placed.remaining) == (500, 400)


def test_a_killed_fill_or_kill_changes_nothing(bench: Bench) -> None:
    own = bench.place("ann", ASK, "0.48", "5")
    bench.show(ASK, "0.49", "3")
    before = bench.engine.book(TICKER)
    bench.engine.drain()
    kill = refused(
        lambda: bench.place(
            "ann",
            BID,
            "0.50",
            "4",
            time_in_force=FOK,
            self_trade_prevention=SelfTradePrevention.MAKER,
        )
    )
    assert kill == ("fill_or_kill_insufficient_resting_volume", 409)
    assert bench.engine.book(TICKER) == before
    assert bench.status("ann", own) is OrderStatus.RESTING
    assert bench.engine.drain() == ()


def test_a_fill_or_kill_that_can_fill_does(bench: Bench) -> None:
    bench.show(ASK, "0.48", "2")
    bench.show(ASK, "0.49", "2")
    assert bench.place("ann", BID, "0.49", "4", time_in_force=FOK).filled == 400


def test_reduce_only_is_cut_to_the_position_and_says_so(bench: Bench) -> None:
    bench.show(ASK, "0.50", "5")
    bench.place("ann", BID, "0.50", "5", time_in_force=IOC)
    bench.show(BID, "0.48", "50")
    bench.engine.drain()
    placed = bench.place("ann", ASK, "0.48", "20", time_in_force=IOC, reduce_only=True)
    last = bench.events(OrderChanged)[-1]
    assert (placed.filled, bench.position("ann")) == (500, 0)
    assert (last.order.initial, last.reason) == (2000, UpdateReason.REDUCE_ONLY_CANCEL)


def test_reduce_only_without_a_position_does_nothing(bench: Bench) -> None:
    bench.show(BID, "0.48", "50")
    placed = bench.place("ann", ASK, "0.48", "20", time_in_force=IOC, reduce_only=True)
    assert (placed.filled, bench.status("ann", placed)) == (0, OrderStatus.CANCELED)


def test_a_smaller_amend_keeps_its_place(bench: Bench) -> None:
    first = bench.place("ann", BID, "0.47", "5")
    bench.place("bob", BID, "0.47", "5")
    bench.engine.amend_order("ann", amend(first, 4700, 300), bench.now)
    bench.take(ASK, "0.47", "3")
    assert bench.fills("ann") == [(4700, 300)]
    assert bench.fills("bob") == []


@pytest.mark.parametrize("total", [500, 600])
def test_a_larger_amend_or_another_price_goes_to_the_back(bench: Bench, total: int) -> None:
    price = 4700 if total > 500 else 4600
    first = bench.place("ann", BID, "0.47" if price == 4700 else "0.45", "5")
    bench.place("bob", BID, "0.47" if price == 4700 else "0.46", "5")
    bench.engine.amend_order("ann", amend(first, price, total), bench.now)
    bench.take(ASK, "0.40", "5")
    assert bench.fills("bob") == [(price, 500)]
    assert bench.fills("ann") == []


def test_an_amend_of_the_expiry_alone_keeps_its_place(bench: Bench) -> None:
    expires = Nanos(bench.now + 10 * SECOND)
    first = bench.place("ann", BID, "0.47", "5", expires=expires)
    bench.place("bob", BID, "0.47", "5")
    bench.engine.amend_order("ann", amend(first, 4700, 500, expires=Nanos(0)), bench.now)
    bench.pass_time(20)
    bench.take(ASK, "0.47", "5")
    assert bench.fills("ann") == [(4700, 500)]


def test_an_amend_may_cross_and_fill(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.45", "10")
    bench.show(ASK, "0.48", "4")
    amended = bench.engine.amend_order("ann", amend(placed, 4800, 1000), bench.now)
    assert (amended.filled, amended.remaining) == (400, 600)
    assert bench.bids() == [(4800, 600)]


def test_a_post_only_order_amended_across_is_cancelled(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.45", "10", post_only=True)
    bench.show(ASK, "0.48", "4")
    bench.engine.drain()
    bench.engine.amend_order("ann", amend(placed, 4800, 1000), bench.now)
    changed = bench.events(OrderChanged)[-1]
    assert changed.reason is UpdateReason.POST_ONLY_CROSS_CANCEL
    assert bench.fills("ann") == []


def test_an_amend_can_rename_and_burns_both_names(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.45", "10", client_order_id="one")
    request = amend(placed, 4500, 900, client_order_id="one", updated_client_order_id="two")
    assert bench.engine.amend_order("ann", request, bench.now).client_order_id == "two"
    for name in ("one", "two"):
        again = bench.request(BID, "0.45", "1", client_order_id=name)
        assert refused(partial(bench.engine.create_order, "ann", again, bench.now)) == (
            "order_already_exists",
            409,
        )


def test_a_decrease_keeps_the_place_and_down_to_nothing_cancels(bench: Bench) -> None:
    first = bench.place("ann", BID, "0.47", "5")
    bench.place("bob", BID, "0.47", "5")
    by_one = DecreaseRequest(order_id=first.order_id, ticker=TICKER, reduce_by=Quantity(100))
    assert bench.engine.decrease_order("ann", by_one, bench.now).remaining == 400
    assert bench.engine.queue_ahead("ann", first.order_id) == 0
    to_nothing = DecreaseRequest(order_id=first.order_id, ticker=TICKER, reduce_to=Quantity(0))
    assert bench.engine.decrease_order("ann", to_nothing, bench.now).remaining == 0
    assert bench.status("ann", first) is OrderStatus.CANCELED
    assert bench.bids() == [(4700, 500)]


def test_an_order_expires_at_its_own_time(bench: Bench) -> None:
    expires = Nanos(bench.now + 5 * SECOND)
    placed = bench.place("ann", BID, "0.47", "5", expires=expires)
    bench.engine.drain()
    bench.pass_time(3600)
    row = bench.engine.order("ann", placed.order_id)
    assert (row.status, row.updated) == (OrderStatus.CANCELED, expires)
    reasons = [event.reason for event in bench.events(OrderChanged)]
    assert reasons == [UpdateReason.EXPIRY_CANCEL]


def test_a_partly_filled_order_that_is_cancelled_keeps_its_fills(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.47", "10")
    bench.take(ASK, "0.47", "4")
    request = CancelRequest(order_id=placed.order_id, ticker=TICKER)
    assert bench.engine.cancel_order("ann", request, bench.now).reduced_by == 600
    row = bench.engine.order("ann", placed.order_id)
    assert (row.status, row.filled, row.remaining) == (OrderStatus.CANCELED, 400, 0)


def test_every_change_of_a_level_is_told_in_its_own_legs_price(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "10", client_order_id="mine")
    bench.place("bob", ASK, "0.60", "2")
    bench.show(ASK, "0.955", "7")
    changes = [(e.leg, e.price, e.delta, e.client_order_id) for e in bench.events(BookChanged)]
    assert changes[0] == (Outcome.YES, 4700, 1000, "mine")
    assert changes[1][:3] == (Outcome.NO, 4000, 200)
    assert changes[2] == (Outcome.NO, 450, 700, "")


def test_the_changes_told_add_up_to_the_book(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "10")
    bench.show(BID, "0.47", "3")
    bench.show(ASK, "0.50", "8")
    bench.place("bob", ASK, "0.45", "11", time_in_force=IOC)
    bench.place("bob", BID, "0.50", "9")
    bench.move(BID, "0.47", "-2")
    built: dict[tuple[Outcome, int], int] = {}
    for event in bench.events(BookChanged):
        key = event.leg, event.price
        built[key] = built.get(key, 0) + event.delta
    book = bench.engine.book(TICKER)
    assert {k: v for k, v in built.items() if v} == {
        **{(Outcome.YES, price): size for price, size in book.yes},
        **{(Outcome.NO, price): size for price, size in book.no},
    }


def test_the_clock_of_a_market_grows_with_every_change(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "10")
    bench.show(ASK, "0.50", "8")
    bench.place("ann", BID, "0.50", "10", time_in_force=IOC)
    clocks = [event.clock for event in bench.events(BookChanged)]
    assert clocks == sorted(set(clocks))
    assert bench.engine.book(TICKER).clock == clocks[-1]


def test_fills_are_told_maker_first_with_the_position_after() -> None:
    bench = Bench(EngineConfig(seed=3))
    bench.place("ann", BID, "0.47", "10", client_order_id="m")
    bench.engine.drain()
    bench.place("bob", ASK, "0.47", "4", client_order_id="t", time_in_force=IOC)
    maker, taker = bench.events(Filled)
    assert (maker.account, maker.client_order_id, maker.post_position) == ("ann", "m", 400)
    assert (taker.account, taker.client_order_id, taker.post_position) == ("bob", "t", -400)
    assert (maker.outcome, taker.outcome) == (Outcome.YES, Outcome.NO)
    assert maker.fill.trade_id == taker.fill.trade_id
    assert (maker.fill.is_taker, taker.fill.is_taker) == (False, True)


def test_nothing_trades_at_or_after_the_close(bench: Bench) -> None:
    bench.place("ann", BID, "0.47", "10")
    bench.now = CLOSES
    assert bench.take(ASK, "0.40", "10") == 0
    assert bench.fills("ann") == []
