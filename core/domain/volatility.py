"""Volatility of an index or spot price: two exponentially weighted means of squared log returns.

Prices are put on a grid of one second: the first price of a second counts, a second without one
repeats the price before. Each second adds the squared return over the last `step_seconds` (10 by
default), divided by the step, to a short and a long mean. Returns over ten seconds and not over
one, because one-second returns of an averaged index or of a bouncing trade price misstate the
variance that counts over minutes (recorded Coinbase trades of BTC: 33 bp from one-second returns,
19 from ten-second ones, 18 from one-minute ones); taken every second, because overlapping returns
use all of the data. Repeating prices keeps the estimate unbiased: the return that ends a gap stands
for its whole length.

The rhythm of the day (`core.domain.daytime`) is divided out before a return enters the means, and
multiplied in again when they are asked. The short mean forgets with `decay` per `decay_seconds`:
0.94 in ten seconds, a half-life of 112 s. The long one has a half-life of two hours. `sigma` mixes
their variances 45 to 55. How these were chosen stands in `docs/pricing.md`.

The measure `bipower` is robust against jumps: the product of the absolute values of two adjoining
returns, times pi / 2, has the mean of the squared return under a diffusion, and a single jump
enters it once, not squared (Barndorff-Nielsen and Shephard, J. Financial Econometrics 2 (2004) 1).
It needs a price in nearly every second: where prices repeat for longer than the step, one of two
adjoining returns is zero.

All figures in basis points are standard deviations over one window of 15 minutes.
"""

from __future__ import annotations

import enum
import math
from typing import Final, Literal

import msgspec

from core.domain.daytime import CRYPTO, HALF_HOUR, DayProfile
from core.domain.windows import WINDOW_LENGTH
from core.units import SECOND, IndexValue, Nanos

WINDOW_SECONDS: Final = WINDOW_LENGTH // SECOND
_BASIS_POINT: Final = 1e-4
_BIPOWER: Final = math.pi / 2
"""One over the square of the mean of the absolute value of a standard normal."""


class Regime(enum.StrEnum):
    """The present against the last hours, by the ratio of short to long volatility."""

    CALM = "calm"
    NORMAL = "normal"
    SPIKE = "spike"


class VolatilitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the estimate is made; see the module for the choice of the defaults."""

    step_seconds: int = 10
    """Length of the returns."""
    measure: Literal["squares", "bipower"] = "squares"
    decay: float = 0.94
    """Weight that the short mean keeps over `decay_seconds`, 0..1; see `decay_of_half_life`."""
    decay_seconds: float = 10.0
    long_half_life_s: float = 7_200.0
    short_weight: float = 0.45
    """Share of the short mean's variance in `sigma`, 0..1."""
    profile: DayProfile = CRYPTO
    """The rhythm of the day, taken out of the means and put back into the answers."""
    prior_bps: float = 26.0
    """Assumed before there are data; each series has its own (`core.domain.series`)."""
    prior_seconds: float = 300.0
    """The prior weighs as much as this much data."""
    floor_bps: float = 7.0
    """`sigma` never falls below it: recorded SOL quarter-hours are calmer once in a thousand."""
    max_gap_s: int = 120
    """What a price did in a longer silence is not known, and fades what was known before."""
    warm_s: int = 300
    """Data, less what silences made fade, from which on `warm` is true."""
    calm_below: float = 0.6
    spike_above: float = 1.75

    @property
    def short_half_life_s(self) -> float:
        """In seconds, from `decay`."""
        return self.decay_seconds * math.log(0.5) / math.log(self.decay)


DEFAULT_SETTINGS: Final = VolatilitySettings()


