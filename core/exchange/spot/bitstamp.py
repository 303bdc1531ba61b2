"""Bitstamp: channels `live_trades_*` and `order_book_*` (the best hundred levels, each time whole).

`type` 0 is a taker who buys. There is no heartbeat unless asked for one; `bts:request_reconnect`
announces that the connection is about to be cut.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from core.exchange.records import Side
from core.exchange.spot.parser import BadFrame, SpotParser, StreamBroken, dollars, traded_size
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core import messages as m

_TRADES: Final = "live_trades_"
_BOOK: Final = "order_book_"
_SIDES: Final = (Side.BID, Side.ASK)
_MICROSECOND: Final = 1_000
HEARTBEAT: Final = b'{"event":"bts:heartbeat"}'
"""Is answered."""


class _Frame(msgspec.Struct, frozen=True):
    event: str
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Trade(msgspec.Struct, frozen=True):
    price_str: Decimal
    amount_str: Decimal
    type: Literal[0, 1]
    microtimestamp: str


class _Book(msgspec.Struct, frozen=True):
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    microtimestamp: str


_FRAME: Final = msgspec.json.Decoder(_Frame)
_TRADE_DATA: Final = msgspec.json.Decoder(_Trade)
_BOOK_DATA: Final = msgspec.json.Decoder(_Book)


class BitstampParser(SpotParser):
    """See the module."""

    source: ClassVar[str] = "bitstamp"

    def frame(self, text: bytes, now: Nanos) -> Iterable[m.SpotTick]:
        """The ticks in a frame."""
        frame = _FRAME.decode(text)
        match frame.event:
            case "bts:request_reconnect":
                raise StreamBroken("asked to connect again")
            case "bts:error":
                msg = f"refused: {bytes(frame.data).decode(errors='replace')}"
                raise BadFrame(msg)
            case "trade":
                return self._trade(frame, now)
            case "data":
                return self._book(frame, now)
            case _:
                return ()

    def _trade(self, frame: _Frame, now: Nanos) -> Iterable[m.SpotTick]:
        product = self._product_on(frame, _TRADES)
        if product is None:
            return ()
        trade = _TRADE_DATA.decode(frame.data)
        traded_size(trade.amount_str)
        ts = _time(trade.microtimestamp)
        return self.traded(product, dollars(trade.price_str), _SIDES[trade.type], ts, now)

    def _book(self, frame: _Frame, now: Nanos) -> Iterable[m.SpotTick]:
        product = self._product_on(frame, _BOOK)
        if product is None:
            return ()
        book = _BOOK_DATA.decode(frame.data)
        if not (book.bids and book.asks):
            return ()
        bid, ask = dollars(book.bids[0][0]), dollars(book.asks[0][0])
        return self.quoted(product, bid, ask, _time(book.microtimestamp), now)

    def _product_on(self, frame: _Frame, channel: str) -> str | None:
        if not frame.channel.startswith(channel):
            return None
        return self.product(frame.channel.removeprefix(channel))


def symbol(product: str) -> str:
    """`SOL-USD` is `solusd`."""
    return product.replace("-", "").lower()


def subscribe(symbols: tuple[str, ...]) -> tuple[bytes, ...]:
    """One command a channel and product."""
    return tuple(
        msgspec.json.encode({"event": "bts:subscribe", "data": {"channel": channel + name}})
        for name in symbols
        for channel in (_TRADES, _BOOK)
    )


def _time(microseconds: str) -> Nanos:
    return Nanos(int(microseconds) * _MICROSECOND)
