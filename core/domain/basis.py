"""How far a spot price stands from the settlement index, learned from published strikes.

The strike of a window is the mean of the index over the minute before its open, so every strike
tells what the index was while the spot price was seen. With b the logarithm of spot against index,

    observed:  y = ln(mean spot of the minute) - ln(strike) = b + noise
    moved:     b wanders, `drift_bps` over one window

which is Kalman's filter of one state: b is kept with its variance, and each strike counts by what
its noise allows. The noise has two parts. One is the venue's own (`noise_bps`). The other comes
from seconds between two seen prices: the mean over the straight line between the ends of a gap of g
seconds misses that of a diffusion, sigma per root second, by a variance of sigma^2 g^3 / 12 per
second squared (Brownian bridge), and by sigma^2 g^3 / 3 where the far end is not seen. So a price a
minute teaches little, and a trade a second a lot.

On 34 recorded strikes of KXBTC15M Coinbase stood 0.9 basis points ($7) below the index, between
0.0 and 2.2, with 0.3 of noise from strike to strike.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from core.domain.windows import FINAL_MINUTE, WINDOW_LENGTH
from core.units import SECOND, IndexValue, Nanos

_BASIS_POINT: Final = 1e-4
_MINUTE_S: Final = FINAL_MINUTE / SECOND


class BasisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviations in basis points; see the module."""

    prior_bps: float = 2.0
    """Before the first strike, around no basis at all."""
    drift_bps: float = 0.2
    noise_bps: float = 0.4
    max_gap: Nanos = Nanos(61 * SECOND)
    """A minute with a longer silence between two prices teaches nothing."""
    max_hold: Nanos = Nanos(5 * SECOND)
    """How long the last price of a minute may stand for the rest of it."""


DEFAULT_BASIS: Final = BasisSettings()


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one strike told."""

    observed: float
    """The basis by this strike alone."""
    expected: float
    """Variance of `observed` around the estimate before it."""


class Basis:
    """The filter of one spot price. Its owner alone reads and changes it.

    Hot: `take` costs 0.2 us outside the minutes that decide, 0.7 us in them.
    """

    __slots__ = (
        "_cubes",
        "_drift",
        "_last",
        "_noise",
        "_settings",
        "_start",
        "_sum",
        "_ts",
        "_updated",
        "_wake",
        "_whole",
        "estimate",
        "factor",
        "observations",
        "variance",
    )

    def __init__(self, settings: BasisSettings = DEFAULT_BASIS) -> None:
        self._settings = settings
        self._drift = (settings.drift_bps * _BASIS_POINT) ** 2 / (WINDOW_LENGTH / SECOND)
        self._noise = (settings.noise_bps * _BASIS_POINT) ** 2
        self._last, self._ts = 0.0, Nanos(0)
        self._start = self._wake = Nanos(0)
        """Begin of the minute that is being measured, and of the next that will be."""
        self._sum = self._cubes = 0.0
        self._whole = False
        """Whether the minute has been seen from its first second on."""
        self._updated = Nanos(0)
        self.estimate = 0.0
        """The basis: logarithm of spot against index."""
        self.factor = 1.0
        """What a spot price is to be multiplied with to make it an index price."""
        self.variance = (settings.prior_bps * _BASIS_POINT) ** 2
        self.observations = 0
        """Strikes learned from."""

    @property
    def error(self) -> float:
        """Standard error of `estimate`: relative, like it."""
        return math.sqrt(self.variance)

    def corrected(self, value: IndexValue) -> IndexValue:
        """What the index is likely to be when spot is `value`."""
        return IndexValue(round(value * self.factor))

    def take(self, value: IndexValue, ts_event: Nanos) -> None:
        """Take a spot price; one that is not newer than the last is ignored."""
        if ts_event <= self._ts:
            return
        if ts_event > self._wake:
            self._measure(float(value), ts_event)
        self._last, self._ts = float(value), ts_event

    def learn(self, strike: IndexValue, open_ns: Nanos, sigma: float) -> Lesson | None:
        """Take the strike of the window that opened at `open_ns`; None if it teaches nothing.

        `sigma` is the volatility per square root of a second. The prices up to the open must have
        been taken, and none of the next deciding minute.
        """
        if self._start + FINAL_MINUTE != open_ns or not self._whole or self._ts <= self._start:
            return None
        total, cubes = self._sum, self._cubes / 12
        if self._ts < open_ns:
            hold = open_ns - self._ts
            if hold > self._settings.max_hold:
                return None
            total += self._last * hold / SECOND
            cubes += (hold / SECOND) ** 3 / 3
        noise = self._noise + sigma * sigma * cubes / _MINUTE_S**2
        self._whole = False
        return self._update(math.log(total / _MINUTE_S / strike), noise, open_ns)

    def _measure(self, value: float, ts: Nanos) -> None:
        """Add the straight line from the last price to this one, so far as the minute holds it."""
        if ts > self._start + WINDOW_LENGTH or not self._start:
            self._restart(ts)
        begin, end = max(self._ts, self._start), min(ts, self._start + FINAL_MINUTE)
        if begin < end and ts - self._ts > self._settings.max_gap:
            self._whole = False
        elif begin < end:
            slope = (value - self._last) / (ts - self._ts)
            middle = self._last + slope * ((begin + end) / 2 - self._ts)
            length = (end - begin) / SECOND
            self._sum += middle * length
            self._cubes += length**3
        if ts >= self._start + FINAL_MINUTE:
            self._wake = Nanos(self._start + WINDOW_LENGTH)

    def _restart(self, ts: Nanos) -> None:
        """Turn to the first deciding minute that ends after the last price, or after a silence."""
        seen = ts if ts - self._ts > self._settings.max_gap else self._ts
        close = seen - seen % WINDOW_LENGTH + WINDOW_LENGTH
        self._start = self._wake = Nanos(close - FINAL_MINUTE)
        self._sum = self._cubes = 0.0
        self._whole = ts <= self._start or 0 < self._ts <= self._start

    def _update(self, observed: float, noise: float, at: Nanos) -> Lesson:
        """Kalman's step: the prediction grows less certain with time, the observation corrects."""
        if self._updated:
            self.variance += self._drift * (at - self._updated) / SECOND
        expected = self.variance + noise
        gain = self.variance / expected
        self.estimate += gain * (observed - self.estimate)
        self.variance *= 1.0 - gain
        self.factor = math.exp(-self.estimate)
        self._updated = at
        self.observations += 1
        return Lesson(observed=observed, expected=expected)
