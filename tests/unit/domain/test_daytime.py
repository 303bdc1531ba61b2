"""The rhythm of the day: New York's clock, weekends, and a mean of one."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.daytime import CRYPTO, FLAT, HALF_HOURS, ProfileError, make_profile, slot_of
from core.domain.windows import NEW_YORK
from core.units import SECOND, Nanos

FACTORS = st.lists(st.floats(0.1, 5.0), min_size=HALF_HOURS, max_size=HALF_HOURS).map(tuple)


def at(*moment: int) -> Nanos:
    return Nanos(round(datetime(*moment, tzinfo=NEW_YORK).timestamp()) * SECOND)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "slot"),
    [((2026, 6, 2, 0, 0), 0), ((2026, 6, 2, 9, 29), 18), ((2026, 12, 2, 9, 30), 19)],
)
def test_half_hours_are_new_yorks_in_summer_and_winter(moment: tuple[int, ...], slot: int) -> None:
    assert slot_of(at(*moment)) == slot


def test_the_american_opening_is_the_loudest_of_a_working_day() -> None:
    opening = CRYPTO.factor(at(2026, 6, 2, 10, 30))

    assert opening == max(CRYPTO.weekday)
    assert opening > 1.5 * CRYPTO.factor(at(2026, 6, 2, 4, 0))


def test_saturday_and_sunday_have_their_own_day() -> None:
    assert CRYPTO.factor(at(2026, 6, 6, 10, 30)) == CRYPTO.weekend[21]
    assert CRYPTO.factor(at(2026, 6, 7, 10, 30)) == CRYPTO.weekend[21]
    assert CRYPTO.factor(at(2026, 6, 8, 10, 30)) == CRYPTO.weekday[21]


@given(FACTORS, FACTORS)
def test_the_squares_of_a_week_have_a_mean_of_one(
    weekday: tuple[float, ...], weekend: tuple[float, ...]
) -> None:
    profile = make_profile(weekday, weekend)

    squares = [f * f for f in (*profile.weekday * 5, *profile.weekend * 2)]
    assert math.fsum(squares) / len(squares) == pytest.approx(1.0)
    assert profile.weekday[3] / profile.weekday[7] == pytest.approx(weekday[3] / weekday[7])


def test_without_rhythm_every_half_hour_is_alike() -> None:
    assert set(FLAT.weekday) == set(FLAT.weekend) == {1.0}


@pytest.mark.parametrize("weekday", [(1.0,) * 47, (1.0,) * 47 + (0.0,), ()])
def test_what_is_no_day_is_refused(weekday: tuple[float, ...]) -> None:
    with pytest.raises(ProfileError, match="48 half hours"):
        make_profile(weekday, (1.0,) * HALF_HOURS)
