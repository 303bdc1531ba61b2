"""The daily and weekly rhythm of volatility, in New York time.

Crypto prices move most around the opening of the American stock market. A profile holds one factor
for each half hour of a working day and of a weekend day: the usual volatility of that half hour
against that of the week. Holidays count as working days.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from core.domain.windows import in_new_york
from core.units import MINUTE, Nanos

HALF_HOUR: Final = Nanos(30 * MINUTE)
HALF_HOURS: Final = 48
_SATURDAY: Final = 5
_WORKING_DAYS: Final = 5
_FREE_DAYS: Final = 2


class ProfileError(ValueError):
    """Factors that are no rhythm of a week; says why."""


class DayProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Factors of volatility by half hours from midnight; the mean of their squares is 1."""

    weekday: tuple[float, ...]
    weekend: tuple[float, ...]

    def factor(self, now: Nanos) -> float:
        """The factor of the half hour that holds `now`. Costs 2 us: keep it for the half hour."""
        local = in_new_york(now)
        day = self.weekend if local.weekday() >= _SATURDAY else self.weekday
        return day[slot_of(now)]


def slot_of(now: Nanos) -> int:
    """The half hour of the day in New York, 0 to 47."""
    local = in_new_york(now)
    return 2 * local.hour + local.minute // 30


def make_profile(weekday: tuple[float, ...], weekend: tuple[float, ...]) -> DayProfile:
    """A profile of factors that are scaled so that the mean of their squares over a week is 1.

    Raises ProfileError for a wrong count, or for factors that are not positive.
    """
    if (len(weekday), len(weekend)) != (HALF_HOURS, HALF_HOURS) or min(*weekday, *weekend) <= 0:
        msg = f"a day has {HALF_HOURS} half hours, each with a positive factor"
        raise ProfileError(msg)
    squares = _WORKING_DAYS * sum(f * f for f in weekday) + _FREE_DAYS * sum(f * f for f in weekend)
    scale = 1 / math.sqrt(squares / (_WORKING_DAYS + _FREE_DAYS) / HALF_HOURS)
    return DayProfile(
        weekday=tuple(f * scale for f in weekday), weekend=tuple(f * scale for f in weekend)
    )


FLAT: Final = make_profile((1.0,) * HALF_HOURS, (1.0,) * HALF_HOURS)
"""No rhythm."""

CRYPTO: Final = make_profile(
    (
        *(0.97, 0.95, 0.91, 0.87, 0.84, 0.85, 0.86, 0.86, 0.84, 0.83, 0.83, 0.84),
        *(0.85, 0.86, 0.87, 0.91, 0.99, 1.10, 1.23, 1.34, 1.41, 1.42, 1.39, 1.32),
        *(1.24, 1.18, 1.14, 1.12, 1.10, 1.10, 1.08, 1.02, 0.96, 0.93, 0.94, 0.94),
        *(0.92, 0.91, 0.89, 0.88, 0.89, 0.91, 0.92, 0.94, 0.95, 0.96, 0.97, 0.97),
    ),
    (
        *(0.92, 0.95, 0.94, 0.91, 0.87, 0.86, 0.84, 0.82, 0.81, 0.82, 0.84, 0.84),
        *(0.82, 0.80, 0.80, 0.83, 0.85, 0.84, 0.85, 0.89, 0.96, 0.98, 0.96, 0.93),
        *(0.90, 0.87, 0.84, 0.83, 0.83, 0.83, 0.81, 0.82, 0.92, 1.13, 1.36, 1.47),
        *(1.40, 1.21, 1.03, 0.96, 0.99, 1.09, 1.18, 1.23, 1.18, 1.06, 0.94, 0.89),
    ),
)
"""Seven coins, 24 May to 19 June 2026; `docs/pricing.md` has the command that computes it."""
