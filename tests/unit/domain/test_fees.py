"""Fees to the last digit, against recorded fills and against their own properties."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.fees import (
    VERSION_A,
    VERSION_B,
    FeeTerms,
    OrderFees,
    UnknownFee,
    fee_bound,
    fill_fee,
    trade_fee,
)
from core.exchange.listing import FeeType
from core.units import (
    FEE_UNIT,
    ONE_CENT,
    ONE_CONTRACT,
    Money,
    Price,
    Quantity,
    complement,
    notional,
    parse_money,
    parse_price,
    parse_quantity,
)

if TYPE_CHECKING:
    from pathlib import Path

TERMS_A = FeeTerms()
TERMS_B = FeeTerms(trade_unit=VERSION_B)
CENTS = FeeTerms(account_unit=ONE_CENT)
PRICES = st.integers(1, 9_999).map(Price)
QUANTITIES = st.integers(1, 500_000).map(Quantity)
WHOLE = st.integers(1, 5_000).map(lambda n: Quantity(n * ONE_CONTRACT))
TERMS = st.builds(
    FeeTerms,
    fee_type=st.sampled_from([kind for kind in FeeType if kind is not FeeType.FLAT]),
    multiplier_bps=st.integers(0, 30_000),
    trade_unit=st.sampled_from([VERSION_A, VERSION_B]),
    account_unit=st.sampled_from([FEE_UNIT, ONE_CENT]),
)


@pytest.mark.parametrize(
    ("count", "price", "fee_a", "fee_b"),
    [
        ("1", "0.50", "0.0175", "0.0175"),
        ("100", "0.50", "1.7500", "1.7500"),
        ("25", "0.47", "0.4360", "0.4360"),
        ("10", "0.031", "0.0211", "0.0211"),
        ("20", "0.79", "0.2323", "0.2323"),
        ("1", "0.99", "0.0007", "0.0007"),
        ("2.37", "0.463", "0.04139", "0.04129"),
        ("0.99", "0.944", "0.00374", "0.00374"),
        ("0.01", "0.943", "0.00017", "0.00007"),
    ],
)
def test_the_published_table(count: str, price: str, fee_a: str, fee_b: str) -> None:
    quantity, own = parse_quantity(count), parse_price(price)

    assert fill_fee(TERMS_A, own, quantity, is_taker=True) == parse_money(fee_a)
    assert fill_fee(TERMS_B, own, quantity, is_taker=True) == parse_money(fee_b)


@pytest.mark.parametrize(
    ("fee_type", "fee"),
    [
        (FeeType.QUADRATIC, "0"),
        (FeeType.QUADRATIC_WITH_MAKER_FEES, "0.4375"),
        (FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, "0.8750"),
    ],
)
def test_makers_pay_the_share_of_their_series(fee_type: FeeType, fee: str) -> None:
    terms = FeeTerms(fee_type=fee_type)

    assert fill_fee(terms, Price(5_000), Quantity(10_000), is_taker=False) == parse_money(fee)


def test_the_multiplier_scales_the_raw_fee() -> None:
    half = FeeTerms(multiplier_bps=5_000)

    assert fill_fee(half, Price(5_000), Quantity(10_000), is_taker=True) == parse_money("0.8750")
    assert fill_fee(half, Price(5_000), Quantity(100), is_taker=True) == parse_money("0.0088")


def test_a_flat_schedule_is_refused() -> None:
    with pytest.raises(UnknownFee, match="flat"):
        fill_fee(FeeTerms(fee_type=FeeType.FLAT), Price(5_000), ONE_CONTRACT, is_taker=True)


@given(terms=TERMS, price=PRICES, quantity=QUANTITIES, is_taker=st.booleans())
def test_a_fee_is_never_negative_and_never_below_the_trade_fee(
    terms: FeeTerms, price: Price, quantity: Quantity, *, is_taker: bool
) -> None:
    fee = fill_fee(terms, price, quantity, is_taker=is_taker)
    trade = trade_fee(terms, price, quantity, is_taker=is_taker)

    assert 0 <= trade <= fee < trade + terms.account_unit
    assert (notional(price, quantity) + fee) % terms.account_unit == 0


@given(terms=TERMS, price=PRICES, quantity=QUANTITIES, is_taker=st.booleans())
def test_the_trade_fee_is_the_same_for_either_leg(
    terms: FeeTerms, price: Price, quantity: Quantity, *, is_taker: bool
) -> None:
    other = trade_fee(terms, complement(price), quantity, is_taker=is_taker)

    assert trade_fee(terms, price, quantity, is_taker=is_taker) == other


@given(PRICES, WHOLE)
def test_the_whole_fee_is_the_same_for_either_leg_of_whole_contracts(
    price: Price, quantity: Quantity
) -> None:
    fee = fill_fee(TERMS_A, price, quantity, is_taker=True)

    assert fee == fill_fee(TERMS_A, complement(price), quantity, is_taker=True)
    assert fee == trade_fee(TERMS_A, price, quantity, is_taker=True)


@given(TERMS, PRICES, QUANTITIES, st.integers(0, 1_000))
def test_the_trade_fee_grows_with_quantity(
    terms: FeeTerms, price: Price, quantity: Quantity, more: int
) -> None:
    larger = trade_fee(terms, price, Quantity(quantity + more), is_taker=True)

    assert trade_fee(terms, price, quantity, is_taker=True) <= larger


@given(TERMS, st.integers(1, 4_999), QUANTITIES)
def test_the_trade_fee_grows_towards_fifty_cents(
    terms: FeeTerms, price: int, quantity: Quantity
) -> None:
    nearer = trade_fee(terms, Price(price + 1), quantity, is_taker=True)

    assert trade_fee(terms, Price(price), quantity, is_taker=True) <= nearer


@given(PRICES, st.lists(WHOLE, min_size=1, max_size=8))
def test_splitting_an_order_never_makes_it_cheaper(price: Price, parts: list[Quantity]) -> None:
    whole = fill_fee(TERMS_A, price, Quantity(sum(parts)), is_taker=True)
    split = sum(fill_fee(TERMS_A, price, part, is_taker=True) for part in parts)

    assert whole <= split < whole + len(parts) * FEE_UNIT


FILLS = st.lists(st.tuples(PRICES, QUANTITIES, st.booleans()), min_size=1, max_size=12)


@given(TERMS, FILLS)
def test_the_bound_covers_every_split_at_the_limit_or_better(
    terms: FeeTerms, fills: list[tuple[Price, Quantity, bool]]
) -> None:
    limit = max(price for price, _, _ in fills)
    total = Quantity(sum(quantity for _, quantity, _ in fills))
    paid = sum(fill_fee(terms, price, size, is_taker=taker) for price, size, taker in fills)

    assert paid <= fee_bound(terms, limit, total, fills=len(fills))
    assert fee_bound(terms, limit, total, fills=len(fills)) <= fee_bound(terms, limit, total)


@given(TERMS, PRICES, st.integers(1, 200))
def test_the_unlimited_bound_covers_dust(terms: FeeTerms, limit: Price, dust: int) -> None:
    paid = dust * fill_fee(terms, limit, Quantity(1), is_taker=True)

    assert paid <= fee_bound(terms, limit, Quantity(dust))


def test_the_bound_of_one_fill_is_close() -> None:
    fee = fill_fee(TERMS_A, Price(4_700), Quantity(2_500), is_taker=True)

    assert fee <= fee_bound(TERMS_A, Price(4_700), Quantity(2_500), fills=1) <= fee + 2 * FEE_UNIT


@given(TERMS, FILLS)
def test_rebates_leave_rounding_below_one_unit_or_the_fee_below_it(
    terms: FeeTerms, fills: list[tuple[Price, Quantity, bool]]
) -> None:
    fees = OrderFees()
    for price, quantity, is_taker in fills:
        trade = trade_fee(terms, price, quantity, is_taker=is_taker)
        cost = notional(price, quantity)

        fee = fees.next_fee(terms, trade, cost)
        fees = fees.add(trade, fee)

        assert 0 <= fee <= fill_fee(terms, price, quantity, is_taker=is_taker)
        assert (cost + fee) % terms.account_unit == 0
        assert fees.rounding >= 0
        assert fees.rounding < terms.account_unit or fee < terms.account_unit


Row = dict[str, Any]


def own_leg(row: Row, leg: str) -> tuple[Price, Quantity]:
    """Price of the leg acquired, and quantity, of a recorded fill."""
    yes = Price(round(row["yes_price"] * 10_000))
    return yes if row[leg] == "yes" else complement(yes), Quantity(round(row["count"] * 100))


def charged(row: Row) -> Money:
    return Money(round(row["fee"] * 1_000_000))


def test_all_recorded_fills_of_2026_july_are_exact(recorded: Path) -> None:
    rows = pq.read_table(recorded / "own_fills_fee_sample.parquet").to_pylist()

    wrong = [
        row
        for row in rows
        if fill_fee(TERMS_A, *own_leg(row, "outcome_side"), is_taker=row["is_taker"])
        != charged(row)
    ]

    assert len(rows) == 2_002
    assert wrong == []


def test_recorded_fills_in_cents_are_exact_but_for_seven_rebates(recorded: Path) -> None:
    rows = pq.read_table(recorded / "own_fills_fee_sample_may2026.parquet").to_pylist()

    excess = [
        fill_fee(CENTS, *own_leg(row, "side"), is_taker=row["is_taker"]) - charged(row)
        for row in rows
    ]

    assert len(rows) == 316
    assert excess.count(0) == 309
    assert excess.count(ONE_CENT) == 7


def test_the_rebate_account_explains_every_recorded_fill_in_cents(recorded: Path) -> None:
    """Fills of one order and millisecond have no recorded order: some order must fit."""
    orders = defaultdict(list)
    for row in pq.read_table(recorded / "own_fills_fee_sample_may2026.parquet").to_pylist():
        orders[row["order_no"]].append(row)

    unexplained = [
        number
        for number, rows in orders.items()
        if not any(_charges(list(order)) for order in permutations(rows))
    ]

    assert max(len({row["created_ms"] for row in rows}) for rows in orders.values()) == 1
    assert unexplained == []


def _charges(rows: list[Row]) -> bool:
    """Whether the rebate account charges these fills, in this order, what was charged."""
    fees = OrderFees()
    for row in rows:
        price, quantity = own_leg(row, "side")
        trade = trade_fee(CENTS, price, quantity, is_taker=row["is_taker"])
        if fees.next_fee(CENTS, trade, notional(price, quantity)) != charged(row):
            return False
        fees = fees.add(trade, charged(row))
    return True
