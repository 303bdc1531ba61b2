"""The locks panel: what the protections pause, why, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.screen.scale import rfc3339
from core.screen.system_rows import LockRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos


class LockPanel:
    """Row `lock` of each lock; one that is over stays as such until it is set again."""

    def __init__(self) -> None:
        self._locks: dict[str, m.LockSet] = {}
        self._ended: dict[str, str] = {}
        self._dirty: dict[str, None] = {}
        self.facts: Facts = {m.LockSet: self._set, m.LockCleared: self._cleared}
        self.listeners: Listeners = {}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Locks that were set, cleared, or ran out."""
        for name, lock in self._locks.items():
            if name not in self._ended and now >= lock.until:
                self._ended[name] = "ran out"
                self._dirty[name] = None
        for name in self._dirty:
            yield "lock", self._row(name)
        self._dirty.clear()

    def _set(self, event: m.LockSet) -> None:
        self._locks[event.name] = event
        self._ended.pop(event.name, None)
        self._dirty[event.name] = None

    def _cleared(self, event: m.LockCleared) -> None:
        if event.name in self._locks:
            self._ended[event.name] = f"cleared by {event.by}: {event.reason}"
            self._dirty[event.name] = None

    def _row(self, name: str) -> LockRow:
        lock = self._locks[name]
        return LockRow(
            name=name,
            protection=lock.protection,
            scope=lock.scope,
            reason=lock.reason,
            limit=lock.limit,
            value=lock.value,
            set_at=rfc3339(lock.ts),
            until=rfc3339(lock.until),
            active=name not in self._ended,
            ended=self._ended.get(name, ""),
        )
