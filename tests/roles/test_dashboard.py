"""The dashboard role: its contract with clients, its pace, its bounds, and what it regains."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core import messages as m
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.roles.dashboard import Dashboard
from core.runner import Runner
from core.screen.decisions import DecisionPanel
from core.screen.topics import TOPICS
from core.topology import DASHBOARD, ROUTES, TIMERS, Routing
from core.units import Price, seconds
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    approved,
    capital,
    contracts,
    filled,
    money,
    signal,
    view,
)
from tests.roles.dashboard_stage import TERMS, Stage, actor, determined, marked, position, state

TRADE_FIELDS = (
    "trade_id",
    "order_id",
    "ticker",
    "side",
    "order_type",
    "quantity",
    "price",
    "status",
    "filled_quantity",
    "average_fill_price",
    "cost",
    "fees",
    "pnl",
    "strategy_name",
    "edge",
    "confidence",
    "kelly_fraction",
    "dry_run",
    "created_at",
    "submitted_at",
    "filled_at",
    "cancelled_at",
    "notes",
)
RISK_FIELDS = (
    "total_positions",
    "open_orders_count",
    "total_exposure",
    "daily_pnl",
    "daily_loss",
    "unrealized_pnl",
    "realized_pnl",
    "max_drawdown",
    "current_drawdown",
    "win_rate",
    "ev_per_trade",
    "circuit_breaker_triggered",
    "circuit_breaker_reason",
    "exposure_per_market",
    "last_updated",
)
STATUS_FIELDS = (
    "running",
    "dry_run",
    "enabled_strategies",
    "risk_metrics",
    "order_summary",
    "position_summary",
    "client_health",
    "timestamp",
)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_it_hears_everything_that_is_routed_to_it() -> None:
    routed = {message for message, targets in ROUTES.items() if DASHBOARD in targets}
    assert routed <= Dashboard(TERMS).handlers.keys()


def test_trade_risk_and_status_rows_have_the_fields_that_clients_know(stage: Stage) -> None:
    stage.take(approved())
    stage.flush()
    trade, status = stage.last("order"), stage.last("status_update")
    more = ("remaining_quantity", "queue_position", "queue_at")
    more += ("closes", "brought", "held_to_settlement")
    assert sorted(trade.__struct_fields__) == sorted((*TRADE_FIELDS, *more))
    assert sorted(status.risk_metrics.__struct_fields__) == sorted(RISK_FIELDS)
    assert set(STATUS_FIELDS) <= set(status.__struct_fields__)


def test_the_journal_alone_brings_trades_fills_results_and_the_latch_back() -> None:
    events = [
        capital(),
        approved(),
        m.OrderSubmitting(order_id="t-1", ts=NOW),
        filled(),
        m.PositionSettled(
            ticker=TICKER,
            number=0,
            result=Outcome.YES,
            quantity=contracts(25),
            payout=money(25),
            ts=CLOSE,
        ),
        state("HALTED", reason="daily loss"),
    ]
    role = Dashboard(TERMS)
    runner = Runner(
        {DASHBOARD: role}, Routing((DASHBOARD, TIMERS, "screen")), MemoryJournal(events=events)
    )
    assert runner.recover() == len(events)
    out = runner.run(DASHBOARD, m.Begin(recovered=len(events)), NOW)
    rows: dict[str, Any] = {
        frame.topic: frame.data for _, frame in out if isinstance(frame, m.ScreenFrame)
    }
    assert rows["order"].pnl == pytest.approx(25 - 12 - 0.4368)
    assert rows["trade_execution"].fill_id == "f1"
    assert (rows["window"].payout, rows["window"].position) == (25.0, 25.0)
    assert rows["status_update"].state == "HALTED"
    assert rows["status_update"].risk_metrics.circuit_breaker_reason == "daily loss"


def test_an_event_from_the_journal_and_again_by_message_counts_once(stage: Stage) -> None:
    for event in (approved(), filled()):
        stage.role.apply(event)
        stage.take(event)
    stage.flush()
    assert stage.last("order").filled_quantity == 25.0
    assert stage.last("status_update").order_summary.total == 1
    kelly = next(row for row in stage.rows("strategy")[::-1] if row.name == "kelly_volatility")
    assert kelly.approved == 1


def test_changes_within_an_interval_leave_together_at_its_end(stage: Stage) -> None:
    stage.take(view())
    stage.frames.clear()
    stage.take(view(bids=((Price(4500), contracts(1)),)), after=0.01)
    stage.take(view(bids=((Price(4400), contracts(1)),)), after=0.01)
    assert stage.frames == []
    due = [effect for effect in stage.effects if isinstance(effect, m.Scheduled)]
    assert [effect.to for effect in due] == [DASHBOARD]
    assert due[0].due == NOW + TERMS.interval
    stage.now = due[0].due
    stage.take(due[0].message)
    assert [row.bid for row in stage.rows("book")] == [0.44]


def test_a_lost_wake_up_does_not_silence_the_screen(stage: Stage) -> None:
    stage.take(view())
    stage.take(view(), after=0.01)
    stage.frames.clear()
    stage.take(view(), after=0.2)
    assert stage.rows("book") != []


def test_what_a_person_waits_for_does_not_wait(stage: Stage) -> None:
    stage.take(view())
    stage.take(approved(), after=0.001)
    assert stage.rows("order") != []


def test_the_status_comes_once_in_its_interval_however_often_it_ticks() -> None:
    stage = Stage(msgspec.structs.replace(TERMS, status_interval=seconds(60), speed=60.0))
    for _ in range(180):
        stage.take(m.Tick(due=stage.now), after=1)
    assert 3 <= len(stage.rows("status_update")) <= 4


def test_memory_is_bounded_by_the_topics(stage: Stage) -> None:
    keep = TOPICS["order"].keep
    for number in range(keep + 50):
        order_id = f"t-{number}"
        stage.take(approved(order_id))
        stage.take(filled(f"f-{number}", order_id))
        if number:
            stage.take(m.OrderClosed(order_id=order_id, reason="x", filled=contracts(25), ts=NOW))
        stage.frames.clear()
    stage.flush()
    assert stage.last("status_update").order_summary.total == keep


def test_an_open_order_is_not_forgotten_for_a_finished_one(stage: Stage) -> None:
    stage.take(approved("first"))
    for number in range(TOPICS["order"].keep + 5):
        stage.take(approved(f"t-{number}"))
        stage.take(m.OrderRejected(order_id=f"t-{number}", code="x", text="", ts=NOW))
    stage.flush()
    assert stage.last("status_update").risk_metrics.open_orders_count == 1


def test_the_decision_log_is_bounded(stage: Stage) -> None:
    for number in range(TOPICS["decision"].keep + 20):
        stage.take(signal(signal_id=f"s:{number}"), after=1)
        stage.frames.clear()
    panel = next(p for p in stage.role._panels if isinstance(p, DecisionPanel))
    assert len(panel._rows) == TOPICS["decision"].keep


def test_every_frame_belongs_to_a_topic_with_its_key(stage: Stage) -> None:
    for message in (
        view(),
        signal(),
        approved(),
        filled(),
        marked(positions=(position(),)),
        actor(),
        determined(Outcome.YES),
        state("ACTIVE"),
    ):
        stage.take(message, after=1)
    stage.flush()
    for frame in stage.frames:
        key = TOPICS[frame.topic].key
        assert not key or getattr(frame.data, key)
