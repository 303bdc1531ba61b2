"""Stopping and starting again: halts and their proof, hosts set free, messages set aside, the
condition of the machine.
"""

from __future__ import annotations

from core.messages.base import Message, Part
from core.units import Nanos

# --- stopping ------------------------------------------------------------------------------------


class CancelDirectly(Message, frozen=True, kw_only=True):
    """Effect: cancel all through a client of the supervisor's own, whatever other hosts do."""

    reason: str
    epoch: int
    """Orders of an earlier epoch may leave no more."""


class HaltFileChanged(Message, frozen=True, kw_only=True):
    """The HALT file appeared, or is gone. Also told at the start where it stands already."""

    present: bool
    text: str
    """Its first line; the operator's reason."""
    ts: Nanos


# --- life and death ------------------------------------------------------------------------------


class ReleaseActor(Message, frozen=True, kw_only=True):
    """Command: start a quarantined host again, with a clean record."""

    actor: str
    by: str
    reason: str


class MessageSetAside(Message, frozen=True, kw_only=True):
    """The same message brought its host down twice: no later generation is handed it again."""

    actor: str
    fingerprint: str
    """Of its type and content, without its times."""
    content: str
    """Cut to a length that a log line bears."""
    error: str
    ts: Nanos


class ReadmitMessages(Message, frozen=True, kw_only=True):
    """Effect: what was set aside for a host is handed to it again; its operator looked into it."""

    actor: str


class Collections(Part, frozen=True, kw_only=True):
    """Collections of garbage of one generation since the daemon has started."""

    times: int
    total_ns: int
    """Time of the collecting thread, for which all others stood still."""
    longest_ns: int


class ClockCompared(Message, frozen=True, kw_only=True):
    """How far the exchange's clock is ahead of ours, by its answers; told with every heartbeat."""

    lowest: Nanos
    highest: Nanos
    """It is ahead by something between the two; negative where it is behind."""
    ts: Nanos


class MachineMeasured(Message, frozen=True, kw_only=True):
    """What this process and its disk have left; told with every second heartbeat."""

    memory: int
    """Bytes that the process holds."""
    disk_free: int
    """Bytes free where the state is written."""
    threads: int = 0
    """That Python knows of; 0 where nobody counted."""
    collections: tuple[Collections, ...] = ()
    """By generation, youngest first; empty where nobody counted."""
    ts: Nanos
