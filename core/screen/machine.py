"""The machine: what the process holds, and for how long its collector of garbage stopped it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.scale import rfc3339
from core.screen.system_rows import CollectionsRow, MachineRow
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners

_MEGABYTE: Final = 1_000_000


class MachinePanel:
    """Row `machine`, once in every tick."""

    def __init__(self) -> None:
        self._found: m.MachineMeasured | None = None
        self._due = True
        self.facts: Facts = {}
        self.listeners: Listeners = {m.MachineMeasured: self._measured, m.Tick: self._ticked}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """The row, when a tick has passed and something was measured."""
        if self._due and self._found is not None:
            self._due = False
            yield "machine", _row(self._found, now)

    def _measured(self, found: m.MachineMeasured, now: Nanos) -> None:
        del now
        self._found = found

    def _ticked(self, tick: m.Tick, now: Nanos) -> None:
        del tick, now
        self._due = True


def _row(found: m.MachineMeasured, now: Nanos) -> MachineRow:
    return MachineRow(
        memory_megabytes=round(found.memory / _MEGABYTE, 1),
        disk_free_megabytes=round(found.disk_free / _MEGABYTE, 1),
        threads=found.threads,
        collections=tuple(
            CollectionsRow(
                generation=generation,
                times=one.times,
                seconds=one.total_ns / SECOND,
                longest_seconds=one.longest_ns / SECOND,
            )
            for generation, one in enumerate(found.collections)
        ),
        at=rfc3339(now),
    )
