"""The status row: the trading state, and everything else in one line each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import messages as m
from core.screen.scale import maybe_rfc3339, rfc3339
from core.screen.system_rows import (
    ClientHealth,
    Freshness,
    OrderSummary,
    PositionSummary,
    RiskMetrics,
    StatusRow,
)
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages import TradingState
    from core.screen.account import AccountPanel
    from core.screen.decisions import DecisionPanel
    from core.screen.health import HealthPanel
    from core.screen.panel import Change, Facts, Listeners
    from core.screen.terms import DashboardTerms
    from core.screen.trades import TradesPanel


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The panels that the status row sums up."""

    account: AccountPanel
    trades: TradesPanel
    decisions: DecisionPanel
    health: HealthPanel


class StatusPanel:
    """Row `status_update`: when the state changes, and once in every status interval."""

    def __init__(self, terms: DashboardTerms, neighbours: Neighbours) -> None:
        self.state: TradingState = "STARTING"
        self._terms = terms
        self._panels = neighbours
        self._change: m.TradingStateChanged | None = None
        self._proof = ""
        self._next = Nanos(0)
        self._changed = True
        self.facts: Facts = {m.TradingStateChanged: self._state_changed}
        self.listeners: Listeners = {m.CancelAllDone: self._proven, m.Tick: self._ticked}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """The row, when it is due or the state changed."""
        if self._changed:
            self._changed = False
            self._next = Nanos(now + self._terms.status_interval)
            yield "status_update", self.row(now)

    def row(self, now: Nanos) -> StatusRow:
        """The status at `now`."""
        change = self._change
        terms = self._terms
        return StatusRow(
            running=self.state in ("ACTIVE", "REDUCING"),
            dry_run=terms.mode != "live",
            mode=terms.mode,
            state=self.state,
            state_code=change.code if change else "",
            state_reason=change.reason if change else "",
            state_by=change.by if change else "",
            state_since=maybe_rfc3339(change.ts if change else None),
            epoch=change.epoch if change else 0,
            speed=terms.speed,
            enabled_strategies=self._panels.decisions.enabled,
            risk_metrics=self._risk(),
            order_summary=self._orders(),
            position_summary=self._positions(),
            client_health=self._clients(),
            freshness=Freshness(
                index=terms.index_fresh / SECOND,
                book=terms.book_fresh / SECOND,
                frame=terms.frame_fresh / SECOND,
            ),
            proof=self._proof,
            timestamp=rfc3339(now),
        )

    def _state_changed(self, change: m.TradingStateChanged) -> None:
        if self._change is None or change.epoch >= self._change.epoch:
            self._change, self.state = change, change.state
            self._changed = True

    def _proven(self, proof: m.CancelAllDone, now: Nanos) -> None:
        del now
        self._proof = f"{proof.cancelled} orders cancelled, {proof.resting} still rest"
        self._changed = True

    def _ticked(self, tick: m.Tick, now: Nanos) -> None:
        del tick
        # A tick that comes a little early must not cost a whole interval.
        if now >= self._next - self._terms.status_interval // 4:
            self._changed = True

    def _risk(self) -> RiskMetrics:
        account, score = self._panels.account.row, self._panels.trades.total
        halted = self.state == "HALTED"
        exposure = {row.ticker: row.cost for row in account.positions} if account else {}
        return RiskMetrics(
            total_positions=len(account.positions) if account else 0,
            open_orders_count=len(self._panels.trades.open_trades()),
            total_exposure=account.exposure if account else 0.0,
            daily_pnl=account.daily_pnl if account else 0.0,
            daily_loss=max(0.0, -account.daily_pnl) if account else 0.0,
            unrealized_pnl=account.unrealized_pnl if account else 0.0,
            realized_pnl=account.realized_pnl if account else 0.0,
            max_drawdown=self._panels.account.max_drawdown,
            current_drawdown=account.drawdown if account else 0.0,
            win_rate=score.win_rate,
            ev_per_trade=None if score.expectancy is None else round(score.expectancy, 6),
            circuit_breaker_triggered=halted,
            circuit_breaker_reason=self._change.reason if halted and self._change else None,
            exposure_per_market=exposure,
            last_updated=account.at if account else None,
        )

    def _orders(self) -> OrderSummary:
        trades = self._panels.trades.trades.values()
        by_status = Counter(trade.status for trade in trades)
        return OrderSummary(
            total=len(trades),
            open=sum(trade.is_open for trade in trades),
            filled=by_status["filled"],
            cancelled=by_status["cancelled"],
            rejected=by_status["rejected"],
            unknown=by_status["unknown"],
        )

    def _positions(self) -> PositionSummary:
        account = self._panels.account.row
        rows = account.positions if account else ()
        return PositionSummary(
            count=len(rows),
            contracts=sum(row.contracts for row in rows),
            cost=round(sum(row.cost for row in rows), 6),
            value=round(sum(row.value for row in rows), 6),
            pnl_now=round(sum(row.pnl_now for row in rows), 6),
        )

    def _clients(self) -> ClientHealth:
        rows = self._panels.health.streams
        streams = {name: row.state for name, row in rows.items()}
        actors = {name: row.state for name, row in self._panels.health.actors.items()}
        return ClientHealth(
            healthy=all(row.state == "open" and not row.stale for row in rows.values())
            and all(state == "running" for state in actors.values()),
            streams=streams,
            actors=actors,
        )
