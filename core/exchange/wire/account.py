"""Own orders and fills: Kalshi's JSON and the records of the port.

`from_row` and `from_fill` build what the local exchange sends; `read` what a client hands on.
Legacy mirrors (`side`, `action`) are written as Kalshi writes them and never read: buying NO
appears there as a sale of YES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import (
    Fill,
    Order,
    OrderStatus,
    Side,
)
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import (
    complement,
    format_money,
    format_price,
    format_quantity,
)

if TYPE_CHECKING:
    from core.exchange.engine_types import OrderRow

NO_USER = "00000000-0000-4000-8000-000000000001"
"""The local exchange has one account; this is its `user_id`."""


class OrderJson(msgspec.Struct, frozen=True, kw_only=True):
    """`Order` of GET order(s)."""

    order_id: str
    ticker: str
    book_side: Side
    status: OrderStatus
    yes_price_dollars: Fixed
    initial_count_fp: Fixed
    fill_count_fp: Fixed
    remaining_count_fp: Fixed
    created_time: str
    last_update_time: str | None = None
    user_id: str = NO_USER
    client_order_id: str | None = ""
    side: str = "yes"
    action: str = ""
    outcome_side: str = ""
    type: str = "limit"
    no_price_dollars: Fixed = ""
    taker_fill_cost_dollars: Fixed = "0.000000"
    maker_fill_cost_dollars: Fixed = "0.000000"
    taker_fees_dollars: Fixed = "0.000000"
    maker_fees_dollars: Fixed = "0.000000"
    expiration_time: str | None = None
    self_trade_prevention_type: str | None = "taker_at_cross"
    order_group_id: str | None = None
    cancel_order_on_pause: bool = False
    subaccount_number: int | None = 0
    exchange_index: int = 0

    def read(self) -> Order:
        """The record; raises ValueError when a number or time cannot be read."""
        created = s.rfc3339(self.created_time)
        return Order(
            order_id=self.order_id,
            client_order_id=self.client_order_id or "",
            ticker=self.ticker,
            side=self.book_side,
            price=s.price(self.yes_price_dollars),
            status=self.status,
            initial=s.quantity(self.initial_count_fp),
            filled=s.quantity(self.fill_count_fp),
            remaining=s.quantity(self.remaining_count_fp),
            taker_cost=s.money(self.taker_fill_cost_dollars),
            maker_cost=s.money(self.maker_fill_cost_dollars),
            taker_fees=s.money(self.taker_fees_dollars),
            maker_fees=s.money(self.maker_fees_dollars),
            created=created,
            updated=s.rfc3339(self.last_update_time) if self.last_update_time else created,
            expires=s.rfc3339(self.expiration_time) if self.expiration_time else None,
            shard=self.exchange_index,
        )

    @classmethod
    def from_row(cls, order: OrderRow) -> OrderJson:
        """The JSON of the local exchange's row."""
        return cls(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            ticker=order.ticker,
            book_side=order.side,
            outcome_side=order.side.buys,
            action=action_of(order.side),
            status=order.status,
            yes_price_dollars=format_price(order.price),
            no_price_dollars=format_price(complement(order.price)),
            initial_count_fp=format_quantity(order.initial),
            fill_count_fp=format_quantity(order.filled),
            remaining_count_fp=format_quantity(order.remaining),
            taker_fill_cost_dollars=format_money(order.taker_cost),
            maker_fill_cost_dollars=format_money(order.maker_cost),
            taker_fees_dollars=format_money(order.taker_fees),
            maker_fees_dollars=format_money(order.maker_fees),
            created_time=s.format_rfc3339(order.created),
            last_update_time=s.format_rfc3339(order.updated),
            expiration_time=s.format_rfc3339(order.expires) if order.expires else None,
            self_trade_prevention_type=order.self_trade_prevention,
            order_group_id=order.group or None,
            cancel_order_on_pause=order.cancel_on_pause,
            exchange_index=order.shard,
        )


class FillJson(msgspec.Struct, frozen=True, kw_only=True):
    """`Fill` of GET fills. It carries no `client_order_id`: join on `order_id`."""

    trade_id: str
    order_id: str
    ticker: str
    book_side: Side
    count_fp: Fixed
    yes_price_dollars: Fixed
    is_taker: bool
    fee_cost: Fixed
    created_time: str
    fill_id: str = ""
    market_ticker: str = ""
    side: str = ""
    action: str = ""
    outcome_side: str = ""
    no_price_dollars: Fixed = ""
    subaccount_number: int | None = 0
    ts: int = 0
    exchange_index: int = 0

    def read(self) -> Fill:
        """The record; raises ValueError when a number or time cannot be read."""
        return Fill(
            trade_id=self.trade_id,
            order_id=self.order_id,
            ticker=self.ticker,
            side=self.book_side,
            price=s.price(self.yes_price_dollars),
            quantity=s.quantity(self.count_fp),
            fee=s.money(self.fee_cost),
            is_taker=self.is_taker,
            ts=s.rfc3339(self.created_time),
            shard=self.exchange_index,
        )

    @classmethod
    def from_fill(cls, fill: Fill) -> FillJson:
        """The JSON of a record."""
        return cls(
            trade_id=fill.trade_id,
            fill_id=fill.trade_id,
            order_id=fill.order_id,
            ticker=fill.ticker,
            market_ticker=fill.ticker,
            book_side=fill.side,
            outcome_side=fill.side.buys,
            side=fill.side.buys,
            action=action_of(fill.side),
            count_fp=format_quantity(fill.quantity),
            yes_price_dollars=format_price(fill.price),
            no_price_dollars=format_price(complement(fill.price)),
            is_taker=fill.is_taker,
            fee_cost=format_money(fill.fee),
            created_time=s.format_rfc3339(fill.ts),
            ts=s.to_seconds(fill.ts),
            exchange_index=fill.shard,
        )


def action_of(side: Side) -> str:
    """The legacy word for a side."""
    return "buy" if side is Side.BID else "sell"
