"""HALT is proven on the local exchange, whatever else is dead, hung, or being started again.

Run with `-s` to see how long each proof took. The times are printed and not asserted: they are the
machine's, and the promise of two seconds is one for a machine that is not shared.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from core.topology import EXCHANGE, EXECUTION, FEED, RISK, SPOT, STREAM
from tests.recovery.plant import HANG_SECONDS, Plant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

RESTING = 4


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path).start()
    made.rest(RESTING)
    assert made.resting() == RESTING
    yield made
    made.stop()


def nothing(plant: Plant) -> None:
    del plant


def dead_feeds(plant: Plant) -> None:
    for name in (FEED, SPOT, STREAM):
        plant.traps[name].kill_for_good()


def dead_execution(plant: Plant) -> None:
    plant.traps[EXECUTION].kill_for_good()


def hung_execution(plant: Plant) -> None:
    hang(plant, EXECUTION)


def dead_exchange(plant: Plant) -> None:
    plant.traps[EXCHANGE].kill_for_good()
    gone(plant, EXCHANGE)


def hung_exchange(plant: Plant) -> None:
    hang(plant, EXCHANGE)


def restarting(plant: Plant) -> None:
    for name in (EXECUTION, RISK, EXCHANGE):
        plant.traps[name].kill()


def everything(plant: Plant) -> None:
    dead_feeds(plant)
    hang(plant, EXECUTION)
    hang(plant, EXCHANGE)


def hang(plant: Plant, name: str) -> None:
    trap = plant.traps[name]
    trap.hang()
    assert trap.hanging.wait(HANG_SECONDS)


def gone(plant: Plant, name: str) -> None:
    """Wait until the host has left."""
    before = plant.directory.ref(name)
    while before is not None and plant.directory.ref(name) is before:
        time.sleep(0.001)


@pytest.mark.parametrize(
    "situation",
    [
        nothing,
        dead_feeds,
        dead_execution,
        hung_execution,
        dead_exchange,
        hung_exchange,
        restarting,
        everything,
    ],
)
def test_a_halt_is_proven(plant: Plant, situation: Callable[[Plant], None]) -> None:
    situation(plant)
    began = time.monotonic()
    answer = plant.control.halt(plant.ask("drill"), HANG_SECONDS)
    took = time.monotonic() - began
    sys.stdout.write(f"HALT, {situation.__name__}: proven after {took:.3f} s\n")
    assert (answer.state, answer.resting) == ("HALTED", 0)
    assert plant.resting() == 0


@pytest.mark.parametrize("situation", [nothing, hung_exchange, dead_execution])
def test_the_halt_file_halts_and_is_proven(
    plant: Plant, situation: Callable[[Plant], None]
) -> None:
    situation(plant)
    began = time.monotonic()
    plant.halt_file.path.write_text("fire drill\n", encoding="utf-8")
    standing = plant.until(
        lambda now: any(c.code == "halt_file" for c in now.latched) and now.proven is not None
    )
    took = time.monotonic() - began
    sys.stdout.write(f"HALT file, {situation.__name__}: proven after {took:.3f} s\n")
    assert standing.state == "HALTED"
    assert "fire drill" in [cause.reason for cause in standing.latched]
    assert plant.resting() == 0
