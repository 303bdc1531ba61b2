"""The engine's clockwork: what is due happens in its order, and everything leaves events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine.change_desk import ChangeDesk
from core.exchange.engine.groups import GroupDesk
from core.exchange.engine.lifecycle import Lifecycle
from core.exchange.engine.matching import Matcher
from core.exchange.engine.order_desk import OrderDesk
from core.exchange.engine.outside_desk import OutsideDesk
from core.exchange.engine.reads import EngineReads
from core.exchange.engine.schedule import Schedule
from core.exchange.engine.venue import Venue

if TYPE_CHECKING:
    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import EngineConfig
    from core.units import Nanos


class TimedEngine(EngineReads):
    """The parts of the engine, put together, and time that passes for all of them."""

    def __init__(self, config: EngineConfig) -> None:
        venue = Venue(config)
        super().__init__(venue)
        self._schedule = Schedule()
        matcher = Matcher(venue)
        self._orders = OrderDesk(venue, matcher, self._schedule)
        self._changes = ChangeDesk(venue, self._orders)
        self._groups = GroupDesk(venue)
        self._outside = OutsideDesk(venue, matcher)
        self._lifecycle = Lifecycle(venue, self._schedule)

    @property
    def now(self) -> Nanos:
        """The engine's time: the latest that any call has brought."""
        return self._venue.now

    def advance(self, now: Nanos) -> None:
        """Do everything that is due: opens, strikes, expiries, closes, results, payouts.

        Each at its own time, so events do not depend on how often this is called.
        """
        venue = self._venue
        while (due := self._schedule.pop_due(now)) is not None:
            at, action = due
            venue.now = max(venue.now, at)
            action()
        venue.now = max(venue.now, now)

    def next_due(self) -> Nanos | None:
        """When `advance` next has something to do."""
        return self._schedule.next_due()

    @property
    def has_events(self) -> bool:
        """Whether `drain` would return anything; for callers on a hot path."""
        return bool(self._venue.events)

    def drain(self) -> tuple[EngineEvent, ...]:
        """All events since the last call, oldest first."""
        events = tuple(self._venue.events)
        self._venue.events.clear()
        return events
