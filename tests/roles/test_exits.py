"""Selling before settlement: the strategy's wish, the gates of risk, permission to send."""

from __future__ import annotations

from typing import ClassVar

import pytest
from msgspec.structs import replace

from core import messages as m
from core.domain.fold import folded
from core.exchange.records import Outcome, Side, TimeInForce
from core.journal import MemoryJournal
from core.messages.data import Held
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.roles.risk import Risk
from core.roles.strategy import StrategyRole, StrategyTerms
from core.runner import Runner
from core.strategies import StrategyParams, create
from core.strategies.base import Exit
from core.topology import EXECUTION, RISK, Routing
from core.units import Money, Nanos, Price, Quantity, complement, seconds
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    approved,
    capital,
    contracts,
    filled,
    limits,
    money,
    permit,
    signal,
    view,
)

EXIT = {
    "signal_id": "kelly_volatility:2",
    "outcome": Outcome.NO,
    "price": Price(5400),
    "probability": 0.4,
    "edge": -0.2,
    "confidence": 0.0,
    "kelly_fraction": 0.0,
    "closes": True,
}
"""Sells YES at 0.46, where 300 are bid for."""


def exit_of(**changes: object) -> m.Signal:
    return signal(**{**EXIT, **changes})


def entry(
    number: int = 1, strategy: str = "kelly_volatility", side: Side = Side.BID, size: float = 25
) -> list[m.Message]:
    """An order of a strategy, all filled and over."""
    order_id = f"t-{number}"
    order = approved(
        order_id, side=side, quantity=contracts(size), strategy=strategy, signal_id=f"e{number}"
    )
    fill = filled(f"f{number}", order_id, side=side, quantity=contracts(size))
    closed = m.OrderClosed(order_id=order_id, reason="executed", filled=contracts(size), ts=NOW)
    return [order, m.OrderSubmitting(order_id=order_id, ts=NOW), fill, closed]


class Office:
    """Risk with a journal of what was bought, a picture and a permit."""

    def __init__(
        self, *events: m.Message, state: m.TradingState = "ACTIVE", **changes: object
    ) -> None:
        self.journal = MemoryJournal(events=[capital(), *(events or entry())])
        self.role = Risk(limits(**changes), "abc123")
        self.runner = Runner({RISK: self.role}, Routing((RISK, EXECUTION)), self.journal)
        self.runner.recover()
        self.tell(permit(state=state), view())

    def tell(self, *messages: m.Message) -> list[m.Message]:
        said = [answer for message in messages for answer in self.role.handle(message, NOW)]
        for answer in said:
            self.role.apply(answer)
        return said

    def ask(self, wish: m.Signal | None = None) -> m.OrderApproved | str:
        """The order, or the code of the refusal."""
        (said,) = self.tell(wish or exit_of())
        if isinstance(said, m.OrderDenied):
            return said.code
        assert isinstance(said, m.OrderApproved)
        return said


# --- risk


def test_an_exit_is_reduce_only_at_once_or_not_at_all_and_costs_nothing() -> None:
    office = Office()
    order = office.ask()
    assert isinstance(order, m.OrderApproved)
    wanted = order.request
    assert (wanted.side, wanted.price, wanted.quantity) == (Side.ASK, Price(4600), contracts(25))
    assert (wanted.reduce_only, wanted.time_in_force) == (True, TimeInForce.IOC)
    assert not wanted.post_only
    assert order.reserve == office.role.ledger.reserved == 0
    assert office.role.ledger.reservations.keys() == {wanted.client_order_id}


@pytest.mark.parametrize("state", ["ACTIVE", "REDUCING"])
def test_it_passes_while_trading_and_while_paused(state: m.TradingState) -> None:
    assert isinstance(Office(state=state).ask(), m.OrderApproved)


@pytest.mark.parametrize("state", ["STARTING", "DISARMED", "HALTED"])
def test_it_does_not_pass_in_any_other_state(state: m.TradingState) -> None:
    assert Office(state=state).ask() == f"not_trading_{state.lower()}"


