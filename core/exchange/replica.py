"""The replica that portfolio reads of the local exchange come from: it is behind by some time.

The stream tells news at once; orders, fills, positions, settlements and cash over REST are those of
`lag` ago, all of the same moment, which `user_data_timestamp` tells (kalshi.md 2.8). Without a lag
every read is the engine's own, at no cost.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from core.exchange.engine import refusals
from core.exchange.engine_events import (
    BalanceChanged,
    MarketChanged,
    MarketEvent,
    OrderChanged,
    PositionChanged,
)
from core.exchange.records import OrderStatus
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import OrderRow
    from core.exchange.records import Balance, Fill, Position, Settlement
    from core.exchange.simulated import SimulatedExchange

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")

LONGEST_LAG: Final = Nanos(60 * SECOND)
"""A replica that is further behind is none that anybody would serve from."""
NO_LAG: Final = Nanos(0)
_LIFE_OF_A_POSITION: Final = Nanos(2 * 86_400 * SECOND)
"""Longer than any quarter-hour market takes to settle."""


class History(Generic[K, V]):
    """Values by key as they were at any time of the last `LONGEST_LAG`."""

    def __init__(self) -> None:
        self._rows: dict[K, deque[tuple[Nanos, V]]] = {}

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._rows))

    def add(self, key: K, ts: Nanos, value: V) -> None:
        """A value from `ts` on; what nobody can ask for any more is dropped."""
        rows = self._rows.setdefault(key, deque())
        rows.append((ts, value))
        while len(rows) > 1 and rows[1][0] <= ts - LONGEST_LAG:
            rows.popleft()

    def at(self, key: K, moment: Nanos) -> V | None:
        """The last value up to a moment."""
        found = None
        for ts, value in self._rows.get(key, ()):
            if ts > moment:
                break
            found = value
        return found

    def prune(self, is_over: Callable[[Nanos, V], bool]) -> None:
        """Drop every key whose last value will not change again."""
        self._rows = {key: rows for key, rows in self._rows.items() if not is_over(*rows[-1])}


class Replica:
    """What an account's reads show. Guarded by the exchange's lock."""

    def __init__(self, engine: SimulatedExchange, lag: Nanos = NO_LAG) -> None:
        self._engine = engine
        self._lag = lag
        self._orders: History[str, OrderRow] = History()
        self._positions: History[tuple[str, str], Position] = History()
        self._balances: History[str, Balance] = History()
        for account in engine.accounts():
            self._balances.add(account, Nanos(0), engine.balance(account))

    @property
    def lag(self) -> Nanos:
        """How far reads are behind."""
        return self._lag

    @lag.setter
    def lag(self, value: Nanos) -> None:
        self._lag = Nanos(min(max(value, 0), LONGEST_LAG))

    @property
    def as_of(self) -> Nanos:
        """Reads are complete up to this time."""
        return Nanos(self._engine.now - self._lag)

    def take(self, events: tuple[EngineEvent, ...]) -> None:
        """Remember what changed, for as long as a read may be behind."""
        for event in events:
            match event:
                case OrderChanged():
                    self._orders.add(event.order.order_id, event.ts, event.order)
                case PositionChanged():
                    key = (event.account, event.position.ticker)
                    self._positions.add(key, event.ts, event.position)
                case BalanceChanged():
                    self._balances.add(event.account, event.ts, event.balance)
                case MarketChanged(kind=MarketEvent.SETTLED):
                    self._prune(Nanos(event.ts - LONGEST_LAG))
                case _:
                    pass

    def _prune(self, before: Nanos) -> None:
        """Forget what no read of this replica can need, however far behind it is put."""
        self._orders.prune(lambda ts, row: ts < before and row.status is not OrderStatus.RESTING)
        self._positions.prune(lambda ts, _: ts < before - _LIFE_OF_A_POSITION)

    def order(self, account: str, order_id: str) -> OrderRow:
        """One order. Raises Rejected 404 also for one that the replica has not seen yet."""
        row = self._engine.order(account, order_id)
        seen = self._seen(row)
        if seen is None:
            raise refusals.order_not_found(order_id)
        return seen

    def orders(
        self, account: str, *, ticker: str | None = None, status: OrderStatus | None = None
    ) -> tuple[OrderRow, ...]:
        """The account's orders, newest first."""
        if not self._lag:
            return self._engine.orders(account, ticker=ticker, status=status)
        rows = (self._seen(row) for row in self._engine.orders(account, ticker=ticker))
        return tuple(row for row in rows if row is not None and status in {None, row.status})

    def fills(
        self, account: str, *, ticker: str | None = None, order_id: str | None = None
    ) -> tuple[Fill, ...]:
        """The account's executions, newest first."""
        rows = self._engine.fills(account, ticker=ticker, order_id=order_id)
        return rows if not self._lag else tuple(row for row in rows if row.ts <= self.as_of)

    def positions(self, account: str, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Unsettled markets in which the account has traded, the latest traded first."""
        if not self._lag:
            return self._engine.positions(account, ticker=ticker)
        settled = {row.ticker for row in self.settlements(account)}
        rows = []
        for key in self._positions:
            owner, name = key
            if owner != account or ticker not in {None, name} or name in settled:
                continue
            row = self._positions.at(key, self.as_of)
            if row is not None:
                rows.append(row)
        rows.sort(key=lambda row: -row.updated)
        return tuple(rows)

    def settlements(self, account: str, *, ticker: str | None = None) -> tuple[Settlement, ...]:
        """Payouts booked, newest first."""
        rows = self._engine.settlements(account, ticker=ticker)
        return rows if not self._lag else tuple(row for row in rows if row.settled <= self.as_of)

    def balance(self, account: str) -> Balance:
        """Spendable cash by shard; what is held is valued as it was then."""
        if not self._lag:
            return self._engine.balance(account)
        return self._balances.at(account, self.as_of) or self._engine.balance(account)

    def _seen(self, row: OrderRow) -> OrderRow | None:
        if row.updated <= self.as_of:
            return row
        return self._orders.at(row.order_id, self.as_of)
