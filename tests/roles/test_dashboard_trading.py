"""What the dashboard tells of orders, results, money and decisions."""

from __future__ import annotations

import msgspec
import pytest

from core import messages as m
from core.domain.scorekeeper import Scorekeeper
from core.exchange.records import Outcome, Side, TimeInForce
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.topology import DASHBOARD, RISK, Routing
from core.units import Money, Nanos, Price, seconds
from tests.builders import (
    NOW,
    TICKER,
    approved,
    capital,
    contracts,
    filled,
    limits,
    money,
    signal,
    view,
)
from tests.roles.dashboard_stage import Stage, determined, marked, position


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_order_is_told_at_each_step_of_its_life(stage: Stage) -> None:
    stage.take(approved())
    stage.take(m.OrderSubmitting(order_id="t-1", ts=Nanos(NOW + 1)))
    stage.take(
        m.OrderAccepted(
            order_id="t-1",
            venue_order_id="v-1",
            filled=contracts(0),
            remaining=contracts(25),
            ts=NOW,
        )
    )
    stage.take(filled("f1", quantity=contracts(10), fee=money(0.18)))
    stage.take(filled("f2", quantity=contracts(15), price=Price(4600), fee=money(0.26)))
    stage.take(m.OrderClosed(order_id="t-1", reason="executed", filled=contracts(25), ts=NOW))
    statuses = [row.status for row in stage.rows("order")]
    assert statuses == ["pending", "open", "partially_filled", "filled", "filled"]
    last = stage.last("order")
    assert last.order_id == "v-1"
    assert last.filled_quantity == 25.0
    assert last.cost == pytest.approx(10 * 0.48 + 15 * 0.46)
    assert last.average_fill_price == pytest.approx(0.468)
    assert last.fees == pytest.approx(0.44)
    assert last.pnl is None
    assert last.cancelled_at is None
    assert last.submitted_at == last.created_at == "2026-11-22T15:05:00.000Z"


@pytest.mark.parametrize(("lives", "kind"), [(TimeInForce.IOC, "ioc"), (TimeInForce.GTC, "limit")])
def test_a_row_tells_whether_its_order_takes_or_rests(
    stage: Stage, lives: TimeInForce, kind: str
) -> None:
    given = approved()
    request = msgspec.structs.replace(given.request, time_in_force=lives)
    stage.take(msgspec.structs.replace(given, request=request))

    assert stage.last("order").order_type == kind


def test_an_order_that_was_made_smaller_and_filled_is_told_as_filled(stage: Stage) -> None:
    stage.take(approved())
    stage.take(
        m.OrderAccepted(
            order_id="t-1",
            venue_order_id="v-1",
            filled=contracts(0),
            remaining=contracts(10),
            ts=NOW,
        )
    )
    stage.take(filled(quantity=contracts(10)))
    assert stage.last("order").status == "partially_filled"
    stage.take(m.OrderClosed(order_id="t-1", reason="executed", filled=contracts(10), ts=NOW))
    last = stage.last("order")
    assert (last.status, last.cancelled_at, last.remaining_quantity) == ("filled", None, 0.0)


def places(ahead: float, after: float = 0) -> m.PlacesTold:
    place = m.QueuePlace(venue_order_id="v-1", ahead=contracts(ahead))
    return m.PlacesTold(places=(place,), ts_recv=Nanos(NOW + seconds(after)))


def test_a_resting_order_tells_its_place_until_it_is_over(stage: Stage) -> None:
    stage.take(approved())
    stage.take(
        m.OrderAccepted(
            order_id="t-1",
            venue_order_id="v-1",
            filled=contracts(0),
            remaining=contracts(25),
            ts=NOW,
        )
    )
    assert stage.last("order").queue_position is None
    stage.take(places(40, after=5))
    stage.take(places(90, after=1))
    stage.flush()
    row = stage.last("order")
    assert (row.queue_position, row.queue_at) == (40.0, "2026-11-22T15:05:05.000Z")
    stage.take(filled())
    assert stage.last("order").queue_position is None


def test_an_order_that_its_strategy_gives_up_says_why(stage: Stage) -> None:
    stage.take(approved())
    stage.take(
        m.WithdrawOrder(
            order_id="t-1",
            strategy="kelly_volatility",
            ticker=TICKER,
            code="moved",
            created=NOW,
        )
    )
    stage.flush()
    assert "withdrawn: moved" in stage.last("order").notes


def test_a_no_order_is_told_in_dollars_of_its_own_leg(stage: Stage) -> None:
    stage.take(approved(side=Side.ASK, price=Price(7900), outcome=Outcome.NO))
    stage.take(filled(side=Side.ASK, price=Price(7900)))
    trade, fill = stage.last("order"), stage.last("trade_execution")
    assert (trade.side, trade.price, trade.average_fill_price) == ("no", 0.21, 0.21)
    assert (fill.side, fill.price, fill.yes_price) == ("no", 0.21, 0.79)