def test_limits_on_new_risk_do_not_hold_what_is_to_be_sold() -> None:
    """No edge, no cash, no room, a lost day, a lock: none of them keeps anybody from selling."""
    lock = m.LockSet(
        protection="loss_burst",
        scope="all",
        until=CLOSE,
        limit=1,
        value=1,
        reason="test",
        ts=NOW,
    )
    loss = filled("f9", "t-9", quantity=Quantity(100), price=Price(100), fee=money(600))
    day = m.DayOpened(day="2026-11-22", equity=money(10_000), ts=NOW)
    office = Office(
        day, *entry(), loss, lock, max_exposure=Money(0), max_concurrent=0, max_position=Money(0)
    )
    assert office.ask(signal()) == "locked_loss_burst"
    assert isinstance(office.ask(exit_of()), m.OrderApproved)


STALE = Nanos(NOW - seconds(11))


@pytest.mark.parametrize(
    ("code", "changes", "before"),
    [
        ("signal_expired", {"expires": NOW}, []),
        ("index_stale", {}, [view(ts_index=Nanos(NOW - seconds(4)))]),
        ("book_stale", {}, [view(ts_book=STALE)]),
        ("market_unknown", {"ticker": "KXSOL15M-26NOV221030-30"}, []),
        ("no_room_depth", {"price": Price(5300)}, []),
        ("nothing_held", {"outcome": Outcome.YES, "price": Price(4800)}, []),
        ("nothing_held", {"strategy": "mean_reversion"}, []),
        ("price_collar", {"price": Price(9900)}, []),
    ],
)
def test_each_gate_that_closes_refuses_with_its_code(
    code: str, changes: dict[str, object], before: list[m.Message]
) -> None:
    office = Office(price_collar=Price(1_000))
    office.tell(*before)
    assert office.ask(exit_of(**changes)) == code


def test_a_breaker_that_is_reached_holds_what_is_held_until_the_halt_is_over() -> None:
    loss = filled("f9", "t-9", quantity=Quantity(100), price=Price(100), fee=money(2_500))
    day = m.DayOpened(day="2026-11-22", equity=money(10_000), ts=NOW)
    assert Office(day, *entry(), loss).ask() == "daily_loss_breaker"


def test_one_order_at_a_time_in_a_market_whichever_way() -> None:
    office = Office()
    assert isinstance(office.ask(), m.OrderApproved)
    assert office.ask(exit_of(signal_id="kelly_volatility:3")) == "open_intent"
    pending = Office(*entry(), approved("t-2", signal_id="e2"))
    assert pending.ask() == "open_intent"


def test_an_order_nobody_knows_of_blocks_it() -> None:
    lost = [approved("t-2", signal_id="e2"), m.OrderUnknown(order_id="t-2", reason="x", ts=NOW)]
    assert Office(*entry(), *lost).ask() == "order_unknown"


def test_one_order_for_one_reading_of_the_market() -> None:
    office = Office()
    order = office.ask()
    assert isinstance(order, m.OrderApproved)
    office.role.apply(
        m.OrderRejected(order_id=order.request.client_order_id, code="x", text="", ts=NOW)
    )
    assert office.ask() == "signal_repeated"


def test_orders_that_close_count_in_the_rate_of_orders() -> None:
    assert Office(orders_per_minute=1).ask() == "order_rate"


def test_no_more_is_sold_than_the_book_takes_at_the_price() -> None:
    office = Office()
    office.tell(view(bids=((Price(4600), contracts(7.5)), (Price(4500), contracts(900)))))
    order = office.ask()
    assert isinstance(order, m.OrderApproved)
    assert order.request.quantity == contracts(7.5)


def test_no_more_is_sold_than_the_strategy_bought_and_than_is_left_of_the_whole() -> None:
    two = [*entry(1, "kelly_volatility"), *entry(2, "mean_reversion")]
    order = Office(*two).ask()
    assert isinstance(order, m.OrderApproved)
    assert order.request.quantity == contracts(25)
    against = [*entry(1, "kelly_volatility"), *entry(2, "mean_reversion", Side.ASK, 20)]
    order = Office(*against).ask()
    assert isinstance(order, m.OrderApproved)
    assert order.request.quantity == contracts(5)


