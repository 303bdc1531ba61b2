"""Chaos in virtual time: it is deterministic, all is well, and it would see it if it were not.

The full thing is `make chaos`. Here a few runs, and for each invariant a daemon with a defect of
just that kind, planted where the guard stands that keeps it away.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from core import messages as m
from core.roles.execution import Execution
from tests.recovery.chaos import Tally, play, run
from tests.recovery.chaos_floor import Floor, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.recovery.chaos_process import Process

pytestmark = pytest.mark.timeout(600)
SEEDS = 12
"""Runs in which a planted defect must show; most do in the first."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_everything_is_survived() -> None:
    tally = play(2, 7, lambda _: None)
    assert tally.violations == []
    assert tally.survived == tally.runs == 2
    assert tally.orders > 20
    assert tally.fills > 20
    assert tally.faults > 80


def test_the_same_seed_plays_the_same(quick: Path) -> None:
    def played() -> tuple[object, ...]:
        tally = Tally()
        run(Plan(seed=3, folder=quick, kinds=frozenset({"kill", "hang", "bad_line"})), tally)
        return tally.line(), tally.orders, tally.fills, tally.halts, tally.recovered

    assert played() == played()


# --- planted defects -----------------------------------------------------------------------------


def found(
    quick: Path,
    kinds: str,
    sabotage: Callable[[Process], None] | None = None,
    **settings: object,
) -> list[str]:
    """Violations of the first run that has any."""
    tally = Tally()
    for seed in range(SEEDS):
        plan = Plan(
            seed=seed,
            folder=quick,
            sabotage=sabotage,
            settings=dict(settings),
            kinds=frozenset(kinds.split()),
        )
        run(plan, tally)
        if tally.violations:
            break
    return tally.violations


def after_making(process: Process, name: str, plant: Callable[[Any], None]) -> None:
    """Plant in every generation of a role."""
    make = process._make

    def planted(wanted: str, instance: str) -> Any:  # noqa: ANN401 - any role
        role = make(wanted, instance)
        if wanted == name:
            plant(role)
        return role

    process._make = planted  # type: ignore[method-assign]


def assert_seen(violations: list[str], what: str) -> None:
    assert any(what in violation for violation in violations), violations


def test_orders_without_a_permit_are_seen(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(process: Process) -> None:
        """Neither ring looks at the permit."""
        desk = process.client.desk

        def made(is_fenced: Callable[[], bool]) -> Any:  # noqa: ANN401 - a desk
            built = desk(is_fenced)
            built.refusal = lambda _: ""
            return built

        process.client.desk = made  # type: ignore[method-assign]

    monkeypatch.setattr(Execution, "_refusal", lambda *_: "", raising=True)
    seen = found(quick, "hang crash halt file", careless)
    assert_seen(seen, "an order left")


def test_a_breaker_that_a_restart_unlatches_is_seen(quick: Path) -> None:
    def forgetful(process: Process) -> None:
        """Halts in the journal do not count when it is read again."""
        born = process.clock.now()

        def plant(role: Any) -> None:  # noqa: ANN401 - supervision
            apply = role.apply
            role.apply = lambda event: (
                None if _is_halt(event) and process.clock.now() == born else apply(event)
            )

        after_making(process, "supervision", plant)

    def halted_then_killed(floor: Floor) -> None:
        floor.deliver(m.HaltTrading(by="chaos", reason="drill", code="operator"))
        floor.until(lambda: floor.state == "HALTED", 5.0)
        floor.end_process()
        floor.live(1.0)
        floor.start_process()
        floor.live(5.0)

    floor = Floor(Plan(seed=1, folder=quick, sabotage=forgetful))
    assert floor.until(lambda: floor.healthy, 30.0)
    halted_then_killed(floor)
    floor.end_process()
    assert_seen(floor.watch.violations, "unlatched")


def _is_halt(event: object) -> bool:
    return isinstance(event, m.TradingStateChanged) and event.state == "HALTED"


def test_more_exposure_than_allowed_is_seen(quick: Path) -> None:
    assert_seen(found(quick, "slow", max_total_exposure=5_000, max_position_size=5_000), "allowed")


def test_a_hang_that_is_not_seen_in_time_is_seen(quick: Path) -> None:
    assert_seen(found(quick, "hang", heartbeat_timeout_seconds=6.0), "not seen within")


def test_a_host_that_is_never_started_again_is_seen(quick: Path) -> None:
    def plant(role: Any) -> None:  # noqa: ANN401 - supervision
        role.children._restart = lambda *_: []

    assert_seen(
        found(quick, "kill", lambda process: after_making(process, "supervision", plant)),
        "trade again",
    )


def test_poison_that_is_not_set_aside_is_seen(quick: Path) -> None:
    def plant(role: Any) -> None:  # noqa: ANN401 - supervision
        role.children._poison = lambda *_: []

    assert_seen(
        found(quick, "poison", lambda process: after_making(process, "supervision", plant)),
        "killed a third time",
    )


def test_orders_that_rest_after_a_halt_are_seen(quick: Path) -> None:
    def plant(process: Process) -> None:
        desk = process.client.desk

        def made(is_fenced: Callable[[], bool]) -> Any:  # noqa: ANN401 - a desk
            built = desk(is_fenced)
            built.cancel_listed = lambda _: True  # says so, and does nothing
            built.cancel = lambda order: m.CancelRefused(
                order_id=order.order_id, code="broken", ts_recv=process.clock.now()
            )
            return built

        process.client.desk = made  # type: ignore[method-assign]

    seen = found(quick, "halt file", plant)
    assert seen
    assert_seen(seen, "rest")


def test_an_order_that_is_sent_again_after_no_answer_is_seen(quick: Path) -> None:
    def plant(process: Process) -> None:
        desk = process.client.desk

        def made(is_fenced: Callable[[], bool]) -> Any:  # noqa: ANN401 - a desk
            built = desk(is_fenced)
            send = built._send

            def twice(order: m.PlaceOrder) -> m.Message:
                told = send(order)
                return send(order) if isinstance(told, m.PlaceAmbiguous) else told

            built._send = twice
            return built

        process.client.desk = made  # type: ignore[method-assign]

    assert_seen(found(quick, "bad_line", plant), "was sent twice")


def test_fills_that_are_booked_twice_are_seen(quick: Path) -> None:
    def plant(process: Process) -> None:
        watch = process._watch
        journalled = watch.journalled

        def doubled(events: Any) -> None:  # noqa: ANN401 - a sequence of events
            fills = [event for event in events if isinstance(event, m.OrderFilled)]
            journalled((*events, *map(msgspec.structs.replace, fills)))

        if journalled.__name__ != "doubled":
            watch.journalled = doubled  # type: ignore[method-assign]

    assert_seen(found(quick, "slow", plant), "booked twice")
