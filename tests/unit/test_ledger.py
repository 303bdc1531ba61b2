"""The ledger: money is conserved, whatever the order of events, and nothing is booked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.domain.ledger import Ledger, LedgerError
from core.domain.positions import payout
from core.exchange.records import Outcome, Side
from core.units import DOLLAR_PRICE, Money, Price, Quantity
from tests.builders import NOW, TICKER, approved, capital, contracts, filled, money

if TYPE_CHECKING:
    from random import Random


def ledger_with(*events: m.Message, cash: float = 10_000) -> Ledger:
    ledger = Ledger()
    for event in (capital(cash), *events):
        ledger.apply(event)
    return ledger


def settled(quantity: int, result: Outcome, number: int = 0) -> m.PositionSettled:
    return m.PositionSettled(
        ticker=TICKER,
        number=number,
        result=result,
        quantity=Quantity(quantity),
        payout=payout(Quantity(quantity), result),
        ts=NOW,
    )


def test_a_buy_costs_price_and_fee() -> None:
    ledger = ledger_with(filled())
    assert ledger.cash == money(10_000 - 12 - 0.4368)
    assert ledger.position(TICKER).quantity == contracts(25)
    assert ledger.position(TICKER).cost == money(12)
    assert ledger.fees == money(0.4368)
    assert ledger.realized == 0


def test_buying_no_costs_the_other_leg() -> None:
    ledger = ledger_with(filled(side=Side.ASK, price=Price(7000), fee=Money(0)))
    assert ledger.cash == money(10_000 - 25 * 0.30)
    assert ledger.position(TICKER).quantity == -contracts(25)


def test_the_opposite_leg_nets_at_average_cost() -> None:
    ledger = ledger_with(
        filled("f1", price=Price(4000), fee=Money(0)),
        filled("f2", price=Price(6000), fee=Money(0)),
        filled("f3", side=Side.ASK, price=Price(7000), fee=Money(0)),
    )
    assert ledger.position(TICKER).quantity == contracts(25)
    assert ledger.position(TICKER).cost == money(25 * 0.50)
    assert ledger.realized == money(25 * (0.70 - 0.50))


def test_one_order_can_close_and_flip() -> None:
    ledger = ledger_with(
        filled("f1", quantity=contracts(10), price=Price(5000), fee=Money(0)),
        filled("f2", side=Side.ASK, quantity=contracts(25), price=Price(6000), fee=Money(0)),
    )
    assert ledger.position(TICKER).quantity == -contracts(15)
    assert ledger.position(TICKER).cost == money(15 * 0.40)
    assert ledger.realized == money(10 * 0.10)
    assert ledger.cash == money(10_000 - 5 + 6 - 6)


def test_a_trade_is_booked_once() -> None:
    ledger = ledger_with(filled(), filled())
    assert ledger.fills == 1
    assert ledger.position(TICKER).quantity == contracts(25)


def test_a_reservation_shrinks_with_fills_and_ends_with_the_order() -> None:
    ledger = ledger_with(approved(), filled(quantity=contracts(10)))
    assert ledger.reserved == money(13 * 15 / 25)
    ledger.apply(m.OrderClosed(order_id="t-1", reason="canceled", filled=contracts(10), ts=NOW))
    assert ledger.reserved == 0


def test_a_fill_before_any_capital_is_refused_and_changes_nothing() -> None:
    ledger = Ledger()
    with pytest.raises(LedgerError, match="before any capital"):
        ledger.apply(filled())
    assert ledger.positions == {}
    assert ledger.fills == 0


def test_a_settlement_of_another_quantity_is_refused() -> None:
    ledger = ledger_with(filled())
    with pytest.raises(LedgerError, match="settles"):
        ledger.apply(settled(contracts(24), Outcome.YES))


def test_settling_twice_pays_once() -> None:
    event = settled(contracts(25), Outcome.YES)
    ledger = ledger_with(filled(), event, event)
    assert ledger.cash == money(10_000 - 12 - 0.4368 + 25)
    assert ledger.settled == 1


def test_a_fill_after_the_settlement_is_settled_by_a_second_one() -> None:
    ledger = ledger_with(
        filled(),
        settled(contracts(25), Outcome.YES),
        filled("late", quantity=contracts(5), fee=Money(0)),
        settled(contracts(5), Outcome.YES, number=1),
    )
    assert ledger.cash == money(10_000 - 12 - 0.4368 + 25 - 2.4 + 5)
    assert ledger.positions == {}


FILLS = st.lists(
    st.builds(
        lambda side, price, quantity, fee: (
            side,
            Price(price * 10),
            Quantity(quantity),
            Money(fee),
        ),
        st.sampled_from(Side),
        st.integers(1, 999),
        st.integers(1, 100_000),
        st.integers(0, 2_000_000),
    ),
    max_size=30,
)


@given(FILLS, st.sampled_from(Outcome))
def test_cash_after_settlement_is_what_the_trades_and_the_result_say(
    fills: list[tuple[Side, Price, Quantity, Money]], result: Outcome
) -> None:
    """Whatever the netting: buying YES at p pays 1 or 0 for p, buying NO the mirror of it."""
    ledger = ledger_with(cash=0)
    expected = 0
    for number, (side, price, quantity, fee) in enumerate(fills):
        ledger.apply(filled(str(number), side=side, price=price, quantity=quantity, fee=fee))
        worth = DOLLAR_PRICE if result is Outcome.YES else 0
        gain = worth - price if side is Side.BID else price - worth
        expected += gain * quantity - fee
    held = ledger.position(TICKER).quantity
    if ledger.positions:
        ledger.apply(settled(held, result))
    assert ledger.cash == expected
    assert ledger.realized - ledger.fees == expected


@given(FILLS)
def test_cost_is_zero_exactly_when_flat_and_never_above_a_dollar_a_contract(
    fills: list[tuple[Side, Price, Quantity, Money]],
) -> None:
    ledger = ledger_with(cash=0)
    for number, (side, price, quantity, fee) in enumerate(fills):
        ledger.apply(filled(str(number), side=side, price=price, quantity=quantity, fee=fee))
        held = ledger.position(TICKER)
        assert 0 <= held.cost <= abs(held.quantity) * DOLLAR_PRICE
        assert held.quantity != 0 or held.cost == 0


@given(FILLS, st.randoms(use_true_random=False))
def test_a_replay_with_repeats_gives_the_same_books(
    fills: list[tuple[Side, Price, Quantity, Money]], random: Random
) -> None:
    events = [
        filled(str(number), side=side, price=price, quantity=quantity, fee=fee)
        for number, (side, price, quantity, fee) in enumerate(fills)
    ]
    repeated = [event for event in events for _ in range(random.randint(1, 3))]
    once, again = ledger_with(*events), ledger_with(*repeated)
    assert (once.cash, once.positions) == (again.cash, again.positions)
