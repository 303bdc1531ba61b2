"""Clocks: they agree between processes, never go back, and keep machine time apart from market."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import (
    Clock,
    ClockSpec,
    ScaledClock,
    SystemClock,
    VirtualClock,
    patience,
    sleep_seconds,
    start_spec,
)
from core.units import SECOND, Nanos, seconds

ORIGIN = Nanos(1_795_360_032_000_000_000)
SPEEDS = st.floats(min_value=0.1, max_value=1000, allow_nan=False)
DAY_NS = 86_400 * SECOND


def spec_at(speed: float) -> ClockSpec:
    return ClockSpec(origin_ns=ORIGIN, origin_monotonic_ns=5_000, speed=speed)


def test_system_clock_shows_the_time_of_the_machine() -> None:
    before, now, after = time.time_ns(), SystemClock().now(), time.time_ns()
    assert before <= now <= after


def test_scaled_clock_runs_speed_times_as_fast() -> None:
    clock = ScaledClock.from_spec(spec_at(60.0))
    assert clock.at(5_000) == ORIGIN
    assert clock.at(5_000 + SECOND) == ORIGIN + 60 * SECOND


@given(speed=SPEEDS, first=st.integers(0, 400 * DAY_NS), step=st.integers(0, DAY_NS))
def test_scaled_clock_never_goes_back(speed: float, first: int, step: int) -> None:
    clock = ScaledClock.from_spec(spec_at(speed))
    assert clock.at(first) <= clock.at(first + step)


@given(speed=SPEEDS, elapsed=st.integers(0, 400 * DAY_NS))
def test_scaled_clock_is_exact_after_days(speed: float, elapsed: int) -> None:
    numerator, denominator = speed.as_integer_ratio()
    shown = ScaledClock.from_spec(spec_at(speed)).at(5_000 + elapsed) - ORIGIN
    assert shown * denominator <= elapsed * numerator < (shown + 1) * denominator


def test_a_clock_survives_the_trip_to_another_process() -> None:
    spec = start_spec(60.0)
    program = (
        "import sys, msgspec; from core.clock import ClockSpec, ScaledClock;"
        "print(ScaledClock.from_spec(msgspec.json.decode(sys.argv[1], type=ClockSpec)).now())"
    )
    clock = ScaledClock.from_spec(spec)
    before = clock.now()
    told = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program, msgspec.json.encode(spec).decode()],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert before <= int(told.stdout) <= clock.now()


def test_start_spec_begins_at_the_origin_it_was_given() -> None:
    spec = start_spec(2.0, ORIGIN)
    assert ScaledClock.from_spec(spec).at(spec.origin_monotonic_ns) == ORIGIN


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_without_forward_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(ORIGIN, 0, speed)


def test_a_bad_speed_in_json_is_a_validation_error() -> None:
    text = b'{"origin_ns": 1, "origin_monotonic_ns": 1, "speed": 0}'
    with pytest.raises(msgspec.ValidationError, match="positive"):
        msgspec.json.decode(text, type=ClockSpec)


def test_virtual_clock_stands_still_until_told() -> None:
    clock = VirtualClock(ORIGIN)
    clock.advance_to(Nanos(ORIGIN + 5))
    clock.advance_to(Nanos(ORIGIN + 5))
    assert clock.now() == ORIGIN + 5


def test_virtual_clock_refuses_to_go_back() -> None:
    clock = VirtualClock(ORIGIN)
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(Nanos(ORIGIN - 1))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (SystemClock(), seconds(3)),
        (ScaledClock.from_spec(spec_at(60.0)), seconds(180)),
        (ScaledClock.from_spec(spec_at(0.5)), seconds(3)),
        (VirtualClock(ORIGIN), seconds(3)),
    ],
)
def test_patience_is_time_of_the_machine(clock: Clock, expected: Nanos) -> None:
    assert patience(clock, 3.0) == expected


def test_sleeping_until_the_past_takes_no_time() -> None:
    assert sleep_seconds(SystemClock(), Nanos(0)) == 0.0


def test_sleeping_on_a_scaled_clock_is_counted_in_seconds_of_the_machine() -> None:
    clock = ScaledClock.from_spec(start_spec(100.0))
    longest = sleep_seconds(clock, Nanos(clock.now() + seconds(1000)))
    assert 0 < longest <= 10.0
