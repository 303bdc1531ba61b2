"""The decision log: every signal, approval and refusal, with the gate and its numbers.

Passes come many times a second. Those of one strategy, window and gate share one row that counts
them and shows the newest numbers, so that the log stays readable and bounded.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.screen.scale import per_contract, rfc3339
from core.screen.topics import TOPICS
from core.screen.trade import leg_of, leg_price
from core.screen.trading_rows import DecisionRow, NumberRow, SignalRow, StrategyRow
from core.units import contracts, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from core.domain.metrics import Score
    from core.messages import Values
    from core.screen.market_rows import Side
    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

_KEPT: Final = TOPICS["decision"].keep
_STRATEGIES: Final = TOPICS["strategy"].keep
_LOG: Final = 200


class StrategyState(msgspec.Struct, kw_only=True):
    """What is shown of one strategy. Mutable, inside this panel only."""

    enabled: bool = True
    last_kind: str | None = None
    last_gate: str | None = None
    last_at: str | None = None
    signals: int = 0
    approved: int = 0
    denied: int = 0


class DecisionPanel:
    """Rows `decision`, `trading_signal` and `strategy`."""

    def __init__(self, strategies: Iterable[str], scores: Mapping[str, Score]) -> None:
        self.strategies = {name: StrategyState() for name in strategies}
        self._scores = scores
        self._rows: dict[str, DecisionRow] = {}
        self._dirty: dict[str, None] = {}
        self._dirty_strategies: dict[str, None] = dict.fromkeys(self.strategies)
        self._signals: list[SignalRow] = []
        self._log: deque[DecisionRow] = deque(maxlen=_LOG)
        self.facts: Facts = {
            m.OrderApproved: self._approved,
            m.PositionSettled: self._settled,
            m.StrategySet: self._enabled,
        }
        self.listeners: Listeners = {
            m.Signal: self._signalled,
            m.Pass: self._passed,
            m.OrderDenied: self._denied,
            m.MarketDetermined: self._determined,
        }

    @property
    def enabled(self) -> tuple[str, ...]:
        """Names of the strategies that are switched on."""
        return tuple(name for name, state in self.strategies.items() if state.enabled)

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Signals, then decisions that are new or counted on, then strategies."""
        del now
        for signal in self._signals:
            yield "trading_signal", signal
        for key in self._dirty:
            if key in self._rows:
                yield "decision", self._rows[key]
        for name in self._dirty_strategies:
            if name in self.strategies:
                yield "strategy", self._strategy_row(name)
        self._signals.clear()
        self._dirty.clear()
        self._dirty_strategies.clear()

    def take_log(self) -> tuple[DecisionRow, ...]:
        """Decisions since the last call in order; of equal passes in a row the first."""
        log = tuple(self._log)
        self._log.clear()
        return log

    # --- folds -----------------------------------------------------------------------------

    def _signalled(self, signal: m.Signal, now: Nanos) -> None:
        del now
        side: Side = "yes" if signal.outcome.value == "yes" else "no"
        at = rfc3339(signal.created)
        self._signals.append(
            SignalRow(
                signal_id=signal.signal_id,
                strategy_name=signal.strategy,
                ticker=signal.ticker,
                side=side,
                probability=signal.probability,
                price=per_contract(signal.price),
                edge=signal.edge,
                confidence=signal.confidence,
                kelly_fraction=signal.kelly_fraction,
                reason=signal.reason,
                created_at=at,
            )
        )
        row = DecisionRow(
            id=signal.signal_id,
            kind="signal",
            strategy=signal.strategy,
            ticker=signal.ticker,
            side=side,
            gate="signal",
            text=signal.reason,
            price=per_contract(signal.price),
            quantity=None,
            probability=signal.probability,
            edge=signal.edge,
            limit=None,
            value=None,
            values=_numbers(signal.values),
            count=1,
            at=at,
            last_at=at,
        )
        self._keep(row)
        self._count(signal.strategy, row).signals += 1

    def _passed(self, passed: m.Pass, now: Nanos) -> None:
        del now
        key = f"pass:{passed.strategy}:{passed.ticker}:{passed.code}"
        known = self._rows.get(key)
        at = rfc3339(passed.created)
        row = DecisionRow(
            id=key,
            kind="pass",
            strategy=passed.strategy,
            ticker=passed.ticker,
            side=None,
            gate=passed.code,
            text="",
            price=None,
            quantity=None,
            probability=None,
            edge=None,
            limit=None,
            value=None,
            values=_numbers(passed.values),
            count=known.count + 1 if known else 1,
            at=known.at if known else at,
            last_at=at,
        )
        self._keep(row)
        self._count(passed.strategy, row)

    def _denied(self, denied: m.OrderDenied, now: Nanos) -> None:
        del now
        at = rfc3339(denied.created)
        row = DecisionRow(
            id=f"denied:{denied.signal_id}",
            kind="denied",
            strategy=denied.strategy,
            ticker=denied.ticker,
            side="yes" if denied.outcome.value == "yes" else "no",
            gate=denied.code,
            text=f"{denied.value:g} against a limit of {denied.limit:g}",
            price=per_contract(denied.price),
            quantity=None,
            probability=None,
            edge=denied.edge,
            limit=denied.limit,
            value=denied.value,
            values=(),
            count=1,
            at=at,
            last_at=at,
        )
        if row.id not in self._rows:
            self._count(denied.strategy, row).denied += 1
        self._keep(row)

    def _approved(self, event: m.OrderApproved) -> None:
        request = event.request
        at = rfc3339(event.created)
        row = DecisionRow(
            id=f"approved:{request.client_order_id}",
            kind="approved",
            strategy=event.strategy,
            ticker=request.ticker,
            side=leg_of(request.side),
            gate="approved",
            text=f"reserves ${dollars(event.reserve):,.2f}",
            price=per_contract(leg_price(request.side, request.price)),
            quantity=contracts(request.quantity),
            probability=event.probability,
            edge=event.edge,
            limit=None,
            value=None,
            values=(),
            count=1,
            at=at,
            last_at=at,
        )
        if row.id not in self._rows:
            self._count(event.strategy, row).approved += 1
        self._keep(row)

    def _enabled(self, event: m.StrategySet) -> None:
        self._strategy(event.strategy).enabled = event.enabled

    def _settled(self, event: m.PositionSettled) -> None:
        del event
        self._dirty_strategies.update(dict.fromkeys(self.strategies))

    def _determined(self, event: m.MarketDetermined, now: Nanos) -> None:
        del event, now
        self._dirty_strategies.update(dict.fromkeys(self.strategies))

    # --- rows ------------------------------------------------------------------------------

    def _keep(self, row: DecisionRow) -> None:
        self._rows[row.id] = row
        self._dirty[row.id] = None
        while len(self._rows) > _KEPT:
            del self._rows[next(iter(self._rows))]

    def _strategy(self, name: str) -> StrategyState:
        state = self.strategies.setdefault(name, StrategyState())
        self._dirty_strategies[name] = None
        while len(self.strategies) > _STRATEGIES:
            del self.strategies[next(iter(self.strategies))]
        return state

    def _count(self, name: str, row: DecisionRow) -> StrategyState:
        state = self._strategy(name)
        if row.kind != "pass" or (state.last_kind, state.last_gate) != ("pass", row.gate):
            self._log.append(row)
        state.last_kind, state.last_gate, state.last_at = row.kind, row.gate, row.last_at
        return state

    def _strategy_row(self, name: str) -> StrategyRow:
        state, score = self.strategies[name], self._scores.get(name)
        return StrategyRow(
            name=name,
            enabled=state.enabled,
            last_kind=state.last_kind,
            last_gate=state.last_gate,
            last_at=state.last_at,
            signals=state.signals,
            approved=state.approved,
            denied=state.denied,
            trades=score.trades if score else 0,
            wins=score.wins if score else 0,
            pnl=round(dollars(score.pnl), 6) if score else 0.0,
        )


def _numbers(values: Values) -> tuple[NumberRow, ...]:
    return tuple(
        NumberRow(name=name, value=value if math.isfinite(value) else None)
        for name, value in values
    )
