"""Lifecycle frames as messages: listing, strike, pause, result, payout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.windows import TickerError, series_of
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.exchange.wire import scalars as s
from core.messages import (
    GridChanged,
    MarketDetermined,
    MarketFinalized,
    MarketListed,
    MarketStatusChanged,
    MarketTerms,
    Message,
    StrikePublished,
)
from core.units import INDEX_DECIMALS, Nanos

if TYPE_CHECKING:
    from core.exchange.wire.frames import Origin
    from core.exchange.wire.market_frames import LifecycleBody


def lifecycle_messages(body: LifecycleBody, sent_ms: int, origin: Origin) -> tuple[Message, ...]:
    """What a lifecycle frame says of a quarter-hour market; nothing of any other market."""
    try:
        series = series_of(body.market_ticker)
    except TickerError:
        return ()  # the channel carries the whole exchange; this is not a quarter-hour market
    ts_event = s.from_ms(sent_ms) if sent_ms else origin.ts_recv
    match body.event_type:
        case "created":
            terms = _terms(body, series)
            return (MarketListed(market=terms, ts_recv=origin.ts_recv),)
        case "metadata_updated" if body.floor_strike is not None:
            strike = StrikePublished(
                ticker=body.market_ticker,
                strike=s.index_value(body.floor_strike),
                ts_event=ts_event,
                ts_recv=origin.ts_recv,
            )
            return (strike,)
        case "activated" | "deactivated":
            paused = body.event_type == "deactivated"
            status = MarketStatus.INACTIVE if paused else MarketStatus.ACTIVE
            changed = MarketStatusChanged(
                ticker=body.market_ticker, status=status, ts_event=ts_event, ts_recv=origin.ts_recv
            )
            return (changed,)
        case "price_level_structure_updated" if body.price_ranges:
            grid = tuple(part.read() for part in body.price_ranges)
            regrid = GridChanged(
                ticker=body.market_ticker, grid=grid, ts_event=ts_event, ts_recv=origin.ts_recv
            )
            return (regrid,)
        case "determined" | "settled":
            return _ended(body, ts_event, origin)
        case _:
            return ()


def _ended(body: LifecycleBody, fallback: Nanos, origin: Origin) -> tuple[Message, ...]:
    stamp = body.determination_ts if body.event_type == "determined" else body.settled_ts
    ts_event = fallback if stamp is None else s.from_seconds(stamp)
    if body.event_type == "settled":
        return (
            MarketFinalized(ticker=body.market_ticker, ts_event=ts_event, ts_recv=origin.ts_recv),
        )
    # `settlement_value` is what YES pays, not the index; a void result is not one of ours.
    return (
        MarketDetermined(
            ticker=body.market_ticker,
            result=Outcome(body.result or ""),
            value=None,
            ts_event=ts_event,
            ts_recv=origin.ts_recv,
        ),
    )


def _terms(body: LifecycleBody, series: str) -> MarketTerms:
    more = body.additional_metadata
    if body.open_ts is None or body.close_ts is None or not body.price_ranges:
        msg = f"{body.market_ticker}: created without times or price_ranges"
        raise s.WireError(msg)
    strike = None if more is None else more.floor_strike
    custom = None if more is None else more.custom_strike
    digits = None if custom is None else custom.digits()
    return MarketTerms(
        ticker=body.market_ticker,
        event_ticker=body.market_ticker.rpartition("-")[0],
        series=series,
        open_ns=s.from_seconds(body.open_ts),
        close_ns=s.from_seconds(body.close_ts),
        strike=None if strike is None else s.index_value(strike),
        digits=INDEX_DECIMALS if digits is None else digits,
        grid=tuple(part.read() for part in body.price_ranges),
        status=MarketStatus.INITIALIZED,
        shard=body.exchange_index or 0,
    )