def test_a_sale_that_cannot_pay_its_fee_needs_cash_for_it() -> None:
    """One contract at a tenth of a cent: rounding may cost more than it brings."""
    tiny = {"bids": ((Price(10), contracts(1)),), "asks": ()}
    wish = exit_of(price=complement(Price(10)))
    office = Office()
    office.tell(view(**tiny))
    order = office.ask(wish)
    assert isinstance(order, m.OrderApproved)
    assert 0 < order.reserve < money(0.01)
    broke = Office(breaker_drawdown=1.0)
    broke.role.ledger.cash = Money(0)
    broke.tell(view(**tiny))
    assert broke.ask(wish) == "no_room_cash"


def test_a_sale_that_pays_its_fee_needs_no_cash() -> None:
    office = Office(breaker_drawdown=1.0)
    office.role.ledger.cash = Money(0)
    assert isinstance(office.ask(), m.OrderApproved)


def test_profit_is_realised_at_the_exit_and_the_rest_settles() -> None:
    office = Office()
    order = office.ask()
    assert isinstance(order, m.OrderApproved)
    ledger = office.role.ledger
    before, fees = ledger.cash, ledger.fees
    sold = filled(
        "x1",
        order.request.client_order_id,
        side=Side.ASK,
        price=Price(4700),
        quantity=contracts(10),
        fee=money(0.17),
    )
    office.role.apply(sold)
    assert ledger.cash == (before or 0) + money(4.70) - money(0.17)
    assert ledger.realized == money(4.70) - money(4.80)
    assert ledger.fees == fees + money(0.17)
    assert ledger.position(TICKER).quantity == contracts(15)
    (settled,) = [
        said
        for said in office.tell(
            m.MarketDetermined(
                ticker=TICKER, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
            )
        )
        if isinstance(said, m.PositionSettled)
    ]
    assert (settled.quantity, settled.payout) == (contracts(15), money(15))
    assert ledger.realized == money(4.70) - money(4.80) + money(15) - money(7.20)


# --- execution: permission


def sent(desk: Execution, order: m.OrderApproved) -> str:
    """`sent`, or the code with which execution rejected it."""
    desk.apply(order)
    said = desk.handle(order, NOW)
    for one in said:
        if isinstance(one, m.OrderRejected):
            return one.code
    assert isinstance(said[0], m.PlaceOrder)
    return "sent"


def closing(order_id: str, epoch: int) -> m.OrderApproved:
    made = approved(order_id, side=Side.ASK, price=Price(4600), epoch=epoch)
    return replace(made, request=replace(made.request, reduce_only=True))


def changed(state: m.TradingState, epoch: int) -> m.TradingStateChanged:
    return m.TradingStateChanged(state=state, epoch=epoch, code="x", reason="x", by="test", ts=NOW)


def test_while_paused_only_what_reduces_leaves() -> None:
    desk = Execution(ExecutionTerms())
    desk.handle(permit(epoch=2), NOW)
    desk.handle(changed("REDUCING", 3), NOW)
    assert sent(desk, closing("t-1", 3)) == "no_permit"
    desk.handle(permit(epoch=3, state="REDUCING"), NOW)
    assert sent(desk, closing("t-2", 3)) == "sent"
    assert sent(desk, approved("t-3", epoch=3)) == "no_permit"


def test_what_was_approved_before_a_pause_or_a_halt_is_worthless_after_it() -> None:
    desk = Execution(ExecutionTerms())
    desk.handle(changed("REDUCING", 3), NOW)
    desk.handle(permit(epoch=3, state="REDUCING"), NOW)
    assert sent(desk, closing("t-1", 2)) == "stale_epoch"
    desk.handle(changed("HALTED", 4), NOW)
    assert sent(desk, closing("t-2", 3)) == "no_permit"
    desk.handle(permit(epoch=4, state="HALTED"), NOW)
    assert sent(desk, closing("t-3", 4)) == "no_permit"


# --- the strategy's role

DEAR = ((Price(8000), contracts(100)),)
"""Pays 0.80 for a YES that is worth 0.64."""


def host(gain: float = 0.02) -> StrategyRole:
    made = create("kelly_volatility", {"exit_gain": gain})
    return StrategyRole(made, StrategyTerms(), {"exit_gain": gain})


def holding(role: StrategyRole, *events: m.Message) -> StrategyRole:
    for event in events or entry():
        role.apply(event)
    return role


