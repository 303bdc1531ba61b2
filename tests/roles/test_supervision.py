"""The supervision role: states, leases, the latch, and what a restart keeps of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.units import seconds
from tests.builders import NOW
from tests.roles.watch import AGREED, BREACH, RESET, Watch, failed, of, started, trading

ARM = m.ArmTrading(by="ann", reason="go")
DISARM = m.DisarmTrading(by="ann", reason="stop")
PAUSE = m.PauseTrading(by="ann", reason="lunch")
HALT = m.HaltTrading(by="ann", reason="odd", code="operator")
FILE = m.HaltFileChanged(present=True, text="fire drill", ts=NOW)
FILE_GONE = m.HaltFileChanged(present=False, text="", ts=NOW)


def differing(what: str = "cash") -> m.Reconciled:
    difference = m.Difference(what=what, key="account", ours="1", theirs="2")
    return m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW)


# --- states


def test_nothing_trades_before_the_books_agree() -> None:
    watch = Watch()
    left = watch.tell(m.Begin(recovered=0), ARM)
    assert watch.state == "STARTING"
    assert all(permit.expires <= watch.now for permit in of(left, m.Permit))
    assert "reconciled" in watch.role.refusal


def test_local_and_paper_arm_themselves_and_live_waits() -> None:
    assert trading().state == "ACTIVE"
    assert trading(auto_arm=False).state == "DISARMED"


def test_live_that_went_down_armed_comes_back_armed() -> None:
    armed = trading(auto_arm=False)
    armed.tell(ARM)
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
    watch = Watch()
    watch.tell(m.Begin(recovered=0), differing())
    assert (watch.state, watch.code) == ("HALTED", "books_differ")


def test_a_position_that_differs_is_the_business_of_its_market() -> None:
    watch = trading()
    watch.tell(differing("position"))
    assert watch.state == "ACTIVE"


def test_the_lease_is_renewed_while_active_or_paused_and_only_then() -> None:
    watch = trading()
    (permit,) = of(watch.tick(1), m.Permit)
    assert (permit.state, permit.expires) == ("ACTIVE", watch.now + seconds(3))
    watch.tell(PAUSE)
    (permit,) = of(watch.tick(1), m.Permit)
    assert (permit.state, permit.expires) == ("REDUCING", watch.now + seconds(3))
    assert permit.epoch == watch.role.breaker.epoch
    for command in (DISARM, HALT):
        watch.tell(command)
        assert of(watch.tick(1), m.Permit) == []


@pytest.mark.parametrize(
    ("command", "state"), [(DISARM, "DISARMED"), (PAUSE, "REDUCING"), (HALT, "HALTED")]
)
def test_commands_change_the_state(command: m.Message, state: str) -> None:
    watch = trading()
    watch.tell(command)
    assert watch.state == state


def test_every_loss_of_permission_raises_the_epoch() -> None:
    watch = trading()
    epochs = [watch.role.breaker.epoch]
    for command in (PAUSE, ARM, DISARM):
        watch.tell(command)
        epochs.append(watch.role.breaker.epoch)
    assert epochs == sorted(set(epochs))


def test_nothing_is_armed_while_a_host_of_money_is_down() -> None:
    watch = trading()
    watch.tell(DISARM, failed("risk"), ARM)
    assert watch.state == "DISARMED"
    assert "risk" in watch.role.refusal
    watch.tell(started("risk", 2), ARM)
    assert watch.state == "ACTIVE"


# --- the latch


def test_a_breach_halts_and_revokes() -> None:
    watch = trading()
    before = watch.role.breaker.epoch
    left = watch.tell(BREACH)
    assert watch.state == "HALTED"
    (permit,) = of(left, m.Permit)
    assert (permit.epoch, permit.expires) == (before + 1, watch.now)


def test_a_halt_keeps_its_numbers() -> None:
    watch = trading()
    watch.tell(BREACH)
    (halt,) = watch.role.breaker.latched.values()
    assert (halt.code, halt.limit, halt.value, halt.by) == ("drawdown_breaker", 0.15, 0.2, "risk")


def test_a_halt_survives_a_restart() -> None:
    watch = trading()
    watch.tell(BREACH)
    again = Watch(*watch.journal.events)
    again.tell(m.Begin(recovered=9), AGREED)
    again.start_all()
    again.tell(ARM)
    assert again.state == "HALTED"
    assert "reset the breaker" in again.role.refusal


@pytest.mark.parametrize("command", [DISARM, PAUSE, ARM, AGREED, m.Begin(recovered=1)])
def test_nothing_but_a_reset_ends_a_halt(command: m.Message) -> None:
    """Not even the orderly stop of the process, which disarms."""
    watch = trading()
    watch.tell(BREACH, command)
    assert watch.state == "HALTED"


def test_a_reset_needs_a_reason_which_is_kept() -> None:
    watch = trading()
    watch.tell(BREACH, m.ResetBreaker(by="ann", reason=" "))
    assert watch.state == "HALTED"
    watch.tell(RESET)
    assert watch.state == "DISARMED"
    assert [(e.state, e.code, e.by, e.reason) for e in watch.role.breaker.history][-1] == (
        "DISARMED",
        "reset",
        "ann",
        "looked into it",
    )


def test_a_reset_of_nothing_is_refused() -> None:
    watch = trading()
    watch.tell(RESET)
    assert watch.state == "ACTIVE"
    assert "nothing to reset" in watch.role.refusal


def test_another_cause_is_latched_beside_the_first_and_a_known_one_is_no_news() -> None:
    watch = trading()
    watch.tell(BREACH, differing())
    assert list(watch.role.breaker.latched) == ["drawdown_breaker", "books_differ"]
    assert watch.tell(BREACH) == []


def test_all_causes_survive_a_restart_and_go_with_the_reset() -> None:
    watch = trading()
    watch.tell(BREACH, differing())
    again = Watch(*watch.journal.events)
    assert list(again.role.breaker.latched) == ["drawdown_breaker", "books_differ"]
    again.tell(m.Begin(recovered=9), RESET)
    assert not again.role.breaker.latched


@given(st.lists(st.sampled_from([ARM, DISARM, PAUSE, HALT, BREACH, AGREED, differing(), FILE])))
def test_from_halted_no_row_of_messages_leads_out(messages: list[m.Message]) -> None:
    watch = trading()
    watch.tell(BREACH, *messages)
    assert watch.state == "HALTED"


# --- the HALT file


def test_the_halt_file_halts_with_its_text() -> None:
    watch = trading()
    watch.tell(FILE)
    assert (watch.state, watch.code, watch.role.breaker.reason) == (
        "HALTED",
        "halt_file",
        "fire drill",
    )


def test_while_the_file_stands_there_is_no_reset() -> None:
    watch = trading()
    watch.tell(FILE, RESET)
    assert watch.state == "HALTED"
    assert "HALT file" in watch.role.refusal
    watch.tell(FILE_GONE)
    assert watch.state == "HALTED"
    watch.tell(RESET)
    assert watch.state == "DISARMED"


def test_a_process_that_starts_under_the_file_is_halted() -> None:
    watch = Watch()
    watch.tell(m.Begin(recovered=0), FILE, AGREED)
    assert watch.state == "HALTED"
