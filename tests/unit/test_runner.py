"""The runner: nothing leaves before it is written, and the same messages give the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core import messages as m
from core.journal import JournalError, MemoryJournal
from core.runner import Runner, WriterViolationError
from core.topology import EXECUTION, RISK, Routing
from core.units import Nanos, Quantity
from tests.builders import NOW, approved, signal

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSED = m.OrderClosed(order_id="t-1", reason="x", filled=Quantity(0), ts=NOW)
SUBMITTING = m.OrderSubmitting(order_id="t-1", ts=NOW)


class Echo:
    """A role that answers each type of message with fixed messages, and remembers what it saw."""

    def __init__(self, name: str, answers: dict[type[m.Message], Sequence[m.Message]]) -> None:
        self.name = name
        self.answers = answers
        self.log: list[str] = []

    def handle(self, message: m.Message, now: Nanos) -> Sequence[m.Message]:
        """Answer."""
        del now
        self.log.append(f"handle {type(message).__name__}")
        return self.answers.get(type(message), ())

    def apply(self, event: m.Message) -> None:
        """Remember."""
        self.log.append(f"apply {type(event).__name__}")


class FullDisk(MemoryJournal):
    """A journal whose disk is full."""

    def append(self, events: Sequence[m.Message], now: Nanos) -> None:  # noqa: ARG002
        """Refuse."""
        raise JournalError


NAMES = (RISK, EXECUTION, "dashboard", "exchange")


def test_an_event_is_written_and_applied_before_it_leaves() -> None:
    journal = MemoryJournal()
    risk = Echo(RISK, {m.Signal: [approved()]})
    leaving = Runner({RISK: risk}, Routing(NAMES), journal).run(RISK, signal(), NOW)
    assert journal.events == [approved()]
    assert risk.log == ["handle Signal", "apply OrderApproved"]
    assert leaving == [(EXECUTION, approved()), ("dashboard", approved())]


def test_nothing_leaves_when_the_journal_cannot_be_written() -> None:
    risk = Echo(RISK, {m.Signal: [approved()]})
    runner = Runner({RISK: risk}, Routing(NAMES), FullDisk())
    with pytest.raises(JournalError):
        runner.run(RISK, signal(), NOW)
    assert "apply OrderApproved" not in risk.log


def test_a_fact_from_another_role_is_applied_before_it_is_handled() -> None:
    risk = Echo(RISK, {})
    Runner({RISK: risk}, Routing(NAMES), MemoryJournal()).run(RISK, CLOSED, NOW)
    assert risk.log == ["apply OrderClosed", "handle OrderClosed"]


def test_roles_on_board_are_served_without_leaving() -> None:
    risk = Echo(RISK, {m.Signal: [approved()]})
    execution = Echo(EXECUTION, {m.OrderApproved: [SUBMITTING]})
    runner = Runner({RISK: risk, EXECUTION: execution}, Routing(NAMES), MemoryJournal())
    leaving = runner.run(RISK, signal(), NOW)
    assert execution.log == [
        "apply OrderApproved",
        "handle OrderApproved",
        "apply OrderSubmitting",
    ]
    assert leaving == [("dashboard", approved()), ("dashboard", SUBMITTING)]


def test_only_its_writer_may_write_an_event() -> None:
    risk = Echo(RISK, {m.Signal: [CLOSED]})
    runner = Runner({RISK: risk}, Routing(NAMES), MemoryJournal())
    with pytest.raises(WriterViolationError, match="execution"):
        runner.run(RISK, signal(), NOW)


def test_recovery_gives_each_role_what_it_writes_and_what_it_hears() -> None:
    journal = MemoryJournal(events=[approved(), SUBMITTING, CLOSED])
    risk, execution = Echo(RISK, {}), Echo(EXECUTION, {})
    runner = Runner({RISK: risk, EXECUTION: execution}, Routing(NAMES), journal)
    assert runner.recover() == 3
    assert risk.log == ["apply OrderApproved", "apply OrderClosed"]
    assert execution.log == ["apply OrderApproved", "apply OrderSubmitting", "apply OrderClosed"]


def test_a_message_without_a_route_is_a_defect() -> None:
    class Orphan(m.Message, frozen=True, kw_only=True):
        """Nobody is meant to get this."""

    risk = Echo(RISK, {m.Signal: [Orphan()]})
    with pytest.raises(KeyError):
        Runner({RISK: risk}, Routing(NAMES), MemoryJournal()).run(RISK, signal(), NOW)
