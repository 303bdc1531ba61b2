"""Volatility of an index or spot price: two exponentially weighted means of squared log returns.

Prices are put on a grid of one second: the first price of a second counts, a second without one
repeats the price before. Each second adds the squared return over the last `step_seconds` (10 by
default), divided by the step, to a short and a long mean. Returns over ten seconds and not over
one, because one-second returns of an averaged index or of a bouncing trade price misstate the
variance that counts over minutes; taken every second, because overlapping returns use all of the
data. Repeating prices keeps the estimate unbiased: the return that ends a gap stands for its whole
length.

The short mean forgets with `decay` per step: 0.94 in ten seconds, a half-life of 112 s. The long
one has a half-life of two hours. `sigma` mixes their variances 3 to 7: on 9,199 recorded SOL
prices, one a minute, a mix of these half-lives forecast the next quarter-hour's variance better
(QLIKE) than any single half-life from 1 to 120 minutes.

All figures in basis points are standard deviations over one window of 15 minutes.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import msgspec

from core.domain.windows import WINDOW_LENGTH
from core.units import SECOND, IndexValue, Nanos

WINDOW_SECONDS: Final = WINDOW_LENGTH // SECOND
_BASIS_POINT: Final = 1e-4


class Regime(enum.StrEnum):
    """The present against the last hours, by the ratio of short to long volatility."""

    CALM = "calm"
    NORMAL = "normal"
    SPIKE = "spike"


class VolatilitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the estimate is made; see the module for the choice of the defaults."""

    step_seconds: int = 10
    """Length of the returns."""
    decay: float = 0.94
    """Weight kept by the short mean over one step, 0..1; see `decay_of_half_life`."""
    long_half_life_s: float = 7_200.0
    short_weight: float = 0.3
    """Share of the short mean's variance in `sigma`, 0..1."""
    prior_bps: float = 32.7
    """Assumed before there are data: KXSOL15M, May to August 2026 (kalshi.md 8.5)."""
    prior_seconds: float = 300.0
    """The prior weighs as much as this much data."""
    floor_bps: float = 7.0
    """`sigma` never falls below it: recorded SOL quarter-hours are calmer once in a thousand."""
    max_gap_s: int = 120
    """After a longer silence nothing is known any more: back to the prior."""
    warm_s: int = 300
    """History without such a gap from which on `warm` is true."""
    calm_below: float = 0.6
    spike_above: float = 1.75


DEFAULT_SETTINGS: Final = VolatilitySettings()


class Volatility:
    """Incremental estimate for one price. Its owner alone reads and changes it.

    Hot: `update` costs about 0.7 us (one print a second), and 0.4 us more for each second missed.
    """

    __slots__ = (
        "_at",
        "_floor",
        "_last",
        "_long",
        "_long_alpha",
        "_prior",
        "_ring",
        "_second",
        "_short",
        "_short_alpha",
        "seconds",
        "settings",
    )

    def __init__(self, settings: VolatilitySettings = DEFAULT_SETTINGS) -> None:
        self.settings = settings
        self._prior = variance_of_bps(settings.prior_bps)
        self._floor = variance_of_bps(settings.floor_bps)
        self._short_alpha = 1.0 - settings.decay ** (1.0 / settings.step_seconds)
        self._long_alpha = 1.0 - 0.5 ** (1.0 / settings.long_half_life_s)
        self._second = -1
        self._last = 0.0
        self._restart(self._second, self._last)

    def update(self, value: IndexValue, ts_event: Nanos) -> bool:
        """Take a price stamped `ts_event`; False if it does not count.

        It counts if it is positive and the first of its second, and no later second was seen.
        """
        second = ts_event // SECOND
        missed = second - self._second - 1
        if missed < 0 or value <= 0:
            return False
        log_price = math.log(value)
        if missed >= self.settings.max_gap_s or self._second < 0:
            self._restart(second, log_price)
            return True
        for _ in range(missed):
            self._advance(self._last)
        self._advance(log_price)
        self._second = second
        self._last = log_price
        return True

    @property
    def sigma(self) -> float:
        """Standard deviation of the log return per square root of a second, at least the floor."""
        weight = self.settings.short_weight
        return math.sqrt(max(weight * self._short + (1.0 - weight) * self._long, self._floor))

    @property
    def short_sigma(self) -> float:
        """The short mean alone, without the floor; same unit."""
        return math.sqrt(self._short)

    @property
    def long_sigma(self) -> float:
        """The long mean alone, without the floor; same unit."""
        return math.sqrt(self._long)

    @property
    def warm(self) -> bool:
        """Whether there is enough unbroken history behind `sigma`."""
        return self.seconds >= self.settings.warm_s

    @property
    def regime(self) -> Regime:
        """Short against long volatility, both at least the floor; normal until warm."""
        if not self.warm:
            return Regime.NORMAL
        ratio = math.sqrt(max(self._short, self._floor) / max(self._long, self._floor))
        if ratio < self.settings.calm_below:
            return Regime.CALM
        return Regime.SPIKE if ratio > self.settings.spike_above else Regime.NORMAL

    def _restart(self, second: int, log_price: float) -> None:
        self._second = second
        self._last = log_price
        self._ring = [log_price] * self.settings.step_seconds
        self._at = 0
        self._short = self._long = self._prior
        self.seconds = 0
        """Unbroken history: seconds since the first price after the start or a long gap."""

    def _advance(self, log_price: float) -> None:
        """One second: the return over the step that ends now goes into both means."""
        at, step = self._at, self.settings.step_seconds
        change = log_price - self._ring[at]
        self._ring[at] = log_price
        self._at = at + 1 if at + 1 < step else 0
        self.seconds += 1
        if self.seconds < step:
            return
        variance = change * change / step
        # Until an exponential mean has its own length of data, a plain mean with the prior as
        # `prior_seconds` of data is better: it moves faster and forgets nothing.
        share = 1.0 / (self.settings.prior_seconds + self.seconds)
        self._short += max(self._short_alpha, share) * (variance - self._short)
        self._long += max(self._long_alpha, share) * (variance - self._long)


def variance_of_bps(bps: float) -> float:
    """Variance per second of a standard deviation in basis points over one window."""
    return (bps * _BASIS_POINT) ** 2 / WINDOW_SECONDS


def window_bps(sigma: float) -> float:
    """A volatility per square root of a second as basis points over one window, for readers."""
    return sigma * math.sqrt(WINDOW_SECONDS) / _BASIS_POINT


def decay_of_half_life(
    half_life_s: float, step_seconds: int = DEFAULT_SETTINGS.step_seconds
) -> float:
    """The `decay` per step with which the short mean has that half-life."""
    return float(0.5 ** (step_seconds / half_life_s))
