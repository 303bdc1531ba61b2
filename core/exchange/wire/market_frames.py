"""Public frames: books, tickers, trades, market lifecycle, the settlement index.

Bodies are separate structs: the local exchange encodes a body once and shares the bytes among
clients, whose `sid` and `seq` differ.
"""

from __future__ import annotations

import msgspec

from core.exchange.records import Outcome, Side
from core.exchange.wire.books import LevelJson
from core.exchange.wire.markets import CustomStrikeJson, PriceRangeJson
from core.exchange.wire.scalars import Fixed


class Body(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The `msg` of a frame; fields at their default are left out, as the exchange does."""


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every frame may carry around its `msg`. 0 stands for: not there."""

    id: int = 0
    sid: int = 0
    seq: int = 0
    sending_ts_ms: int = 0


class SnapshotBody(Body, frozen=True, kw_only=True):
    """A whole book; the key of an empty side is absent."""

    market_ticker: str
    market_id: str = ""
    clock: int | None = None
    yes_dollars_fp: tuple[LevelJson, ...] = ()
    no_dollars_fp: tuple[LevelJson, ...] = ()


class WholeSnapshotBody(Body, frozen=True, kw_only=True):
    """The same with the key of an empty side, for clients that insist on it."""

    market_ticker: str
    market_id: str
    clock: int
    yes_dollars_fp: tuple[LevelJson, ...]
    no_dollars_fp: tuple[LevelJson, ...]


class OrderbookSnapshot(Frame, frozen=True, kw_only=True, tag="orderbook_snapshot"):
    """The answer to a subscription and to `get_snapshot`."""

    msg: SnapshotBody


class DeltaBody(Body, frozen=True, kw_only=True):
    """A signed change of one level. `client_order_id` only if an own order caused it."""

    market_ticker: str
    price_dollars: Fixed
    delta_fp: Fixed
    side: Outcome
    market_id: str = ""
    clock: int | None = None
    client_order_id: str = ""
    subaccount: int | None = None
    ts_ms: int = 0
    ts: str = ""


class OrderbookDelta(Frame, frozen=True, kw_only=True, tag="orderbook_delta"):
    """The frame that comes most: 1 us to decode."""

    msg: DeltaBody


class TickerBody(Body, frozen=True, kw_only=True):
    """Top of the book and totals."""

    market_ticker: str
    yes_bid_dollars: Fixed
    yes_ask_dollars: Fixed
    yes_bid_size_fp: Fixed
    yes_ask_size_fp: Fixed
    price_dollars: Fixed | None = None
    last_trade_size_fp: Fixed | None = None
    volume_fp: Fixed | None = None
    open_interest_fp: Fixed | None = None
    dollar_volume: int | None = None
    dollar_open_interest: int | None = None
    market_id: str = ""
    ts_ms: int = 0
    ts: int = 0
    time: str = ""


class Ticker(Frame, frozen=True, kw_only=True, tag="ticker"):
    """Sent when any of its fields changed; not sequenced."""

    msg: TickerBody


class TradeBody(Body, frozen=True, kw_only=True):
    """A public trade."""

    trade_id: str
    market_ticker: str
    yes_price_dollars: Fixed
    count_fp: Fixed
    taker_book_side: Side
    no_price_dollars: Fixed | None = None
    taker_outcome_side: str = ""
    taker_side: str = ""
    is_block_trade: bool | None = None
    ts_ms: int = 0
    ts: int = 0


class TradeFrame(Frame, frozen=True, kw_only=True, tag="trade"):
    """Sequenced."""

    msg: TradeBody


class MarketMetadataBody(Body, frozen=True, kw_only=True):
    """`additional_metadata` of a created market, as far as it is of use."""

    name: str = ""
    title: str = ""
    yes_sub_title: str = ""
    no_sub_title: str = ""
    rules_primary: str = ""
    rules_secondary: str = ""
    can_close_early: bool | None = None
    event_ticker: str = ""
    expected_expiration_ts: int | None = None
    strike_type: str | None = None
    floor_strike: Fixed | None = None
    custom_strike: CustomStrikeJson | None = None


class LifecycleBody(Body, frozen=True, kw_only=True):
    """One step of a market's life; which fields are there depends on `event_type`."""

    event_type: str
    market_ticker: str
    exchange_index: int | None = None
    open_ts: int | None = None
    close_ts: int | None = None
    additional_metadata: MarketMetadataBody | None = None
    price_level_structure: str | None = None
    price_ranges: tuple[PriceRangeJson, ...] | None = None
    is_deactivated: bool | None = None
    strike_type: str | None = None
    floor_strike: Fixed | None = None
    custom_strike: CustomStrikeJson | None = None
    yes_sub_title: str | None = None
    determination_ts: int | None = None
    result: str | None = None
    settlement_value: Fixed | None = None
    settled_ts: int | None = None


class Lifecycle(Frame, frozen=True, kw_only=True, tag="market_lifecycle_v2"):
    """The life of every market of the exchange."""

    msg: LifecycleBody


class EventBody(Body, frozen=True, kw_only=True):
    """A new event."""

    event_ticker: str
    exchange_index: int | None = None
    title: str | None = None
    subtitle: str | None = None
    collateral_return_type: str | None = None
    series_ticker: str | None = None
    strike_date: int | None = None


class EventLifecycle(Frame, frozen=True, kw_only=True, tag="event_lifecycle"):
    """An event was created: counted in the lifecycle's sequence, of no other use."""

    msg: EventBody


class EventFeeUpdate(Frame, frozen=True, kw_only=True, tag="event_fee_update"):
    """An event's fees changed; the series' fees are read again over REST."""

    msg: msgspec.Raw


class TrailingMeanBody(Body, frozen=True, kw_only=True):
    """A mean of index prints stamped in [start, end)."""

    value: Fixed
    window_size: int
    window_start_ts_ms: int
    window_end_ts_exclusive: int


class IndexBody(Body, frozen=True, kw_only=True):
    """One print per second; `data` is the publisher's own frame as text."""

    index_id: str
    data: str
    received_at: int = 0
    avg_60s_data: TrailingMeanBody | None = None
    last_60s_windowed_average_15min: TrailingMeanBody | None = None


class IndexFrame(Frame, frozen=True, kw_only=True, tag="cfbenchmarks_value"):
    """The settlement index at 1 Hz."""

    msg: IndexBody


class IndexPrintJson(msgspec.Struct, frozen=True, kw_only=True):
    """The publisher's frame inside `data`."""

    type: str = "value"
    id: str
    value: Fixed
    time: int


class FastIndexBody(Body, frozen=True, kw_only=True):
    """Up to five prints per second."""

    index_id: str
    value_usd: Fixed
    source_ts_ms: int
    received_at: int = 0
    data: str = ""


class FastIndexFrame(Frame, frozen=True, kw_only=True, tag="cfbenchmarks_value_5hz"):
    """The settlement index at 5 Hz; the first print of a second equals the 1 Hz one."""

    msg: FastIndexBody
