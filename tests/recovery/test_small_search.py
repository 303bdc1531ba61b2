"""Every interleaving of one order's life, up to a depth: no bad state; planted ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.domain import closing, rules
from core.domain.reconciliation import Doubts
from core.roles.execution import Execution
from core.roles.order_events import rejection
from core.roles.quotes import Quotes
from tests.recovery.small_search import SCENES, search

if TYPE_CHECKING:
    from core import messages as m
    from core.units import Nanos

DEPTH = 4
"""Of choices after the scene; deeper by hand: `python -m tests.recovery.small_search --depth 6`."""


@pytest.mark.parametrize("scene", SCENES)
def test_no_order_of_events_leads_to_a_bad_state(scene: str) -> None:
    found = search(scene, DEPTH)
    assert found.bad == []
    assert found.depth == DEPTH
    assert found.worlds > 100


def test_the_search_finds_an_unknown_order_that_is_thought_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search itself is tested with planted defects."""

    def forget(self: Execution, answer: m.PlaceAmbiguous, now: Nanos) -> list[m.Message]:
        order = self.book.get(answer.order_id)
        return [rejection(order, "lost", now)] if order else []

    monkeypatch.setattr(Execution, "_ambiguous", forget)
    assert search("resting order approved", 3).bad


def test_the_search_finds_a_false_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Doubts, "lasting", lambda _, found, *__: tuple(found))
    assert search("resting order live", 3).bad


def test_the_search_finds_an_exit_that_begins_a_position(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = tuple(gate for gate in closing.GATES if gate is not rules.one_intent)
    monkeypatch.setattr(closing, "GATES", tuple(g for g in gates if g is not rules.outcome_known))
    assert search("closing order unknown", 4).bad


def test_the_search_finds_an_order_that_nobody_asks_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Execution, "_begin", lambda *_: [])
    assert search("resting order approved", 2).bad


def test_the_search_finds_an_order_that_is_withdrawn_and_taken_for_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def believe(self: Quotes, wish: m.WithdrawOrder, now: Nanos) -> list[m.Message]:
        order = self._book.get(wish.order_id)
        return [rejection(order, "withdrawn", now)] if order else []

    monkeypatch.setattr(Quotes, "withdraw", believe)
    assert search("resting order approved", 3).bad
