"""Brakes: what was acted on, how many orders were approved lately, and the protections' locks.

A part of the role `risk`. Regained from the journal like everything of money.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.fold import StateFolded
from core.domain.protections import Protections, ProtectionTerms
from core.domain.recent import Newest
from core.domain.rules import Denial
from core.units import MINUTE, Nanos

if TYPE_CHECKING:
    from core.domain.ledger import Ledger
    from core.messages import Message

_MOST: Final = 100_000


class Brakes:
    """Mutable, inside the role."""

    def __init__(self, terms: ProtectionTerms) -> None:
        self._terms = terms
        self._protections = Protections()
        self._approved: deque[Nanos] = deque(maxlen=_MOST)
        self._acted: Newest[str] = Newest()
        """The newest signal that became an order, of each strategy in each market."""
        self._dirty = True
        """Something was settled since the locks were last judged."""

    def apply(self, event: Message, ledger: Ledger) -> None:
        """Fold a journalled event; `ledger` as it was before it."""
        match event:
            case StateFolded():
                self._dirty = True
                self._protections.load(event.protections)
            case m.OrderApproved():
                self._approved.append(event.created)
                self._acted[_place(event.strategy, event.request.ticker)] = event.signal_id
            case _:
                self._dirty |= isinstance(event, m.PositionSettled)
                self._protections.apply(event, ledger)

    def repeated(self, signal: m.Signal) -> Denial | None:
        """`signal_repeated`: one order for one reading of the market, however often it is told."""
        if self._acted.get(_place(signal.strategy, signal.ticker)) != signal.signal_id:
            return None
        return Denial(code="signal_repeated", limit=1, value=1)

    def recent(self, now: Nanos) -> int:
        """Orders approved within the last minute of the market."""
        while self._approved and now - self._approved[0] > MINUTE:
            self._approved.popleft()
        return len(self._approved)

    def locks(self, now: Nanos) -> tuple[m.LockSet, ...]:
        """Locks that hold now."""
        return self._protections.active(now)

    def due(self, now: Nanos) -> list[Message]:
        """Locks that are to be set now."""
        if not self._dirty:
            return []
        self._dirty = False
        return list(self._protections.due(self._terms, now))

    def clear(self, command: m.ClearLock, now: Nanos) -> list[Message]:
        """End a lock; refused where there is none of that name."""
        if all(lock.name != command.name for lock in self.locks(now)):
            return [m.CommandAnswered(command_id=command.command_id, refusal="no_lock")]
        cleared = m.LockCleared(name=command.name, by=command.by, reason=command.reason, ts=now)
        return [cleared, m.CommandAnswered(command_id=command.command_id)]


def _place(strategy: str, ticker: str) -> str:
    return f"{strategy} {ticker}"
