"""When a scenario lists windows: as the venue does, a day at a time (kalshi.md 8.2).

At 16:01 New York time the whole next day is created. So at any moment the rest of today is listed,
and in the evening tomorrow too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from core.domain.windows import WINDOW_LENGTH, day_start, trading_day, windows_between
from core.units import MINUTE, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.domain.windows import Window
    from core.exchange.simulated import SimulatedExchange

_CREATION: Final = Nanos(7 * 60 * MINUTE + 59 * MINUTE)
"""Before the midnight that ends the day, at which the next day is created: 16:01."""


class Calendar:
    """Lists the windows of one series in an engine, each once, ahead of time."""

    def __init__(
        self,
        engine: SimulatedExchange,
        series: str,
        start: Nanos,
        on_listed: Callable[[Window], None] | None = None,
    ) -> None:
        """`on_listed` is called with each window as soon as it is listed."""
        self._engine = engine
        self._series = series
        self._on_listed = on_listed
        self._listed_to = Nanos(start - start % WINDOW_LENGTH)
        self._next_creation = Nanos(0)
        self._tickers: set[str] = set()
        self.list_due(start)

    def list_due(self, now: Nanos) -> None:
        """List what is due at `now`; between creations it costs one comparison."""
        if now < self._next_creation:
            return
        tomorrow = day_start(trading_day(now) + timedelta(days=1))
        creation = Nanos(tomorrow - _CREATION)
        if now >= creation:
            until = day_start(trading_day(now) + timedelta(days=2))
            self._next_creation = Nanos(until - _CREATION)
        else:
            until, self._next_creation = tomorrow, creation
        for window in windows_between(self._series, self._listed_to, until):
            self._list(window, now)
        self._listed_to = until

    def _list(self, window: Window, now: Nanos) -> None:
        """List one window. In the autumn night with 25 hours names repeat, and what the venue then
        does is not known: the second window of a name is left out.
        """
        if window.market_ticker not in self._tickers:
            self._tickers.add(window.market_ticker)
            self._engine.list_market(window, now)
            if self._on_listed is not None:
                self._on_listed(window)
