"""The whole journalled state as one value: what a snapshot of the journal holds.

`Fold` takes every event as risk, execution, supervision and calibration do together; `StateFolded`
is what has come of them. A role that is handed a `StateFolded` takes its part instead of the events
behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.breaker import Breaker
from core.domain.ledger import Ledger, LedgerState
from core.domain.order_book import OrderBook, OrdersState
from core.domain.protections import Protections, ProtectionState
from core.domain.scorekeeper import Scorekeeper, ScorekeeperState
from core.messages.base import Message
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable


class StateFolded(Message, frozen=True, kw_only=True):
    """All entries up to `seq`, folded. Never routed: it opens a replay."""

    seq: int
    ledger: LedgerState
    orders: OrdersState
    breaker: m.TradingStateChanged | None
    """The last change of the trading state."""
    latched: tuple[m.TradingStateChanged, ...] = ()
    """Everything that has tripped since the last reset."""
    held: m.TradingStateChanged | None = None
    """The operator's decision not to trade, where no start has ended it."""
    strategies: tuple[m.StrategySet, ...] = ()
    """What the operator has set of each strategy."""
    bankroll: m.BankrollSet | None = None
    scores: ScorekeeperState = ScorekeeperState()
    """Empty in snapshots from before scores were kept."""
    protections: ProtectionState = ProtectionState()
    """What was settled lately, and the locks that came of it."""
    ts: Nanos
    """When the last folded entry was written."""


class Fold:
    """Ledger, orders, breaker and scores side by side, outside of their roles."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.orders = OrderBook()
        self.breaker = Breaker()
        self.strategies: dict[str, m.StrategySet] = {}
        self.bankroll: m.BankrollSet | None = None
        self.scores = Scorekeeper()
        self.protections = Protections()
        self._last_change: m.TradingStateChanged | None = None

    def apply(self, event: Message) -> None:
        """Take one event, or the state that stands for many."""
        self.protections.apply(event, self.ledger)
        match event:
            case StateFolded():
                self.protections.load(event.protections)
                self.ledger.load(event.ledger)
                self.orders.load(event.orders)
                self.strategies = {kept.strategy: kept for kept in event.strategies}
                self.bankroll = event.bankroll
                self.scores.load(event.scores)
                self._last_change = event.breaker or self._last_change
                self.breaker.load(event.breaker, event.latched, event.held)
            case m.TradingStateChanged():
                self._change(event)
            case m.StrategySet():
                self.strategies[event.strategy] = event
            case m.BankrollSet():
                self.bankroll = event
            case _:
                self.ledger.apply(event)
                self.orders.apply(event)
                self.scores.apply(event)

    def _change(self, event: m.TradingStateChanged) -> None:
        if event.epoch >= self.breaker.epoch:
            self._last_change = event
        self.breaker.apply(event)

    def state(self, seq: int, ts: Nanos) -> StateFolded:
        """What the entries up to `seq` have come to."""
        return StateFolded(
            seq=seq,
            ledger=self.ledger.dump(),
            orders=self.orders.dump(),
            breaker=self._last_change,
            latched=tuple(self.breaker.latched.values()),
            held=self.breaker.held,
            strategies=tuple(self.strategies.values()),
            bankroll=self.bankroll,
            scores=self.scores.dump(),
            protections=self.protections.dump(),
            ts=ts,
        )


def folded(events: Iterable[Message]) -> Fold:
    """The fold of a whole replay."""
    fold = Fold()
    for event in events:
        fold.apply(event)
    return fold
