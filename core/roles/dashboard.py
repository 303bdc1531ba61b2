"""The role `dashboard`: folds what is routed to it into frames for the screen.

It decides nothing and writes nothing. Orders, fills, results and the trading state are regained
from the journal; the rest from the live stream. Changes are gathered and leave at most once in an
interval, but what a person waits for (orders, fills, the trading state, alerts) leaves at once.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.fold import StateFolded
from core.roles.base import HandlingRole
from core.screen.account import AccountPanel
from core.screen.alerts import AlertPanel
from core.screen.charts import ChartPanel
from core.screen.decisions import DecisionPanel
from core.screen.forecast import ForecastPanel
from core.screen.health import HealthPanel
from core.screen.locks import LockPanel
from core.screen.machine import MachinePanel
from core.screen.markets import MarketPanel
from core.screen.meters import MetersPanel
from core.screen.parameters import ParametersPanel
from core.screen.performance import PerformancePanel
from core.screen.prints import PrintPanel
from core.screen.quant import QuantPanel
from core.screen.replay import ReplayPanel
from core.screen.scores import CalibrationPanel
from core.screen.status import Neighbours, StatusPanel
from core.screen.trades import TradesPanel
from core.topology import DASHBOARD, ROUTES
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message
    from core.screen.panel import Fact, Listener, Panel
    from core.screen.terms import DashboardTerms

AT_ONCE: Final = frozenset(
    {
        m.Begin,
        m.OrderApproved,
        m.OrderAccepted,
        m.OrderRejected,
        m.OrderUnknown,
        m.OrderFilled,
        m.OrderClosed,
        m.PositionSettled,
        m.TradingStateChanged,
        m.BreachDetected,
        m.CancelAllDone,
        m.StrategySet,
        m.BankrollSet,
        m.LockSet,
        m.LockCleared,
    }
)
"""After these nobody waits for the next frame."""


class Dashboard(HandlingRole):
    """Carries the panels and paces their frames. Costs 5 to 20 us a message."""

    def __init__(self, terms: DashboardTerms, name: str = DASHBOARD) -> None:
        trades = TradesPanel(dry_run=terms.mode != "live")
        account = AccountPanel(terms.limits)
        decisions = DecisionPanel(terms.strategies, trades.scores)
        health = HealthPanel(terms.speed, terms.book_fresh)
        neighbours = Neighbours(account=account, trades=trades, decisions=decisions, health=health)
        forecasts = ForecastPanel(
            account, threshold=terms.min_edge, pause=Nanos(max(SECOND, terms.interval))
        )
        self._panels: tuple[Panel, ...] = (
            StatusPanel(terms, neighbours),
            MarketPanel(source.series for source in terms.sources),
            ChartPanel(terms.sources),
            PrintPanel(),
            account,
            trades,
            decisions,
            ParametersPanel(_given(terms)),
            CalibrationPanel(),
            AlertPanel(),
            LockPanel(),
            health,
            MetersPanel(terms.speed),
            MachinePanel(),
            forecasts,
            QuantPanel(forecasts, account, terms.slow),
            PerformancePanel(trades, account, forecasts, terms.slow),
            ReplayPanel(trades, decisions, forecasts, Nanos(4 * terms.slow)),
        )
        self._interval = terms.interval
        self._next = Nanos(0)
        self._due: Nanos | None = None
        self._facts: dict[type[Message], list[Fact]] = defaultdict(list)
        listeners: dict[type[Message], list[Listener]] = defaultdict(list)
        for panel in self._panels:
            for event, fact in panel.facts.items():
                self._facts[event].append(fact)
            for message, listener in panel.listeners.items():
                listeners[message].append(listener)
        heard: list[type[Message]] = [m.Begin, m.Tick]
        heard += [message for message, targets in ROUTES.items() if DASHBOARD in targets]
        super().__init__(
            name,
            {message: partial(self._take, tuple(listeners[message])) for message in heard},
        )

    def apply(self, event: Message) -> None:
        """Fold one journalled event; of what was folded away, what the operator wants."""
        told: tuple[Message, ...] = (event,)
        if isinstance(event, StateFolded):
            locks = event.protections.locks
            wanted = (event.breaker, event.bankroll, *event.strategies, *locks)
            told = tuple(change for change in wanted if change is not None)
        for one in told:
            for fact in self._facts.get(type(one), ()):
                fact(one)

    def _take(
        self, listeners: tuple[Listener, ...], message: Message, now: Nanos
    ) -> Sequence[Message]:
        for listener in listeners:
            listener(message, now)
        if isinstance(message, m.ScreenDue):
            self._due = None
        if now >= self._next or type(message) in AT_ONCE:
            return self._flush(now)
        if self._due is not None and now <= self._due:
            return ()
        self._due = self._next
        due = m.ScreenDue(due=self._next)
        return (m.Scheduled(due=self._next, to=self.name, message=due),)

    def _flush(self, now: Nanos) -> Sequence[Message]:
        self._next = Nanos(now + self._interval)
        return [
            m.ScreenFrame(topic=topic, data=row, ts=now)
            for panel in self._panels
            for topic, row in panel.drain(now)
        ]


def _given(terms: DashboardTerms) -> dict[str, dict[str, object]]:
    named = {name: dict(values) for name, values in terms.parameters}
    return {name: {**named.get(name, {})} for name in terms.strategies}
