"""Coinbase Exchange: channels `ticker`, `matches`, `heartbeat`.

The quote comes with the ticker, which moves with trades; `match.side` is the maker's side, so the
taker's is the other one. A heartbeat comes every second for every product.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from core.exchange.records import Side
from core.exchange.spot.parser import SpotParser, StreamBroken, dollars, traded_size
from core.exchange.wire.scalars import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core import messages as m
    from core.units import Nanos

_TAKER_OF: Final = {"buy": Side.ASK, "sell": Side.BID}
"""By the maker's side: where a sell order rested, somebody bought."""


class _Ticker(msgspec.Struct, tag_field="type", tag="ticker", frozen=True):
    product_id: str
    best_bid: Decimal
    best_ask: Decimal
    time: str | None = None
    """Missing in the first one of a product that has not traded."""


class _Match(msgspec.Struct, tag_field="type", tag="match", frozen=True):
    product_id: str
    side: Literal["buy", "sell"]
    price: Decimal
    size: Decimal
    time: str


class _Error(msgspec.Struct, tag_field="type", tag="error", frozen=True):
    message: str = ""
    reason: str = ""


class _Other(msgspec.Struct, frozen=True):
    """Heartbeats, confirmations, the last match before us, channels that we did not ask for."""

    type: str


_KNOWN: Final = msgspec.json.Decoder(_Ticker | _Match | _Error)
_OTHER: Final = msgspec.json.Decoder(_Other)
_TAGS: Final = frozenset({"ticker", "match", "error"})


class CoinbaseParser(SpotParser):
    """See the module."""

    source: ClassVar[str] = "coinbase"

    def frame(self, text: bytes, now: Nanos) -> Iterable[m.SpotTick]:
        """The ticks in a frame."""
        try:
            frame: _Ticker | _Match | _Error = _KNOWN.decode(text)
        except msgspec.ValidationError:
            if _OTHER.decode(text).type in _TAGS:
                raise
            return ()
        match frame:
            case _Ticker():
                return self._ticker(frame, now)
            case _Match():
                return self._match(frame, now)
            case _Error():
                msg = f"{frame.message} {frame.reason}".strip() or "an error without a word"
                raise StreamBroken(msg)

    def _ticker(self, frame: _Ticker, now: Nanos) -> Iterable[m.SpotTick]:
        product = self.product(frame.product_id)
        if product is None:
            return ()
        ts = now if frame.time is None else rfc3339(frame.time)
        return self.quoted(product, dollars(frame.best_bid), dollars(frame.best_ask), ts, now)

    def _match(self, frame: _Match, now: Nanos) -> Iterable[m.SpotTick]:
        product = self.product(frame.product_id)
        if product is None:
            return ()
        traded_size(frame.size)
        taker = _TAKER_OF[frame.side]
        return self.traded(product, dollars(frame.price), taker, rfc3339(frame.time), now)


def symbol(product: str) -> str:
    """`SOL-USD` is `SOL-USD`."""
    return product


def subscribe(symbols: tuple[str, ...]) -> tuple[bytes, ...]:
    """What to send within five seconds of connecting."""
    channels = ("ticker", "matches", "heartbeat")
    order = {"type": "subscribe", "product_ids": symbols, "channels": channels}
    return (msgspec.json.encode(order),)
