"""How far the exchange's clock is ahead of ours, from what its answers say of the time.

A `Date` header tells whole seconds, so one answer leaves a second of doubt. Several answers, some
of them on either side of a full second, leave less: every one bounds the difference from both
sides, however long it was under way, and all bounds hold together.
"""

from __future__ import annotations

from collections import deque
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from core.units import SECOND, Nanos

_KEPT: Final = 64
_WIDEST: Final = 1 << 62


class Ahead(NamedTuple):
    """The exchange's clock is ahead of ours by something between the two."""

    lowest: Nanos
    highest: Nanos

    @property
    def nearest(self) -> Nanos:
        """The smallest difference that they allow."""
        return Nanos(max(self.lowest, min(0, self.highest)))

    def within(self, other: Ahead) -> Ahead | None:
        """What both allow; None where they contradict each other."""
        lowest, highest = max(self.lowest, other.lowest), min(self.highest, other.highest)
        return Ahead(lowest, highest) if lowest <= highest else None


ANYTHING: Final = Ahead(Nanos(-_WIDEST), Nanos(_WIDEST))


def bounds(date: str, sent: Nanos, received: Nanos) -> Ahead | None:
    """What one answer's `Date` allows; None where it cannot be read. Times are our clock's."""
    try:
        stamp = int(parsedate_to_datetime(date).timestamp()) * SECOND
    except ValueError:
        return None
    return Ahead(Nanos(stamp - received), Nanos(stamp + SECOND - sent))


class VenueTime:
    """The bounds of the newest answers. Not thread-safe: its owner serialises the calls."""

    def __init__(self) -> None:
        self._heard: deque[tuple[Nanos, Ahead]] = deque(maxlen=_KEPT)

    def told(self, date: str, sent: Nanos, received: Nanos) -> None:
        """An answer said what time it is there; one that cannot be read says nothing."""
        found = bounds(date, sent, received)
        if found is not None:
            self._heard.append((received, found))

    def ahead(self, now: Nanos, span: Nanos) -> Ahead | None:
        """What the answers of the last `span` allow together; None without one.

        Older ones that contradict the newest are of before one of the clocks was set.
        """
        together = ANYTHING
        for received, found in reversed(self._heard):
            both = together.within(found) if now - received <= span else None
            if both is None:
                break
            together = both
        return None if together is ANYTHING else together
