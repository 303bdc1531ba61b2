"""Announced changes of single events' fees: Kalshi's JSON and the record."""

from __future__ import annotations

from typing import Final

import msgspec

from core.exchange.listing import EventFeeChange, FeeType
from core.exchange.wire import scalars as s
from core.exchange.wire.pages import Page

_BPS: Final = 10_000


class EventFeeChangeJson(msgspec.Struct, frozen=True, kw_only=True):
    """One change; without an override the fees of the series hold again."""

    event_ticker: str
    scheduled_ts: str
    fee_type_override: FeeType | None = None
    fee_multiplier_override: float | None = None

    def read(self) -> EventFeeChange:
        """The record; raises ValueError when its time cannot be read."""
        multiplier = self.fee_multiplier_override
        return EventFeeChange(
            event_ticker=self.event_ticker,
            fee_type=self.fee_type_override,
            fee_multiplier_bps=None if multiplier is None else round(multiplier * _BPS),
            scheduled=s.rfc3339(self.scheduled_ts),
        )


class EventFeeChangesPage(Page, frozen=True, kw_only=True):
    """GET /events/fee_changes."""

    event_fee_changes: tuple[EventFeeChangeJson, ...]
