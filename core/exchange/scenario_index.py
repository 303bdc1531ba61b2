"""A synthetic settlement index: stochastic volatility and jumps on a fixed grid of 200 ms.

    dS/S = sigma dW + jump,    ln sigma = ln(base) + slow + fast

`slow` and `fast` are Ornstein-Uhlenbeck processes; jumps come in a Poisson stream with a normal
size. The defaults give 15-minute moves with the standard deviation of kalshi.md 8.5 (32.7 bp), its
fat tails (median size 14 bp) and the slow decay of volatility seen in the recorded windows (the
correlation of the sizes of neighbouring windows is 0.29, of windows four hours apart 0.12).
"""

from __future__ import annotations

import math
from collections import deque
from random import Random
from typing import Final

import msgspec

from core.units import INDEX_DOLLAR, MILLISECOND, SECOND, IndexValue, Nanos, round_index

STEP: Final = Nanos(200 * MILLISECOND)
"""The grid of everything synthetic."""
STEPS_PER_SECOND: Final = SECOND // STEP
_KEEP: Final = 60 * STEPS_PER_SECOND


class IndexModel(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the index; volatilities are standard deviations of log returns."""

    price: float = 118.5
    """At the start, in dollars."""
    base_bps: float = 21.0
    """Volatility per 15 minutes at its median, in basis points, jumps apart."""
    slow_sd: float = 0.45
    slow_hours: float = 8.0
    """Stationary deviation of ln sigma and time to fall to 1/e: regimes of a day."""
    fast_sd: float = 0.40
    fast_hours: float = 0.3
    """The same for the bursts within an hour."""
    jumps_per_hour: float = 0.5
    jump_bps: float = 30.0
    """Standard deviation of a jump."""

    @property
    def mean_sigma(self) -> float:
        """Long-run volatility of the diffusion per square root of a second."""
        spread = (self.slow_sd**2 + self.fast_sd**2) / 2
        return self.base_bps * 1e-4 / math.sqrt(900.0) * math.exp(spread)


class SyntheticIndex:
    """The index as a process: `step` moves it by 200 ms. Its numbers depend on the seed alone.

    Keeps the values of the last minute, for those who see them late.
    """

    __slots__ = (
        "_base",
        "_digits",
        "_fast",
        "_jump_chance",
        "_model",
        "_random",
        "_slow",
        "_steps",
        "price",
        "recent",
        "sigma",
    )

    def __init__(self, model: IndexModel, digits: int, seed: int) -> None:
        self._model = model
        self._digits = digits
        self._random = Random(f"index {seed}")
        self._base = model.base_bps * 1e-4 / math.sqrt(900.0)
        self._slow = self._random.gauss(0.0, model.slow_sd)
        self._fast = self._random.gauss(0.0, model.fast_sd)
        self._jump_chance = model.jumps_per_hour / 3600 / STEPS_PER_SECOND
        self._steps = 0
        self.price = model.price
        self.sigma = self._base * math.exp(self._slow + self._fast)
        """Volatility of the diffusion now, per square root of a second."""
        self.recent: deque[IndexValue] = deque(maxlen=_KEEP)
        """Newest last."""

    def step(self) -> IndexValue:
        """The value 200 ms later, rounded to the digits of the series; 1.5 us."""
        draw = self._random
        if self._steps % STEPS_PER_SECOND == 0:
            self._move_volatility()
        self._steps += 1
        move = self.sigma * math.sqrt(1.0 / STEPS_PER_SECOND) * draw.gauss(0.0, 1.0)
        if draw.random() < self._jump_chance:
            move += draw.gauss(0.0, self._model.jump_bps * 1e-4)
        self.price *= math.exp(move)
        exact = IndexValue(round(self.price * INDEX_DOLLAR))
        value = round_index(exact, self._digits)
        self.recent.append(value)
        return value

    def seen(self, steps_late: int) -> IndexValue:
        """The value as seen that many steps late, or the oldest kept."""
        return self.recent[max(-len(self.recent), -1 - steps_late)]

    def _move_volatility(self) -> None:
        model = self._model
        self._slow = self._pulled(self._slow, model.slow_sd, model.slow_hours)
        self._fast = self._pulled(self._fast, model.fast_sd, model.fast_hours)
        self.sigma = self._base * math.exp(self._slow + self._fast)

    def _pulled(self, value: float, deviation: float, hours: float) -> float:
        """One second of an Ornstein-Uhlenbeck process with this stationary deviation."""
        rate = 1.0 / (3600.0 * hours)
        noise = deviation * math.sqrt(2.0 * rate) * self._random.gauss(0.0, 1.0)
        return value * (1.0 - rate) + noise
