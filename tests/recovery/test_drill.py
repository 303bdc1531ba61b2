"""Fifty rounds of the drill: killed at every step, nothing doubled, nothing lost, not a cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.roles.execution import Execution
from core.roles.questions import Questions
from tests.recovery.processes import run_process_rounds
from tests.recovery.rounds import run_rounds

if TYPE_CHECKING:
    from pathlib import Path

    from core.messages import Message
    from core.units import Nanos


@pytest.mark.parametrize("seed", [2, 3])
def test_whatever_step_kills_it_the_books_are_equal_again(seed: int, quick: Path) -> None:
    tally = run_rounds(seed, 23, quick)
    assert tally.clean, tally
    assert tally.rounds == 23
    assert tally.kills >= 23
    assert tally.orders > 10
    assert tally.fills > 50
    assert tally.exits > 5
    assert tally.faults > 100
    assert tally.power_cuts > 0
    assert tally.adopted > 0


def test_processes_that_are_killed_find_their_books_again(quick: Path) -> None:
    tally = run_process_rounds(1, 4, quick)
    assert tally.clean, tally
    assert tally.kills == 4


def test_the_same_seed_plays_the_same_rounds(quick: Path) -> None:
    folders = [quick / "one", quick / "two"]
    for folder in folders:
        folder.mkdir()
    assert run_rounds(7, 4, folders[0]) == run_rounds(7, 4, folders[1])


def test_the_drill_sees_orders_that_are_not_adopted(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill itself is tested: without adoption a power cut loses orders for good."""
    monkeypatch.setattr("core.roles.order_news.OrderNews.is_lost", lambda *_: False)
    assert not run_rounds(2, 23, quick).clean


def test_the_drill_sees_orders_that_are_thought_unsent(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it pass a role that does not ask about what may be unknown."""

    def forget(self: Execution | Questions, report: object, now: Nanos) -> list[Message]:
        del self, report, now
        return []

    monkeypatch.setattr(Execution, "_ambiguous", forget)
    monkeypatch.setattr(Questions, "_overdue", forget)
    assert not run_rounds(2, 23, quick).clean
