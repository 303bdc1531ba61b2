"""What the local exchange publishes to everybody, as bodies of frames."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.engine_events import MarketEvent
from core.exchange.records import Outcome
from core.exchange.wire import scalars as s
from core.exchange.wire.books import levels_json
from core.exchange.wire.market_frames import (
    DeltaBody,
    EventBody,
    FastIndexBody,
    IndexBody,
    IndexPrintJson,
    LifecycleBody,
    MarketMetadataBody,
    SnapshotBody,
    TickerBody,
    TradeBody,
    TrailingMeanBody,
    WholeSnapshotBody,
)
from core.exchange.wire.markets import (
    CustomStrikeJson,
    PriceRangeJson,
    rounding_rule,
    rules,
    target_price,
)
from core.units import (
    INDEX_DECIMALS,
    MILLISECOND,
    ONE_CONTRACT,
    Nanos,
    Price,
    complement,
    format_fixed,
    format_price,
    format_quantity,
)

if TYPE_CHECKING:
    from core.exchange.engine_events import (
        BookChanged,
        IndexPublished,
        MarketChanged,
    )
    from core.exchange.engine_types import BookLevels, MarketRow, Quote, TrailingMean
    from core.exchange.listing import Trade

_TWO_CONTRACTS: Final = 2 * ONE_CONTRACT
"""Recorded: `dollar_volume` and `dollar_open_interest` count half a dollar per contract."""
EVENT_LIFECYCLE: Final = "event_lifecycle"
NO_FRAME: Final = frozenset({MarketEvent.OPENED, MarketEvent.CLOSED})
"""Steps that no frame announces: clients run their own clock."""


@lru_cache(maxsize=4096)
def market_id(ticker: str) -> str:
    """A UUID that belongs to the ticker."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ticker))


def snapshot_body(book: BookLevels, *, yes_prices: bool) -> SnapshotBody:
    """A whole book; `yes_prices` gives the NO leg in YES prices."""
    no = tuple((complement(price), size) for price, size in book.no) if yes_prices else book.no
    return SnapshotBody(
        market_ticker=book.ticker,
        market_id=market_id(book.ticker),
        clock=book.clock,
        yes_dollars_fp=levels_json(book.yes),
        no_dollars_fp=levels_json(no),
    )


def whole_snapshot_body(book: BookLevels, *, yes_prices: bool) -> WholeSnapshotBody:
    """A whole book with both sides, also an empty one."""
    body = snapshot_body(book, yes_prices=yes_prices)
    return WholeSnapshotBody(
        market_ticker=body.market_ticker,
        market_id=body.market_id,
        clock=book.clock,
        yes_dollars_fp=body.yes_dollars_fp,
        no_dollars_fp=body.no_dollars_fp,
    )


def delta_body(event: BookChanged, *, yes_prices: bool, own: bool) -> DeltaBody:
    """A change of one level; the own order behind it is named only to its owner."""
    as_yes = yes_prices and event.leg is Outcome.NO
    return DeltaBody(
        market_ticker=event.ticker,
        market_id=market_id(event.ticker),
        clock=event.clock,
        price_dollars=format_price(complement(event.price) if as_yes else event.price),
        delta_fp=format_quantity(event.delta),
        side=event.leg,
        client_order_id=event.client_order_id if own else "",
        subaccount=0 if own else None,
        ts_ms=s.to_ms(event.ts),
    )


def ticker_body(quote: Quote) -> TickerBody:
    """Top of the book and totals."""
    return TickerBody(
        market_ticker=quote.ticker,
        market_id=market_id(quote.ticker),
        price_dollars=format_price(quote.last),
        yes_bid_dollars=format_price(quote.bid),
        yes_ask_dollars=format_price(quote.ask),
        yes_bid_size_fp=format_quantity(quote.bid_size),
        yes_ask_size_fp=format_quantity(quote.ask_size),
        last_trade_size_fp=format_quantity(quote.last_size),
        volume_fp=format_quantity(quote.volume),
        open_interest_fp=format_quantity(quote.open_interest),
        dollar_volume=quote.volume // _TWO_CONTRACTS,
        dollar_open_interest=quote.open_interest // _TWO_CONTRACTS,
        ts_ms=s.to_ms(quote.ts),
        ts=s.to_seconds(quote.ts),
        time=s.format_rfc3339(quote.ts),
    )


def trade_body(trade: Trade) -> TradeBody:
    """A public trade."""
    return TradeBody(
        trade_id=trade.trade_id,
        market_ticker=trade.ticker,
        yes_price_dollars=format_price(trade.price),
        no_price_dollars=format_price(complement(trade.price)),
        count_fp=format_quantity(trade.quantity),
        taker_book_side=trade.taker_side,
        taker_outcome_side=trade.taker_side.buys,
        taker_side=trade.taker_side.buys,
        is_block_trade=False,
        ts_ms=s.to_ms(trade.ts),
        ts=s.to_seconds(trade.ts),
    )


