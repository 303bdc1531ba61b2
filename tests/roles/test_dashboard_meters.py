"""What the dashboard counts and times since the process began."""

from __future__ import annotations

import msgspec
import pytest

from core import messages as m
from core.messages.safety import Collections
from core.screen.terms import DashboardTerms
from core.units import MILLISECOND, Nanos, seconds
from tests.builders import NOW, approved, contracts, filled
from tests.roles.dashboard_stage import TERMS, Stage


def _accepted(order_id: str, at: Nanos) -> m.OrderAccepted:
    return m.OrderAccepted(
        order_id=order_id,
        venue_order_id="v",
        filled=contracts(0),
        remaining=contracts(25),
        ts=at,
    )


def _order(stage: Stage, order_id: str, took_ms: int) -> None:
    """Decided on a frame of NOW, submitted after `took_ms`, answered 100 ms later."""
    order = msgspec.structs.replace(approved(order_id), signal_id=f"s:TICKER:{NOW}")
    submitted = Nanos(NOW + took_ms * MILLISECOND)
    stage.take(order)
    stage.take(m.OrderSubmitting(order_id=order_id, ts=submitted))
    stage.take(_accepted(order_id, Nanos(submitted + 100 * MILLISECOND)))


def _durations(stage: Stage) -> dict[str, dict[float, int]]:
    """Name -> upper end of the bucket -> count, empty buckets left out."""
    stage.flush()
    return {
        row.name: {
            bound: count
            for bound, count in zip((*row.bounds, float("inf")), row.counts, strict=True)
            if count
        }
        for row in stage.last("meters").durations
    }


def test_orders_are_timed_from_the_frame_and_to_the_answer() -> None:
    stage = Stage()
    _order(stage, "a", 2)
    _order(stage, "b", 400)
    assert _durations(stage) == {
        "tick_to_order": {0.0025: 1, 0.5: 1},
        "order_to_ack": {0.1: 2},
    }
    assert stage.last("meters").durations[0].sum == pytest.approx(0.402)


def test_durations_are_the_machines_where_the_market_runs_faster() -> None:
    stage = Stage(DashboardTerms(**{**msgspec.structs.asdict(TERMS), "speed": 60.0}))
    _order(stage, "a", 600)
    assert _durations(stage)["tick_to_order"] == {0.01: 1}


def test_an_answer_that_nobody_knows_is_counted_and_not_timed() -> None:
    stage = Stage()
    stage.take(approved("a"))
    stage.take(m.OrderSubmitting(order_id="a", ts=NOW))
    stage.take(m.OrderUnknown(order_id="a", reason="lost", ts=Nanos(NOW + seconds(3))))
    assert _durations(stage)["order_to_ack"] == {}
    assert stage.last("meters").counts["orders_unknown"] == 1


def test_fills_refusals_and_differences_are_counted() -> None:
    stage = Stage()
    stage.take(approved("a"))
    for number in range(3):
        stage.take(filled(f"f{number}", "a", quantity=contracts(4)))
    difference = m.Difference(what="cash", key="2", ours="1", theirs="2")
    stage.take(m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW))
    stage.flush()
    row = stage.last("meters")
    assert (row.counts["fills"], row.contracts_filled, row.differences) == (3, 12.0, 1)


def test_what_the_journal_brings_back_is_not_counted_again() -> None:
    stage = Stage()
    stage.role.apply(approved("a"))
    stage.role.apply(filled("f", "a"))
    stage.flush()
    assert set(stage.last("meters").counts.values()) == {0}


def test_the_machine_is_told_with_the_pauses_of_the_collector() -> None:
    stage = Stage()
    pauses = tuple(
        Collections(times=times, total_ns=total * MILLISECOND, longest_ns=MILLISECOND)
        for times, total in ((90, 20), (9, 5), (1, 1))
    )
    stage.take(
        m.MachineMeasured(
            memory=250_000_000, disk_free=10**9, threads=40, collections=pauses, ts=NOW
        )
    )
    stage.flush()
    row = stage.last("machine")
    assert (row.memory_megabytes, row.disk_free_megabytes, row.threads) == (250.0, 1_000.0, 40)
    assert [(one.generation, one.times, one.seconds) for one in row.collections] == [
        (0, 90, 0.02),
        (1, 9, 0.005),
        (2, 1, 0.001),
    ]
    assert {one.longest_seconds for one in row.collections} == {0.001}
