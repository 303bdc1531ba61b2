"""The supervision role: states, leases, the latch, and who is started again."""

from __future__ import annotations

from typing import TypeVar

import pytest

from core import messages as m
from core.journal import MemoryJournal
from core.roles.supervision import Supervision, SupervisionTerms
from core.runner import Runner
from core.topology import SUPERVISION, Routing
from core.units import Nanos, seconds
from tests.builders import NOW

M = TypeVar("M", bound=m.Message)
CHILDREN = ("risk", "execution", "strategy:a", "feed:market")
AGREED = m.Reconciled(complete=True, differences=(), foreign=0, ts=NOW)
BREACH = m.BreachDetected(
    code="drawdown_breaker", limit=0.15, value=0.2, detail="fell", source="risk", ts=NOW
)
RESET = m.ResetBreaker(by="ann", reason="looked into it")


class Watch:
    """A supervision role on a runner with a journal."""

    def __init__(self, *events: m.Message, **terms: object) -> None:
        self.journal = MemoryJournal(events=events)
        self.role = Supervision(SupervisionTerms(children=CHILDREN, **terms))  # type: ignore[arg-type]
        names = (SUPERVISION, "execution", "exchange", "supervisor", "dashboard")
        self.runner = Runner({SUPERVISION: self.role}, Routing(names), self.journal)
        self.runner.recover()
        self.now = NOW

    def tell(self, *messages: m.Message) -> list[m.Message]:
        """What leaves because of these messages, each once."""
        left: dict[int, m.Message] = {}
        for message in messages:
            for _, answer in self.runner.run(SUPERVISION, message, self.now):
                left[id(answer)] = answer
        return list(left.values())

    def tick(self, after: float) -> list[m.Message]:
        """Let time pass, then tick."""
        self.now = Nanos(self.now + seconds(after))
        return self.tell(m.Tick(due=self.now))

    @property
    def state(self) -> str:
        """The trading state."""
        return self.role.breaker.state


def of(messages: list[m.Message], kind: type[M]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]


def trading(**terms: object) -> Watch:
    watch = Watch(**terms)
    watch.tell(m.Begin(recovered=0), AGREED)
    return watch


def failed(actor: str, generation: int = 1) -> m.ActorFailed:
    return m.ActorFailed(actor=actor, generation=generation, error="KeyError: x", ts=NOW)


def started(actor: str, generation: int = 1) -> m.ActorStarted:
    return m.ActorStarted(actor=actor, generation=generation, recovered=0, ts=NOW)


def test_nothing_trades_before_the_books_agree() -> None:
    watch = Watch()
    left = watch.tell(m.Begin(recovered=0), m.ArmTrading(by="ann", reason="go"))
    assert watch.state == "STARTING"
    assert all(permit.expires <= watch.now for permit in of(left, m.Permit))
    assert "reconciled" in watch.role.refusal


def test_local_and_paper_arm_themselves_and_live_waits() -> None:
    assert trading().state == "ACTIVE"
    assert trading(auto_arm=False).state == "DISARMED"


def test_live_that_went_down_armed_comes_back_armed() -> None:
    armed = trading(auto_arm=False)
    armed.tell(m.ArmTrading(by="ann", reason="go"))
    again = Watch(*armed.journal.events, auto_arm=False)
    again.tell(m.Begin(recovered=3))
    assert again.state == "STARTING"
    again.tell(AGREED)
    assert again.state == "ACTIVE"


def test_an_incomplete_comparison_decides_nothing() -> None:
    watch = Watch()
    watch.tell(
        m.Begin(recovered=0), m.Reconciled(complete=False, differences=(), foreign=0, ts=NOW)
    )
    assert watch.state == "STARTING"


def test_books_that_differ_halt() -> None:
    difference = m.Difference(what="cash", key="account", ours="1", theirs="2")
    watch = Watch()
    watch.tell(
        m.Begin(recovered=0),
        m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW),
    )
    assert (watch.state, watch.role.breaker.code) == ("HALTED", "books_differ")


def test_the_lease_is_renewed_while_active_and_only_then() -> None:
    watch = trading()
    (permit,) = of(watch.tick(1), m.Permit)
    assert permit.expires == watch.now + seconds(3)
    watch.tell(m.PauseTrading(by="ann", reason="lunch"))
    assert of(watch.tick(1), m.Permit) == []


def test_a_position_that_differs_is_the_business_of_its_market() -> None:
    watch = trading()
    difference = m.Difference(what="position", key="X", ours="1", theirs="2")
    watch.tell(m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW))
    assert watch.state == "ACTIVE"


def test_a_breach_halts_revokes_and_cancels() -> None:
    watch = trading()
    before = watch.role.breaker.epoch
    left = watch.tell(BREACH)
    assert watch.state == "HALTED"
    (permit,) = of(left, m.Permit)
    assert (permit.epoch, permit.expires) == (before + 1, watch.now)
    assert of(left, m.CancelAllOrders)


def test_a_halt_survives_a_restart() -> None:
    watch = trading()
    watch.tell(BREACH)
    again = Watch(*watch.journal.events)
    again.tell(m.Begin(recovered=9), AGREED, m.ArmTrading(by="ann", reason="go"))
    assert again.state == "HALTED"
    assert "reset the breaker" in again.role.refusal


