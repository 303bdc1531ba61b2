"""Manual orders: the same gates as for strategies, and a preview that changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core import messages as m
from core.domain.fold import Fold
from core.exchange.records import Outcome, TimeInForce
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.screen.quotes import quote_row
from core.topology import DASHBOARD, EXECUTION, OPERATOR, RISK, Routing
from core.units import Money, Nanos, Price, seconds
from tests.builders import CLOSE, NOW, TICKER, contracts, limits, money, signal, view


class Desk:
    """The risk role with a market and $1,000, trading."""

    def __init__(self, **changes: object) -> None:
        self.journal = MemoryJournal()
        self.start(**changes)
        self.tell(m.Tick(due=NOW))

    def start(self, **changes: object) -> None:
        """A (new) host: the role, and what it regains."""
        self.role = Risk(limits(**changes), "test")
        names = (RISK, EXECUTION, DASHBOARD, OPERATOR)
        self.runner = Runner({RISK: self.role}, Routing(names), self.journal)
        self.runner.recover()
        if not self.journal.events:
            capital = m.CapitalSet(cash=money(1_000), source="test", ts=NOW)
            day = m.DayOpened(day="2026-11-22", equity=money(1_000), ts=NOW)
            for event in (capital, day):
                self.journal.append([event], NOW)
                self.role.apply(event)
        self.tell(m.Permit(epoch=1, state="ACTIVE", expires=Nanos(NOW + seconds(3))))
        self.tell(view())

    def tell(self, message: m.Message) -> list[m.Message]:
        """What leaves, each once."""
        left = {id(answer): answer for _, answer in self.runner.run(RISK, message, NOW)}
        return list(left.values())

    def place(self, **changes: Any) -> tuple[m.OrderApproved | None, m.CommandAnswered]:  # noqa: ANN401
        """What becomes of a manual order."""
        said = self.tell(order(**changes))
        approved = [one for one in said if isinstance(one, m.OrderApproved)]
        (answer,) = [one for one in said if isinstance(one, m.CommandAnswered)]
        return (approved[0] if approved else None), answer


def order(**changes: Any) -> m.PlaceManually:  # noqa: ANN401
    """Ten YES at 0.48, taken from a book that asks 0.48 for 200."""
    made = m.PlaceManually(
        command_id="c1",
        ticker=TICKER,
        outcome=Outcome.YES,
        price=Price(4800),
        quantity=contracts(10),
        style="take",
        by="ann",
        reason="test",
    )
    return msgspec.structs.replace(made, **changes)


def test_an_allowed_order_is_approved_and_journalled_like_any_other() -> None:
    desk = Desk()
    approved, answer = desk.place()
    assert approved is not None
    assert approved in desk.journal.events
    assert (approved.strategy, approved.request.quantity) == ("manual", contracts(10))
    assert (answer.refusal, answer.order_id) == ("", approved.request.client_order_id)
    assert desk.role.ledger.reserved == approved.reserve


def test_a_preview_tells_the_money_and_changes_nothing() -> None:
    desk = Desk()
    before = list(desk.journal.events)
    approved, answer = desk.place(preview=True)
    assert approved is None
    assert answer.quote is not None
    assert desk.journal.events == before
    row = quote_row(answer.quote)
    # 10 x 0.48, and 0.07 x 10 x 0.48 x 0.52 rounded up to a hundredth of a cent
    assert (row.cost, row.fee) == (4.8, 0.1748)
    assert (row.max_loss, row.max_gain) == pytest.approx((4.9748, 5.0252))
    assert row.break_even == pytest.approx(0.49748)
    assert row.refusal is None
    assert all(gate.passed for gate in row.gates)


def test_a_preview_walks_the_book() -> None:
    _, answer = Desk().place(preview=True, quantity=contracts(300), price=Price(4900))
    assert answer.quote is not None
    row = quote_row(answer.quote)
    assert row.fillable_quantity == 300
    assert row.cost == pytest.approx(200 * 0.48 + 100 * 0.49)


REFUSALS: dict[str, tuple[dict[str, object], dict[str, Any]]] = {
    "outside_window": ({}, {"min_seconds_left": 700.0}),
    "no_room_max_position_size": ({"quantity": contracts(10)}, {"max_position": money(2)}),
    "no_room_total_exposure": ({}, {"max_exposure": money(2)}),
    "no_room_depth": ({"quantity": contracts(201)}, {}),
    "price_off_grid": ({"price": Price(4850)}, {}),
    "price_crosses": ({"style": "make"}, {}),
    "daily_loss": ({}, {"max_daily_loss": Money(0)}),
    "concurrent_positions": ({}, {"max_concurrent": 0}),
    "min_edge": ({"probability": 0.50}, {}),
    "no_room_kelly": ({"probability": 0.54, "quantity": contracts(150)}, {"kelly_fraction": 0.25}),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_gate_refuses_and_its_preview_says_so(code: str) -> None:
    wish, changes = REFUSALS[code]
    approved, answer = Desk(**changes).place(**wish)
    assert (approved, answer.refusal) == (None, code)
    _, preview = Desk(**changes).place(**wish, preview=True)
    assert preview.quote is not None
    refusal = quote_row(preview.quote).refusal
    assert refusal is not None
    assert refusal.gate == code


def test_a_refused_order_stands_in_the_decision_log() -> None:
    said = Desk().tell(order(quantity=contracts(201)))
    (denied,) = [one for one in said if isinstance(one, m.OrderDenied)]
    assert (denied.strategy, denied.code) == ("manual", "no_room_depth")


def test_without_an_opinion_the_gates_of_opinion_are_not_asked() -> None:
    _, answer = Desk().place(preview=True)
    _, with_one = Desk().place(preview=True, probability=0.9)
    assert answer.quote is not None
    assert with_one.quote is not None
    asked = {gate.code for gate in with_one.quote.gates} - {
        gate.code for gate in answer.quote.gates
    }
    assert asked == {"enough_edge", "enough_confidence"}


def test_nobody_trades_by_hand_while_trading_is_off() -> None:
    desk = Desk()
    desk.tell(m.Permit(epoch=2, state="HALTED", expires=Nanos(NOW + seconds(3))))
    approved, answer = desk.place()
    assert (approved, answer.refusal) == (None, "not_trading_halted")


def test_an_open_order_blocks_its_market_unless_it_is_the_one_to_be_replaced() -> None:
    desk = Desk()
    first, _ = desk.place(style="make", price=Price(4700))
    assert first is not None
    _, second = desk.place(command_id="c2")
    assert second.refusal == "open_intent"
    _, trial = desk.place(command_id="c3", preview=True, replaces=first.request.client_order_id)
    assert trial.quote is not None
    assert quote_row(trial.quote).refusal is None


def test_a_resting_order_lives_to_the_close_and_never_crosses() -> None:
    approved, _ = Desk().place(style="make", price=Price(4700))
    assert approved is not None
    request = approved.request
    assert (request.time_in_force, request.post_only) == (TimeInForce.GTC, True)
    assert request.expires == CLOSE - seconds(2)


def test_the_same_command_places_one_order_also_after_a_restart() -> None:
    desk = Desk()
    first, told = desk.place()
    assert first is not None
    for _ in range(2):
        again, answer = desk.place()
        assert (again, answer.order_id) == (None, told.order_id)
        desk.start()


def test_an_unknown_market_is_named() -> None:
    approved, answer = Desk().place(ticker="NOWHERE")
    assert (approved, answer.refusal) == (None, "market_unknown")


def test_the_bankroll_is_written_down_and_survives() -> None:
    desk = Desk()
    command = m.SetBankroll(command_id="b", bankroll=money(100), by="ann", reason="less")
    event, answer = desk.tell(command)
    assert isinstance(event, m.BankrollSet)
    assert answer == m.CommandAnswered(command_id="b")

    def stake() -> float:
        said = desk.tell(signal(signal_id="s", price=Price(4800)))
        (approved,) = [one for one in said if isinstance(one, m.OrderApproved)]
        return approved.reserve / 1e6

    small = stake()
    assert 0 < small < 100 * 0.25 * 0.2
    desk.start()
    fold = Fold()
    fold.apply(event)
    fresh = Risk(limits(), "test")
    fresh.apply(fold.state(1, NOW))
    assert fresh._limits.bankroll == money(100)
    assert desk.role._limits.bankroll == money(100)