def told(role: StrategyRole, after: float = 0, **changes: object) -> list[m.Message]:
    now = Nanos(NOW + seconds(after))
    return list(role.handle(view(ts_book=now, ts_index=now, ts_recv=now, **changes), now))


def test_a_strategy_holds_to_settlement_unless_it_is_told_otherwise() -> None:
    role = holding(host(gain=1.0))
    (said,) = told(role, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert (said.closes, said.outcome) == (False, Outcome.NO)


def test_it_sells_what_it_holds_where_the_gain_is_there() -> None:
    role = holding(host())
    (said,) = told(role, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert (said.closes, said.outcome, said.price) == (True, Outcome.NO, Price(2000))
    assert said.signal_id == f"kelly_volatility:{TICKER}:{NOW}"
    assert said.expires == NOW + seconds(2)


def test_after_an_exit_the_market_is_left_alone_as_after_any_signal() -> None:
    role = holding(host())
    assert told(role, bids=DEAR, asks=())
    assert told(role, 14.9) == []
    (again,) = told(role, 15)
    assert isinstance(again, m.Signal)
    assert not again.closes


def test_what_another_strategy_holds_is_not_its_to_sell() -> None:
    role = holding(host(), *entry(strategy="mean_reversion"))
    (said,) = told(role, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert not said.closes


def test_a_stale_picture_is_no_reason_to_sell() -> None:
    role = holding(host())
    (said,) = role.handle(view(bids=DEAR, asks=(), ts_index=Nanos(NOW - seconds(4))), NOW)
    assert isinstance(said, m.Pass)
    assert said.code == "index_stale"


def test_its_holding_outlives_its_host() -> None:
    role = host()
    role.apply(folded([capital(), *entry()]).state(5, NOW))
    (said,) = told(role, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert said.closes


def test_an_exit_can_be_configured_while_it_runs() -> None:
    role = holding(host(gain=1.0))
    change = m.StrategySet(
        strategy="kelly_volatility",
        enabled=True,
        values=(("exit_gain", 0.02),),
        by="t",
        reason="t",
        ts=NOW,
    )
    role.apply(change)
    (said,) = told(role, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert said.closes


def test_a_pass_on_a_holding_that_may_be_sold_stands_for_no_other_book() -> None:
    """What a backtest leaves out must not be the picture on which the strategy would have sold."""
    level = {"bids": ((Price(6300), contracts(50)),), "asks": ((Price(6500), contracts(50)),)}
    idle, owner, keeper = host(), holding(host()), holding(host(gain=1.0))
    for role in (idle, owner, keeper):
        (said,) = told(role, **level)
        assert isinstance(said, m.Pass)
    assert idle.standing(TICKER) is not None
    assert keeper.standing(TICKER) is not None
    assert owner.standing(TICKER) is None
    holding(idle)
    assert idle.standing(TICKER) is None


class Careful:
    """A user's strategy that decides itself: never buys, sells for half a dollar or more."""

    name: ClassVar[str] = "careful"
    Params = StrategyParams

    def __init__(self, params: StrategyParams = StrategyParams()) -> None:  # noqa: B008 - frozen
        self.params = params
        self.seen: list[Held | None] = []

    def evaluate(self, view: m.MarketView, now: Nanos) -> m.Signal | m.Pass:
        """Look at what is held."""
        self.seen.append(view.held)
        return m.Pass(strategy=self.name, ticker=TICKER, code="never", values=(), created=now)

    def leave(self, view: m.MarketView, now: Nanos) -> Exit | None:
        """Sell at half a dollar or more."""
        del now
        assert view.held is not None
        if not view.bids or view.bids[0][0] < 5_000:
            return None
        return Exit(
            price=Price(5_000),
            probability=0.45,
            gain=0.03,
            confidence=1.0,
            reason="half a dollar",
            values=(),
        )


def test_a_strategy_can_decide_itself_when_to_sell() -> None:
    careful = Careful()
    role = StrategyRole(careful, StrategyTerms())
    told(role)
    holding(role, *entry(strategy="careful"))
    told(role, 1)
    assert careful.seen == [None, Held(outcome=Outcome.YES, quantity=contracts(25))]
    (said,) = told(role, 2, bids=DEAR, asks=())
    assert isinstance(said, m.Signal)
    assert (said.closes, said.strategy, said.price) == (True, "careful", Price(5_000))
