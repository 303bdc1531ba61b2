"""A quarter of an hour of the day with faults; the whole day is `python -m tests.recovery.day`."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.recovery.day import Day, clean, draw

if TYPE_CHECKING:
    from pathlib import Path


def test_books_are_equal_after_a_quarter_of_an_hour_with_faults(quick: Path) -> None:
    result = Day(quick, 1, 60.0, 0.3).run()
    assert clean(result), result
    assert result["orders"] > 0
    assert result["halts"] == []


def test_a_cent_or_a_fill_too_few_is_not_clean() -> None:
    good = {
        "lost": 0,
        "duplicates": 0,
        "differences": [],
        "resting": 0,
        "exit": 0,
        "positions_equal": True,
        "difference": 0.0,
    }
    assert clean(good)
    for name, value in (("lost", 1), ("difference", 1.0), ("positions_equal", False), ("exit", 1)):
        assert not clean({**good, name: value})


def test_most_quarters_of_an_hour_have_faults_and_some_have_none() -> None:
    drawn = [len(draw(Random(seed))) for seed in range(200)]
    assert 20 < drawn.count(0) < 80
    assert max(drawn) > 8
