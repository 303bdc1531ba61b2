"""The collector's pauses are counted, and what stands at the start is not walked any more."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.garbage import GENERATIONS, Garbage
from actors.machine import measurer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ring:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    made = Garbage()
    yield made
    made.end()


def test_every_collection_is_counted_under_its_generation(garbage: Garbage) -> None:
    garbage.settle()
    before = garbage.collections()
    for generation in range(GENERATIONS):
        rings = [Ring() for _ in range(100)]
        del rings
        gc.collect(generation)
    after = garbage.collections()
    for old, new in zip(before, after, strict=True):
        assert new.times > old.times
        assert new.total_ns > old.total_ns
        assert 0 < new.longest_ns <= new.total_ns


def test_nothing_is_counted_before_the_start_and_after_the_end(garbage: Garbage) -> None:
    gc.collect()
    assert {one.times for one in garbage.collections()} == {0}
    garbage.settle()
    garbage.end()
    told = garbage.collections()
    gc.collect()
    assert garbage.collections() == told


def test_what_stands_at_the_start_is_not_walked_any_more(garbage: Garbage) -> None:
    ring = Ring()
    garbage.settle()
    assert not any(one is ring for one in gc.get_objects())
    assert gc.get_freeze_count() > 0
    garbage.end()
    assert gc.get_freeze_count() == 0


def test_what_has_lasted_since_is_put_there_too_when_its_time_has_come(
    garbage: Garbage,
) -> None:
    garbage.settle()
    full = garbage.collections()[-1].times
    ring = Ring()
    garbage.tend()  # too early
    assert any(one is ring for one in gc.get_objects())
    garbage._tend_at = 0.0
    garbage.tend()
    assert not any(one is ring for one in gc.get_objects())
    assert garbage.collections()[-1].times == full + 1


def test_the_interpreter_makes_no_full_collection_until_the_end(garbage: Garbage) -> None:
    before = gc.get_threshold()
    garbage.settle()
    assert gc.get_threshold()[2] >= 1_000_000
    garbage.end()
    assert gc.get_threshold() == before


def test_nothing_is_loaded_late(tmp_path: Path) -> None:
    """Neither the first segment of a tape nor the first drawing brings modules with it."""
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LATE, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == []


LATE = """
import sys
from pathlib import Path

import numpy as np

from actors.garbage import Garbage
from tests.research.test_tape_recorder import SOL, RecorderTerms, TapeRecorder, delta

recorder = TapeRecorder(RecorderTerms(root=Path(sys.argv[1]), series=("KXSOL15M",), about={}))
Garbage().settle()
before = set(sys.modules)
recorder.add([(delta(SOL, 1, 0).ts_recv, delta(SOL, 1, 0))])
recorder.flush()
np.quantile(np.random.default_rng(1).random(100), [0.1, 0.9])
print(*(set(sys.modules) - before))
"""


def test_what_the_start_has_left_over_is_not_kept_for_ever(garbage: Garbage) -> None:
    gc.disable()
    try:
        ring = Ring()
        gone = []
        ring.__dict__["told"] = Told(gone)
        del ring
        garbage.settle()
    finally:
        gc.enable()
    assert gone == ["freed"]


class Told:
    """Says when it is freed."""

    def __init__(self, gone: list[str]) -> None:
        self._gone = gone

    def __del__(self) -> None:
        self._gone.append("freed")


def test_the_machine_is_measured_with_it(garbage: Garbage, tmp_path: Path) -> None:
    garbage.settle()
    gc.collect()
    found = measurer(tmp_path, garbage)()
    assert found is not None
    assert found.threads >= 1
    assert found.collections[-1].times >= 1