def test_a_fill_that_comes_twice_is_booked_and_told_once(stage: Stage) -> None:
    stage.take(approved())
    stage.take(filled())
    stage.take(filled())
    assert len(stage.rows("trade_execution")) == 1
    assert stage.last("order").filled_quantity == 25.0


def test_an_order_that_never_existed_is_rejected_with_its_reason(stage: Stage) -> None:
    stage.take(approved())
    stage.take(m.OrderRejected(order_id="t-1", code="insufficient_balance", text="no cash", ts=NOW))
    assert stage.last("order").status == "rejected"
    assert "insufficient_balance no cash" in stage.last("order").notes


def test_an_unknown_outcome_is_a_status_until_it_is_known(stage: Stage) -> None:
    stage.take(approved())
    stage.take(m.OrderUnknown(order_id="t-1", reason="no answer", ts=NOW))
    assert stage.last("order").status == "unknown"
    stage.take(m.OrderClosed(order_id="t-1", reason="canceled", filled=contracts(0), ts=NOW))
    assert stage.last("order").status == "cancelled"
    assert stage.last("order").cancelled_at is not None


@pytest.mark.parametrize(
    ("result", "pnl"), [(Outcome.YES, 25 - 12 - 0.4368), (Outcome.NO, -12 - 0.4368)]
)
def test_a_result_fixes_the_pnl_of_its_trades(stage: Stage, result: Outcome, pnl: float) -> None:
    stage.take(approved())
    stage.take(filled())
    stage.take(determined(result))
    stage.flush()
    assert stage.last("order").pnl == pytest.approx(pnl)
    assert stage.last("window").pnl == pytest.approx(pnl)
    assert stage.last("window").settlement == 118.43


def test_trades_that_closed_each_other_add_up_to_what_the_books_realized() -> None:
    """Bought 25 YES at 0.48, then 25 NO at 0.40: 12 cents a pair, whatever the result."""
    for result in Outcome:
        stage = Stage()
        stage.take(approved("a"))
        stage.take(filled("f1", "a", fee=Money(0)))
        stage.take(approved("b", side=Side.ASK, price=Price(6000), outcome=Outcome.NO))
        stage.take(filled("f2", "b", side=Side.ASK, price=Price(6000), fee=Money(0)))
        stage.take(determined(result))
        stage.flush()
        assert stage.last("window").pnl == pytest.approx(25 * 0.12)


def test_a_fill_after_the_result_corrects_pnl_and_score(stage: Stage) -> None:
    stage.take(approved())
    stage.take(filled("f1", quantity=contracts(10), fee=Money(0)))
    stage.take(determined(Outcome.YES))
    stage.take(filled("f2", quantity=contracts(15), fee=Money(0)))
    stage.flush()
    assert stage.last("order").pnl == pytest.approx(25 * 0.52)
    row = next(row for row in stage.rows("strategy")[::-1] if row.name == "kelly_volatility")
    assert (row.trades, row.wins, row.pnl) == (1, 1, pytest.approx(13.0))


def test_win_rate_and_value_of_a_trade_come_from_finished_trades(stage: Stage) -> None:
    stage.take(approved("a"))
    stage.take(filled("f1", "a", fee=Money(0)))
    stage.take(approved("b", side=Side.ASK, price=Price(4800), outcome=Outcome.NO))
    stage.take(filled("f2", "b", side=Side.ASK, price=Price(4800), fee=Money(0)))
    stage.flush()
    assert stage.last("status_update").risk_metrics.win_rate is None
    stage.take(determined(Outcome.YES))
    stage.flush()
    metrics = stage.last("status_update").risk_metrics
    assert metrics.win_rate == 0.5
    assert metrics.ev_per_trade == pytest.approx((13 - 13) / 2)


def test_a_yes_position_shows_now_and_both_endings_after_fees(stage: Stage) -> None:
    stage.take(marked(positions=(position(),), unrealized=money(1.5), fees=money(0.4368)))
    row = stage.last("account").positions[0]
    assert (row.side, row.contracts, row.average_price) == ("yes", 25.0, 0.48)
    assert row.pnl_now == pytest.approx(13.5 - 12 - 0.4368)
    assert row.pnl_if_yes == pytest.approx(25 - 12 - 0.4368)
    assert row.pnl_if_no == pytest.approx(-12 - 0.4368)
    assert row.break_even == pytest.approx((12 + 0.4368) / 25)


def test_a_no_position_has_its_endings_the_other_way_round(stage: Stage) -> None:
    stage.take(marked(positions=(position(quantity=contracts(-25)),)))
    row = stage.last("account").positions[0]
    assert row.side == "no"
    assert row.pnl_if_no == pytest.approx(25 - 12 - 0.4368)
    assert row.pnl_if_yes == pytest.approx(-12 - 0.4368)


