"""Candlesticks of the local exchange: what the top of the book and the tape did in each minute.

A candle is named by the inclusive end of its minute (kalshi.md 2.4). Minutes in which nothing moved
have one too, flat at the quotes before it and without a trade.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.engine_events import BookChanged, BookCleared, MarketChanged, Traded
from core.exchange.port import Rejected
from core.units import SECOND, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import Quote
    from core.exchange.listing import Trade
    from core.exchange.simulated import SimulatedExchange

MINUTE: Final = Nanos(60 * SECOND)


class Span(msgspec.Struct, kw_only=True):
    """First, highest, lowest and last price of something."""

    open: Price
    high: Price
    low: Price
    close: Price

    @classmethod
    def at(cls, price: Price) -> Span:
        """All four at one price."""
        return cls(open=price, high=price, low=price, close=price)

    def add(self, price: Price) -> None:
        """The next price."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price

    def join(self, later: Span) -> None:
        """The span that follows at once."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close


class Candle(msgspec.Struct, kw_only=True):
    """One period. `price` is None where nothing was traded; `previous` is the trade before it."""

    end: Nanos
    bid: Span
    ask: Span
    price: Span | None = None
    previous: Price | None = None
    volume: Quantity = Quantity(0)
    turnover: int = 0
    """Sum of price times quantity."""
    interest: Quantity = Quantity(0)

    @property
    def mean(self) -> Price | None:
        """Mean price of a contract traded, to the nearest $0.0001."""
        if not self.volume:
            return None
        return Price((2 * self.turnover + self.volume) // (2 * self.volume))


class _Market:
    """The candles of one market, oldest first, without those in which nothing moved."""

    __slots__ = ("candles", "quote")

    def __init__(self) -> None:
        self.candles: list[Candle] = []
        self.quote: Quote | None = None

    def candle(self, ts: Nanos, quote: Quote) -> Candle:
        """The candle of a time, made with the quotes before it."""
        end = _end_of(ts, MINUTE)
        if self.candles and self.candles[-1].end >= end:
            return self.candles[-1]
        before = self.quote or quote
        last = self.candles[-1] if self.candles else None
        made = Candle(end=end, bid=Span.at(before.bid), ask=Span.at(before.ask))
        made.interest = before.open_interest
        if last is not None:
            made.previous = last.price.close if last.price else last.previous
        self.candles.append(made)
        return made

    def moved(self, quote: Quote, ts: Nanos) -> None:
        candle = self.candle(ts, quote)
        candle.bid.add(quote.bid)
        candle.ask.add(quote.ask)
        candle.interest = quote.open_interest
        self.quote = quote

    def traded(self, trade: Trade, quote: Quote) -> None:
        candle = self.candle(trade.ts, quote)
        if candle.price is None:
            candle.price = Span.at(trade.price)
        else:
            candle.price.add(trade.price)
        candle.volume = Quantity(candle.volume + trade.quantity)
        candle.turnover += trade.price * trade.quantity


class CandleBook:
    """The candles of every market that the engine keeps. Guarded by the exchange's lock."""

    def __init__(self) -> None:
        self._markets: dict[str, _Market] = {}

    def take(self, engine: SimulatedExchange, events: Iterable[EngineEvent]) -> None:
        """What happened, with the quotes as they are after all of it."""
        moved: dict[str, Nanos] = {}
        for event in events:
            match event:
                case BookChanged() | BookCleared():
                    moved[event.ticker] = event.ts
                case Traded(trade=trade):
                    self._market(trade.ticker).traded(trade, engine.quote(trade.ticker))
                    moved[trade.ticker] = event.ts
                case MarketChanged():
                    self._forget(engine)
                case _:
                    pass
        for ticker, ts in moved.items():
            self._market(ticker).moved(engine.quote(ticker), ts)

    def between(self, ticker: str, first: Nanos, last: Nanos, period: Nanos) -> tuple[Candle, ...]:
        """The candles that end in [first, last], also the quiet ones between those that moved."""
        market = self._markets.get(ticker)
        if market is None or not market.candles:
            return ()
        joined: dict[Nanos, Candle] = {}
        for candle in _filled(market.candles, min(last, market.candles[-1].end)):
            end = _end_of(candle.end, period)
            before = joined.get(end)
            if before is None:
                joined[end] = _copied(candle, end)
            else:
                _join(before, candle)
        return tuple(candle for end, candle in joined.items() if first <= end <= last)

    def _market(self, ticker: str) -> _Market:
        return self._markets.setdefault(ticker, _Market())

    def _forget(self, engine: SimulatedExchange) -> None:
        """Markets that the engine has forgotten are forgotten here."""
        self._markets = {t: kept for t, kept in self._markets.items() if _is_known(engine, t)}


def _end_of(ts: Nanos, period: Nanos) -> Nanos:
    """The inclusive end of the period that a time is in; a boundary ends the period before it."""
    return Nanos(-(-ts // period) * period)


def _filled(candles: list[Candle], last: Nanos) -> Iterable[Candle]:
    """Every minute from the first candle to `last`."""
    before: Candle | None = None
    for candle in candles:
        if before is not None:
            yield from _quiet(before, candle.end)
        if candle.end > last:
            return
        yield candle
        before = candle


def _quiet(before: Candle, until: Nanos) -> Iterable[Candle]:
    """The minutes between two candles, in which nothing moved."""
    previous = before.price.close if before.price else before.previous
    for end in range(before.end + MINUTE, until, MINUTE):
        yield Candle(
            end=Nanos(end),
            bid=Span.at(before.bid.close),
            ask=Span.at(before.ask.close),
            previous=previous,
            interest=before.interest,
        )


def _copied(candle: Candle, end: Nanos) -> Candle:
    """The same under another end; nothing in it is shared."""
    copy = msgspec.structs.replace
    price = None if candle.price is None else copy(candle.price)
    return copy(candle, end=end, bid=copy(candle.bid), ask=copy(candle.ask), price=price)


def _join(candle: Candle, later: Candle) -> None:
    candle.bid.join(later.bid)
    candle.ask.join(later.ask)
    if later.price is not None:
        if candle.price is None:
            candle.price = msgspec.structs.replace(later.price)
        else:
            candle.price.join(later.price)
    candle.volume = Quantity(candle.volume + later.volume)
    candle.turnover += later.turnover
    candle.interest = later.interest


def _is_known(engine: SimulatedExchange, ticker: str) -> bool:
    try:
        engine.grid(ticker)
    except Rejected:
        return False
    return True
