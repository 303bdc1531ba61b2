"""How it went: equity, results after fees, what was said and came, what followed our fills."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.analysis_rows import PerformanceRow
from core.screen.market_rows import Line
from core.screen.results import by_day, by_strategy, exits_row, reliability_row
from core.screen.scale import cents, epoch_ms, rfc3339
from core.screen.selection import Selection
from core.units import SECOND, Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.account import AccountPanel
    from core.screen.forecast import ForecastPanel
    from core.screen.panel import Change, Facts, Listeners
    from core.screen.results import Scored, Settled
    from core.screen.trades import TradesPanel

_SCORED: Final = 3_000
_EQUITY_GAP: Final = 15 * SECOND


class PerformancePanel:
    """Row `performance` after results and fills, at most once in `pause`; lines of `equity`."""

    def __init__(
        self, trades: TradesPanel, account: AccountPanel, forecasts: ForecastPanel, pause: Nanos
    ) -> None:
        self._trades = trades
        self._account = account
        self._forecasts = forecasts
        self._pause = pause
        self._next = Nanos(0)
        self._next_equity = Nanos(0)
        self._dirty = True
        self._selection = Selection()
        self._scored: deque[Scored] = deque(maxlen=_SCORED)
        self._windows = 0
        self.facts: Facts = {m.PositionSettled: self._settled}
        self.listeners: Listeners = {
            m.MarketDetermined: self._determined,
            m.OrderFilled: self._filled,
            m.MarketView: self._selection.listeners[m.MarketView],
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """What is due."""
        account = self._account.row
        if account is not None and now >= self._next_equity:
            self._next_equity = Nanos(now + _EQUITY_GAP)
            point = (epoch_ms(now), account.equity, account.peak, account.drawdown)
            yield "equity", Line(line="equity", points=(point,))
        if self._dirty and now >= self._next:
            self._dirty = False
            self._next = Nanos(now + self._pause)
            yield "performance", self._row(now)

    def _settled(self, event: m.PositionSettled) -> None:
        del event
        self._dirty = True

    def _filled(self, event: m.OrderFilled, now: Nanos) -> None:
        self._selection.listeners[m.OrderFilled](event, now)
        self._dirty = True

    def _determined(self, event: m.MarketDetermined, now: Nanos) -> None:
        del now
        self._dirty = True
        known = self._forecasts.windows.get(event.ticker)
        if known is None or not known.looks:
            return
        looks, known.looks = known.looks, {}
        yes = event.result.value == "yes"
        self._windows += 1
        self._scored += [(self._windows, look.fair, look.mid, yes) for look in looks.values()]

    def _row(self, now: Nanos) -> PerformanceRow:
        settled = self._over()
        total = Money(sum(trade.pnl or 0 for trade, _ in settled))
        wins = sum((trade.pnl or 0) > 0 for trade, _ in settled)
        count = len(settled)
        oldest = min((moment for _, moment in settled), default=None)
        return PerformanceRow(
            trades=count,
            wins=wins,
            windows=len({trade.ticker for trade, _ in settled}),
            win_rate=round(wins / count, 4) if count else None,
            pnl=cents(total),
            fees=cents(Money(sum(trade.fees for trade, _ in settled))),
            per_trade=round(cents(total) / count, 6) if count else None,
            max_drawdown=self._account.max_drawdown,
            strategies=by_strategy(settled),
            days=by_day(settled),
            exits=exits_row(settled),
            selection=self._selection.rows(),
            reliability=reliability_row(self._scored),
            covers_from=None if oldest is None else rfc3339(oldest),
            at=rfc3339(now),
        )

    def _over(self) -> list[Settled]:
        """Orders with fills whose window has a result, with the time of that."""
        return [
            (trade, self._trades.result_at(trade.ticker) or trade.last_fill or Nanos(0))
            for trade in self._trades.trades.values()
            if trade.filled and trade.pnl is not None
        ]
