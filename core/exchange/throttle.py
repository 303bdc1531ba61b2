"""Token buckets of one account: what may leave now, what waits, and for how long (kalshi.md 2.10).

The venue answers an empty bucket with a bare 429 and names no time, so the buckets are kept here as
well. All times are the venue's own: under `--speed` its buckets refill with its clock, and so do
these. Integers throughout; a bucket counts in billionths of a token, so nothing is rounded.

Not safe on several threads: `actors.gate` guards it.
"""

from __future__ import annotations

from enum import IntEnum
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.costs import BALANCE, PUBLIC, READ, WRITE
from core.exchange.listing import Limits
from core.units import MILLISECOND, SECOND, Nanos

if TYPE_CHECKING:
    from core.exchange.costs import Bill

BASIC: Final = Limits(
    tier="basic", read_refill=200, read_capacity=600, write_refill=100, write_capacity=100
)
"""What a fresh account has; taken until the venue has told its own."""
BACK_OFF_FIRST: Final = Nanos(100 * MILLISECOND)
BACK_OFF_LONGEST: Final = Nanos(2 * SECOND)
NEVER: Final = Nanos(86_400 * SECOND)
"""The wait at a bucket that does not refill."""
_SLOW_TIERS: Final = frozenset({"basic", "advanced"})
_SLOW_BALANCE: Final = 1
_FAST_BALANCE: Final = 5
_MAX_DOUBLINGS: Final = 10


class Urgency(IntEnum):
    """What goes first, and who may use the last tokens."""

    CANCEL = 0
    PLACE = 1
    ORDER = 2
    """Questions about an order whose outcome is unknown."""
    READ = 3


_LEFT_IN_TENTHS: Final = {
    Urgency.CANCEL: 0,
    Urgency.PLACE: 2,
    Urgency.ORDER: 2,
    Urgency.READ: 4,
}
"""Share of a bucket that each leaves untouched for what is more urgent. At the lowest tier two
tenths of the write bucket are ten cancels at once."""


