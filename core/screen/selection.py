"""How the middle of the book moved after our fills: what those who sold to us knew."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.screen.analysis_rows import SelectionRow
from core.screen.forecast import middle
from core.screen.trade import leg_of
from core.units import SECOND, Nanos, contracts

if TYPE_CHECKING:
    from core.screen.panel import Facts, Listeners

HORIZONS: Final = (1, 5, 30)
_WAITING: Final = 500


class Waiting(msgspec.Struct, kw_only=True):
    """A fill whose horizons have not all passed. Mutable, inside this fold only."""

    ticker: str
    ts: Nanos
    sign: int
    size: float
    before: float
    done: int = 0


class Selection:
    """Sums of moves after fills by horizon, weighted by contracts. Fills are told once each."""

    def __init__(self) -> None:
        self._middles: dict[str, float] = {}
        self._waiting: deque[Waiting] = deque(maxlen=_WAITING)
        self._sums = {horizon: [0.0, 0.0, 0.0] for horizon in HORIZONS}
        """Move times contracts, contracts, fills."""
        self.facts: Facts = {}
        self.listeners: Listeners = {m.MarketView: self._viewed, m.OrderFilled: self._filled}

    def rows(self) -> tuple[SelectionRow, ...]:
        """The means so far, in cents per contract."""
        return tuple(
            SelectionRow(
                seconds=horizon,
                cents=round(100 * moved / size, 3) if size else None,
                fills=int(fills),
            )
            for horizon, (moved, size, fills) in self._sums.items()
        )

    def _filled(self, event: m.OrderFilled, now: Nanos) -> None:
        del now
        before = self._middles.get(event.ticker)
        if before is None:
            return
        sign = 1 if leg_of(event.side) == "yes" else -1
        size = contracts(event.quantity)
        fill = Waiting(ticker=event.ticker, ts=event.ts, sign=sign, size=size, before=before)
        self._waiting.append(fill)

    def _viewed(self, view: m.MarketView, now: Nanos) -> None:
        last = self._middles.get(view.market.ticker)
        # The middle that stood when a horizon passed is the one before this picture.
        if last is not None:
            self._measure(view.market.ticker, last, now)
        price = middle(view)
        if price is None:
            self._middles.pop(view.market.ticker, None)
            return
        self._middles[view.market.ticker] = price
        while len(self._middles) > len(HORIZONS) * 16:
            del self._middles[next(iter(self._middles))]

    def _measure(self, ticker: str, price: float, now: Nanos) -> None:
        for fill in self._waiting:
            if fill.ticker != ticker:
                continue
            while fill.done < len(HORIZONS) and now >= fill.ts + HORIZONS[fill.done] * SECOND:
                sums = self._sums[HORIZONS[fill.done]]
                sums[0] += fill.sign * (price - fill.before) * fill.size
                sums[1] += fill.size
                sums[2] += 1
                fill.done += 1
        while self._waiting and self._waiting[0].done == len(HORIZONS):
            self._waiting.popleft()
