"""How well the basis filter foresees the next strike, for candidates of its settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.basis import Basis, BasisSettings
from core.domain.volatility import DEFAULT_SETTINGS, Volatility
from core.research.recorded_markets import read_columns
from core.research.tape import read
from core.units import MILLISECOND, Nanos, index_from_float

if TYPE_CHECKING:
    from pathlib import Path

    from core.units import IndexValue

_STRIKE_AFTER: Final = Nanos(550 * MILLISECOND)
_BASIS_POINT: Final = 1e-4

Event = tuple[Nanos, bool, "IndexValue", Nanos]
"""Arrival, whether it is a strike, value, and the price's own time or the window's open."""


class Surprise(msgspec.Struct, frozen=True, kw_only=True):
    """What a strike told, against what the filter had expected; basis points."""

    opens: Nanos
    error: float
    deviation: float
    """What the filter had expected the error's size to be."""

    @property
    def log_likelihood(self) -> float:
        """Of the error under the filter's own expectation."""
        return -0.5 * (self.error / self.deviation) ** 2 - math.log(self.deviation)


def events(tape: Path, source: Path, series: str, src: str) -> tuple[Event, ...]:
    """Spot prices of a tape, and every strike that the exchange published (not only the tape's)."""
    table = read_columns(
        source / f"markets_{series}.parquet",
        ("open_time_ms", "floor_strike"),
        filters=[("src", "=", src)],
    )
    found: list[Event] = [
        (tick.ts_recv, False, tick.price, tick.ts_event)
        for tick in read(tape)
        if isinstance(tick, m.SpotTick)
    ]
    for row in table.to_pylist():
        if row["floor_strike"] is not None:
            opens = Nanos(row["open_time_ms"] * MILLISECOND)
            strike = index_from_float(row["floor_strike"])
            found.append((Nanos(opens + _STRIKE_AFTER), True, strike, opens))
    return tuple(sorted(found))


def surprises(given: tuple[Event, ...], settings: BasisSettings) -> tuple[Surprise, ...]:
    """What the filter did not foresee, strike by strike."""
    basis, volatility = Basis(settings), Volatility(DEFAULT_SETTINGS)
    found = []
    for _, is_strike, value, ts in given:
        if not is_strike:
            basis.take(value, ts)
            volatility.update(value, ts)
            continue
        before = basis.estimate
        told = basis.learn(value, ts, volatility.sigma)
        if told is not None:
            deviation = math.sqrt(told.expected) / _BASIS_POINT
            error = (told.observed - before) / _BASIS_POINT
            found.append(Surprise(opens=ts, error=error, deviation=deviation))
    return tuple(found)
