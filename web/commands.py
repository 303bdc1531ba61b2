"""Commands of the operator, from HTTP and from the stream: one road to the actors.

A command that carries an id is carried out once: the same id again gives the same answer, as long
as it is remembered. Every command and its outcome stands in the log, with who and from where.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Literal

from core.messages import ControlAnswer, ControlRequest
from web.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from web.control import Control
    from web.schema import CommandBody
    from web.settings import WebSettings

_log = logging.getLogger(__name__)

_REMEMBERED: Final = 256
CommandName = Literal["start", "stop", "pause", "halt", "reset_breaker"]


class Commands:
    """Thread-safe."""

    def __init__(self, control: Control, settings: WebSettings) -> None:
        self._timeout = settings.command_timeout
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[CommandName, ControlAnswer]] = OrderedDict()
        self._doors: dict[CommandName, Callable[[ControlRequest, float], ControlAnswer]] = {
            "start": control.start,
            "stop": control.stop,
            "pause": control.pause,
            "halt": control.halt,
            "reset_breaker": control.reset_breaker,
        }

    def run(self, name: CommandName, body: CommandBody, who: str) -> ControlAnswer:
        """Carry out a command and give its verified answer.

        Raises ApiError: 409 for a refusal or for an id used by another command, 503 when an actor
        did not answer.
        """
        known = self._known(name, body.command_id)
        if known is not None:
            return known
        request = ControlRequest(
            by=who, reason=body.reason or "operator", command_id=body.command_id
        )
        answer = self._doors[name](request, self._timeout)
        _log.info(
            "command %s by %s (%s): %s %s %s",
            *(name, who, body.reason or "no reason"),
            *(answer.verdict, answer.state, answer.message),
        )
        if answer.verdict == "refused":
            raise ApiError(409, answer.code or "refused", answer.message, {"state": answer.state})
        if answer.verdict == "unanswered":
            message = f"{answer.actor} did not answer within {self._timeout:g} s: outcome unknown"
            details = {"actor": answer.actor, "command": name}
            raise ApiError(503, "actor_unanswered", message, details)
        self._remember(name, body.command_id, answer)
        return answer

    def _known(self, name: CommandName, command_id: str) -> ControlAnswer | None:
        if not command_id:
            return None
        with self._lock:
            known = self._answers.get(command_id)
        if known is None:
            return None
        if known[0] != name:
            raise ApiError(409, "command_id_used", f"this id was used for {known[0]}")
        return known[1]

    def _remember(self, name: CommandName, command_id: str, answer: ControlAnswer) -> None:
        if not command_id:
            return
        with self._lock:
            self._answers[command_id] = (name, answer)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
