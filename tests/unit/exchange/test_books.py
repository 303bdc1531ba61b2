"""The comparison at the end of a run, also of one that is stopped while contracts are held."""

from __future__ import annotations

import pytest

from core import messages as m
from core.clock import VirtualClock
from core.domain.ledger import Ledger
from core.domain.windows import window_closing
from core.exchange.books import (
    Books,
    differences,
    exchange_books,
    ledger_books,
    paid_meanwhile,
)
from core.exchange.engine_types import SOL_15M, EngineConfig
from core.exchange.records import Outcome, Settlement, Side
from core.exchange.simulated import SimulatedExchange
from core.exchange.simulated_account import SimulatedAccount
from core.units import Money, Price
from tests.builders import CLOSE, NOW, TICKER, capital, contracts, money, request


def bought() -> tuple[SimulatedAccount, Ledger]:
    """An account that bought, sold some again and still holds the rest; and our books of it."""
    engine = SimulatedExchange(EngineConfig(seed=1))
    engine.add_series(SOL_15M)
    engine.open_account("a", {2: money(10_000)}, NOW)
    engine.list_market(window_closing("KXSOL15M", CLOSE), NOW)
    engine.advance(NOW)
    book = [(Price(4600), contracts(100))], [(Price(4800), contracts(100))]
    engine.replace_outside(TICKER, *book, NOW)
    account = SimulatedAccount(engine, "a", VirtualClock(NOW).now)
    account.create_order(request())
    account.create_order(request("t-2", side=Side.ASK, price=Price(4600), quantity=contracts(10)))
    ledger = Ledger()
    ledger.apply(capital())
    for fill in account.fills():
        ledger.apply(
            m.OrderFilled(
                trade_id=fill.trade_id,
                order_id=fill.order_id,
                ticker=fill.ticker,
                side=fill.side,
                price=fill.price,
                quantity=fill.quantity,
                fee=fill.fee,
                is_taker=True,
                ts_event=fill.ts,
                ts=NOW,
            )
        )
    return account, ledger


def test_open_contracts_are_no_difference_in_profit() -> None:
    account, ledger = bought()
    ours = ledger_books(ledger)
    assert ours is not None
    theirs = exchange_books(account, money(10_000), 2, NOW)
    assert theirs.positions == {TICKER: contracts(15)}
    assert differences(ours, theirs) == []


def test_each_difference_is_named_with_both_sides() -> None:
    one = Books(cash=money(10), fees=money(1), pnl=money(2), positions={"A": contracts(1)})
    two = Books(cash=money(10.02), fees=money(1), pnl=money(2), positions={"B": contracts(1)})
    found = [(row.what, row.key, row.ours, row.theirs) for row in differences(one, two)]
    assert found == [
        ("cash", "account", "10.000000", "10.020000"),
        ("position", "A", "100", "0"),
        ("position", "B", "0", "100"),
    ]


def settlement(result: Outcome) -> Settlement:
    """What the exchange says of a market that has paid."""
    return Settlement(
        ticker=TICKER,
        result=result,
        yes_quantity=contracts(15),
        no_quantity=contracts(0),
        yes_cost=money(0),
        no_cost=money(0),
        revenue=money(15 if result is Outcome.YES else 0),
        fees=money(0),
        settled=CLOSE,
        shard=2,
    )


@pytest.mark.parametrize("result", list(Outcome))
def test_what_was_paid_while_nobody_booked_is_no_difference(result: Outcome) -> None:
    account, ledger = bought()
    ours, due = ledger_books(ledger), money(15 if result is Outcome.YES else 0)
    assert ours is not None
    held = exchange_books(account, money(10_000), 2, NOW)
    cost = ledger.positions[TICKER].cost
    theirs = Books(
        cash=Money(held.cash + due),
        fees=held.fees,
        pnl=Money(held.pnl + due - cost),
        positions={},
    )
    assert differences(ours, theirs) != []
    paid = paid_meanwhile(ours, ledger, [settlement(result), settlement(result)])
    assert differences(paid, theirs) == []


def test_a_payment_that_is_booked_already_is_not_booked_again() -> None:
    _, ledger = bought()
    ledger.apply(
        m.PositionSettled(
            ticker=TICKER,
            number=0,
            result=Outcome.YES,
            quantity=contracts(15),
            payout=money(15),
            ts=CLOSE,
        )
    )
    ours = ledger_books(ledger)
    assert ours is not None
    assert paid_meanwhile(ours, ledger, [settlement(Outcome.YES)]) == ours


def test_before_the_capital_is_known_there_are_no_books() -> None:
    assert ledger_books(Ledger()) is None
