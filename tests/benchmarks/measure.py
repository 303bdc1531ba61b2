"""How every benchmark here measures: alternatives in turn, medians of rounds, ratios.

A benchmark module is `bench_<what>.py` with `TITLE` and `run(rounds) -> list[Row]`; the runner
finds it by being there. Absolute figures belong to the machine and the minute; ratios of
alternatives that took turns in one process repeat.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_SWITCH_INTERVAL_S: Final = 0.00001
"""As the daemon sets it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a result."""

    case: str
    value: float
    unit: str
    ratio: float | None = None
    """`value` over the value of the case that `against` names."""
    against: str = ""


def in_turn(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run every case once per round, in alternating order; the median of each over the rounds."""
    values: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for _ in range(rounds):
        for name in names:
            values[name].append(cases[name]())
        names.reverse()
    return {name: median(runs) for name, runs in values.items()}


@contextmanager
def daemon_switching() -> Iterator[None]:
    """With the daemon's switch interval."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """With the calling thread, and those it starts meanwhile, on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def rows(medians: Mapping[str, float], unit: str, against: str) -> list[Row]:
    """Medians as rows, each with its ratio to the case `against`."""
    return [
        Row(case=name, value=value, unit=unit, ratio=value / medians[against], against=against)
        for name, value in medians.items()
    ]


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample below which `share` (0..1) of all lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