@pytest.mark.parametrize(
    "command",
    [
        m.DisarmTrading(by="run.py", reason="stopping"),
        m.PauseTrading(by="ann", reason="x"),
        m.ArmTrading(by="ann", reason="x"),
    ],
)
def test_no_other_command_ends_a_halt_and_a_stop_still_cancels(command: m.Message) -> None:
    watch = trading()
    watch.tell(BREACH)
    epoch = watch.role.breaker.epoch
    left = watch.tell(command)
    assert (watch.state, watch.role.breaker.epoch) == ("HALTED", epoch)
    assert len(of(left, m.CancelAllOrders)) == isinstance(command, m.DisarmTrading)


def test_a_journal_that_cannot_be_written_halts_at_the_first_failure() -> None:
    watch = trading()
    failure = m.ActorFailed(
        actor="risk", generation=1, error="JournalError: disk full", cause="JournalError", ts=NOW
    )
    left = watch.tell(started("risk"), failure)
    assert (watch.state, watch.role.breaker.code) == ("HALTED", "journal_failed")
    assert of(left, m.CancelAllOrders)
    assert of(left, m.RestartActor)[0].actor == "risk"


def test_only_a_reset_with_a_reason_ends_a_halt() -> None:
    watch = trading()
    watch.tell(BREACH, m.ResetBreaker(by="ann", reason=" "))
    assert watch.state == "HALTED"
    watch.tell(RESET)
    assert watch.state == "DISARMED"
    assert watch.role.breaker.reason == "looked into it"


def test_cancelling_goes_on_until_the_exchange_lists_nothing() -> None:
    watch = trading()
    watch.tell(BREACH)
    watch.tell(m.CancelAllDone(cancelled=1, resting=1, reason="x", ts_recv=NOW))
    assert not watch.role.nothing_rests
    assert of(watch.tick(2), m.CancelAllOrders)
    watch.tell(m.CancelAllDone(cancelled=1, resting=0, reason="x", ts_recv=NOW))
    assert watch.role.nothing_rests
    assert of(watch.tick(2), m.CancelAllOrders) == []


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (m.DisarmTrading(by="ann", reason="x"), "DISARMED"),
        (m.PauseTrading(by="ann", reason="x"), "REDUCING"),
        (m.HaltTrading(by="ann", reason="x", code="operator"), "HALTED"),
        (m.ArmTrading(by="ann", reason="x"), "ACTIVE"),
    ],
)
def test_commands_change_the_state(command: m.Message, state: str) -> None:
    watch = trading()
    watch.tell(command)
    assert watch.state == state


def test_every_loss_of_permission_raises_the_epoch() -> None:
    watch = trading()
    epochs = [watch.role.breaker.epoch]
    for command in (
        m.PauseTrading(by="a", reason="x"),
        m.ArmTrading(by="a", reason="x"),
        m.DisarmTrading(by="a", reason="x"),
    ):
        watch.tell(command)
        epochs.append(watch.role.breaker.epoch)
    assert epochs == sorted(set(epochs))


def test_a_fallen_host_is_started_again_after_a_pause() -> None:
    watch = trading()
    watch.tell(started("risk"))
    (restart,) = of(watch.tell(failed("risk")), m.RestartActor)
    assert restart.actor == "risk"
    assert 0 <= restart.delay <= seconds(5)
    assert watch.state == "ACTIVE"


def test_a_money_host_that_keeps_falling_halts_trading() -> None:
    watch = trading()
    for generation in (1, 2, 3):
        watch.tell(started("risk", generation))
        left = watch.tell(failed("risk", generation))
    assert watch.state == "HALTED"
    assert of(left, m.QuarantineActor)[0].actor == "risk"


def test_a_strategy_that_keeps_falling_is_quarantined_alone() -> None:
    watch = trading()
    for generation in (1, 2, 3, 4):
        watch.tell(started("strategy:a", generation))
        left = watch.tell(failed("strategy:a", generation))
    assert of(left, m.QuarantineActor)
    assert watch.state == "ACTIVE"


def test_a_feed_that_keeps_falling_halts_and_is_tried_again_slowly() -> None:
    watch = trading()
    for generation in range(1, 7):
        watch.tell(started("feed:market", generation))
        left = watch.tell(failed("feed:market", generation))
    assert watch.state == "HALTED"
    assert of(left, m.RestartActor)[0].delay == seconds(30)


def test_a_host_that_does_not_answer_is_replaced() -> None:
    watch = trading()
    watch.tell(*(started(child) for child in CHILDREN))
    answers = [
        m.HostPulse(
            actor=child,
            generation=1,
            sent=NOW,
            depth=0,
            handled=1,
            oldest_ns=0,
            busiest_ns=0,
            ts=NOW,
        )
        for child in CHILDREN
        if child != "execution"
    ]
    watch.tick(2)
    watch.tell(*answers)
    left = watch.tick(1.5)
    assert [restart.actor for restart in of(left, m.RestartActor)] == ["execution"]


def test_the_failure_of_an_older_generation_is_no_news() -> None:
    watch = trading()
    watch.tell(started("risk", 2))
    assert of(watch.tell(failed("risk", 1)), m.RestartActor) == []


def test_a_host_that_never_starts_is_tried_again() -> None:
    watch = trading()
    assert {restart.actor for restart in of(watch.tick(11), m.RestartActor)} == set(CHILDREN)
