"""An operator closes a position: what is sold, at which price, what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core import messages as m
from core.exchange.records import Outcome, Side, TimeInForce
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.screen.quotes import quote_row
from core.topology import DASHBOARD, EXECUTION, OPERATOR, RISK, Routing
from core.units import Nanos, Price, Quantity, seconds
from tests.builders import NOW, TICKER, approved, capital, contracts, filled, limits, view


class Desk:
    """The risk role, holding what two strategies bought."""

    def __init__(self, side: Side = Side.BID, **changes: object) -> None:
        events: list[m.Message] = [capital()]
        for number, name in ((1, "kelly_volatility"), (2, "mean_reversion")):
            order_id = f"t-{number}"
            events += [
                approved(order_id, side=side, strategy=name, signal_id=f"e{number}"),
                filled(f"f{number}", order_id, side=side),
                m.OrderClosed(order_id=order_id, reason="x", filled=contracts(25), ts=NOW),
            ]
        self.journal = MemoryJournal(events=events)
        self.start(**changes)

    def start(self, **changes: object) -> None:
        """A (new) host."""
        self.role = Risk(limits(price_collar=Price(500), **changes), "test")
        names = (RISK, EXECUTION, DASHBOARD, OPERATOR)
        self.runner = Runner({RISK: self.role}, Routing(names), self.journal)
        self.runner.recover()
        self.trade("ACTIVE")
        self.tell(view())

    def trade(self, state: m.TradingState) -> None:
        self.tell(m.Permit(epoch=1, state=state, expires=Nanos(NOW + seconds(3))))

    def tell(self, message: m.Message) -> list[m.Message]:
        """What leaves, each once."""
        left = {id(answer): answer for _, answer in self.runner.run(RISK, message, NOW)}
        return list(left.values())

    def close(self, **changes: Any) -> tuple[m.OrderApproved | None, m.CommandAnswered]:  # noqa: ANN401
        """What becomes of a command."""
        made = m.ClosePosition(command_id="c1", ticker=TICKER, by="ann", reason="enough")
        said = self.tell(msgspec.structs.replace(made, **changes))
        orders = [one for one in said if isinstance(one, m.OrderApproved)]
        (answer,) = [one for one in said if isinstance(one, m.CommandAnswered)]
        return (orders[0] if orders else None), answer


def test_all_that_is_held_is_sold_whoever_bought_it() -> None:
    desk = Desk()
    order, answer = desk.close()
    assert order is not None
    wanted = order.request
    assert (wanted.side, wanted.quantity, wanted.price) == (Side.ASK, contracts(50), Price(4100))
    assert (wanted.reduce_only, wanted.time_in_force) == (True, TimeInForce.IOC)
    assert (order.strategy, answer.refusal) == ("manual", "")
    assert answer.order_id == wanted.client_order_id
    assert order in desk.journal.events
    assert desk.role.ledger.reserved == 0


def test_no_is_sold_to_who_asks_for_yes() -> None:
    order, _ = Desk(Side.ASK).close()
    assert order is not None
    assert (order.request.side, order.request.price) == (Side.BID, Price(5300))
    assert order.request.reduce_only


def test_it_works_while_paused_and_says_what_to_do_while_halted() -> None:
    desk = Desk()
    desk.trade("HALTED")
    assert desk.close()[1].refusal == "not_trading_halted"
    desk.trade("DISARMED")
    assert desk.close()[1].refusal == "not_trading_disarmed"
    desk.trade("REDUCING")
    assert desk.close()[0] is not None


def test_a_preview_tells_what_it_brings_and_changes_nothing() -> None:
    desk = Desk()
    before = list(desk.journal.events)
    order, answer = desk.close(preview=True, quantity=contracts(10))
    assert order is None
    assert desk.journal.events == before
    assert answer.quote is not None
    row = quote_row(answer.quote)
    # 10 x 0.46 less 0.07 x 10 x 0.46 x 0.54 rounded up to a hundredth of a cent
    assert (row.side, row.price, row.average_price) == ("yes", 0.41, 0.46)
    assert (row.fee, row.cost) == (0.1739, 0.0)
    assert row.proceeds == pytest.approx(4.6 - 0.1739)
    assert row.realized == pytest.approx(4.6 - 0.1739 - 10 * 0.48)
    assert row.break_even == pytest.approx((4.6 - 0.1739) / 10)
    assert row.max_loss == pytest.approx(10 - 4.6 + 0.1739)
    assert row.refusal is None
    assert {gate.gate for gate in row.gates} >= {"may_reduce", "something_held", "one_intent"}


def test_a_least_price_is_kept_and_more_than_it_allows_is_refused() -> None:
    order, _ = Desk().close(least=Price(4500), quantity=contracts(30))
    assert order is not None
    assert (order.request.price, order.request.quantity) == (Price(4500), contracts(30))
    assert Desk().close(least=Price(4700))[1].refusal == "no_room_depth"
    assert Desk().close(least=Price(4550))[1].refusal == "price_off_grid"


def test_without_a_least_price_it_sells_down_to_the_collar_and_no_further() -> None:
    desk = Desk()
    bids = ((Price(4600), contracts(5)), (Price(4200), contracts(7)), (Price(4000), contracts(90)))
    desk.tell(view(bids=bids))
    order, _ = desk.close()
    assert order is not None
    assert (order.request.price, order.request.quantity) == (Price(4100), contracts(12))


def test_the_collar_ends_at_a_price_that_the_market_knows() -> None:
    desk = Desk()
    for bid, least in ((300, 10), (1_230, 730), (9_310, 8_900)):
        desk.tell(view(bids=((Price(bid), contracts(90)),), asks=()))
        _, answer = desk.close(preview=True)
        assert answer.quote is not None
        row = quote_row(answer.quote)
        assert (row.price, row.refusal) == (least / 10_000, None)


REFUSALS: dict[str, dict[str, object]] = {
    "no_room_held": {"quantity": contracts(51)},
    "price_collar": {"least": Price(4000)},
    "market_unknown": {"ticker": "NOWHERE"},
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_gate_refuses_with_its_code(code: str) -> None:
    order, answer = Desk().close(**REFUSALS[code])
    assert (order, answer.refusal) == (None, code)


def test_nothing_held_and_nobody_who_bids_are_named() -> None:
    desk = Desk()
    desk.tell(view(bids=()))
    assert desk.close()[1].refusal == "no_room_depth"
    order, _ = Desk(Side.ASK).close()
    assert order is not None
    empty = Risk(limits(), "test")
    empty.apply(capital())
    empty.handle(view(), NOW)
    (answer,) = empty.handle(
        m.ClosePosition(command_id="c", ticker=TICKER, by="ann", reason="x"), NOW
    )
    assert isinstance(answer, m.CommandAnswered)
    assert answer.refusal == "nothing_held"


def test_an_old_index_keeps_nobody_from_selling_by_hand_an_old_book_does() -> None:
    desk = Desk()
    desk.tell(view(ts_index=Nanos(NOW - seconds(100))))
    assert desk.close(preview=True)[1].refusal == ""
    desk.tell(view(ts_book=Nanos(NOW - seconds(11))))
    assert desk.close()[1].refusal == "book_stale"


def test_the_same_command_sells_once_also_after_a_restart() -> None:
    desk = Desk()
    first, told = desk.close(quantity=contracts(1))
    assert first is not None
    desk.start()
    again, answer = desk.close(quantity=contracts(1))
    assert (again, answer.order_id) == (None, told.order_id)


def test_a_strategy_has_no_more_to_sell_what_an_operator_has_sold() -> None:
    desk = Desk()
    order, _ = desk.close(quantity=contracts(30))
    assert order is not None
    order_id = order.request.client_order_id
    for event in (
        filled("x1", order_id, side=Side.ASK, quantity=contracts(30)),
        m.OrderClosed(order_id=order_id, reason="executed", filled=contracts(30), ts=NOW),
    ):
        desk.role.apply(event)
    holdings = desk.role._holdings
    assert holdings.of("kelly_volatility", TICKER) is None
    left = holdings.of("mean_reversion", TICKER)
    assert left is not None
    assert (left.outcome, left.quantity) == (Outcome.YES, Quantity(2_000))