def test_what_was_realized_in_the_window_is_part_of_its_pnl(stage: Stage) -> None:
    stage.take(marked(positions=(position(realized=money(-30)),)))
    row = stage.last("account").positions[0]
    assert row.pnl_if_yes == pytest.approx(25 - 12 - 0.4368 - 30)
    assert row.break_even is None


def test_realized_and_unrealized_add_up_to_the_change_of_equity() -> None:
    """The real risk role books the fill and draws the picture."""
    risk, stage = Risk(limits(), "i"), Stage()
    runner = Runner({RISK: risk}, Routing((RISK, DASHBOARD)), MemoryJournal(events=[capital()]))
    runner.recover()
    for message in (view(), filled()):
        for _, answer in runner.run(RISK, message, NOW):
            stage.take(answer)
    stage.flush()
    account = stage.last("account")
    assert account.cash == pytest.approx(10_000 - 12 - 0.4368)
    total = account.realized_pnl + account.unrealized_pnl
    assert total == pytest.approx(account.equity - 10_000)
    assert account.positions[0].pnl_now == pytest.approx(total)


def test_gauges_show_use_against_limit(stage: Stage) -> None:
    stage.take(marked(exposure=money(1_000), day_pnl=money(-250), drawdown=0.06))
    gauges = {row.name: row for row in stage.last("account").gauges}
    assert gauges["Exposure"].share == 0.2
    assert (gauges["Day loss"].used, gauges["Day loss"].share) == (250.0, 0.5)
    assert gauges["Loss breaker"].share == 0.125
    assert gauges["Drawdown"].share == 0.4


def test_a_days_profit_is_no_loss(stage: Stage) -> None:
    stage.take(marked(day_pnl=money(120)))
    stage.flush()
    assert stage.last("status_update").risk_metrics.daily_loss == 0.0


def passed(code: str, value: float, after: float = 0) -> m.Pass:
    return m.Pass(
        strategy="kelly_volatility",
        ticker=TICKER,
        code=code,
        values=(("edge", value), ("odd", float("nan"))),
        created=Nanos(NOW + seconds(after)),
    )


def test_passes_at_one_gate_share_a_row_that_counts_them(stage: Stage) -> None:
    for second in range(3):
        stage.take(passed("edge", 0.01 * second, second), after=1)
    stage.take(passed("too_late", 0.5, 4), after=1)
    rows = {row.id: row for row in stage.rows("decision")}
    assert [(row.gate, row.count) for row in rows.values()] == [("edge", 3), ("too_late", 1)]
    edge = next(iter(rows.values()))
    assert (edge.at, edge.last_at) == ("2026-11-22T15:05:00.000Z", "2026-11-22T15:05:02.000Z")
    assert [(v.name, v.value) for v in edge.values] == [("edge", 0.02), ("odd", None)]


def test_a_denial_names_the_gate_its_limit_and_the_value(stage: Stage) -> None:
    stage.take(signal())
    stage.take(
        m.OrderDenied(
            signal_id="kelly_volatility:1",
            strategy="kelly_volatility",
            ticker=TICKER,
            outcome=Outcome.YES,
            price=Price(4800),
            edge=0.06,
            code="min_edge",
            limit=0.08,
            value=0.06,
            created=NOW,
        ),
        after=1,
    )
    row = stage.last("decision")
    assert (row.kind, row.gate, row.limit, row.value) == ("denied", "min_edge", 0.08, 0.06)
    assert row.text == "0.06 against a limit of 0.08"
    strategy = stage.last("strategy")
    assert (strategy.signals, strategy.denied, strategy.last_gate) == (1, 1, "min_edge")


def test_a_signal_is_an_event_and_a_decision(stage: Stage) -> None:
    stage.take(signal())
    assert stage.last("trading_signal").probability == 0.56
    assert stage.last("decision").kind == "signal"


def test_switching_a_strategy_off_shows_at_once(stage: Stage) -> None:
    stage.take(
        m.StrategySet(
            strategy="mean_reversion", enabled=False, values=(), by="me", reason="", ts=NOW
        )
    )
    assert stage.last("strategy").enabled is False
    stage.flush()
    assert stage.last("status_update").enabled_strategies == ("kelly_volatility",)


def test_the_scoreboard_is_told_once_for_each_time_it_changes(stage: Stage) -> None:
    keeper = Scorekeeper()
    told = m.ScoreboardTold(series=(keeper.standing("KXSOL15M"),), verdict=keeper.verdict(), ts=NOW)
    stage.take(told)
    stage.flush()
    stage.flush()
    (row,) = stage.rows("calibration")
    assert row.verdict.sentence == "no trades yet"
    assert row.series[0].log_loss is None
    assert row.series[0].sentence == "too early to say: 0 of the 30 windows needed"
