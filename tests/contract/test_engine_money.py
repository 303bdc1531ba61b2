"""Cash, reservations, netting, fees: nothing is lost, nothing appears."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.exchange.engine_events import BalanceChanged, OrderChanged, PositionChanged, UpdateReason
from core.exchange.engine_types import SOL_15M
from core.exchange.listing import FeeType, PriceRange
from core.exchange.port import Rejected
from core.exchange.records import (
    AmendRequest,
    CancelRequest,
    OrderStatus,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from core.units import DOLLAR_PRICE, ONE_DOLLAR, Money, Price, Quantity, format_price
from tests.contract.engine_bench import ASK, BID, CASH, IOC, TICKER, Bench, refused


@pytest.fixture
def bench() -> Bench:
    return Bench()


# --- single facts


def test_a_bid_reserves_its_cost_and_the_worst_fee_until_it_goes(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.50", "100")
    assert bench.spendable("ann") == CASH - 50_000_000 - 1_750_000
    bench.engine.cancel_order("ann", CancelRequest(order_id=placed.order_id, shard=2), bench.now)
    assert bench.spendable("ann") == CASH


def test_an_ask_without_yes_reserves_the_no_leg(bench: Bench) -> None:
    bench.place("ann", ASK, "0.90", "100")
    assert bench.spendable("ann") == CASH - 10_000_000 - 630_000


def test_resting_on_both_sides_reserves_twice(bench: Bench) -> None:
    bench.place("ann", BID, "0.40", "100")
    bench.place("ann", ASK, "0.60", "100")
    assert bench.engine.books("ann").reserved == 2 * (40_000_000 + 1_680_000)


def test_a_closing_order_reserves_nothing_for_what_it_covers(bench: Bench) -> None:
    bench.show(ASK, "0.50", "10")
    bench.place("ann", BID, "0.50", "10", time_in_force=IOC)
    before = bench.spendable("ann")
    bench.place("ann", ASK, "0.70", "10")
    assert bench.spendable("ann") == before
    bench.place("ann", ASK, "0.80", "10")
    assert bench.spendable("ann") == before - 2_000_000 - 112_000


def test_the_last_dollar_can_be_spent_and_not_more(bench: Bench) -> None:
    bench.engine.deposit("ann", 2, Money(51_750_000 - CASH), bench.now)
    bench.show(ASK, "0.50", "101")
    too_much = refused(lambda: bench.place("ann", BID, "0.50", "100.01", time_in_force=IOC))
    assert too_much == ("insufficient_balance", 400)
    assert bench.place("ann", BID, "0.50", "100", time_in_force=IOC).filled == 10_000
    assert bench.spendable("ann") == 0


def test_an_order_must_be_covered_at_its_limit_even_if_it_would_trade_better(
    bench: Bench,
) -> None:
    bench.engine.deposit("ann", 2, Money(30 * ONE_DOLLAR - CASH), bench.now)
    bench.show(ASK, "0.10", "100")
    assert refused(lambda: bench.place("ann", BID, "0.90", "100")) == ("insufficient_balance", 400)
    assert bench.place("ann", BID, "0.12", "100").filled == 10_000


def test_one_order_closes_and_flips(bench: Bench) -> None:
    bench.show(ASK, "0.40", "10")
    bench.place("ann", BID, "0.40", "10", time_in_force=IOC)
    bench.show(BID, "0.60", "25")
    bench.place("ann", ASK, "0.60", "25", time_in_force=IOC)
    (position,) = bench.engine.positions("ann")
    assert (position.quantity, position.cost, position.realized) == (-1_500, 6_000_000, 2_000_000)
    fees = 168_000 + 420_000
    assert position.fees == fees
    assert bench.cash("ann") == bench.engine.books("ann").deposits - 4_000_000 + 6_000_000 - (
        6_000_000 + fees
    )


def test_buying_no_against_yes_is_selling_yes(bench: Bench) -> None:
    bench.show(ASK, "0.30", "10")
    bench.place("ann", BID, "0.30", "10", time_in_force=IOC)
    bench.place("bob", BID, "0.45", "10")
    bench.place("ann", ASK, "0.45", "10", time_in_force=IOC)  # NO at 0.55
    (position,) = bench.engine.positions("ann")
    assert (position.quantity, position.cost, position.realized) == (0, 0, 1_500_000)


def test_cost_is_average_cost(bench: Bench) -> None:
    bench.show(ASK, "0.40", "10")
    bench.place("ann", BID, "0.40", "10", time_in_force=IOC)
    bench.show(ASK, "0.60", "10")
    bench.place("ann", BID, "0.60", "10", time_in_force=IOC)
    bench.show(BID, "0.55", "5")
    bench.place("ann", ASK, "0.55", "5", time_in_force=IOC)
    (position,) = bench.engine.positions("ann")
    assert (position.quantity, position.cost, position.realized) == (1_500, 7_500_000, 250_000)
    assert position.traded == 10_000_000


@pytest.mark.parametrize(
    ("price", "size", "side", "fee"),
    [
        ("0.50", "1", BID, 17_500),
        ("0.50", "100", BID, 1_750_000),
        ("0.47", "25", BID, 436_000),
        ("0.031", "10", BID, 21_100),
        ("0.21", "20", ASK, 232_300),
        ("0.99", "1", BID, 700),
        ("0.463", "2.37", BID, 41_390),
        ("0.944", "0.99", BID, 3_740),
        ("0.943", "0.01", BID, 170),
    ],
)
def test_taker_fees_are_those_of_the_fact_sheet(
    price: str, size: str, side: Side, fee: int
) -> None:
    fine = msgspec.structs.replace(SOL_15M, price_ranges=_deci_cent())
    bench = Bench(series=fine)
    bench.show(ASK if side is BID else BID, price, size)
    bench.place("ann", side, price, size, time_in_force=IOC)
    assert bench.engine.fills("ann")[0].fee == fee


def test_a_maker_pays_only_where_the_series_says_so() -> None:
    plain = Bench()
    charged = Bench(
        series=msgspec.structs.replace(SOL_15M, fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)
    )
    for bench in (plain, charged):
        bench.place("ann", BID, "0.50", "100")
        bench.take(ASK, "0.50", "100")
    assert plain.engine.fills("ann")[0].fee == 0
    assert charged.engine.fills("ann")[0].fee == 437_500


def test_withdrawn_cash_cancels_the_newest_orders_first(bench: Bench) -> None:
    old = bench.place("ann", BID, "0.50", "100")
    new = bench.place("ann", BID, "0.40", "100")
    bench.engine.drain()
    bench.engine.deposit("ann", 2, Money(60 * ONE_DOLLAR - CASH), bench.now)
    changed = bench.events(OrderChanged)
    assert [event.reason for event in changed] == [UpdateReason.MARGIN_CANCEL]
    assert bench.status("ann", new) is OrderStatus.CANCELED
    assert bench.status("ann", old) is OrderStatus.RESTING


def test_balance_and_position_are_told_after_a_match(bench: Bench) -> None:
    bench.place("ann", BID, "0.50", "10")
    bench.engine.drain()
    bench.place("bob", ASK, "0.50", "10", time_in_force=IOC)
    events = bench.engine.drain()
    balances = {e.account: e.balance for e in events if isinstance(e, BalanceChanged)}
    positions = {e.account: e.position for e in events if isinstance(e, PositionChanged)}
    for name in ("ann", "bob"):
        assert balances[name] == bench.engine.balance(name)
        assert (positions[name],) == bench.engine.positions(name)


def test_held_contracts_are_valued_at_the_middle_of_the_book(bench: Bench) -> None:
    bench.show(ASK, "0.50", "10")
    bench.place("ann", BID, "0.50", "10", time_in_force=IOC)
    bench.engine.replace_outside(
        TICKER, [(Price(5600), Quantity(1))], [(Price(6000), Quantity(1))], bench.now
    )
    assert bench.engine.balance("ann").portfolio_value == 5_800_000


# --- for all sequences of orders


class Step(NamedTuple):
    """Something that one of three accounts does."""

    account: str
    side: Side
    price: Price
    quantity: Quantity
    time_in_force: TimeInForce
    what: str


GRID = [30, 4_800, 4_900, 5_000, 5_100, 9_970]
"""Few prices, so that orders meet."""
STEPS = st.lists(
    st.builds(
        Step,
        account=st.sampled_from(["ann", "bob", "cat"]),
        side=st.sampled_from([BID, ASK]),
        price=st.sampled_from(GRID).map(Price),
        quantity=st.integers(1, 3_000).map(Quantity),
        time_in_force=st.sampled_from(list(TimeInForce)),
        what=st.sampled_from(["place"] * 8 + ["cancel", "amend"]),
    ),
    min_size=10,
    max_size=40,
)


def play(bench: Bench, step: Step) -> None:
    """Do it, or be refused."""
    resting = bench.engine.orders(step.account, status=OrderStatus.RESTING)
    try:
        if step.what == "place":
            bench.place(
                step.account,
                step.side,
                format_price(step.price),
                f"{step.quantity / 100:.2f}",
                time_in_force=step.time_in_force,
                self_trade_prevention=SelfTradePrevention.MAKER,
            )
        elif resting and step.what == "cancel":
            request = CancelRequest(order_id=resting[0].order_id, shard=2)
            bench.engine.cancel_order(step.account, request, bench.now)
        elif resting:
            amended = AmendRequest(
                order_id=resting[0].order_id,
                ticker=TICKER,
                side=resting[0].side,
                price=step.price,
                total=step.quantity,
            )
            bench.engine.amend_order(step.account, amended, bench.now)
    except Rejected:
        pass


def three() -> Bench:
    """Three accounts without much money, so that funds decide often."""
    bench = Bench()
    for name in ("ann", "bob"):
        bench.engine.deposit(name, 2, Money(25 * ONE_DOLLAR - CASH), bench.now)
    bench.engine.open_account("cat", {2: Money(10 * ONE_DOLLAR)}, bench.now)
    return bench


def total_money(bench: Bench) -> int:
    """All cash, all fees, and the dollar that each matched pair of contracts is worth."""
    books = [bench.engine.books(name) for name in bench.engine.accounts()]
    longs = sum(q for b in books for _, q in b.positions if q > 0)
    return sum(b.cash + b.fees for b in books) + longs * DOLLAR_PRICE


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_money_is_conserved_and_positions_cancel_out(steps: list[Step]) -> None:
    bench = three()
    before = total_money(bench)
    for step in steps:
        play(bench, step)
        books = [bench.engine.books(name) for name in bench.engine.accounts()]
        assert total_money(bench) == before
        assert sum(q for b in books for _, q in b.positions) == 0


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_reservations_cover_every_fill(steps: list[Step]) -> None:
    bench = three()
    for step in steps:
        play(bench, step)
        for name in bench.engine.accounts():
            assert bench.spendable(name) >= 0
    reasons = {event.reason for event in bench.events(OrderChanged)}
    assert UpdateReason.MARGIN_CANCEL not in reasons


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_what_is_reserved_ends_with_what_rests(steps: list[Step]) -> None:
    bench = three()
    for step in steps:
        play(bench, step)
    for name in bench.engine.accounts():
        bench.engine.cancel_all_orders(name, bench.now)
        books = bench.engine.books(name)
        assert (books.reserved, bench.spendable(name)) == (
            0,
            books.cash - (0 if name == "cat" else 50 * ONE_DOLLAR),
        )
    assert bench.engine.book(TICKER).yes == bench.engine.book(TICKER).no == ()


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_profit_is_what_cash_and_cost_say(steps: list[Step]) -> None:
    bench = three()
    for step in steps:
        play(bench, step)
    for name in bench.engine.accounts():
        books = bench.engine.books(name)
        positions = bench.engine.positions(name)
        realized = sum(position.realized for position in positions)
        assert books.pnl == realized - books.fees
        assert books.fees == sum(fill.fee for fill in bench.engine.fills(name))
        assert books.open_cost == sum(position.cost for position in positions)


@settings(max_examples=80, deadline=None)
@given(STEPS, st.sampled_from([117.0, 118.0, 119.0]))
def test_settlement_pays_each_pair_one_dollar_once(steps: list[Step], value: float) -> None:
    bench = three()
    before = total_money(bench)
    for step in steps:
        play(bench, step)
    realized = {
        name: sum(position.realized for position in bench.engine.positions(name))
        for name in bench.engine.accounts()
    }
    bench.settle(value)
    books = [bench.engine.books(name) for name in bench.engine.accounts()]
    assert sum(b.cash + b.fees for b in books) == before
    assert all(b.positions == () and b.reserved == 0 for b in books)
    for b in books:
        rows = bench.engine.settlements(b.account)
        paid = sum(row.revenue - row.yes_cost - row.no_cost for row in rows)
        assert b.pnl == realized[b.account] + paid - sum(row.fees for row in rows)


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_orders_add_up(steps: list[Step]) -> None:
    bench = three()
    for step in steps:
        play(bench, step)
    for name in bench.engine.accounts():
        for row in bench.engine.orders(name):
            fills = bench.engine.fills(name, order_id=row.order_id)
            assert row.filled == sum(fill.quantity for fill in fills)
            assert row.taker_fees + row.maker_fees == sum(fill.fee for fill in fills)
            assert (row.status is OrderStatus.RESTING) == (row.remaining > 0)
            if row.status is OrderStatus.EXECUTED:
                assert row.filled == row.initial
            if row.status is OrderStatus.RESTING:
                assert row.filled + row.remaining == row.initial


def _deci_cent() -> tuple[PriceRange, ...]:
    """A grid of $0.001 throughout."""
    (tail, _, _) = SOL_15M.price_ranges
    return (msgspec.structs.replace(tail, end=Price(10_000)),)
