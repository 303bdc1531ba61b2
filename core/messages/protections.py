"""Locks: pauses that a protection imposes after losses, and their end."""

from __future__ import annotations

from core.messages.base import Message
from core.units import Nanos

EVERYTHING = "all"
"""The scope of a lock that holds for every series."""


class LockSet(Message, frozen=True, kw_only=True):
    """No new risk in `scope` until a time. Journalled by risk."""

    protection: str
    """loss_burst, stop_guard or low_profit."""
    scope: str
    """A series, or `all`."""
    until: Nanos
    limit: float
    """What the protection allows."""
    value: float
    """What was seen within its look-back."""
    reason: str
    ts: Nanos

    @property
    def name(self) -> str:
        """What it is cleared by: `loss_burst:all`."""
        return f"{self.protection}:{self.scope}"


class LockCleared(Message, frozen=True, kw_only=True):
    """An operator ended a lock before its time. Journalled by risk."""

    name: str
    by: str
    reason: str
    ts: Nanos


class ClearLock(Message, frozen=True, kw_only=True):
    """Command: end a lock; the protection counts from now on."""

    command_id: str
    name: str
    by: str
    reason: str
