"""How things stand: what the supervisor answers to the control door and to the main thread."""

from __future__ import annotations

from core import messages as m


class Describe(m.Message, frozen=True, kw_only=True):
    """Asked by the control door: how do things stand?"""


class Standing(m.Part, frozen=True, kw_only=True):
    """The answer to `Describe`, and to every command."""

    state: m.TradingState
    epoch: int
    code: str
    reason: str
    latched: tuple[m.TradingStateChanged, ...]
    """What has tripped since the last reset."""
    refusal: str
    """Why the last command was refused; empty where it was obeyed."""
    proven: m.CancelAllDone | None
    """The proof of the last stop; None while it is not in."""
    trouble: str
    """Why there is no proof yet, as far as known."""
    quarantined: tuple[str, ...]
    """Hosts that wait for their operator."""
    tick_age: float
    """Seconds of the machine since the supervisor last felt time pass."""
