"""Whether there is an edge: one sentence, with an interval that may be looked at all the time.

Results of trades in one window share its outcome, so a window is one observation: the mean result
per contract of its trades. Whoever looks after every window, and stops when an ordinary 95 %
interval leaves zero out, is fooled far more often than one time in twenty (in 35 of 100 histories
of 500 windows without any edge). The interval here covers the true mean at all times at once, in
95 of 100 histories: Robbins' normal mixture with the running variance (Robbins, Ann. Math. Stat. 41
(1970) 1397; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Ann. Stat. 52 (2024)):

    mean +- s sqrt(2 (n r^2 + 1) / (n^2 r^2) ln(sqrt(n r^2 + 1) / 0.05))

It is 1.4 to 1.9 times as wide as the ordinary one. r is chosen so that it is narrowest near
`TIGHTEST` windows. Below `LEAST` windows there is no verdict.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

TIGHTEST: Final = 200
LEAST: Final = 30
MODEL_BETTER: Final = "the model forecasts better than the market"
MARKET_BETTER: Final = "the market forecasts better than the model"
UNCLEAR: Final = "no evidence that the model forecasts better or worse than the market"
_ALPHA: Final = 0.05
_MANY: Final = 1_000_000
_CENT: Final = 0.01


def _tuning(best_at: int) -> float:
    """Robbins' r^2 with which the interval is narrowest near so many observations."""
    log = -2 * math.log(_ALPHA)
    return (log + math.log(log + 1)) / best_at


_R2: Final = _tuning(TIGHTEST)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the results so far say. Money is dollars per contract after fees."""

    trades: int
    windows: int
    mean: float
    low: float
    high: float
    needed: int | None
    """Further trades until an edge of this size would show; None where there is none to show."""

    @property
    def has_edge(self) -> bool:
        """The whole interval lies above zero."""
        return is_edge(self.windows, self.low)

    @property
    def loses(self) -> bool:
        """The whole interval lies below zero."""
        return self.windows >= LEAST and self.high < 0.0

    @property
    def sentence(self) -> str:
        """One line for a person."""
        count = f"{self.trades} trade{'s' if self.trades != 1 else ''}"
        if not self.windows:
            return "no trades yet"
        if self.windows < LEAST:
            return f"too early to say: {count} in {self.windows} of the {LEAST} windows needed"
        interval = f"interval {self.low / _CENT:+.1f} to {self.high / _CENT:+.1f} cents"
        if self.has_edge:
            return f"there is an edge: {count}, {interval} a contract"
        if self.loses:
            return f"this loses money: {count}, {interval} a contract"
        more = "" if self.needed is None else f"; about {self.needed} more would show this mean"
        return f"no evidence of edge yet: {count}, {interval} a contract{more}"


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """Results of settled windows, summed up; `add` gives the next. Pure: no history is kept."""

    trades: int = 0
    windows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared deviations from the mean (Welford)."""

    def add(self, result: float, trades: int = 1) -> Track:
        """One more window: the mean result per contract of its trades, in dollars after fees."""
        count = self.windows + 1
        step = result - self.mean
        mean = self.mean + step / count
        return Track(
            trades=self.trades + trades,
            windows=count,
            mean=mean,
            squares=self.squares + step * (result - mean),
        )

    @property
    def deviation(self) -> float:
        """Standard deviation of a window's result; 0 below two windows."""
        return math.sqrt(self.squares / (self.windows - 1)) if self.windows > 1 else 0.0

    def verdict(self) -> Verdict:
        """What can be said now."""
        reach = self.deviation * half_width(self.windows) if self.windows else math.inf
        return Verdict(
            trades=self.trades,
            windows=self.windows,
            mean=self.mean,
            low=self.mean - reach,
            high=self.mean + reach,
            needed=self._needed(),
        )

    def _needed(self) -> int | None:
        """Trades until a mean that stays as it is would leave zero out of the interval."""
        if self.mean <= 0.0 or self.windows < LEAST:
            return None
        windows = windows_for(self.mean, self.deviation)
        if windows is None:
            return None
        return max(0, math.ceil((windows - self.windows) * self.trades / self.windows))


def is_edge(windows: int, low: float | None) -> bool:
    """Whether an interval that begins at `low`, after so many windows, tells of an edge."""
    return windows >= LEAST and low is not None and low > 0.0


def forecast_sentence(lead: Verdict) -> str:
    """One line on forecasts: `lead` is of windows' log loss of the market less the model's."""
    if lead.windows < LEAST:
        return f"too early to say: {lead.windows} of the {LEAST} windows needed"
    if lead.low > 0.0:
        return MODEL_BETTER
    return MARKET_BETTER if lead.high < 0.0 else UNCLEAR


def half_width(windows: int) -> float:
    """Half the interval after so many windows, in standard deviations of one."""
    scaled = windows * _R2 + 1.0
    inside = 2 * scaled / (windows * windows * _R2) * math.log(math.sqrt(scaled) / _ALPHA)
    return math.sqrt(inside)


def windows_for(mean: float, deviation: float) -> int | None:
    """Windows after which a true mean of this size is expected to show; None beyond a million."""
    low, high = LEAST, _MANY
    if mean <= deviation * half_width(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if mean > deviation * half_width(middle):
            high = middle
        else:
            low = middle + 1
    return low
