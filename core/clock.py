"""Where time comes from. The rest of `core` is handed `now`; only this file may read a clock.

| clock | shows | used by |
|---|---|---|
| `SystemClock` | the machine's UTC time | paper, live, and the local venue at speed 1 |
| `ScaledClock` | UTC that runs `speed` times as fast | daemon and local exchange under `--speed` |
| `VirtualClock` | whatever its owner last set | backtests and tests |

Two kinds of duration must not be mixed. A duration of the *market* (an order's life, seconds to
the close) is `core.units.seconds(x)` on any clock. A duration of the *machine* (a lease, a
heartbeat, a time-out, how late a message may arrive) does not shrink when the market is sped up;
`patience` turns it into the clock's own time.
"""

from __future__ import annotations

import math
import time
from typing import Protocol

import msgspec

from core.units import SECOND, Nanos, seconds


class Clock(Protocol):
    """What hosts, timers and runners ask for the time. Safe to read on any thread."""

    @property
    def speed(self) -> float:
        """Seconds this clock advances in one second of the machine."""

    def now(self) -> Nanos:
        """UTC nanoseconds on this clock."""


class ClockSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A scaled clock as data, so that several processes of one machine share it as JSON.

    It holds until the machine restarts: the origin is a reading of CLOCK_MONOTONIC, which all
    processes of one boot see alike. A speed that is not finite and positive raises ValueError
    (msgspec.ValidationError when it arrives as JSON).
    """

    origin_ns: Nanos
    """What the clock shows at the origin, UTC nanoseconds."""
    origin_monotonic_ns: int
    """CLOCK_MONOTONIC at the origin, nanoseconds."""
    speed: float

    def __post_init__(self) -> None:
        """Refuse a clock that would stand still or run backwards."""
        if not (math.isfinite(self.speed) and self.speed > 0):
            msg = f"clock speed must be a positive number, got {self.speed}"
            raise ValueError(msg)


def start_spec(speed: float, origin: Nanos | None = None) -> ClockSpec:
    """A clock that shows `origin` (default: the machine's UTC) now and runs at `speed`."""
    monotonic_ns = time.monotonic_ns()
    origin_ns = Nanos(time.time_ns()) if origin is None else origin
    return ClockSpec(origin_ns=origin_ns, origin_monotonic_ns=monotonic_ns, speed=speed)


class SystemClock:
    """The machine's UTC clock. It may step when the machine's time is corrected."""

    speed: float = 1.0

    def now(self) -> Nanos:
        """UTC nanoseconds of the machine."""
        return Nanos(time.time_ns())


class ScaledClock:
    """UTC that started at an origin and runs `speed` times as fast as the machine; never back.

    Two clocks of the same spec agree exactly at every instant, in any process of the machine: the
    product is computed in integers, so nothing drifts apart over days.
    """

    def __init__(self, origin_ns: Nanos, origin_monotonic_ns: int, speed: float) -> None:
        self.spec = ClockSpec(
            origin_ns=origin_ns, origin_monotonic_ns=origin_monotonic_ns, speed=speed
        )
        self.speed = speed
        self._numerator, self._denominator = speed.as_integer_ratio()

    @classmethod
    def from_spec(cls, spec: ClockSpec) -> ScaledClock:
        """The clock that `spec` describes."""
        return cls(spec.origin_ns, spec.origin_monotonic_ns, spec.speed)

    def now(self) -> Nanos:
        """UTC nanoseconds, scaled."""
        return self.at(time.monotonic_ns())

    def at(self, monotonic_ns: int) -> Nanos:
        """What this clock shows when CLOCK_MONOTONIC reads `monotonic_ns`."""
        elapsed = monotonic_ns - self.spec.origin_monotonic_ns
        return Nanos(self.spec.origin_ns + elapsed * self._numerator // self._denominator)


class VirtualClock:
    """Time that moves only when its owner says so. One thread: that of the owner."""

    speed: float = 1.0

    def __init__(self, start: Nanos) -> None:
        self._now = start

    def now(self) -> Nanos:
        """The time last set."""
        return self._now

    def advance_to(self, until: Nanos) -> None:
        """Move forward to `until`; standing still is allowed, going back raises ValueError."""
        if until < self._now:
            msg = f"a virtual clock cannot go back from {self._now} to {until}"
            raise ValueError(msg)
        self._now = until


def patience(clock: Clock, duration: float) -> Nanos:
    """`duration` seconds of the machine, measured in the time of `clock`.

    For leases, heartbeats, time-outs and arrival freshness. A clock slower than the
    machine grants `duration` of its own seconds: data arrive at its pace, not at the machine's.
    """
    return seconds(duration * max(1.0, clock.speed))


def sleep_seconds(clock: Clock, until: Nanos) -> float:
    """Seconds of the machine to wait until `clock` shows `until`; 0.0 when that is past.

    The argument for `Event.wait` and its like. Meaningless on a VirtualClock, which nobody waits
    for.
    """
    return max(0, until - clock.now()) / (SECOND * clock.speed)
