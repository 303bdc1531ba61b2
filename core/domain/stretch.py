"""How far a price is from its own recent mean, in standard deviations of the recent prices."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import msgspec

from core.units import SECOND, IndexValue, Nanos

_BASIS_POINT: Final = 1e-4


class Stretch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price against its mean."""

    z: float
    """Distance in standard deviations; positive above the mean."""
    mean: IndexValue
    deviation: IndexValue
    """The standard deviation that `z` counts in."""


class StretchMeter:
    """Recent prices, one a second: the first of each. Its owner alone reads and changes it.

    Sums are integers, so they never drift however long it runs. Holds at most one price for each
    second of the span. Hot: 0.6 us for an update and 0.6 us for a measure.
    """

    __slots__ = ("_least", "_prices", "_span", "_squares", "_total")

    def __init__(self, span_s: int, least_deviation_bps: float) -> None:
        self._span = span_s
        self._least = least_deviation_bps * _BASIS_POINT
        self._prices: deque[tuple[int, IndexValue]] = deque()
        self._total = 0
        self._squares = 0

    def update(self, value: IndexValue, ts_event: Nanos) -> None:
        """Take a price; one of a second that is not newer than the last is ignored."""
        second, prices = ts_event // SECOND, self._prices
        if prices and second <= prices[-1][0]:
            return
        prices.append((second, value))
        self._total += value
        self._squares += value * value
        while prices[0][0] <= second - self._span:
            _, old = prices.popleft()
            self._total -= old
            self._squares -= old * old

    @property
    def covered_s(self) -> int:
        """Seconds between the oldest and the newest price held."""
        return self._prices[-1][0] - self._prices[0][0] if self._prices else 0

    def measure(self, value: IndexValue) -> Stretch:
        """Where `value` stands. Raises ValueError before the first price.

        The deviation is that of the prices held, over their number, but never less than the least.
        """
        count = len(self._prices)
        if not count:
            raise ValueError("no price has been taken yet")
        variance = (count * self._squares - self._total * self._total) / (count * count)
        mean = self._total / count
        deviation = max(math.sqrt(variance), self._least * mean)
        return Stretch(
            z=(value - mean) / deviation,
            mean=IndexValue(round(mean)),
            deviation=IndexValue(round(deviation)),
        )
