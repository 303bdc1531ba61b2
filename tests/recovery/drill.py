"""`make drill ROUNDS=1000 SEED=1`: kill, recover, compare; one JSON line at the end.

Nine rounds in ten run in virtual time on real journal files (`tests.recovery.rounds`), one in ten
kills real processes (`tests.recovery.processes`). Exit code 1 where anything was doubled, lost, or
different by a cent. The same SEED plays the same rounds in virtual time.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tests.recovery.books import Tally
from tests.recovery.processes import run_process_rounds
from tests.recovery.rounds import run_rounds

if TYPE_CHECKING:
    from collections.abc import Callable

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
_ROUNDS_A_DRILL: Final = 25
"""Rounds in virtual time that share an account and a journal."""
_PROCESS_ROUNDS_A_DRILL: Final = 50
_STEPS: Final = 60
"""A journalled step of a round after which drills begin to kill at the first one again."""


def virtual_drills(rounds: int, seed: int, folder: Path, done: Callable[[Tally], None]) -> None:
    """So many rounds in virtual time, in drills of their own seeds."""
    for number, first in enumerate(range(0, rounds, _ROUNDS_A_DRILL)):
        some = min(_ROUNDS_A_DRILL, rounds - first)
        done(run_rounds(seed * 100_000 + number, some, folder, first % _STEPS))


def process_drills(rounds: int, seed: int, folder: Path, done: Callable[[Tally], None]) -> None:
    """So many rounds with real processes, each drill on an exchange of its own."""
    for number, first in enumerate(range(0, rounds, _PROCESS_ROUNDS_A_DRILL)):
        place = folder / f"processes-{number}"
        place.mkdir()
        some = min(_PROCESS_ROUNDS_A_DRILL, rounds - first)
        done(run_process_rounds(seed * 100_000 + number, some, place))


def drill(rounds: int, seed: int, share: float) -> Tally:
    """All rounds; progress goes to standard error."""
    total, began = Tally(), time.monotonic()
    real = round(rounds * share)

    def done(tally: Tally) -> None:
        total.add(tally)
        spent = time.monotonic() - began
        click.echo(f"{total.rounds} of {rounds} rounds, {spent:.0f} s", err=True)

    place = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="quarterhour-drill-") as name:
        virtual_drills(rounds - real, seed, Path(name), done)
        process_drills(real, seed, Path(name), done)
    return total


@click.command()
@click.option("--rounds", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--processes", default=0.1, show_default=True, help="Share of rounds that kill processes."
)
def main(rounds: int, seed: int, processes: float) -> None:
    """Kill and recover so many times."""
    total = drill(rounds, seed, processes)
    for failure in total.failures:
        click.echo(failure, err=True)
    names = ("rounds", "kills", "faults", "duplicates", "lost", "difference")
    click.echo(json.dumps({name: getattr(total, name) for name in names}))
    sys.exit(0 if total.clean else 1)


if __name__ == "__main__":
    main()