class Volatility:
    """Incremental estimate for one price. Its owner alone reads and changes it.

    Hot: `update` costs about 0.7 us (one print a second), and 0.4 us more for each second missed.
    """

    __slots__ = (
        "_at",
        "_bipower",
        "_changes",
        "_factor",
        "_factor_until",
        "_filled",
        "_floor",
        "_last",
        "_long",
        "_long_alpha",
        "_max_gap",
        "_needed",
        "_prior",
        "_prior_seconds",
        "_ring",
        "_second",
        "_short",
        "_short_alpha",
        "_step",
        "seconds",
        "settings",
    )

    def __init__(self, settings: VolatilitySettings = DEFAULT_SETTINGS) -> None:
        self.settings = settings
        self._prior = variance_of_bps(settings.prior_bps)
        self._floor = variance_of_bps(settings.floor_bps)
        self._short_alpha = 1.0 - settings.decay ** (1.0 / settings.decay_seconds)
        self._long_alpha = 1.0 - 0.5 ** (1.0 / settings.long_half_life_s)
        self._step = settings.step_seconds
        self._max_gap = settings.max_gap_s
        self._prior_seconds = settings.prior_seconds
        self._short = self._long = self._prior
        self._second = -1
        self._last = 0.0
        self.seconds = 0.0
        """Data behind the means: seconds on the grid, faded by silences."""
        self._bipower = settings.measure == "bipower"
        self._needed = settings.step_seconds * (2 if self._bipower else 1)
        """Prices before the first whole return, or pair of returns."""
        self._factor = 1.0
        self._factor_until = 0
        self._begin(self._second, self._last)

    def update(self, value: IndexValue, ts_event: Nanos) -> bool:
        """Take a price stamped `ts_event`; False if it does not count.

        It counts if it is positive and the first of its second, and no later second was seen.
        """
        second = ts_event // SECOND
        missed = second - self._second - 1
        if missed < 0 or value <= 0:
            return False
        if second >= self._factor_until:
            self._turn(second)
        log_price = math.log(value)
        if self._second < 0 or missed >= self._max_gap:
            if self._second >= 0:
                self._fade(missed + 1)
            self._begin(second, log_price)
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
        mixed = weight * self._short + (1.0 - weight) * self._long
        return math.sqrt(max(mixed * self._factor, self._floor))

    @property
    def short_sigma(self) -> float:
        """The short mean alone, without the floor; same unit."""
        return math.sqrt(self._short * self._factor)

    @property
    def long_sigma(self) -> float:
        """The long mean alone, without the floor; same unit."""
        return math.sqrt(self._long * self._factor)

    @property
    def warm(self) -> bool:
        """Whether there is enough history behind `sigma`."""
        return self.seconds >= self.settings.warm_s

    @property
    def warm_in_s(self) -> float:
        """Seconds of data still wanted until `warm`; 0 once it is."""
        return max(0.0, self.settings.warm_s - self.seconds)

    @property
    def regime(self) -> Regime:
        """Short against long volatility, both at least the floor; normal until warm."""
        if not self.warm:
            return Regime.NORMAL
        floor = self._floor / self._factor
        ratio = math.sqrt(max(self._short, floor) / max(self._long, floor))
        if ratio < self.settings.calm_below:
            return Regime.CALM
        return Regime.SPIKE if ratio > self.settings.spike_above else Regime.NORMAL

    def _begin(self, second: int, log_price: float) -> None:
        """A new run of prices: nothing is known of returns that began before it."""
        step = self._step
        self._second = second
        self._last = log_price
        self._ring = [log_price] * step
        self._changes = [0.0] * step
        self._at = 0
        self._filled = 1

    def _fade(self, gap: int) -> None:
        """After a silence the short mean has moved towards the long, the long towards the prior."""
        settings = self.settings
        kept = 0.5 ** (gap / settings.long_half_life_s)
        self._long = self._prior + kept * (self._long - self._prior)
        fresh = 0.5 ** (gap / settings.short_half_life_s)
        self._short = self._long + fresh * (self._short - self._long)
        self.seconds *= kept

    def _turn(self, second: int) -> None:
        """The factor of the half hour that begins."""
        now = Nanos(second * SECOND)
        self._factor = self.settings.profile.factor(now) ** 2
        self._factor_until = (now - now % HALF_HOUR + HALF_HOUR) // SECOND

    def _advance(self, log_price: float) -> None:
        """One second: the return over the step that ends now goes into both means."""
        at, step = self._at, self._step
        change = log_price - self._ring[at]
        self._ring[at] = log_price
        before, self._changes[at] = self._changes[at], change
        self._at = at + 1 if at + 1 < step else 0
        self.seconds += 1.0
        self._filled += 1
        if self._filled <= self._needed:
            return
        if self._bipower:
            variance = abs(change * before) * _BIPOWER / (step * self._factor)
        else:
            variance = change * change / (step * self._factor)
        # Until an exponential mean has its own length of data, a plain mean with the prior as
        # `prior_seconds` of data is better: it moves faster and forgets nothing.
        share = 1.0 / (self._prior_seconds + self.seconds)
        short, long = self._short_alpha, self._long_alpha
        self._short += (short if short > share else share) * (variance - self._short)  # noqa: FURB136 - max() costs 0.1 us
        self._long += (long if long > share else share) * (variance - self._long)  # noqa: FURB136


def variance_of_bps(bps: float) -> float:
    """Variance per second of a standard deviation in basis points over one window."""
    return (bps * _BASIS_POINT) ** 2 / WINDOW_SECONDS


def window_bps(sigma: float) -> float:
    """A volatility per square root of a second as basis points over one window, for readers."""
    return sigma * math.sqrt(WINDOW_SECONDS) / _BASIS_POINT


def decay_of_half_life(
    half_life_s: float, decay_seconds: float = DEFAULT_SETTINGS.decay_seconds
) -> float:
    """The `decay` with which the short mean has that half-life."""
    return float(0.5 ** (decay_seconds / half_life_s))
