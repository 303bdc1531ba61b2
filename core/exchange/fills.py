"""How far paper and backtests are from the exchange: latencies, and queues when a level shrinks.

Three latencies separate a trader from an exchange: `feed`, from an event there to its arrival here;
`entry`, from sending an order to its matching; `response`, from the matching to the answer here.
Fills themselves are the engine's: an order that arrives late meets the book of that moment, walks
it level by level with the fee of each fill, and what rests waits in its queue
(`core.exchange.engine.queues`).

The defaults are assumptions for a program outside the exchange's data centre, not measurements.
"""

from __future__ import annotations

import math
from enum import StrEnum
from random import Random
from typing import Final

import msgspec

from core.exchange.engine_types import CancelModel, EngineConfig
from core.units import MILLISECOND, Nanos


class LatencyModel(msgspec.Struct, frozen=True, kw_only=True):
    """Lognormal latencies by their medians; `spread` 0 makes them fixed."""

    feed: Nanos = Nanos(40 * MILLISECOND)
    entry: Nanos = Nanos(60 * MILLISECOND)
    response: Nanos = Nanos(40 * MILLISECOND)
    spread: float = 0.35
    """Standard deviation of the logarithm: 0.35 puts one in a hundred at 2.3 times the median."""


NO_LATENCY: Final = LatencyModel(feed=Nanos(0), entry=Nanos(0), response=Nanos(0), spread=0.0)


class Caution(StrEnum):
    """Ready-made fill models, from too good to be true to too bad."""

    OPTIMISTIC = "optimistic"
    REALISTIC = "realistic"
    PESSIMISTIC = "pessimistic"


class FillModel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides simulated fills besides the book."""

    latency: LatencyModel = LatencyModel()
    cancel_model: CancelModel = CancelModel.PROPORTIONAL
    seed: int = 1

    def engine_config(self) -> EngineConfig:
        """An engine for paper or backtest: the book's changes are known from elsewhere."""
        return EngineConfig(seed=self.seed, cancel_model=self.cancel_model, publish_outside=False)


FILL_MODELS: Final = {
    Caution.OPTIMISTIC: FillModel(latency=NO_LATENCY, cancel_model=CancelModel.OPTIMISTIC),
    Caution.REALISTIC: FillModel(),
    Caution.PESSIMISTIC: FillModel(
        latency=LatencyModel(
            feed=Nanos(80 * MILLISECOND),
            entry=Nanos(150 * MILLISECOND),
            response=Nanos(80 * MILLISECOND),
            spread=0.6,
        ),
        cancel_model=CancelModel.PESSIMISTIC,
    ),
}


class Latency:
    """Draws latencies. Seeded: equal models and seeds give equal delays.

    Those of an order depend on its id and on nothing else, so they do not change when other orders
    or messages come between.
    """

    def __init__(self, model: LatencyModel, seed: int) -> None:
        self._model = model
        self._seed = seed
        self._feed = Random(f"feed {seed}")
        self._last_arrival = Nanos(0)

    def arrival(self, ts_event: Nanos) -> Nanos:
        """When an event of the exchange arrives here; a stream keeps its order."""
        arrival = Nanos(ts_event + self._drawn(self._model.feed, self._feed))
        self._last_arrival = max(self._last_arrival, arrival)
        return self._last_arrival

    def entry(self, request_id: str) -> Nanos:
        """From sending a request to its arrival at the engine."""
        return self._of("entry", request_id, self._model.entry)

    def response(self, request_id: str) -> Nanos:
        """From the engine's answer to its arrival here."""
        return self._of("response", request_id, self._model.response)

    def _of(self, leg: str, request_id: str, median: Nanos) -> Nanos:
        if not self._model.spread:
            return median
        draw = Random(f"{leg} {self._seed} {request_id}")
        return self._drawn(median, draw)

    def _drawn(self, median: Nanos, draw: Random) -> Nanos:
        spread = self._model.spread
        return Nanos(round(median * math.exp(draw.gauss(0.0, spread)))) if spread else median
