"""Commands of the operator, from HTTP and from the stream: one road to the actors.

A command that carries an id is carried out once: the same id again gives the same answer, as long
as it is remembered. Every command and its outcome stands in the log, with who and from where.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from core.messages import ControlAnswer, ControlRequest
from web.audit import AuditLine, stamp
from web.errors import ApiError

if TYPE_CHECKING:
    from web.audit import Audit
    from web.control import Control
    from web.schema import CommandBody
    from web.settings import WebSettings

_log = logging.getLogger(__name__)

_REMEMBERED: Final = 256
CommandName = Literal["start", "stop", "pause", "halt", "reset_breaker", "cancel_all"]
Switch = Literal["enable", "disable"]
Door = Callable[[ControlRequest, float], ControlAnswer]


class Commands:
    """Thread-safe."""

    def __init__(self, control: Control, settings: WebSettings, audit: Audit) -> None:
        self._control = control
        self._audit = audit
        self._timeout = settings.command_timeout
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[str, ControlAnswer]] = OrderedDict()
        self._doors: dict[CommandName, Door] = {
            "start": control.start,
            "stop": control.stop,
            "pause": control.pause,
            "halt": control.halt,
            "reset_breaker": control.reset_breaker,
            "cancel_all": control.cancel_all,
        }

    def run(self, name: CommandName, body: CommandBody, who: str) -> ControlAnswer:
        """Carry out a command and give its verified answer.

        Raises ApiError: 404 for an unknown strategy, 409 for a refusal or for an id used by another
        command, 503 when an actor did not answer.
        """
        return self._audited(name, self._doors[name], body, who)

    def switch(self, strategy: str, action: Switch, body: CommandBody, who: str) -> ControlAnswer:
        """Let a strategy's signals through, or hold them back; as `run`."""
        control = self._control
        door = control.enable_strategy if action == "enable" else control.disable_strategy
        return self._audited(f"{action} {strategy}", partial(door, strategy), body, who)

    def _audited(self, name: str, door: Door, body: CommandBody, who: str) -> ControlAnswer:
        try:
            answer = self._carry_out(name, door, body, who)
        except ApiError as refusal:
            self._note(name, body, who, (refusal.code, "", refusal.message))
            raise
        self._note(name, body, who, (answer.verdict, answer.state, answer.message))
        return answer

    def _note(self, name: str, body: CommandBody, who: str, outcome: tuple[str, str, str]) -> None:
        said, state, message = outcome
        self._audit.write(
            AuditLine(
                at=stamp(),
                command=name,
                by=who,
                reason=body.reason,
                command_id=body.command_id,
                outcome=said,
                state=state,
                message=message,
            )
        )

    def _carry_out(self, name: str, door: Door, body: CommandBody, who: str) -> ControlAnswer:
        known = self._known(name, body.command_id)
        if known is not None:
            return known
        request = ControlRequest(
            by=who, reason=body.reason or "operator", command_id=body.command_id
        )
        answer = door(request, self._timeout)
        _log.info(
            "command %s by %s (%s): %s %s %s",
            *(name, who, body.reason or "no reason"),
            *(answer.verdict, answer.state, answer.message),
        )
        if answer.verdict == "refused":
            status = 404 if answer.code == "not_found" else 409
            details = {"state": answer.state}
            raise ApiError(status, answer.code or "refused", answer.message, details)
        if answer.verdict == "unanswered":
            message = f"{answer.actor} did not answer within {self._timeout:g} s: outcome unknown"
            details = {"actor": answer.actor, "command": name}
            raise ApiError(503, "actor_unanswered", message, details)
        self._remember(name, body.command_id, answer)
        return answer

    def _known(self, name: str, command_id: str) -> ControlAnswer | None:
        if not command_id:
            return None
        with self._lock:
            known = self._answers.get(command_id)
        if known is None:
            return None
        if known[0] != name:
            raise ApiError(409, "command_id_used", f"this id was used for {known[0]}")
        return known[1]

    def _remember(self, name: str, command_id: str, answer: ControlAnswer) -> None:
        if not command_id:
            return
        with self._lock:
            self._answers[command_id] = (name, answer)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
