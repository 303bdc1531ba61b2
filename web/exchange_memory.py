"""What the local exchange remembers beside its engine, for reads that are late, old or sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.candles import CandleBook
from core.exchange.replica import NO_LAG, Replica
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from core.exchange.engine_events import EngineEvent
    from core.exchange.simulated import SimulatedExchange

FOURTEEN_DAYS = Nanos(14 * 86_400 * SECOND)


class Memory:
    """Hears every event. Guarded by the exchange's lock."""

    def __init__(
        self,
        engine: SimulatedExchange,
        lag: Nanos = NO_LAG,
        archived_after: Nanos = FOURTEEN_DAYS,
    ) -> None:
        self.replica = Replica(engine, lag)
        self.candles = CandleBook()
        self._archived_after = archived_after

    def take(self, engine: SimulatedExchange, events: tuple[EngineEvent, ...]) -> None:
        """What has just happened."""
        if events:
            self.replica.take(events)
            self.candles.take(engine, events)

    def cutoff(self, now: Nanos) -> Nanos:
        """Settled markets, fills and finished orders from before this are in the archive alone."""
        return Nanos(now - self._archived_after)
