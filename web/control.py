"""The operator's way to the actors, as the web sees it; `actors/control.py` provides it.

The two layers do not import each other: they share the request and the answer in
`core.messages.screen`, and this shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.messages import ControlAnswer, ControlRequest, OperatorCommand


class Control(Protocol):
    """Commands, each verified before it is answered.

    Called on a web thread, which waits for at most `timeout` seconds of the machine. Nothing is
    raised for a refusal or for silence: both are answers. Every command may be repeated without
    harm.
    """

    def start(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Arm trading."""
        ...

    def stop(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Disarm and cancel what rests; `resting` 0 is the proof."""
        ...

    def pause(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """No new risk, manage the rest."""
        ...

    def halt(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Stop everything, latch, cancel what rests; `resting` 0 is the proof."""
        ...

    def reset_breaker(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """End a halt; `request.reason` must say why."""
        ...

    def cancel_all(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Cancel what rests and go on as before; `resting` 0 is the proof."""
        ...

    def enable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Let a strategy's signals through; `not_found` where there is none of that name."""
        ...

    def disable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Hold a strategy's signals back; `not_found` where there is none of that name."""
        ...

    def release(self, actor: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        """Start an actor again that was set aside for failing too often."""
        ...

    def operate(self, command: OperatorCommand, timeout: float) -> ControlAnswer:
        """A manual order, a change of one, parameters of a strategy, or the bankroll.

        Each carries an id of its own; an order that is sent again under the same id is not placed
        twice. The answer holds what the exchange said, as far as it spoke in time.
        """
        ...
