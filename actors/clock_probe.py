"""How far the exchange's clock is from ours, from what its answers say of the time.

A `Date` header tells whole seconds, so one answer leaves a second of doubt. Several answers, some
of them on either side of a full second, leave less: every one bounds the difference from both
sides, and all bounds hold together.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from core.units import MILLISECOND, SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.clock import Clock

_ENOUGH: Final = Nanos(250 * MILLISECOND)
_MOST: Final = 12
_PAUSE_SECONDS: Final = 0.1


class Ahead(NamedTuple):
    """The exchange's clock is ahead of ours by something between the two."""

    lowest: Nanos
    highest: Nanos


def by_dates(
    ask: Callable[[], str], clock: Clock, pause: Callable[[float], object] = time.sleep
) -> Ahead | None:
    """From `Date` headers; None where there are none. `ask` makes one short request."""
    lowest, highest = Nanos(-(1 << 62)), Nanos(1 << 62)
    for _ in range(_MOST):
        sent = clock.now()
        stamp = _stamp(ask())
        received = clock.now()
        if stamp is None:
            return None
        lowest = Nanos(max(lowest, stamp - received))
        highest = Nanos(min(highest, stamp + SECOND - sent))
        if highest - lowest <= _ENOUGH:
            break
        pause(_PAUSE_SECONDS)
    if lowest > highest:  # a clock was set while we looked
        lowest, highest = highest, lowest
    return Ahead(lowest, highest)


def by_freshness(ask: Callable[[], Nanos], clock: Clock) -> Ahead:
    """From one time that the exchange tells to the microsecond, and that is its present."""
    sent = clock.now()
    told = ask()
    return Ahead(Nanos(told - clock.now()), Nanos(told - sent))


def _stamp(date: str) -> Nanos | None:
    try:
        return Nanos(int(parsedate_to_datetime(date).timestamp()) * SECOND)
    except ValueError:
        return None
