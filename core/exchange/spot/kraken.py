"""Kraken, version 2 of its protocol: channels `ticker` (every change of the quote) and `trade`.

Numbers are JSON numbers. A ticker may come without a time; then it is as old as its arrival.
`trade.side` is the taker's. A heartbeat comes about every second in which nothing else does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from core.exchange.records import Side
from core.exchange.spot.parser import BadFrame, SpotParser, dollars, traded_size
from core.exchange.wire.scalars import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core import messages as m
    from core.units import Nanos

_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}


class _Frame(msgspec.Struct, frozen=True):
    """Data of a channel, or the answer to a method."""

    channel: str = ""
    method: str = ""
    success: bool = True
    error: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class _Ticker(msgspec.Struct, frozen=True):
    symbol: str
    bid: Decimal
    ask: Decimal
    timestamp: str | None = None


class _Trade(msgspec.Struct, frozen=True):
    symbol: str
    side: Literal["buy", "sell"]
    price: Decimal
    qty: Decimal
    timestamp: str


_FRAME: Final = msgspec.json.Decoder(_Frame)
_TICKERS: Final = msgspec.json.Decoder(tuple[_Ticker, ...])
_TRADES: Final = msgspec.json.Decoder(tuple[_Trade, ...])


class KrakenParser(SpotParser):
    """See the module."""

    source: ClassVar[str] = "kraken"
    complete: ClassVar[bool] = True

    def frame(self, text: bytes, now: Nanos) -> Iterable[m.SpotTick]:
        """The ticks in a frame. A subscription that is refused counts as a bad frame."""
        frame = _FRAME.decode(text)
        if not (frame.channel or frame.method):
            raise BadFrame("neither a channel nor a method")
        if not frame.success:
            msg = f"{frame.method} refused: {frame.error}"
            raise BadFrame(msg)
        if frame.channel == "ticker":
            return [tick for row in _TICKERS.decode(frame.data) for tick in self._ticker(row, now)]
        if frame.channel == "trade":
            return [tick for row in _TRADES.decode(frame.data) for tick in self._trade(row, now)]
        return ()

    def _ticker(self, row: _Ticker, now: Nanos) -> Iterable[m.SpotTick]:
        product = self.product(row.symbol)
        if product is None:
            return ()
        ts = now if row.timestamp is None else rfc3339(row.timestamp)
        return self.quoted(product, dollars(row.bid), dollars(row.ask), ts, now)

    def _trade(self, row: _Trade, now: Nanos) -> Iterable[m.SpotTick]:
        product = self.product(row.symbol)
        if product is None:
            return ()
        traded_size(row.qty)
        return self.traded(
            product, dollars(row.price), _SIDES[row.side], rfc3339(row.timestamp), now
        )


def symbol(product: str) -> str:
    """`SOL-USD` is `SOL/USD`."""
    return product.replace("-", "/")


def subscribe(symbols: tuple[str, ...]) -> tuple[bytes, ...]:
    """One command a channel; past trades are not asked for."""
    channels = (
        {"channel": "ticker", "symbol": symbols, "event_trigger": "bbo", "snapshot": True},
        {"channel": "trade", "symbol": symbols, "snapshot": False},
    )
    return tuple(
        msgspec.json.encode({"method": "subscribe", "params": params}) for params in channels
    )
