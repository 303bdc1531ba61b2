"""Thursday's maintenance: from 03:00 to 05:00 in New York the venue takes no orders (kalshi.md 11).

Cancels pass, data go on, and no window closes then: the calendar leaves those out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from core.domain.windows import in_new_york
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from datetime import datetime

    from core.exchange.simulated import SimulatedExchange

_THURSDAY: Final = 3
_BEGINS: Final = 3
_ENDS: Final = 5
_WEEK: Final = 7


class Maintenance:
    """A scenario that pauses and resumes trading on some shards, week after week."""

    def __init__(self, engine: SimulatedExchange, shards: tuple[int, ...], start: Nanos) -> None:
        self._engine = engine
        self._shards = shards
        begins, ends = maintenance_at(start)
        self._ends = ends
        self._is_on = False
        self._due = max(begins, start)

    def advance(self, now: Nanos) -> None:
        """Pause or resume what is due."""
        while self._due <= now:
            at = self._due
            self._engine.advance(at)
            for shard in self._shards:
                if self._is_on:
                    self._engine.resume_trading(shard, at)
                else:
                    self._engine.pause_trading(shard, at, self._ends)
            self._turn(at)
        self._engine.advance(now)

    def next_due(self) -> Nanos:
        """When the next pause begins or ends."""
        return self._due

    def _turn(self, at: Nanos) -> None:
        self._is_on = not self._is_on
        if self._is_on:
            self._due = self._ends
        else:
            self._due, self._ends = maintenance_at(at)


def maintenance_at(now: Nanos) -> tuple[Nanos, Nanos]:
    """Begin and end of the maintenance that runs at a time, or else of the next one."""
    local = in_new_york(now)
    days = (_THURSDAY - local.weekday()) % _WEEK
    if days == 0 and local.hour >= _ENDS:
        days = _WEEK
    day = (local + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return _nanos(day.replace(hour=_BEGINS)), _nanos(day.replace(hour=_ENDS))


def _nanos(moment: datetime) -> Nanos:
    return Nanos(round(moment.timestamp()) * SECOND)
