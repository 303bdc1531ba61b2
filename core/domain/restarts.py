"""Restart intensity: how often a child may come back, how long to wait, and what comes after.

A restart restores a known state; it is for defects, not for networks. Back-off has full jitter (a
random share of a doubling bound), so that children that fell together do not rise together.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from core.units import Nanos, seconds

if TYPE_CHECKING:
    from random import Random


class Exhausted(StrEnum):
    """What happens when a child has used up its restarts."""

    HALT = "halt"
    """Trading halts; the child stays down."""
    HALT_AND_RETRY = "halt_and_retry"
    """Trading halts; the child is tried again at a slow pace."""
    QUARANTINE = "quarantine"
    """The child stays down; everybody else goes on."""


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` restarts within `within`; then `exhausted`. Durations are the machine's."""

    most: int
    within: Nanos
    exhausted: Exhausted
    first_delay: Nanos = seconds(0.1)
    longest_delay: Nanos = seconds(5.0)
    retry_every: Nanos = seconds(30.0)

    def at_speed(self, speed: float) -> RestartPolicy:
        """The same policy in the time of a clock that runs `speed` times as fast."""
        factor = max(1.0, speed)
        return msgspec.structs.replace(
            self,
            within=Nanos(round(self.within * factor)),
            first_delay=Nanos(round(self.first_delay * factor)),
            longest_delay=Nanos(round(self.longest_delay * factor)),
            retry_every=Nanos(round(self.retry_every * factor)),
        )


class RestartHistory:
    """The restarts of one child. Not thread-safe: it belongs to the supervision role."""

    def __init__(self, policy: RestartPolicy) -> None:
        self.policy = policy
        self.total = 0
        self._times: deque[Nanos] = deque()

    def next_delay(self, now: Nanos, random: Random) -> Nanos | None:
        """Register a failure; the pause before the next start, or None when exhausted."""
        self.total += 1
        while self._times and now - self._times[0] > self.policy.within:
            self._times.popleft()
        if len(self._times) >= self.policy.most:
            return None
        self._times.append(now)
        bound = min(self.policy.longest_delay, self.policy.first_delay << (len(self._times) - 1))
        return Nanos(random.randint(0, bound))

    @property
    def recent(self) -> int:
        """Restarts that still count against the policy."""
        return len(self._times)
