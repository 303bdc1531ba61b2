"""The door from the web into the system: the only `ask`, always with a time-out.

A command is told to the supervision role, then the standing is asked for until it shows what
became of it. Called on web threads, any number at once. Repeating a command does no harm.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pykka import ActorDeadError, Timeout

from actors.supervisor import SUPERVISOR, Describe, Standing
from core import messages as m
from core.messages import ControlAnswer, ControlRequest
from core.topology import DASHBOARD, STRATEGY, SUPERVISION

if TYPE_CHECKING:
    from actors.address import Directory
    from core.messages import Message

_LOOK_AGAIN_S: Final = 0.02
_ANSWER_S: Final = 0.5
"""Least time for a look, so that a proof that does not come is not told as silence."""


class NoAnswerError(Exception):
    """The supervisor is gone or did not answer in time."""


class ActorControl:
    """Commands for the supervisor, each verified before it is answered."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def start(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Arm trading."""
        command = m.ArmTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def stop(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Disarm and cancel what rests."""
        command = m.DisarmTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=True)

    def pause(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """No new risk, manage the rest."""
        command = m.PauseTrading(by=request.by, reason=request.reason)
        return self._command(command, timeout, proof=False)

    def halt(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Stop everything and latch."""
        command = m.HaltTrading(by=request.by, reason=request.reason, code="operator")
        return self._command(command, timeout, proof=True)

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

    def standing(self, timeout: float) -> Standing:
        """How things stand; raises NoAnswerError."""
        answer = self._ask(SUPERVISOR, Describe(), timeout)
        assert isinstance(answer, Standing)
        return answer

    def _switch(
        self, name: str, request: ControlRequest, timeout: float, *, enabled: bool
    ) -> ControlAnswer:
        """The strategy has obeyed when it answers; the dashboard is told afterwards."""
        actor = f"{STRATEGY}:{name}"
        if self._directory.ref(actor) is None:
            return ControlAnswer(
                verdict="refused", code="not_found", message=f"no strategy {name!r} is running"
            )
        command = m.EnableStrategy(strategy=name, enabled=enabled, by=request.by)
        try:
            self._ask(actor, command, timeout)
        except NoAnswerError as silence:
            return ControlAnswer(verdict="unanswered", actor=actor, message=str(silence))
        self._directory.tell(DASHBOARD, command)
        return ControlAnswer(verdict="done", message="enabled" if enabled else "disabled")

    def _command(self, command: Message, timeout: float, *, proof: bool) -> ControlAnswer:
        deadline = time.monotonic() + timeout
        try:
            self._ask(SUPERVISION, command, timeout)
            standing = self.standing(max(_ANSWER_S, deadline - time.monotonic()))
            while proof and standing.proven is None and time.monotonic() < deadline:
                time.sleep(_LOOK_AGAIN_S)
                standing = self.standing(max(_ANSWER_S, deadline - time.monotonic()))
        except NoAnswerError as silence:
            return ControlAnswer(verdict="unanswered", actor=SUPERVISOR, message=str(silence))
        return _answer(standing, proof=proof)

    def _ask(self, name: str, message: Message, timeout: float) -> object:
        ref = self._directory.ref(name)
        if ref is None:
            msg = f"{name} is not running"
            raise NoAnswerError(msg)
        try:
            return ref.ask((name, message), timeout=timeout)
        except (ActorDeadError, Timeout) as silence:
            msg = f"{name} did not answer: {type(silence).__name__}"
            raise NoAnswerError(msg) from silence


def _answer(standing: Standing, *, proof: bool) -> ControlAnswer:
    if standing.refusal:
        return ControlAnswer(
            verdict="refused",
            code="not_allowed",
            message=standing.refusal,
            state=standing.state,
            epoch=standing.epoch,
        )
    proven = standing.proven if proof else None
    return ControlAnswer(
        verdict="done",
        message="" if proven or not proof else "the exchange has not proven yet that nothing rests",
        state=standing.state,
        epoch=standing.epoch,
        cancelled=proven.cancelled if proven else None,
        resting=proven.resting if proven else None,
    )
