"""`make chaos RUNS=200 SEED=1`: hurt everything in turn, in virtual time; one JSON line at the end.

`runs` and `faults` count what was done, `survived` the runs in which every invariant held after
every step, `violations` those that did not hold. `recover_ms` is the virtual time from a fault
until it trades again, or is halted with a reason and the stop proven. The same SEED plays the same
runs, to the last digit. Exit code 1 where anything was violated.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from core import messages as m
from tests.recovery.chaos_faults import FAULTS, Hurt
from tests.recovery.chaos_floor import Floor, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

START_SECONDS = 30.0
QUIET_SECONDS = 120.0


class Tally(msgspec.Struct, kw_only=True):
    """What runs have come to."""

    runs: int = 0
    faults: int = 0
    survived: int = 0
    orders: int = 0
    fills: int = 0
    halts: dict[str, int] = msgspec.field(default_factory=dict)
    """Halts by code: where a policy says so, a halt is the right answer."""
    violations: list[str] = msgspec.field(default_factory=list)
    recovered: list[float] = msgspec.field(default_factory=list)
    """Milliseconds of virtual time."""

    def line(self) -> dict[str, object]:
        """The one line."""
        times = sorted(self.recovered)
        return {
            "runs": self.runs,
            "faults": self.faults,
            "survived": self.survived,
            "violations": len(self.violations),
            "recover_ms": {"p50": quantile(times, 0.50), "p99": quantile(times, 0.99)},
        }


def quantile(ordered: list[float], share: float) -> float:
    """The least value that this share of all does not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(plan: Plan, tally: Tally) -> None:
    """Every fault once, in an order of the seed's."""
    floor = Floor(plan)
    hurt = Hurt(floor, tally.recovered, tally.halts)
    if not floor.until(lambda: floor.healthy, START_SECONDS):
        floor.watch.violated("it never began to trade")
    else:
        order = [fault for fault in FAULTS if not plan.kinds or fault.kind in plan.kinds]
        floor.random.shuffle(order)
        for fault in order:
            hurt.inflict(fault)
            if floor.watch.violations:
                break  # what follows would only be its consequence
        _finish(floor)
    tally.runs += 1
    tally.faults += floor.faults + floor.line.faults.count
    tally.orders += floor.watch.orders
    tally.fills += len(floor.market.account.fills())
    tally.survived += not floor.watch.violations
    tally.violations += [f"seed {plan.seed}: {what}" for what in floor.watch.violations]
    floor.end_process()


def _finish(floor: Floor) -> None:
    """A good line and nothing new: in the end both sides' books are the same."""
    if floor.watch.violations or floor.process is None:
        return
    for name in floor.line.faults.__struct_fields__:
        if name != "count":
            setattr(floor.line.faults, name, 0.0)
    floor.deliver(m.DisarmTrading(by="chaos", reason="the end"))
    floor.until(lambda: not floor.books_differ() and not floor.watch.unbooked(), QUIET_SECONDS)
    left, missing = floor.books_differ(), floor.watch.unbooked()
    if left or missing:
        floor.watch.violated(f"the books differ in the end: {left}; {missing} fills not booked")


def play(runs: int, seed: int, done: Callable[[Tally], None], **plan: object) -> Tally:
    """So many runs; `done` hears of each."""
    tally = Tally()
    place = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    with tempfile.TemporaryDirectory(
        dir=place if place.is_dir() else None, prefix="quarterhour-chaos-"
    ) as folder:
        for number in range(runs):
            run(Plan(seed=seed * 100_000 + number, folder=Path(folder), **plan), tally)  # type: ignore[arg-type]
            done(tally)
    return tally


@click.command()
@click.option("--runs", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
def main(runs: int, seed: int) -> None:
    """Hurt everything so many times."""
    logging.disable(logging.CRITICAL)  # hosts that fall say so, and here all of them do

    def done(tally: Tally) -> None:
        if tally.runs % 10 == 0:
            click.echo(f"{tally.runs} of {runs} runs, {len(tally.violations)} violations", err=True)

    tally = play(runs, seed, done)
    for violation in tally.violations:
        click.echo(violation, err=True)
    click.echo(f"{tally.orders} orders, {tally.fills} fills, halts {tally.halts}", err=True)
    click.echo(json.dumps(tally.line()))
    sys.exit(1 if tally.violations else 0)


if __name__ == "__main__":
    main()
