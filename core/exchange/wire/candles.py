"""Candlesticks: Kalshi's JSON and what a reader of them gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.listing import Candlestick, PriceSpan
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import format_price, format_quantity

if TYPE_CHECKING:
    from core.exchange.candles import Candle, Span
    from core.units import Price


class SpanJson(msgspec.Struct, frozen=True, kw_only=True):
    """Open, high, low, close of the best bid or ask."""

    open_dollars: Fixed
    high_dollars: Fixed
    low_dollars: Fixed
    close_dollars: Fixed

    def read(self) -> PriceSpan:
        """The record; raises ValueError when a number cannot be read."""
        return PriceSpan(
            open=s.price(self.open_dollars),
            high=s.price(self.high_dollars),
            low=s.price(self.low_dollars),
            close=s.price(self.close_dollars),
        )

    @classmethod
    def from_span(cls, span: Span) -> SpanJson:
        """The JSON of a record."""
        return cls(
            open_dollars=format_price(span.open),
            high_dollars=format_price(span.high),
            low_dollars=format_price(span.low),
            close_dollars=format_price(span.close),
        )


class TradedJson(msgspec.Struct, frozen=True, kw_only=True):
    """Prices traded; all but `previous_dollars` are null in a period without a trade."""

    open_dollars: Fixed | None = None
    high_dollars: Fixed | None = None
    low_dollars: Fixed | None = None
    close_dollars: Fixed | None = None
    mean_dollars: Fixed | None = None
    previous_dollars: Fixed | None = None
    min_dollars: Fixed | None = None
    max_dollars: Fixed | None = None

    def read(self) -> PriceSpan | None:
        """The record; None where nothing was traded."""
        first, high, low = self.open_dollars, self.high_dollars, self.low_dollars
        if first is None or high is None or low is None or self.close_dollars is None:
            return None
        return PriceSpan(
            open=s.price(first),
            high=s.price(high),
            low=s.price(low),
            close=s.price(self.close_dollars),
        )


class CandleJson(msgspec.Struct, frozen=True, kw_only=True):
    """One period, named by its inclusive end in Unix seconds."""

    end_period_ts: int
    yes_bid: SpanJson
    yes_ask: SpanJson
    price: TradedJson
    volume_fp: Fixed
    open_interest_fp: Fixed

    def read(self) -> Candlestick:
        """The record; raises ValueError when a number cannot be read."""
        return Candlestick(
            end=s.from_seconds(self.end_period_ts),
            bid=self.yes_bid.read(),
            ask=self.yes_ask.read(),
            price=self.price.read(),
            volume=s.quantity(self.volume_fp),
            open_interest=s.quantity(self.open_interest_fp),
        )

    @classmethod
    def from_candle(cls, candle: Candle) -> CandleJson:
        """The JSON of a record."""
        return cls(
            end_period_ts=s.to_seconds(candle.end),
            yes_bid=SpanJson.from_span(candle.bid),
            yes_ask=SpanJson.from_span(candle.ask),
            price=_traded(candle),
            volume_fp=format_quantity(candle.volume),
            open_interest_fp=format_quantity(candle.interest),
        )


class OldSpanJson(msgspec.Struct, frozen=True, kw_only=True):
    """A span in the archive, whose fields have no unit in their names."""

    open: Fixed | None
    high: Fixed | None
    low: Fixed | None
    close: Fixed | None

    def read(self) -> PriceSpan | None:
        """The record; None where there was none."""
        first, high, low = self.open, self.high, self.low
        if first is None or high is None or low is None or self.close is None:
            return None
        return PriceSpan(
            open=s.price(first), high=s.price(high), low=s.price(low), close=s.price(self.close)
        )


class OldTradedJson(OldSpanJson, frozen=True, kw_only=True):
    """Prices traded, in the archive."""

    mean: Fixed | None
    previous: Fixed | None


class OldCandleJson(msgspec.Struct, frozen=True, kw_only=True):
    """A candlestick of GET /historical/markets/{ticker}/candlesticks."""

    end_period_ts: int
    yes_bid: OldSpanJson
    yes_ask: OldSpanJson
    price: OldTradedJson
    volume: Fixed
    open_interest: Fixed

    def read(self) -> Candlestick:
        """The record; raises ValueError when a number cannot be read, or a side has no prices."""
        bid, ask = self.yes_bid.read(), self.yes_ask.read()
        if bid is None or ask is None:
            msg = f"candlestick that ends at {self.end_period_ts} has no bid or no ask"
            raise ValueError(msg)
        return Candlestick(
            end=s.from_seconds(self.end_period_ts),
            bid=bid,
            ask=ask,
            price=self.price.read(),
            volume=s.quantity(self.volume),
            open_interest=s.quantity(self.open_interest),
        )

    @classmethod
    def from_candle(cls, candle: Candle) -> OldCandleJson:
        """The JSON of a record."""
        now = CandleJson.from_candle(candle)
        price = now.price
        return cls(
            end_period_ts=now.end_period_ts,
            yes_bid=_old(now.yes_bid),
            yes_ask=_old(now.yes_ask),
            price=OldTradedJson(
                open=price.open_dollars,
                high=price.high_dollars,
                low=price.low_dollars,
                close=price.close_dollars,
                mean=price.mean_dollars,
                previous=price.previous_dollars,
            ),
            volume=now.volume_fp,
            open_interest=now.open_interest_fp,
        )


class CandlesPage(msgspec.Struct, frozen=True):
    """GET /series/{series}/markets/{ticker}/candlesticks."""

    ticker: str
    candlesticks: tuple[CandleJson, ...]


class MarketCandlesJson(msgspec.Struct, frozen=True):
    """One market of GET /markets/candlesticks."""

    market_ticker: str
    candlesticks: tuple[CandleJson, ...]


class MarketsCandlesPage(msgspec.Struct, frozen=True):
    """GET /markets/candlesticks."""

    markets: tuple[MarketCandlesJson, ...]


def _old(span: SpanJson) -> OldSpanJson:
    return OldSpanJson(
        open=span.open_dollars,
        high=span.high_dollars,
        low=span.low_dollars,
        close=span.close_dollars,
    )


def _traded(candle: Candle) -> TradedJson:
    span = candle.price
    previous = _dollars(candle.previous)
    if span is None:
        return TradedJson(previous_dollars=previous)
    return TradedJson(
        open_dollars=format_price(span.open),
        high_dollars=format_price(span.high),
        low_dollars=format_price(span.low),
        close_dollars=format_price(span.close),
        mean_dollars=_dollars(candle.mean),
        previous_dollars=previous,
    )


def _dollars(price: Price | None) -> str | None:
    return None if price is None else format_price(price)


class OldCandlesPage(msgspec.Struct, frozen=True):
    """GET /historical/markets/{ticker}/candlesticks."""

    ticker: str
    candlesticks: tuple[OldCandleJson, ...]
