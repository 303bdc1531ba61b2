"""The dashboard role on a stage: its time, what it sends, and makers of what it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from core import messages as m
from core.domain.series import SOURCES
from core.roles.dashboard import Dashboard
from core.screen.terms import DashboardTerms, Limits
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price, seconds
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    contracts,
    money,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.exchange.records import Outcome
    from core.messages import Message

TERMS = DashboardTerms(
    mode="local",
    sources=(SOURCES["KXSOL15M"],),
    strategies=("kelly_volatility", "mean_reversion"),
    limits=Limits(
        max_total_exposure=money(5_000),
        max_daily_loss=money(500),
        max_concurrent_positions=5,
        loss_threshold=0.20,
        drawdown_threshold=0.15,
    ),
)


class Stage:
    """The role, its time, and everything it has sent."""

    def __init__(self, dashboard_terms: DashboardTerms = TERMS) -> None:
        self.role = Dashboard(dashboard_terms)
        self.now = NOW
        self.frames: list[m.ScreenFrame] = []
        self.effects: list[Message] = []

    def take(self, message: Message, after: float = 0.0) -> Sequence[Message]:
        """As a host does: facts are applied, then the message is handled."""
        self.now = Nanos(self.now + seconds(after))
        self.role.apply(message)
        out = self.role.handle(message, self.now)
        self.frames += [answer for answer in out if isinstance(answer, m.ScreenFrame)]
        self.effects += [answer for answer in out if not isinstance(answer, m.ScreenFrame)]
        return out

    def flush(self) -> None:
        """Past the interval, so that whatever waits leaves."""
        self.take(m.Tick(due=self.now), after=1.0)

    def rows(self, topic: str) -> list[Any]:
        """All rows of a topic so far."""
        return [frame.data for frame in self.frames if frame.topic == topic]

    def last(self, topic: str) -> Any:  # noqa: ANN401 - the row type of the topic
        """The newest row of a topic."""
        return self.rows(topic)[-1]


def marked(**changes: object) -> m.LedgerMarked:
    made = m.LedgerMarked(
        cash=money(9_000),
        reserved=money(13),
        positions=(),
        exposure=money(13),
        equity=money(9_000),
        realized=money(0),
        fees=money(0),
        unrealized=money(0),
        day_pnl=money(0),
        day_open=money(10_000),
        peak=money(10_000),
        drawdown=0.0,
        settled=0,
        ts=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def position(**changes: object) -> m.PositionLine:
    made = m.PositionLine(
        ticker=TICKER,
        quantity=contracts(25),
        cost=money(12),
        fees=money(0.4368),
        realized=money(0),
        value=money(13.5),
        bid=Price(5400),
    )
    return msgspec.structs.replace(made, **changes)


def state(name: m.TradingState, epoch: int = 2, **changes: object) -> m.TradingStateChanged:
    made = m.TradingStateChanged(
        state=name, epoch=epoch, code="command", reason="because", by="operator", ts=NOW
    )
    return msgspec.structs.replace(made, **changes)


def determined(result: Outcome) -> m.MarketDetermined:
    value = IndexValue(round(118.43 * INDEX_DOLLAR))
    return m.MarketDetermined(
        ticker=TICKER, result=result, value=value, ts_event=CLOSE, ts_recv=CLOSE
    )


def actor(after: float = 0.0, **changes: object) -> m.ActorHealth:
    made = m.ActorHealth(
        actor="risk",
        state="running",
        generation=1,
        restarts=0,
        depth=0,
        handled=100,
        age_ns=SECOND // 2,
        error="",
        ts=Nanos(NOW + seconds(after)),
    )
    return msgspec.structs.replace(made, **changes)
