"""Prints of one settlement index, and the means that the exchange makes of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core.domain.windows import WINDOW_LENGTH
from core.exchange.engine_types import TrailingMean
from core.units import MINUTE, SECOND, IndexValue, Nanos, mean_index

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEEP: Final = 3_700
"""Prints kept, one a second: the hour that the history endpoint serves, and a margin."""


class IndexSeries:
    """Whole-second prints of an index, oldest first, and its newest value."""

    __slots__ = ("last_stamp", "prints")

    def __init__(self) -> None:
        self.prints: deque[tuple[Nanos, IndexValue]] = deque(maxlen=_KEEP)
        self.last_stamp = Nanos(-1)

    def add(self, value: IndexValue, stamp: Nanos) -> bool:
        """Take a value; False when its stamp is not newer than the last one's."""
        if stamp <= self.last_stamp:
            return False
        self.last_stamp = stamp
        if stamp % SECOND == 0:
            self.prints.append((stamp, value))
        return True

    def between(self, start: Nanos, end: Nanos) -> tuple[IndexValue, ...]:
        """Prints stamped in [start, end), oldest first."""
        found: list[IndexValue] = []
        for stamp, value in reversed(self.prints):
            if stamp < start:
                break
            if stamp < end:
                found.append(value)
        found.reverse()
        return tuple(found)

    def settlement(self, close: Nanos, digits: int) -> IndexValue | None:
        """Mean of the prints of the minute before `close`, rounded half up; None without any.

        Where prints are missing it is the mean of those that are there.
        """
        values = self.between(Nanos(close - MINUTE), close)
        return mean_index(sum(values), len(values), digits) if values else None

    def average_60s(self, stamp: Nanos) -> TrailingMean | None:
        """The mean over [stamp - 60 s, stamp): at a close this is the settlement window."""
        return _mean(self.between(Nanos(stamp - MINUTE), stamp), Nanos(stamp - MINUTE), stamp)

    def final_minute(self, stamp: Nanos) -> TrailingMean | None:
        """The mean over (T-60 s, stamp] in the last minute of a quarter hour, its end included."""
        close = Nanos(-(-stamp // WINDOW_LENGTH) * WINDOW_LENGTH)
        start = Nanos(close - MINUTE)
        end = Nanos(stamp + 1)
        return _mean(self.between(Nanos(start + 1), end), start, end)


def _mean(values: Iterable[IndexValue], start: Nanos, end: Nanos) -> TrailingMean | None:
    known = tuple(values)
    if not known:
        return None
    value = mean_index(sum(known), len(known), 8)
    return TrailingMean(value=value, count=len(known), start=start, end=end)
