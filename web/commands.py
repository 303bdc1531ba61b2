"""Commands of the operator, from HTTP and from the stream: one road to the actors.

A command that carries an id is carried out once: the same id again gives the same answer, as long
as it is remembered. Every command and its outcome stands in the log, with who and from where.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from core.messages import ControlAnswer, ControlRequest, OperatorCommand
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
Build = Callable[[ControlRequest], OperatorCommand]
_STATUSES: Final = {"not_found": 404, "invalid_parameters": 422}


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was obeyed under an id."""

    name: str
    said: str
    """Its body."""
    answer: ControlAnswer


class Commands:
    """Thread-safe."""

    def __init__(self, control: Control, settings: WebSettings, audit: Audit) -> None:
        self._control = control
        self._audit = audit
        self._timeout = settings.command_timeout
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, _Done] = OrderedDict()
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

    def release(self, actor: str, body: CommandBody, who: str) -> ControlAnswer:
        """Start an actor again that was set aside; as `run`."""
        return self._audited(f"release {actor}", partial(self._control.release, actor), body, who)

    def operate(self, name: str, build: Build, body: CommandBody, who: str) -> ControlAnswer:
        """A command that is not about the trading state; `build` makes it from the request."""
        control = self._control

        def door(request: ControlRequest, timeout: float) -> ControlAnswer:
            return control.operate(build(request), timeout)

        return self._audited(name, door, body, who)

    def preview(self, build: Build, who: str) -> ControlAnswer:
        """What a manual order would do; it is no command and leaves no trace."""
        request = ControlRequest(by=who, reason="preview", command_id=_new_id())
        answer = self._control.operate(build(request), self._timeout)
        self._check("preview", answer)
        return answer

    def note(self, name: str, body: CommandBody, who: str, refusal: ApiError) -> None:
        """Write down a command that was refused before it reached anybody."""
        self._note(name, body, who, (refusal.code, "", refusal.message))

    def _audited(self, name: str, door: Door, body: CommandBody, who: str) -> ControlAnswer:
        try:
            answer = self._carry_out(name, door, body, who)
        except ApiError as refusal:
            self.note(name, body, who, refusal)
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
        said = body.model_dump_json(exclude={"command_id", "reason"})
        known = self._known(name, said, body.command_id)
        if known is not None:
            return known
        request = ControlRequest(
            by=who, reason=body.reason or "operator", command_id=body.command_id or _new_id()
        )
        answer = door(request, self._timeout)
        _log.info(
            "command %s by %s (%s): %s %s %s",
            *(name, who, body.reason or "no reason"),
            *(answer.verdict, answer.state, answer.message),
        )
        self._check(name, answer)
        self._remember(body.command_id, _Done(name=name, said=said, answer=answer))
        return answer

    def _check(self, name: str, answer: ControlAnswer) -> None:
        if answer.verdict == "refused":
            raise _refused(answer)
        if answer.verdict == "unanswered":
            message = f"{answer.message or answer.actor}; the outcome is unknown"
            details = {"actor": answer.actor, "command": name}
            raise ApiError(503, "actor_unanswered", message, details)

    def _known(self, name: str, said: str, command_id: str) -> ControlAnswer | None:
        if not command_id:
            return None
        with self._lock:
            known = self._answers.get(command_id)
        if known is None:
            return None
        if (known.name, known.said) != (name, said):
            text = f"this id was used for {known.name}"
            text += "" if known.name != name else " with other values"
            raise ApiError(409, "command_id_used", text)
        return known.answer

    def _remember(self, command_id: str, done: _Done) -> None:
        if not command_id:
            return
        with self._lock:
            self._answers[command_id] = done
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)


def _new_id() -> str:
    return f"web-{secrets.token_hex(8)}"


def _refused(answer: ControlAnswer) -> ApiError:
    details: dict[str, Any] = {"state": answer.state} if answer.state else {}
    if answer.trade_id:
        details["trade_id"] = answer.trade_id
    if answer.quote is not None:
        details["quote"] = msgspec.to_builtins(answer.quote)
    status = _STATUSES.get(answer.code, 409)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        fields = [_field(line) for line in answer.message.splitlines()]
        return ApiError(status, "invalid", answer.message, {**details, "fields": fields})
    return ApiError(status, answer.code or "refused", answer.message, details)


def _field(line: str) -> dict[str, str]:
    """`STRATEGY__NAME__PARAM=...: what is wrong`, as strategies say it."""
    variable, _, problem = line.partition(":")
    name = variable.partition("=")[0].split("__")[-1].lower()
    return {"field": f"params.{name}", "message": problem.strip() or line}
