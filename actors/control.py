"""The door from the web into the system: the only `ask`, always with a time-out.

A command is asked of the supervision role, which answers how things stand after it; a stop is
looked at again until its proof is in. Called on web threads, any number at once. Repeating a
command does no harm.

A halt that nobody answers is not lost: the HALT file is put there, and no order leaves any more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pykka import ActorDeadError, Timeout

from actors.answers import Answers
from actors.desk import Desk, NoAnswerError
from actors.standing import Describe, Standing
from core import messages as m
from core.journal import JournalError
from core.messages import ControlAnswer, ControlRequest
from core.topology import STRATEGY, SUPERVISION, SUPERVISOR

if TYPE_CHECKING:
    from actors.address import Directory
    from actors.halt_file import HaltFile
    from core.messages import Message, OperatorCommand

_LOOK_AGAIN_S: Final = 0.02
_ANSWER_S: Final = 0.5
"""Least time for a look, so that a proof that does not come is not told as silence."""


class ActorControl:
    """Commands for the supervisor, each verified before it is answered."""

    def __init__(self, directory: Directory, halt_file: HaltFile | None = None) -> None:
        self._directory = directory
        self._halt_file = halt_file
        self.answers = Answers()
        """Behind the name `operator`."""
        self._desk = Desk(self._ask, self.answers)

    def start(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Arm trading."""
        command = m.ArmTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def stop(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Disarm and cancel what rests; a halt stays, and is proven once more.

        This is the operator's decision: the next process stays disarmed until it is started.
        """
        command = m.DisarmTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=True)

    def shut_down(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """The same because the process ends: the next one goes on as this one would have."""
        command = m.DisarmTrading(by=request.by, reason=request.reason, code="shut_down")
        return self._command(command, timeout, proof=True)

    def pause(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """No new risk, manage the rest."""
        command = m.PauseTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def halt(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Stop everything and latch; where nobody answers, by the HALT file."""
        command = m.HaltTrading(by=request.by, reason=request.reason, code="operator")
        answer = self._command(command, timeout, proof=True)
        if answer.verdict != "unanswered" or self._halt_file is None:
            return answer
        stands = self._halt_file.write(f"{request.by}: {request.reason}")
        told = "the HALT file stands, no order leaves" if stands else "no HALT file either"
        return ControlAnswer(
            verdict="unanswered", actor=answer.actor, message=f"{answer.message}; {told}"
        )

    def reset_breaker(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """End a halt."""
        command = m.ResetBreaker(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def cancel_all(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Cancel what rests and go on as before."""
        command = m.CancelEverything(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=True)

    def enable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Let a strategy's signals through."""
        return self._switch(name, request, timeout, enabled=True)

    def disable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Hold a strategy's signals back."""
        return self._switch(name, request, timeout, enabled=False)

    def operate(self, command: OperatorCommand, timeout: float) -> ControlAnswer:
        """Manual orders, parameters, bankroll: see `actors.desk`."""
        if isinstance(command, m.SetParameters) and not self._runs(command.strategy):
            return _no_strategy(command.strategy)
        return self._desk.operate(command, timeout)

    def release(self, actor: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Start a quarantined host again."""
        command = m.ReleaseActor(actor=actor, by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def standing(self, timeout: float) -> Standing:
        """How things stand; raises NoAnswerError."""
        return self._told(SUPERVISOR, Describe(), timeout)

    def _runs(self, strategy: str) -> bool:
        return self._directory.ref(f"{STRATEGY}:{strategy}") is not None

    def _switch(
        self, name: str, request: ControlRequest, timeout: float, *, enabled: bool
    ) -> ControlAnswer:
        """The strategy has written it down and obeyed when it answers."""
        if not self._runs(name):
            return _no_strategy(name)
        actor = f"{STRATEGY}:{name}"
        command = m.EnableStrategy(
            strategy=name,
            enabled=enabled,
            by=request.by,
            reason=request.reason,
            command_id=request.command_id,
        )
        try:
            self._ask(actor, command, timeout)
        except NoAnswerError as silence:
            return ControlAnswer(verdict="unanswered", actor=actor, message=str(silence))
        return ControlAnswer(verdict="done", message="enabled" if enabled else "disabled")

    def _command(self, command: Message, timeout: float, *, proof: bool) -> ControlAnswer:
        began = time.monotonic()
        deadline = began + timeout
        try:
            standing = told = self._told(SUPERVISION, command, timeout)
            while proof and standing.proven is None and time.monotonic() < deadline:
                time.sleep(_LOOK_AGAIN_S)
                standing = self.standing(max(_ANSWER_S, deadline - time.monotonic()))
        except NoAnswerError as silence:
            return ControlAnswer(verdict="unanswered", actor=SUPERVISION, message=str(silence))
        if told.refusal:
            return _refused(told)
        if not proof:
            return ControlAnswer(verdict="done", state=standing.state, epoch=standing.epoch)
        return _proven(standing, time.monotonic() - began)

    def _told(self, name: str, message: Message, timeout: float) -> Standing:
        answer = self._ask(name, message, timeout)
        assert isinstance(answer, Standing)
        return answer

    def _ask(self, name: str, message: Message, timeout: float) -> object:
        ref = self._directory.ref(name)
        if ref is None:
            msg = f"{name} is not running"
            raise NoAnswerError(msg)
        try:
            return ref.ask((name, message), timeout=timeout)
        except (ActorDeadError, Timeout, JournalError) as silence:
            msg = f"{name} did not answer: {type(silence).__name__} {silence}".rstrip()
            raise NoAnswerError(msg) from silence


def _no_strategy(name: str) -> ControlAnswer:
    return ControlAnswer(
        verdict="refused", code="not_found", message=f"no strategy {name!r} is running"
    )


def _refused(standing: Standing) -> ControlAnswer:
    return ControlAnswer(
        verdict="refused",
        code="not_allowed",
        message=standing.refusal,
        state=standing.state,
        epoch=standing.epoch,
    )


def _proven(standing: Standing, seconds: float) -> ControlAnswer:
    proof = standing.proven
    missing = "the exchange has not proven yet that nothing rests"
    if standing.trouble:
        missing = f"{missing}: {standing.trouble}"
    return ControlAnswer(
        verdict="done",
        message=f"proven after {seconds:.2f} s" if proof else missing,
        state=standing.state,
        epoch=standing.epoch,
        cancelled=proof.cancelled if proof else None,
        resting=proof.resting if proof else None,
    )
