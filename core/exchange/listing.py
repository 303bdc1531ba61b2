"""What an exchange lists for everybody: markets, books, trades, series, its own state.

Prices are YES prices unless the field says otherwise; times are UTC nanoseconds; strikes and
settlement values are index values (10^-8 dollars). No JSON here: see `core.exchange.wire`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from core.exchange.records import Outcome, Side
from core.units import IndexValue, Nanos, Price, Quantity


class MarketStatus(StrEnum):
    """Life of a market; only `ACTIVE` trades."""

    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"


class FeeType(StrEnum):
    """Fee schedule of a series; the arithmetic is in `core.domain.fees`."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"


class PriceRange(msgspec.Struct, frozen=True, kw_only=True):
    """Valid prices from `start` to `end`, both included, every `step` from `start`."""

    start: Price
    end: Price
    step: Price


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One window's market. `strike` is absent until it is published, half a second after the open.

    `settlement_value` is the index mean that decided it, once determined. An empty book side shows
    as bid 0 or ask 1 with size 0.
    """

    ticker: str
    event_ticker: str
    series_ticker: str
    status: MarketStatus
    opens: Nanos
    closes: Nanos
    strike: IndexValue | None
    round_digits: int | None
    result: Outcome | None
    settlement_value: IndexValue | None
    settled: Nanos | None
    price_ranges: tuple[PriceRange, ...]
    yes_bid: Price
    yes_ask: Price
    yes_bid_size: Quantity
    yes_ask_size: Quantity
    last_price: Price
    volume: Quantity
    open_interest: Quantity
    shard: int


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Resting quantity at one price."""

    price: Price
    quantity: Quantity


class OrderBook(msgspec.Struct, frozen=True, kw_only=True):
    """Both legs' bids, best first; `no` holds NO prices (a YES ask is their complement)."""

    ticker: str
    yes: tuple[Level, ...]
    no: tuple[Level, ...]


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A public trade; `taker_side` is the side of the incoming order on the YES book."""

    trade_id: str
    ticker: str
    price: Price
    quantity: Quantity
    taker_side: Side
    ts: Nanos


class PriceSpan(msgspec.Struct, frozen=True, kw_only=True):
    """First, highest, lowest and last price of a period."""

    open: Price
    high: Price
    low: Price
    close: Price


class Candlestick(msgspec.Struct, frozen=True, kw_only=True):
    """One period, named by its inclusive end; `price` is None where nothing was traded."""

    end: Nanos
    bid: PriceSpan
    ask: PriceSpan
    price: PriceSpan | None
    volume: Quantity
    open_interest: Quantity


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A series' fee schedule and shard; `fee_multiplier_bps` 10,000 is a multiplier of one."""

    ticker: str
    title: str
    fee_type: FeeType
    fee_multiplier_bps: int
    shard: int


class FeeChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a series' fees that has been announced."""

    series_ticker: str
    fee_type: FeeType
    fee_multiplier_bps: int
    scheduled: Nanos


class ShardStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Flags of one shard; while `exchange_active` is false even cancels fail."""

    shard: int
    exchange_active: bool
    trading_active: bool
    transfers_active: bool


class ExchangeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Flags of the venue; the top-level ones describe shard 0 only."""

    exchange_active: bool
    trading_active: bool
    shards: tuple[ShardStatus, ...]
    resumes: Nanos | None

    def of_shard(self, shard: int) -> ShardStatus:
        """Flags of a shard; the top-level ones where the venue lists none."""
        for status in self.shards:
            if status.shard == shard:
                return status
        return ShardStatus(
            shard=shard,
            exchange_active=self.exchange_active,
            trading_active=self.trading_active,
            transfers_active=self.exchange_active,
        )


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """Trading hours of each weekday, Monday first, valid from `start` until `end`.

    Hours are pairs of New York minutes of the day: from, to.
    """

    start: Nanos
    end: Nanos
    days: tuple[tuple[tuple[int, int], ...], ...]


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When the venue trades, as it publishes it: weekly hours, less the maintenance windows."""

    weeks: tuple[Week, ...]
    maintenance: tuple[tuple[Nanos, Nanos], ...]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The wrapper around one window's market. A fee override wins over the series' fees."""

    event_ticker: str
    series_ticker: str
    title: str
    closes: Nanos | None
    shard: int
    fee_type: FeeType | None
    fee_multiplier_bps: int | None


class EventFeeChange(msgspec.Struct, frozen=True, kw_only=True):
    """An announced change of one event's fees; None: those of its series hold again."""

    event_ticker: str
    fee_type: FeeType | None
    fee_multiplier_bps: int | None
    scheduled: Nanos


class Cutoff(msgspec.Struct, frozen=True, kw_only=True):
    """Markets settled, trades filled and orders finished before these times are archived."""

    markets: Nanos
    fills: Nanos
    orders: Nanos
    positions: Nanos | None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Token buckets of the account: refill per second and capacity, for reads and writes."""

    tier: str
    read_refill: int
    read_capacity: int
    write_refill: int
    write_capacity: int
