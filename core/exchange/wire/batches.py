"""Batch create and batch cancel: one answer per item, so one refusal never hides another's fill."""

from __future__ import annotations

import msgspec

from core.exchange.records import CancelRequest
from core.exchange.wire.errors import ErrorBody
from core.exchange.wire.scalars import Fixed, WireError
from core.exchange.wire.trading import CanceledJson, PlacedJson, routed


class BatchCreateJson(msgspec.Struct, frozen=True):
    """Body of POST .../batched; items stay raw, so that a bad one fails alone."""

    orders: tuple[msgspec.Raw, ...]


class BatchPlacedItemJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a batch create's 201: an answer, or an error in its place."""

    order_id: str = ""
    client_order_id: str = ""
    fill_count: Fixed | None = None
    remaining_count: Fixed | None = None
    average_fill_price: Fixed | None = None
    average_fee_paid: Fixed | None = None
    ts_ms: int | None = None
    error: ErrorBody | None = None

    def placed(self) -> PlacedJson:
        """The answer of the item. Raises WireError where something of it is missing."""
        filled, rests = self.fill_count, self.remaining_count
        if not self.order_id or filled is None or rests is None or self.ts_ms is None:
            raise WireError("an item without order id, counts or time")
        return PlacedJson(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            fill_count=filled,
            remaining_count=rests,
            average_fill_price=self.average_fill_price,
            average_fee_paid=self.average_fee_paid,
            ts_ms=self.ts_ms,
        )


class BatchPlacedJson(msgspec.Struct, frozen=True):
    """Answer 201 of a batch create."""

    orders: tuple[BatchPlacedItemJson, ...]


class BatchCancelItemJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order to cancel; routing as with a single cancel."""

    order_id: str
    market_ticker: str | None = None
    exchange_index: int | None = None
    subaccount: int | None = None

    def read(self) -> CancelRequest:
        """The record."""
        return CancelRequest(
            order_id=self.order_id, ticker=self.market_ticker, shard=routed(self.exchange_index)
        )


class BatchCancelJson(msgspec.Struct, frozen=True):
    """Body of DELETE .../batched."""

    orders: tuple[BatchCancelItemJson, ...]


class BatchCanceledItemJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a batch cancel's answer; `reduced_by` is "0.00" beside an error."""

    order_id: str
    reduced_by: Fixed
    client_order_id: str = ""
    ts_ms: int | None = None
    error: ErrorBody | None = None

    def canceled(self) -> CanceledJson:
        """The answer of the item."""
        return CanceledJson(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            reduced_by=self.reduced_by,
            ts_ms=self.ts_ms or 0,
        )


class BatchCanceledJson(msgspec.Struct, frozen=True):
    """Answer 200 of a batch cancel."""

    orders: tuple[BatchCanceledItemJson, ...]
