"""Batch create and batch cancel: one answer per item, so one refusal never hides another's fill."""

from __future__ import annotations

import msgspec

from core.exchange.records import CancelRequest
from core.exchange.wire.errors import ErrorBody
from core.exchange.wire.scalars import Fixed
from core.exchange.wire.trading import routed


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
