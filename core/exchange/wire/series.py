"""Series and events: Kalshi's JSON and the records of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.windows import in_new_york
from core.exchange.listing import Event, FeeChange, FeeType, Series
from core.exchange.wire import scalars as s
from core.exchange.wire.markets import MarketJson

if TYPE_CHECKING:
    from core.exchange.engine_types import MarketRow

_BPS: Final = 10_000


class SettlementSourceJson(msgspec.Struct, frozen=True, kw_only=True):
    """Who publishes the settlement value."""

    name: str
    url: str = ""


CF_BENCHMARKS: Final = SettlementSourceJson(
    name="CF Benchmarks", url="https://www.cfbenchmarks.com/"
)


class SeriesJson(msgspec.Struct, frozen=True, kw_only=True):
    """`Series`: the fee schedule and the shard are what a trader needs of it."""

    ticker: str
    fee_type: FeeType
    fee_multiplier: float
    title: str = ""
    exchange_index: int = 0
    category: str = "Crypto"
    categories: tuple[str, ...] = ()
    frequency: str = "fifteen_min"
    tags: tuple[str, ...] = ()
    settlement_sources: tuple[SettlementSourceJson, ...] = ()
    contract_url: str = ""
    contract_terms_url: str = ""
    additional_prohibitions: tuple[str, ...] = ()

    def read(self) -> Series:
        """The record."""
        return Series(
            ticker=self.ticker,
            title=self.title,
            fee_type=self.fee_type,
            fee_multiplier_bps=round(self.fee_multiplier * _BPS),
            shard=self.exchange_index,
        )

    @classmethod
    def from_series(cls, series: Series) -> SeriesJson:
        """The JSON of a record."""
        return cls(
            ticker=series.ticker,
            title=series.title,
            fee_type=series.fee_type,
            fee_multiplier=series.fee_multiplier_bps / _BPS,
            exchange_index=series.shard,
            categories=("Crypto",),
            tags=("15 min",),
            settlement_sources=(CF_BENCHMARKS,),
        )


class FeeChangeJson(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a series' fees at its time."""

    id: str
    series_ticker: str
    fee_type: FeeType
    fee_multiplier: float
    scheduled_ts: str

    def read(self) -> FeeChange:
        """The record; raises ValueError for a time that cannot be read."""
        return FeeChange(
            series_ticker=self.series_ticker,
            fee_type=self.fee_type,
            fee_multiplier_bps=round(self.fee_multiplier * _BPS),
            scheduled=s.rfc3339(self.scheduled_ts),
        )

    @classmethod
    def from_change(cls, change: FeeChange) -> FeeChangeJson:
        """The JSON of a record."""
        return cls(
            id=f"{change.series_ticker}-{s.to_seconds(change.scheduled)}",
            series_ticker=change.series_ticker,
            fee_type=change.fee_type,
            fee_multiplier=change.fee_multiplier_bps / _BPS,
            scheduled_ts=s.format_rfc3339(change.scheduled),
        )


class FeeChangesPage(msgspec.Struct, frozen=True):
    """GET /series/fee_changes."""

    series_fee_change_arr: tuple[FeeChangeJson, ...]


class MarketMetadataJson(msgspec.Struct, frozen=True, kw_only=True):
    """How a market is shown."""

    market_ticker: str
    image_url: str = ""
    color_code: str = ""


class MetadataJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /events/{event_ticker}/metadata."""

    image_url: str
    settlement_sources: tuple[SettlementSourceJson, ...]
    market_details: tuple[MarketMetadataJson, ...]

    @classmethod
    def from_market(cls, row: MarketRow) -> MetadataJson:
        """Of the event of a market; the local exchange has no pictures."""
        detail = MarketMetadataJson(market_ticker=row.ticker)
        return cls(image_url="", settlement_sources=(CF_BENCHMARKS,), market_details=(detail,))


class EventJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`Event`: the wrapper around one window's market."""

    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str
    strike_date: str
    exchange_index: int
    collateral_return_type: str
    mutually_exclusive: bool
    settlement_sources: tuple[SettlementSourceJson, ...]
    fee_type_override: str | None
    fee_multiplier_override: float | None
    category: str
    markets: tuple[MarketJson, ...] | None = None

    def read(self) -> Event:
        """The record; raises ValueError for what cannot be read."""
        override, multiplier = self.fee_type_override, self.fee_multiplier_override
        return Event(
            event_ticker=self.event_ticker,
            series_ticker=self.series_ticker,
            title=self.title,
            closes=s.rfc3339(self.strike_date) if self.strike_date else None,
            shard=self.exchange_index,
            fee_type=None if override is None else FeeType(override),
            fee_multiplier_bps=None if multiplier is None else round(multiplier * _BPS),
        )

    @classmethod
    def from_market(cls, row: MarketRow, *, nested: bool) -> EventJson:
        """The event of a market; with the market inside when `nested`."""
        return cls(
            event_ticker=row.event_ticker,
            series_ticker=row.series_ticker,
            title=row.title,
            sub_title=in_new_york(row.closes).strftime("%b %d - %I:%M %p %Z"),
            strike_date=s.format_rfc3339(row.closes),
            exchange_index=row.shard,
            collateral_return_type="",
            mutually_exclusive=False,
            settlement_sources=(CF_BENCHMARKS,),
            fee_type_override=None,
            fee_multiplier_override=None,
            category="Crypto",
            markets=(MarketJson.from_row(row),) if nested else None,
        )
