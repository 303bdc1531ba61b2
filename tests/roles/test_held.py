"""An operator's pause, stop and reset: what a restart keeps of them, in every mode."""

from __future__ import annotations

import pytest

from core import messages as m
from core.domain.fold import folded
from tests.builders import NOW
from tests.roles.watch import AGREED, BREACH, RESET, Watch, of, trading

ARM = m.ArmTrading(by="ann", reason="go")
PAUSE = m.PauseTrading(by="ann", reason="lunch")
STOP = m.DisarmTrading(by="ann", reason="enough")
SHUT_DOWN = m.DisarmTrading(by="SIGTERM", reason="stopping", code="shut_down")
EVERY_MODE = pytest.mark.parametrize("auto_arm", [True, False], ids=["local and paper", "live"])
DECISIONS = pytest.mark.parametrize(
    ("command", "state", "code", "reason"),
    [(PAUSE, "REDUCING", "paused", "lunch"), (STOP, "DISARMED", "stopped", "enough")],
    ids=["pause", "stop"],
)


def again(before: Watch, *, auto_arm: bool = True, snapshot: bool = False) -> Watch:
    """A process that starts on the journal of another and finds that the books agree."""
    events = before.journal.events
    watch = Watch(*(() if snapshot else events), auto_arm=auto_arm)
    if snapshot:
        watch.role.apply(folded(events).state(len(events), NOW))
    watch.tell(m.Begin(recovered=len(events)))
    watch.start_all()
    watch.tell(AGREED)
    return watch


def shown(watch: Watch) -> tuple[str, str, str, str]:
    breaker = watch.role.breaker
    return breaker.state, breaker.code, breaker.reason, breaker.by


@DECISIONS
@pytest.mark.parametrize("snapshot", [False, True], ids=["journal", "snapshot"])
def test_a_decision_survives_a_crash_with_its_reason(
    *, command: m.Message, state: str, code: str, reason: str, snapshot: bool
) -> None:
    before = trading()
    before.tell(command)
    assert shown(again(before, snapshot=snapshot)) == (state, code, reason, "ann")


@DECISIONS
def test_it_survives_a_crash_in_live_too(
    command: m.Message, state: str, code: str, reason: str
) -> None:
    before = trading(auto_arm=False)
    before.tell(ARM, command)
    assert shown(again(before, auto_arm=False)) == (state, code, reason, "ann")


@DECISIONS
def test_it_survives_any_number_of_crashes_and_orderly_ends(
    command: m.Message, state: str, code: str, reason: str
) -> None:
    watch = trading()
    watch.tell(command)
    for orderly in (False, True, True, False):
        if orderly:
            watch.tell(SHUT_DOWN)
        watch = again(watch, snapshot=orderly)
        assert shown(watch) == (state, code, reason, "ann")


def test_while_it_holds_no_permit_for_new_risk_is_given() -> None:
    """A pause still lets go of what is held; a stop lets nothing leave."""
    for command, states in ((PAUSE, ["REDUCING"]), (STOP, [])):
        before = trading()
        before.tell(command)
        after = again(before)
        assert [given.state for given in of(after.tick(1), m.Permit)] == states


@EVERY_MODE
@pytest.mark.parametrize("command", [PAUSE, STOP], ids=["pause", "stop"])
def test_a_start_ends_it(*, command: m.Message, auto_arm: bool) -> None:
    before = trading(auto_arm=auto_arm)
    before.tell(ARM, command)
    after = again(before, auto_arm=auto_arm)
    after.tell(ARM)
    assert after.state == "ACTIVE"
    assert again(after, auto_arm=auto_arm).state == "ACTIVE"


def test_a_start_before_the_books_agree_does_not_end_it() -> None:
    before = trading()
    before.tell(PAUSE)
    after = Watch(*before.journal.events)
    after.tell(m.Begin(recovered=9), ARM, AGREED)
    assert after.state == "REDUCING"


def test_the_end_of_the_process_is_no_decision() -> None:
    before = trading()
    before.tell(SHUT_DOWN)
    assert before.state == "DISARMED"
    assert again(before).state == "ACTIVE"


def test_after_a_reset_trading_waits_for_a_start_also_over_a_restart() -> None:
    before = trading()
    before.tell(BREACH, RESET)
    after = again(before)
    assert shown(after) == ("DISARMED", "reset", "looked into it", "ann")
    after.tell(ARM)
    assert again(after).state == "ACTIVE"


def test_a_halt_outweighs_a_pause() -> None:
    before = trading()
    before.tell(PAUSE, BREACH)
    after = again(before, snapshot=True)
    assert (after.state, after.code) == ("HALTED", "drawdown_breaker")


def test_the_newest_decision_counts() -> None:
    before = trading()
    before.tell(PAUSE, STOP)
    assert again(before).state == "DISARMED"


@DECISIONS
def test_it_can_be_made_before_the_books_agree(
    command: m.Message, state: str, code: str, reason: str
) -> None:
    watch = Watch()
    watch.tell(m.Begin(recovered=0), command, AGREED)
    assert shown(watch) == (state, code, reason, "ann")
