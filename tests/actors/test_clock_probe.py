"""The difference of two clocks, from headers that tell whole seconds."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.clock_probe import by_dates, by_freshness
from core.clock import VirtualClock
from core.units import MILLISECOND, SECOND, Nanos, seconds

START = Nanos(1_795_360_000 * SECOND)


class Line:
    """An exchange whose clock is ahead of ours, at the end of a line that takes its time."""

    def __init__(self, ahead: Nanos, delay: Nanos, start: Nanos = START) -> None:
        self.clock = VirtualClock(start)
        self.requests = 0
        self._ahead = ahead
        self._delay = delay

    def date(self) -> str:
        self.requests += 1
        self._travel()
        told = formatdate((self.clock.now() + self._ahead) // SECOND, usegmt=True)
        self._travel()
        return told

    def fresh(self) -> Nanos:
        self._travel()
        told = Nanos(self.clock.now() + self._ahead)
        self._travel()
        return told

    def pause(self, duration: float) -> None:
        self.clock.advance_to(Nanos(self.clock.now() + seconds(duration)))

    def _travel(self) -> None:
        self.clock.advance_to(Nanos(self.clock.now() + self._delay))


@given(
    ahead=st.integers(-30_000, 30_000),
    delay=st.integers(0, 150),
    start=st.integers(0, 999),
)
def test_the_difference_lies_between_the_bounds_and_they_are_near(
    ahead: int, delay: int, start: int
) -> None:
    line = Line(
        Nanos(ahead * MILLISECOND),
        Nanos(delay * MILLISECOND),
        Nanos(START + start * MILLISECOND),
    )
    found = by_dates(line.date, line.clock, line.pause)
    assert found is not None
    assert found.lowest <= ahead * MILLISECOND <= found.highest
    assert found.highest - found.lowest <= (2 * delay + 350) * MILLISECOND
    assert line.requests <= 12


@pytest.mark.parametrize("header", ["", "yesterday", "Sun, 99 Nov 2026 15:00:00 GMT"])
def test_without_a_readable_date_nothing_is_claimed(header: str) -> None:
    line = Line(Nanos(0), Nanos(0))
    assert by_dates(lambda: header, line.clock, line.pause) is None


def test_a_clock_that_is_set_meanwhile_leaves_bounds_in_their_order() -> None:
    line = Line(Nanos(0), Nanos(0))
    dates = iter([line.date(), *["Sun, 22 Nov 2026 20:00:00 GMT"] * 12])
    found = by_dates(lambda: next(dates), line.clock, line.pause)
    assert found is not None
    assert found.lowest <= found.highest


@given(ahead=st.integers(-5_000, 5_000), delay=st.integers(0, 200))
def test_one_exact_time_bounds_the_difference_by_the_journey(ahead: int, delay: int) -> None:
    line = Line(Nanos(ahead * MILLISECOND), Nanos(delay * MILLISECOND))
    found = by_freshness(line.fresh, line.clock)
    assert found.lowest <= ahead * MILLISECOND <= found.highest
    assert found.highest - found.lowest == 2 * delay * MILLISECOND
