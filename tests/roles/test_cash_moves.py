"""Money that came in or went out beside the trading: booked as told, and only where that is so."""

from __future__ import annotations

import pytest

from core import messages as m
from core.domain.fold import Fold
from core.domain.ledger import Ledger
from core.journal import Codec
from core.units import Nanos
from tests.builders import NOW, capital, money
from tests.roles.test_risk import Office, compared, of

LATER = Nanos(NOW + 1)


def move(amount: float) -> m.BookCash:
    return m.BookCash(command_id="c", amount=money(amount), by="ann", reason="deposit of Monday")


def differing(cash: float) -> Office:
    office = Office(capital())
    for _ in range(2):
        told = of(office.tell(compared(cash=money(cash))), m.Reconciled)
    assert told[0].differences[0].what == "cash"
    return office


@pytest.mark.parametrize("amount", [500, -250.25])
def test_what_came_in_or_went_out_is_neither_earned_nor_lost(amount: float) -> None:
    office = differing(10_000 + amount)
    before = office.role.ledger.dump()
    told = office.tell(move(amount), at=LATER)
    assert of(told, m.CommandAnswered) == [m.CommandAnswered(command_id="c")]
    (event,) = of(told, m.CapitalSet)
    assert (event.moved, event.cash) == (money(amount), money(10_000 + amount))
    assert (event.source, event.reason) == ("ann", "deposit of Monday")
    after = office.role.ledger
    assert after.cash == money(10_000 + amount)
    assert after.capital - before.capital == money(amount)
    assert after.day_open - before.day_open == money(amount)
    assert after.peak - before.peak == money(amount)
    assert after.realized == before.realized
    (marked,) = of(office.tell(m.Tick(due=LATER), at=LATER), m.LedgerMarked)
    assert (marked.day_pnl, marked.drawdown) == (0, 0.0)
    agreed = of(office.tell(compared(cash=money(10_000 + amount)), at=LATER), m.Reconciled)
    assert agreed[0].complete
    assert agreed[0].differences == ()


@pytest.mark.parametrize("amount", [499, 501, -500, 0])
def test_another_amount_than_what_differs_is_refused_with_both(amount: float) -> None:
    office = differing(10_500)
    (answer,) = of(office.tell(move(amount), at=LATER), m.CommandAnswered)
    assert answer.refusal == "not_the_difference"
    assert "500.000000" in answer.text
    assert office.role.ledger.cash == money(10_000)


def test_where_cash_agrees_nothing_is_booked_not_even_twice() -> None:
    office = Office(capital())
    assert of(office.tell(move(500), at=LATER), m.CommandAnswered)[0].refusal == "cash_agrees"
    office = differing(10_500)
    office.tell(move(500), at=LATER)
    again = of(office.tell(move(500), at=LATER), m.CommandAnswered)
    assert again[0].refusal == "cash_agrees"
    assert office.role.ledger.cash == money(10_500)


def test_it_is_booked_once_whatever_road_the_event_comes_by() -> None:
    office = differing(10_500)
    (event,) = of(office.tell(move(500), at=LATER), m.CapitalSet)
    codec = Codec()
    assert codec.decode(codec.encode(event)) == event
    ledger = Ledger()
    for one in (capital(), event, event, capital()):
        ledger.apply(one)
    assert ledger.cash == money(10_500)
    fold = Fold()
    for one in (capital(), event):
        fold.apply(one)
    fresh = Ledger()
    fresh.load(fold.state(2, NOW).ledger)
    assert not fresh.apply(event)
    assert fresh.cash == money(10_500)


def test_a_restarted_office_goes_on_with_it() -> None:
    office = differing(10_500)
    office.tell(move(500), at=LATER)
    after = Office(*office.journal.events, ready=False)
    assert after.role.ledger.cash == money(10_500)
    told = of(after.tell(compared(cash=money(10_500)), at=LATER), m.Reconciled)
    assert told[0].differences == ()
