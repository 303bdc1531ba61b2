"""Durations of a host, counted in buckets of a quarter of an octave: quantiles for 0.1 us a piece.

A list of counts instead of the durations themselves: its size does not grow, and a quantile is off
by less than a fifth.
"""

from __future__ import annotations

from typing import Final

_BUCKETS: Final = 256
"""Enough for every duration of 64 bits."""
_PLAIN: Final = 3
"""Durations of so many bits have a bucket each."""


class Durations:
    """One thread adds; any thread may read."""

    __slots__ = ("_counts", "count")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0

    def add(self, nanoseconds: int) -> None:
        """Count one; negative counts as none at all. Hot."""
        if nanoseconds < 0:  # noqa: PLR1730 - cheaper than a call to max
            nanoseconds = 0
        shift = nanoseconds.bit_length() - _PLAIN
        if shift <= 0:
            self._counts[nanoseconds] += 1
        else:
            self._counts[(shift << 2) + (nanoseconds >> shift)] += 1
        self.count += 1

    def quantile(self, share: float) -> int:
        """The duration that this share of all did not exceed, rounded up to its bucket's end."""
        left = share * self.count
        for bucket, count in enumerate(self._counts):
            left -= count
            if count and left <= 0:
                return _end(bucket)
        return 0


def _end(bucket: int) -> int:
    """The longest duration in a bucket."""
    plain = 1 << _PLAIN
    if bucket < plain:
        return bucket
    shift, quarter = (bucket >> 2) - 1, bucket & 3
    return ((5 + quarter) << shift) - 1