def lifecycle_body(event: MarketChanged) -> LifecycleBody:
    """A step of a market's life, for every kind but those of `NO_FRAME`."""
    row, kind, ticker = event.market, event.kind, event.market.ticker
    match kind:
        case MarketEvent.CREATED:
            return _created_body(row)
        case MarketEvent.METADATA_UPDATED:
            return LifecycleBody(
                event_type=kind,
                market_ticker=ticker,
                strike_type="greater_or_equal",
                floor_strike=None if row.strike is None else s.index_number(row.strike),
                custom_strike=CustomStrikeJson(round_digits=str(row.round_digits)),
                yes_sub_title=target_price(row),
            )
        case MarketEvent.DETERMINED:
            return LifecycleBody(
                event_type=kind,
                market_ticker=ticker,
                determination_ts=s.to_seconds(event.ts),
                result=row.result,
                settlement_value=format_price(row.payout or Price(0)),
            )
        case MarketEvent.GRID_CHANGED:
            return LifecycleBody(
                event_type=kind,
                market_ticker=ticker,
                price_level_structure=row.price_level_structure,
                price_ranges=tuple(PriceRangeJson.from_range(part) for part in row.price_ranges),
            )
        case MarketEvent.SETTLED:
            settled = s.to_seconds(event.ts)
            return LifecycleBody(event_type=kind, market_ticker=ticker, settled_ts=settled)
        case _:
            paused = kind is MarketEvent.DEACTIVATED
            return LifecycleBody(event_type=kind, market_ticker=ticker, is_deactivated=paused)


def event_body(row: MarketRow) -> EventBody:
    """The event that is created with a market."""
    return EventBody(
        event_ticker=row.event_ticker,
        exchange_index=row.shard,
        title=row.title,
        subtitle="",
        collateral_return_type="",
        series_ticker=row.series_ticker,
        strike_date=s.to_seconds(row.closes),
    )


def index_body(event: IndexPublished) -> IndexBody:
    """A whole-second print with its means; before the first mean the print stands for it."""
    mean = _mean_body(event.average_60s) or TrailingMeanBody(
        value=format_fixed(event.value, INDEX_DECIMALS),
        window_size=0,
        window_start_ts_ms=s.to_ms(event.stamp) - 60_000,
        window_end_ts_exclusive=s.to_ms(event.stamp),
    )
    return IndexBody(
        index_id=event.index_id,
        received_at=s.to_ms(event.ts),
        data=_publisher_frame(event),
        avg_60s_data=mean,
        last_60s_windowed_average_15min=_mean_body(event.final_minute),
    )


def fast_index_body(event: IndexPublished) -> FastIndexBody:
    """A value between whole seconds, or at one."""
    return FastIndexBody(
        index_id=event.index_id,
        value_usd=format_fixed(event.value, INDEX_DECIMALS),
        source_ts_ms=s.to_ms(event.stamp),
        received_at=s.to_ms(event.ts),
        data=_publisher_frame(event),
    )


def _publisher_frame(event: IndexPublished) -> str:
    value = format_fixed(event.value, INDEX_DECIMALS).rstrip("0")
    inner = IndexPrintJson(
        id=event.index_id, value=value.removesuffix("."), time=s.to_ms(event.stamp)
    )
    return msgspec.json.encode(inner).decode()


def _mean_body(mean: TrailingMean | None) -> TrailingMeanBody | None:
    if mean is None:
        return None
    return TrailingMeanBody(
        value=format_fixed(mean.value, INDEX_DECIMALS),
        window_size=mean.count,
        window_start_ts_ms=s.to_ms(mean.start),
        window_end_ts_exclusive=s.to_ms(Nanos(mean.end + MILLISECOND - 1)),
    )


def _created_body(row: MarketRow) -> LifecycleBody:
    return LifecycleBody(
        event_type=MarketEvent.CREATED,
        market_ticker=row.ticker,
        exchange_index=row.shard,
        open_ts=s.to_seconds(row.opens),
        close_ts=s.to_seconds(row.closes),
        price_level_structure=row.price_level_structure,
        price_ranges=tuple(PriceRangeJson.from_range(part) for part in row.price_ranges),
        additional_metadata=MarketMetadataBody(
            name=row.title,
            title=row.title,
            yes_sub_title=target_price(row),
            no_sub_title=target_price(row),
            rules_primary=rules(row),
            rules_secondary=rounding_rule(row),
            can_close_early=True,
            event_ticker=row.event_ticker,
            expected_expiration_ts=s.to_seconds(row.expected_expiration),
            strike_type="greater_or_equal",
            floor_strike=None if row.strike is None else s.index_number(row.strike),
            custom_strike=CustomStrikeJson(round_digits=str(row.round_digits)),
        ),
    )
