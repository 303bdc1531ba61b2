"""Asks an exchange for the time until its difference to ours is known well enough.

What an answer tells, and what several tell together: `core.exchange.venue_time`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from core.exchange.venue_time import ANYTHING, Ahead, bounds
from core.units import MILLISECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.clock import Clock

_ENOUGH: Final = Nanos(250 * MILLISECOND)
_MOST: Final = 12
_PAUSE_SECONDS: Final = 0.1


def by_dates(
    ask: Callable[[], str], clock: Clock, pause: Callable[[float], object] = time.sleep
) -> Ahead | None:
    """From `Date` headers; None where there are none. `ask` makes one short request."""
    together = ANYTHING
    for _ in range(_MOST):
        sent = clock.now()
        found = bounds(ask(), sent, clock.now())
        if found is None:
            return None
        together = together.within(found) or found  # a clock was set while we looked
        if together.highest - together.lowest <= _ENOUGH:
            break
        pause(_PAUSE_SECONDS)
    return together


def by_freshness(ask: Callable[[], Nanos], clock: Clock) -> Ahead:
    """From one time that the exchange tells to the microsecond, and that is its present."""
    sent = clock.now()
    told = ask()
    return Ahead(Nanos(told - clock.now()), Nanos(told - sent))
