"""How far another clock is ahead, from the whole seconds that its answers tell."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.venue_time import Ahead, VenueTime, bounds
from core.units import MILLISECOND, SECOND, Nanos, seconds

START = Nanos(1_795_360_000 * SECOND)
SPAN = seconds(60)


def date(moment: int) -> str:
    return formatdate(moment // SECOND, usegmt=True)


@given(
    ahead=st.integers(-900_000, 900_000),
    there=st.integers(0, 5_000),
    back=st.integers(0, 5_000),
    start=st.integers(0, 999),
)
def test_one_answer_never_excludes_the_truth(ahead: int, there: int, back: int, start: int) -> None:
    """However long it was under way, in milliseconds."""
    sent = Nanos(START + start * MILLISECOND)
    told = Nanos(sent + there * MILLISECOND)
    received = Nanos(told + back * MILLISECOND)
    found = bounds(date(told + ahead * MILLISECOND), sent, received)
    assert found is not None
    assert found.lowest <= ahead * MILLISECOND <= found.highest
    assert found.highest - found.lowest == SECOND + (there + back) * MILLISECOND
    assert abs(found.nearest) <= abs(ahead) * MILLISECOND


@pytest.mark.parametrize("header", ["", "yesterday", "Sun, 99 Nov 2026 15:00:00 GMT"])
def test_an_answer_without_a_readable_date_says_nothing(header: str) -> None:
    heard = VenueTime()
    heard.told(header, START, START)
    assert heard.ahead(START, SPAN) is None


def test_answers_together_leave_less_doubt_than_one() -> None:
    heard = VenueTime()
    for step in range(10):
        now = Nanos(START + step * 100 * MILLISECOND)
        heard.told(date(now + 1_300 * MILLISECOND), now, now)
    found = heard.ahead(START, SPAN)
    assert found is not None
    assert found.lowest <= 1_300 * MILLISECOND <= found.highest
    assert found.highest - found.lowest <= 100 * MILLISECOND


def test_old_answers_say_nothing_any_more() -> None:
    heard = VenueTime()
    heard.told(date(START), START, START)
    assert heard.ahead(Nanos(START + SPAN), SPAN) == Ahead(Nanos(0), SECOND)
    assert heard.ahead(Nanos(START + SPAN + 1), SPAN) is None


def test_answers_of_before_a_clock_was_set_are_forgotten() -> None:
    heard = VenueTime()
    heard.told(date(START + 900 * SECOND), START, START)
    heard.told(date(START), START, START)
    assert heard.ahead(START, SPAN) == Ahead(Nanos(0), SECOND)


def test_the_smallest_difference_that_is_allowed_is_taken() -> None:
    assert Ahead(seconds(-2), seconds(3)).nearest == 0
    assert Ahead(seconds(2), seconds(3)).nearest == seconds(2)
    assert Ahead(seconds(-3), seconds(-2)).nearest == seconds(-2)
