"""Positions, settlements and cash: Kalshi's JSON and the records of the port."""

from __future__ import annotations

import msgspec

from core.exchange.records import (
    Balance,
    Outcome,
    Position,
    Settlement,
    ShardBalance,
)
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import (
    ONE_CENT,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Money,
    Nanos,
    format_money,
    format_quantity,
)


class PositionJson(msgspec.Struct, frozen=True, kw_only=True):
    """`MarketPosition`: signed, cost of what is open, fees apart."""

    ticker: str
    position_fp: Fixed
    market_exposure_dollars: Fixed
    realized_pnl_dollars: Fixed
    fees_paid_dollars: Fixed
    total_traded_dollars: Fixed = "0.000000"
    last_updated_ts: str | None = None
    exchange_index: int = 0

    def read(self) -> Position:
        """The record; raises ValueError when a number or time cannot be read."""
        updated = s.rfc3339(self.last_updated_ts) if self.last_updated_ts else Nanos(0)
        return Position(
            ticker=self.ticker,
            quantity=s.quantity(self.position_fp),
            cost=s.money(self.market_exposure_dollars),
            realized=s.money(self.realized_pnl_dollars),
            fees=s.money(self.fees_paid_dollars),
            traded=s.money(self.total_traded_dollars),
            updated=updated,
            shard=self.exchange_index,
        )

    @classmethod
    def from_position(cls, position: Position) -> PositionJson:
        """The JSON of a record."""
        return cls(
            ticker=position.ticker,
            position_fp=format_quantity(position.quantity),
            market_exposure_dollars=format_money(position.cost),
            realized_pnl_dollars=format_money(position.realized),
            fees_paid_dollars=format_money(position.fees),
            total_traded_dollars=format_money(position.traded),
            last_updated_ts=s.format_rfc3339(position.updated),
            exchange_index=position.shard,
        )


class EventPositionJson(msgspec.Struct, frozen=True, kw_only=True):
    """`EventPosition`: the same sums per event; with one market per event, the same numbers."""

    event_ticker: str
    total_cost_dollars: str
    total_cost_shares_fp: str
    event_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str

    @classmethod
    def from_position(cls, event_ticker: str, position: Position) -> EventPositionJson:
        """The event's row when this is its only market."""
        return cls(
            event_ticker=event_ticker,
            total_cost_dollars=format_money(position.traded),
            total_cost_shares_fp=format_quantity(position.quantity),
            event_exposure_dollars=format_money(position.cost),
            realized_pnl_dollars=format_money(position.realized),
            fees_paid_dollars=format_money(position.fees),
        )


class SettlementJson(msgspec.Struct, frozen=True, kw_only=True):
    """`Settlement`: `revenue` and `value` are whole cents, as on the real exchange."""

    ticker: str
    market_result: str
    revenue: int
    settled_time: str
    yes_count_fp: Fixed = "0.00"
    no_count_fp: Fixed = "0.00"
    yes_total_cost_dollars: Fixed = "0.000000"
    no_total_cost_dollars: Fixed = "0.000000"
    fee_cost: Fixed = "0.000000"
    value: int | None = None
    event_ticker: str = ""
    exchange_index: int = 0

    def read(self) -> Settlement:
        """The record. `revenue` is recomputed from the winning count, which has no cents' cut."""
        yes, no = s.quantity(self.yes_count_fp), s.quantity(self.no_count_fp)
        result = Outcome(self.market_result) if self.market_result in set(Outcome) else None
        paying = {Outcome.YES: yes, Outcome.NO: no}
        exact = None if result is None else Money(paying[result] * ONE_DOLLAR // ONE_CONTRACT)
        return Settlement(
            ticker=self.ticker,
            result=result,
            yes_quantity=yes,
            no_quantity=no,
            yes_cost=s.money(self.yes_total_cost_dollars),
            no_cost=s.money(self.no_total_cost_dollars),
            revenue=Money(self.revenue * ONE_CENT) if exact is None else exact,
            fees=s.money(self.fee_cost),
            settled=s.rfc3339(self.settled_time),
            shard=self.exchange_index,
        )

    @classmethod
    def from_settlement(cls, event_ticker: str, row: Settlement) -> SettlementJson:
        """The JSON of a record."""
        return cls(
            ticker=row.ticker,
            event_ticker=event_ticker,
            market_result=row.result or "scalar",
            revenue=row.revenue // ONE_CENT,
            value=100 if row.result is Outcome.YES else 0,
            settled_time=s.format_rfc3339(row.settled),
            yes_count_fp=format_quantity(row.yes_quantity),
            no_count_fp=format_quantity(row.no_quantity),
            yes_total_cost_dollars=format_money(row.yes_cost),
            no_total_cost_dollars=format_money(row.no_cost),
            fee_cost=format_money(row.fees),
            exchange_index=row.shard,
        )


class ShardBalanceJson(msgspec.Struct, frozen=True, kw_only=True):
    """Cash on one shard, in dollars."""

    exchange_index: int
    balance: Fixed


class BalanceJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET balance: whole cents beside the exact dollars."""

    balance: int
    portfolio_value: int = 0
    updated_ts: int = 0
    balance_dollars: Fixed | None = None
    balance_breakdown: tuple[ShardBalanceJson, ...] = ()

    def read(self) -> Balance:
        """The record, in exact dollars where they are given."""
        cents = Money(self.balance * ONE_CENT)
        return Balance(
            cash=cents if self.balance_dollars is None else s.money(self.balance_dollars),
            portfolio_value=Money(self.portfolio_value * ONE_CENT),
            shards=tuple(
                ShardBalance(shard=part.exchange_index, cash=s.money(part.balance))
                for part in self.balance_breakdown
            ),
            updated=s.from_seconds(self.updated_ts),
        )

    @classmethod
    def from_balance(cls, balance: Balance) -> BalanceJson:
        """The JSON of a record."""
        return cls(
            balance=balance.cash // ONE_CENT,
            balance_dollars=format_money(balance.cash),
            portfolio_value=balance.portfolio_value // ONE_CENT,
            updated_ts=s.to_seconds(balance.updated),
            balance_breakdown=tuple(
                ShardBalanceJson(exchange_index=part.shard, balance=format_money(part.cash))
                for part in balance.shards
            ),
        )
