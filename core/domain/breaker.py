"""Trading states, epochs and the latch.

    STARTING --> DISARMED <--> ACTIVE <--> REDUCING      any --> HALTED --reset--> DISARMED

HALTED is latched: it survives restarts and ends only by an operator's reset with a reason. Every
change that takes permission away raises the epoch, so that a permit of before it is worth nothing.
What else trips while halted is latched beside the first: a reset answers for all of them.

An operator's pause, stop or reset is held: it is where a process that starts again goes back to,
whatever else would have armed it, until an operator starts trading.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.messages import TradingState
    from core.units import Nanos

ALLOWED: Final[dict[TradingState, frozenset[TradingState]]] = {
    "STARTING": frozenset({"DISARMED", "REDUCING", "ACTIVE", "HALTED", "STARTING"}),
    "DISARMED": frozenset({"ACTIVE", "HALTED", "STARTING"}),
    "ACTIVE": frozenset({"DISARMED", "REDUCING", "HALTED", "STARTING"}),
    "REDUCING": frozenset({"ACTIVE", "DISARMED", "HALTED", "STARTING"}),
    "HALTED": frozenset({"HALTED"}),
}
"""From each state, where one may go; a process that starts again goes to STARTING unless HALTED.

Out of HALTED leads nothing but `Breaker.reset`.
"""
HELD: Final = frozenset({"paused", "stopped", "reset"})
"""Codes of an operator's decisions that outlive the process; a start ends them."""
_REMEMBERED: Final = 100


class TransitionError(Exception):
    """The wanted change of state is not allowed; says from where to where and what to do first."""


class Breaker:
    """The trading state as a fold. Belongs to the supervision role, its only writer."""

    def __init__(self) -> None:
        self.state: TradingState = "STARTING"
        self.epoch = 0
        self.code = ""
        self.reason = ""
        self.by = ""
        self.since: Nanos | None = None
        self.latched: dict[str, m.TradingStateChanged] = {}
        """What tripped since the last reset, by code, in order; empty unless HALTED."""
        self.held: m.TradingStateChanged | None = None
        """The operator's decision not to trade; None once an operator has started."""
        self.history: deque[m.TradingStateChanged] = deque(maxlen=_REMEMBERED)
        """Trips and resets, newest last: what, when, with which numbers, who, and why."""

    def apply(self, event: m.TradingStateChanged) -> None:
        """Take a journalled change; an older epoch changes nothing."""
        if event.epoch < self.epoch:
            return
        if "HALTED" in (event.state, self.state) and event not in self.history:
            self.history.append(event)
        if event.state == "HALTED":
            self.latched.setdefault(event.code, event)
        else:
            self.latched.clear()
        if event.code in HELD:
            self.held = event
        elif event.state == "ACTIVE":
            self.held = None
        self.state = event.state
        self.epoch = event.epoch
        self.code = event.code
        self.reason = event.reason
        self.by = event.by
        self.since = event.ts

    def load(
        self,
        last: m.TradingStateChanged | None,
        latched: Iterable[m.TradingStateChanged],
        held: m.TradingStateChanged | None,
    ) -> None:
        """Regain the state from a snapshot: its last change, and what was latched and held."""
        for change in (*latched, *((last,) if last else ())):
            self.apply(change)
        self.held = held

    def change(self, state: TradingState, cause: Cause, now: Nanos) -> m.TradingStateChanged:
        """The event of a change of state; raises TransitionError where the table forbids it."""
        if state not in ALLOWED[self.state]:
            remedy = "reset the breaker first" if self.state == "HALTED" else "not from here"
            msg = f"cannot go from {self.state} to {state}: {remedy}"
            raise TransitionError(msg)
        return self._event(state, cause, now)

    def reset(self, cause: Cause, now: Nanos) -> m.TradingStateChanged:
        """The event that ends a halt; raises TransitionError where there is none."""
        if self.state != "HALTED":
            msg = f"nothing to reset: the state is {self.state}"
            raise TransitionError(msg)
        return self._event("DISARMED", cause, now)

    def _event(self, state: TradingState, cause: Cause, now: Nanos) -> m.TradingStateChanged:
        return m.TradingStateChanged(
            state=state,
            epoch=self.epoch + 1,
            code=cause.code,
            reason=cause.reason,
            by=cause.by,
            limit=cause.limit,
            value=cause.value,
            ts=now,
        )


class Cause(m.Part, frozen=True, kw_only=True):
    """Why a state changes: a code, a sentence, who asked, and the numbers of a trip."""

    code: str
    reason: str
    by: str
    limit: float = 0.0
    value: float = 0.0
