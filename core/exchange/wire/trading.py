"""Order requests and their answers: create, cancel, amend, decrease, one by one and in batches.

Times in requests are Unix seconds, in answers Unix milliseconds; counts and prices are strings.
"""

from __future__ import annotations

import msgspec

from core.exchange.records import (
    Amended,
    AmendRequest,
    Canceled,
    DecreaseRequest,
    OrderRequest,
    Placed,
    Reduced,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import format_fixed, format_price, format_quantity

_FEE_PER_CONTRACT = 100
"""`average_fee_paid` shows four decimals: one unit is 100 of Money."""


class CreateOrderJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /portfolio/events/orders."""

    ticker: str
    side: Side
    count: Fixed
    price: Fixed
    time_in_force: TimeInForce
    self_trade_prevention_type: SelfTradePrevention
    client_order_id: str = ""
    expiration_time: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    subaccount: int | None = None
    order_group_id: str | None = None
    exchange_index: int | None = None

    def read(self) -> OrderRequest:
        """The record; raises ValueError when a number cannot be read. Index -1 means: route."""
        return OrderRequest(
            ticker=self.ticker,
            client_order_id=self.client_order_id,
            side=self.side,
            quantity=s.quantity(self.count),
            price=s.price(self.price),
            time_in_force=self.time_in_force,
            self_trade_prevention=self.self_trade_prevention_type,
            post_only=self.post_only,
            reduce_only=self.reduce_only,
            cancel_on_pause=self.cancel_order_on_pause,
            expires=None if self.expiration_time is None else s.from_seconds(self.expiration_time),
            shard=routed(self.exchange_index),
            group=self.order_group_id or "",
        )

    @classmethod
    def from_request(cls, request: OrderRequest) -> CreateOrderJson:
        """The JSON of a record; an expiry is rounded down to its second, never later."""
        return cls(
            ticker=request.ticker,
            client_order_id=request.client_order_id,
            side=request.side,
            count=format_quantity(request.quantity),
            price=format_price(request.price),
            time_in_force=request.time_in_force,
            self_trade_prevention_type=request.self_trade_prevention,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            cancel_order_on_pause=request.cancel_on_pause,
            expiration_time=None if request.expires is None else s.to_seconds(request.expires),
            order_group_id=request.group or None,
            exchange_index=request.shard,
        )


class PlacedJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer 201 of a create: no status word; averages only when something filled."""

    order_id: str
    fill_count: Fixed
    remaining_count: Fixed
    ts_ms: int
    client_order_id: str = ""
    average_fill_price: Fixed | None = None
    average_fee_paid: Fixed | None = None

    def read(self) -> Placed:
        """The record; raises ValueError when a number cannot be read."""
        fee = self.average_fee_paid
        average = self.average_fill_price
        return Placed(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            filled=s.quantity(self.fill_count),
            remaining=s.quantity(self.remaining_count),
            average_price=None if average is None else s.price(average),
            average_fee=None if fee is None else s.money(fee),
            ts=s.from_ms(self.ts_ms),
        )

    @classmethod
    def from_placed(cls, placed: Placed) -> PlacedJson:
        """The JSON of a record."""
        fee = placed.average_fee
        average = placed.average_price
        return cls(
            order_id=placed.order_id,
            client_order_id=placed.client_order_id,
            fill_count=format_quantity(placed.filled),
            remaining_count=format_quantity(placed.remaining),
            average_fill_price=None if average is None else format_price(average),
            average_fee_paid=None if fee is None else format_fixed(fee // _FEE_PER_CONTRACT, 4),
            ts_ms=s.to_ms(placed.ts),
        )


class CanceledJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer 200 of a cancel."""

    order_id: str
    reduced_by: Fixed
    ts_ms: int = 0
    client_order_id: str = ""

    def read(self) -> Canceled:
        """The record; raises ValueError when a number cannot be read."""
        return Canceled(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            reduced_by=s.quantity(self.reduced_by),
            ts=s.from_ms(self.ts_ms),
        )

    @classmethod
    def from_canceled(cls, canceled: Canceled) -> CanceledJson:
        """The JSON of a record."""
        return cls(
            order_id=canceled.order_id,
            client_order_id=canceled.client_order_id,
            reduced_by=format_quantity(canceled.reduced_by),
            ts_ms=s.to_ms(canceled.ts),
        )


class AmendJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of an amend. `count` is what is filled already plus what shall remain."""

    ticker: str
    side: Side
    price: Fixed
    count: Fixed
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expiration_time: int | None = None
    exchange_index: int | None = None

    def read(self, order_id: str) -> AmendRequest:
        """The record; raises ValueError when a number cannot be read."""
        return AmendRequest(
            order_id=order_id,
            ticker=self.ticker,
            side=self.side,
            price=s.price(self.price),
            total=s.quantity(self.count),
            client_order_id=self.client_order_id,
            updated_client_order_id=self.updated_client_order_id,
            expires=None if self.expiration_time is None else s.from_seconds(self.expiration_time),
            shard=routed(self.exchange_index),
        )

    @classmethod
    def from_request(cls, request: AmendRequest) -> AmendJson:
        """The JSON of a record."""
        return cls(
            ticker=request.ticker,
            side=request.side,
            price=format_price(request.price),
            count=format_quantity(request.total),
            client_order_id=request.client_order_id,
            updated_client_order_id=request.updated_client_order_id,
            expiration_time=None if request.expires is None else s.to_seconds(request.expires),
            exchange_index=request.shard,
        )


class AmendedJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of an amend; counts only when something filled or changed."""

    order_id: str
    ts_ms: int
    client_order_id: str = ""
    remaining_count: Fixed | None = None
    fill_count: Fixed | None = None
    average_fill_price: Fixed | None = None
    average_fee_paid: Fixed | None = None

    def read(self) -> Amended:
        """The record; raises ValueError when a number cannot be read."""
        filled, remaining = self.fill_count, self.remaining_count
        return Amended(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            filled=None if filled is None else s.quantity(filled),
            remaining=None if remaining is None else s.quantity(remaining),
            ts=s.from_ms(self.ts_ms),
        )

    @classmethod
    def from_amended(cls, amended: Amended) -> AmendedJson:
        """The JSON of a record."""
        filled, remaining = amended.filled, amended.remaining
        return cls(
            order_id=amended.order_id,
            client_order_id=amended.client_order_id,
            remaining_count=None if remaining is None else format_quantity(remaining),
            fill_count=None if filled is None else format_quantity(filled),
            ts_ms=s.to_ms(amended.ts),
        )


class DecreaseJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of a decrease: exactly one of the two counts."""

    reduce_by: Fixed | None = None
    reduce_to: Fixed | None = None
    market_ticker: str | None = None
    exchange_index: int | None = None

    def read(self, order_id: str) -> DecreaseRequest:
        """The record; raises ValueError when a number cannot be read."""
        by, to = self.reduce_by, self.reduce_to
        return DecreaseRequest(
            order_id=order_id,
            ticker=self.market_ticker,
            reduce_by=None if by is None else s.quantity(by),
            reduce_to=None if to is None else s.quantity(to),
            shard=routed(self.exchange_index),
        )

    @classmethod
    def from_request(cls, request: DecreaseRequest) -> DecreaseJson:
        """The JSON of a record."""
        by, to = request.reduce_by, request.reduce_to
        return cls(
            reduce_by=None if by is None else format_quantity(by),
            reduce_to=None if to is None else format_quantity(to),
            market_ticker=request.ticker,
            exchange_index=request.shard,
        )


class ReducedJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of a decrease."""

    order_id: str
    remaining_count: Fixed
    ts_ms: int
    client_order_id: str = ""

    def read(self) -> Reduced:
        """The record; raises ValueError when a number cannot be read."""
        return Reduced(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            remaining=s.quantity(self.remaining_count),
            ts=s.from_ms(self.ts_ms),
        )

    @classmethod
    def from_reduced(cls, reduced: Reduced) -> ReducedJson:
        """The JSON of a record."""
        return cls(
            order_id=reduced.order_id,
            client_order_id=reduced.client_order_id,
            remaining_count=format_quantity(reduced.remaining),
            ts_ms=s.to_ms(reduced.ts),
        )


def routed(exchange_index: int | None) -> int | None:
    """The shard of a request: -1 and nothing both mean that the exchange finds it by ticker."""
    return None if exchange_index == -1 else exchange_index
