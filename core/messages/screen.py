"""What goes to the screen, and what comes back from it.

The dashboard role says what is to be seen as `ScreenFrame`; the web layer folds and sends frames
without knowing what they mean (`core.screen.topics`). The operator's commands and their answers
are the vocabulary between the web and the actor layer, which do not import each other.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Message, Part
from core.units import Nanos


class ScreenFrame(Message, frozen=True, kw_only=True):
    """One thing on the screen changed; `data` is one of the rows of `core.screen`."""

    topic: str
    """A key of `core.screen.topics.TOPICS`: it says how `data` changes what is shown."""
    data: Part
    ts: Nanos


class ScreenDue(Message, frozen=True, kw_only=True):
    """The dashboard's own wake-up: changes that waited for the next frame are due."""

    due: Nanos


class ControlRequest(Part, frozen=True, kw_only=True):
    """A command of the operator: who wants it and why, for the journal and the audit log."""

    by: str
    reason: str
    command_id: str = ""
    """Given by the client, so that a repeated command is recognised."""


Verdict = Literal["done", "refused", "unanswered"]


class ControlAnswer(Part, frozen=True, kw_only=True):
    """What became of a command, as verified in the actor layer.

    `refused`: understood and not allowed now (`code`, `message`); nothing changed. `unanswered`:
    `actor` did not answer in time, the outcome is open.
    """

    verdict: Verdict
    code: str = ""
    message: str = ""
    actor: str = ""
    state: str = ""
    """Trading state after the command; empty where unknown."""
    epoch: int = 0
    cancelled: int | None = None
    """Orders cancelled by it; None where it cancels nothing or the proof is not in yet."""
    resting: int | None = None
    """Orders that still rest at the exchange: 0 is the proof of a stop."""
