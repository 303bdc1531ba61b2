"""What the dashboard tells of an exit: its row, and the line of the performance."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core import messages as m
from core.exchange.records import Outcome, Side
from core.units import Price
from tests.builders import NOW, TICKER, approved, contracts, filled, money
from tests.roles.dashboard_stage import Stage


def sold(stage: Stage) -> None:
    """Twenty-five YES bought at 0.48; ten of them are sold at 0.60."""
    entry = approved("t-1")
    stage.take(entry)
    stage.take(filled("f1", "t-1"))
    exit_order = approved("t-2", side=Side.ASK, price=Price(6000), quantity=contracts(10))
    stage.take(replace(exit_order, request=replace(exit_order.request, reduce_only=True)))
    stage.take(
        filled(
            "f2", "t-2", side=Side.ASK, price=Price(6000), quantity=contracts(10), fee=money(0.168)
        )
    )
    stage.flush()


def settled(stage: Stage, result: Outcome) -> None:
    stage.take(
        m.PositionSettled(
            ticker=TICKER,
            number=0,
            result=result,
            quantity=contracts(15),
            payout=money(15 if result is Outcome.YES else 0),
            ts=NOW,
        )
    )
    stage.take(m.Tick(due=stage.now), after=60.0)


def test_an_exit_tells_what_it_brought_before_anybody_knows_what_holding_would_have() -> None:
    stage = Stage()
    sold(stage)
    entry, row = (
        next(r for r in reversed(stage.rows("order")) if r.trade_id == t) for t in ("t-1", "t-2")
    )
    assert (entry.closes, entry.brought, entry.held_to_settlement) == (False, None, None)
    assert (row.closes, row.side) == (True, "no")
    assert row.brought == pytest.approx(6.0 - 0.168)
    assert (row.held_to_settlement, row.pnl) == (None, None)


@pytest.mark.parametrize(("result", "held"), [(Outcome.YES, 10.0), (Outcome.NO, 0.0)])
def test_the_result_tells_what_holding_on_would_have_brought(result: Outcome, held: float) -> None:
    stage = Stage()
    sold(stage)
    settled(stage, result)
    row = {row.trade_id: row for row in stage.rows("order")}["t-2"]
    assert row.held_to_settlement == held
    assert row.pnl == pytest.approx(row.brought - held, abs=1e-6)
    told = stage.last("performance")
    assert (told.exits.exits, told.exits.contracts) == (1, 10.0)
    assert told.exits.brought == pytest.approx(5.832)
    assert told.exits.held_to_settlement == held
    assert told.exits.gained == pytest.approx(5.832 - held)
    total = 15 * (1.0 if result is Outcome.YES else 0.0) + 5.832 - 12.0 - 0.4368
    assert told.pnl == pytest.approx(total, abs=0.01)


def test_without_exits_the_line_is_empty() -> None:
    stage = Stage()
    stage.take(approved("t-1"))
    stage.take(filled("f1", "t-1"))
    settled(stage, Outcome.YES)
    assert stage.last("performance").exits.exits == 0