class BucketSize(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens per second, and how many are held at most."""

    refill: int
    capacity: int


class TokenBucket:
    """Full at first. May go below zero: what was sent was sent."""

    __slots__ = ("_level", "_ts", "size")

    def __init__(self, size: BucketSize, now: Nanos) -> None:
        self.size = size
        self._level = size.capacity * SECOND
        self._ts = now

    def resize(self, size: BucketSize, now: Nanos) -> None:
        """From now on another size; a full bucket is full again, others keep what they hold."""
        self._settle(now)
        full = self._level >= self.size.capacity * SECOND
        self.size = size
        self._level = size.capacity * SECOND if full else min(self._level, size.capacity * SECOND)

    def tokens(self, now: Nanos) -> int:
        """Whole tokens in it."""
        self._settle(now)
        return self._level // SECOND

    def wait(self, tokens: int, now: Nanos) -> Nanos:
        """How long until it holds so many; more than it can ever hold counts as full."""
        self._settle(now)
        lack = min(tokens, self.size.capacity) * SECOND - self._level
        if lack <= 0:
            return Nanos(0)
        return Nanos(-(-lack // self.size.refill)) if self.size.refill > 0 else NEVER

    def take(self, tokens: int, now: Nanos) -> None:
        """Take out; `wait` says whether they are there."""
        self._settle(now)
        self._level -= tokens * SECOND

    def give_back(self, tokens: int, now: Nanos) -> None:
        """Undo a `take` whose request did not leave."""
        self._settle(now)
        self._level = min(self._level + tokens * SECOND, self.size.capacity * SECOND)

    def missing(self, tokens: int, now: Nanos) -> None:
        """As of now so many are gone at least, whatever has come since they were taken."""
        self._settle(now)
        self._level = min(self._level, (self.size.capacity - tokens) * SECOND)

    def drain(self, now: Nanos) -> None:
        """The venue says that nothing is left."""
        self._settle(now)
        self._level = min(self._level, 0)

    def _settle(self, now: Nanos) -> None:
        """Refill up to now. A clock that was set back refills nothing, and goes on from there."""
        elapsed, self._ts = max(0, now - self._ts), now
        self._level = min(self._level + elapsed * self.size.refill, self.size.capacity * SECOND)


class BucketLevel(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket for people."""

    bucket: str
    tokens: int
    capacity: int
    refill: int
    """Per second of the venue."""
    paused: Nanos
    """Nothing leaves for so long, after a 429; 0 usually."""


class Throttle:
    """All buckets of one account, made as they are first needed."""

    def __init__(self, now: Nanos, limits: Limits = BASIC, seed: int = 0) -> None:
        self._random = Random(seed)
        self._buckets: dict[str, TokenBucket] = {}
        self._strikes: dict[str, int] = {}
        self._paused: dict[str, Nanos] = {}
        self._limits = limits
        self._born = now
        self.refusals = 0
        """429 answers."""

    @property
    def tier(self) -> str:
        """The account's tier, as far as known."""
        return self._limits.tier

    def set_limits(self, limits: Limits, now: Nanos) -> None:
        """What the venue told of this account."""
        self._limits = limits
        for name, bucket in self._buckets.items():
            bucket.resize(size_of(name, limits), now)

    def wait(self, bill: Bill, urgency: Urgency, now: Nanos) -> Nanos:
        """How long a request has to wait, if nothing else leaves before it; 0: it may go."""
        return max(
            (self._wait(name, tokens, urgency, now) for name, tokens in bill), default=Nanos(0)
        )

    def take(self, bill: Bill, now: Nanos) -> None:
        """A request leaves."""
        for name, tokens in bill:
            self._bucket(name).take(tokens, now)

    def give_back(self, bill: Bill, now: Nanos) -> None:
        """It did not leave after all."""
        for name, tokens in bill:
            self._bucket(name).give_back(tokens, now)

    def refused(self, bill: Bill, now: Nanos) -> None:
        """It was answered 429: its buckets are empty, and pause for a doubling, jittered while.

        Answers to what was sent before the pause began do not lengthen it.
        """
        self.refusals += 1
        for name, _ in bill:
            self._bucket(name).drain(now)
            if now < self._paused.get(name, Nanos(0)):
                continue
            strikes = self._strikes[name] = self._strikes.get(name, 0) + 1
            bound = min(BACK_OFF_LONGEST, BACK_OFF_FIRST << min(strikes, _MAX_DOUBLINGS))
            self._paused[name] = Nanos(now + self._random.randint(BACK_OFF_FIRST, bound))

    def answered(self, bill: Bill, now: Nanos) -> None:
        """It was answered by anything but 429: the next pause is short again.

        The balance's bucket has no reserve that would cover for journeys of unequal length: there
        the venue may have taken the token as late as now.
        """
        for name, tokens in bill:
            self._strikes.pop(name, None)
            if name == BALANCE:
                self._bucket(name).missing(tokens, now)

    def levels(self, now: Nanos) -> tuple[BucketLevel, ...]:
        """Every bucket in use, by name."""
        return tuple(
            BucketLevel(
                bucket=name,
                tokens=bucket.tokens(now),
                capacity=bucket.size.capacity,
                refill=bucket.size.refill,
                paused=Nanos(max(0, self._paused.get(name, Nanos(0)) - now)),
            )
            for name, bucket in sorted(self._buckets.items())
        )

    def _wait(self, name: str, tokens: int, urgency: Urgency, now: Nanos) -> Nanos:
        bucket = self._bucket(name)
        left = bucket.size.capacity * _LEFT_IN_TENTHS[urgency] // 10
        paused = Nanos(max(0, self._paused.get(name, Nanos(0)) - now))
        return max(paused, bucket.wait(tokens + left, now) if tokens else Nanos(0))

    def _bucket(self, name: str) -> TokenBucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = TokenBucket(size_of(name, self._limits), self._born)
        return bucket


def size_of(bucket: str, limits: Limits) -> BucketSize:
    """The size of a bucket under an account's limits; every shard has the whole write rate."""
    if bucket == READ:
        return BucketSize(refill=limits.read_refill, capacity=limits.read_capacity)
    if bucket == BALANCE:
        calls = _SLOW_BALANCE if limits.tier.lower() in _SLOW_TIERS else _FAST_BALANCE
        return BucketSize(refill=calls, capacity=calls)
    if bucket == PUBLIC:
        return BucketSize(refill=0, capacity=0)
    assert bucket.startswith(WRITE)
    return BucketSize(refill=limits.write_refill, capacity=limits.write_capacity)
