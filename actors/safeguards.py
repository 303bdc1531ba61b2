"""The stops that need no other host: the line, the HALT file, a client of the supervisor's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from actors.canceller import Canceller
from actors.halt_file import HaltFile
from actors.line import Line
from actors.machine import Measure
from config.logs import kv
from core import messages as m
from core.topology import EXCHANGE, EXECUTION, RISK

if TYPE_CHECKING:
    from core.messages import Message
    from core.units import Nanos

_log = logging.getLogger(__name__)


class Safeguards(msgspec.Struct, frozen=True, kw_only=True):
    """Used by the supervisor, on its thread."""

    halt_file: HaltFile
    line: Line | None = None
    """On which orders leave; None where they stay in this process."""
    canceller: Canceller | None = None
    """Cancels through a client of its own; None where orders stay in this process."""
    measure: Callable[[], Measure | None] = lambda: None
    beat_seconds: float = 0.5
    """Between two heartbeats, and two looks at the HALT file; of the machine."""

    def forbid(self, permit: m.Permit) -> None:
        """Whatever the exchange actor still has in its queue under an older epoch stays there."""
        if self.line is not None:
            self.line.forbid(permit.epoch)

    def cancel(self, command: m.CancelDirectly) -> None:
        """Cancel all, whatever other hosts do; the proof comes as a message."""
        if self.canceller is not None:
            self.canceller.cancel(m.CancelAllOrders(reason=command.reason, epoch=command.epoch))

    def last_stand(
        self, error: Exception, epoch: int, tell: Callable[[str, Message], None], now: Nanos
    ) -> None:
        """The trading state cannot be written any more: stop with what needs no journal.

        The file makes the next start a halted one; what is told ends every permit here.
        """
        _log.critical("the supervisor cannot write its journal", extra=kv(why=error))
        self.halt_file.write(f"the journal failed: {error}")
        ended = m.Permit(epoch=epoch, state="HALTED", expires=now)
        self.forbid(ended)
        for name in (RISK, EXECUTION, EXCHANGE):
            tell(name, ended)
        self.cancel(m.CancelDirectly(reason="journal_failed", epoch=epoch))

    def measured(self, now: Nanos) -> m.MachineMeasured | None:
        """The condition of the machine; None where it cannot be told."""
        found = self.measure()
        if found is None:
            return None
        return m.MachineMeasured(
            memory=found.memory,
            disk_free=found.disk_free,
            threads=found.threads,
            collections=found.collections,
            ts=now,
        )
