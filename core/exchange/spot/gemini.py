"""Gemini, version 2 of its market data: `l2` (the whole book, then changed levels) and trades.

The first update of a symbol is its whole book; sizes are absolute, 0 deletes. Updates carry neither
time nor number, so one that is lost shows only when the book crosses. Then, and after an update
that could not be read, nothing but a new connection gives a book that is right. `side` of a trade
is the taker's. A heartbeat comes every five seconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from core.exchange.records import Side
from core.exchange.spot.parser import BadFrame, SpotParser, StreamBroken, dollars, traded_size
from core.messages import FrameSkipped
from core.units import MILLISECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core import messages as m
    from core.exchange.wire.frames import Origin

_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}


class _Updates(msgspec.Struct, tag_field="type", tag="l2_updates", frozen=True):
    symbol: str
    changes: tuple[tuple[Literal["buy", "sell"], Decimal, Decimal], ...]


class _Trade(msgspec.Struct, tag_field="type", tag="trade", frozen=True):
    symbol: str
    timestamp: int
    """Unix milliseconds."""
    price: Decimal
    quantity: Decimal
    side: Literal["buy", "sell"]


class _Other(msgspec.Struct, frozen=True):
    """Heartbeats, auctions."""

    type: str


_KNOWN: Final = msgspec.json.Decoder(_Updates | _Trade)
_OTHER: Final = msgspec.json.Decoder(_Other)
_TAGS: Final = frozenset({"l2_updates", "trade"})


class _Book:
    """Prices at which something rests. Finding the best of 2,000 costs 20 us."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: set[IndexValue] = set()
        self.asks: set[IndexValue] = set()

    def change(self, updates: _Updates) -> None:
        """Put and delete levels."""
        for side, price, size in updates.changes:
            levels = self.bids if side == "buy" else self.asks
            level = dollars(price)
            if not (size.is_finite() and size >= 0):
                msg = f"a size of {size}"
                raise BadFrame(msg)
            if size:
                levels.add(level)
            else:
                levels.discard(level)


class GeminiParser(SpotParser):
    """See the module."""

    source: ClassVar[str] = "gemini"
    complete: ClassVar[bool] = True

    def __init__(self, products: Mapping[str, str]) -> None:
        super().__init__(products)
        self._books: dict[str, _Book] = {}
        self._lost = False

    def read(self, text: bytes, origin: Origin) -> tuple[m.Message, ...]:
        """The messages in a frame. A frame that may have been an update breaks the stream, but only
        with the next one, so that it is counted.
        """
        if self._lost:
            raise StreamBroken("an update could not be read: the books are not to be trusted")
        told = super().read(text, origin)
        if any(isinstance(message, FrameSkipped) for message in told):
            self._lost = _may_be_update(text)
        return told

    def frame(self, text: bytes, now: Nanos) -> Iterable[m.SpotTick]:
        """The ticks in a frame."""
        try:
            frame: _Updates | _Trade = _KNOWN.decode(text)
        except msgspec.ValidationError:
            if _OTHER.decode(text).type in _TAGS:
                raise
            return ()
        product = self.product(frame.symbol)
        if product is None:
            return ()
        if isinstance(frame, _Updates):
            return self._updated(product, frame, now)
        traded_size(frame.quantity)
        ts = Nanos(frame.timestamp * MILLISECOND)
        return self.traded(product, dollars(frame.price), _SIDES[frame.side], ts, now)

    def _updated(self, product: str, frame: _Updates, now: Nanos) -> Iterable[m.SpotTick]:
        book = self._books.setdefault(product, _Book())
        book.change(frame)
        if not (book.bids and book.asks):
            return ()
        bid, ask = max(book.bids), min(book.asks)
        if bid >= ask:
            msg = f"the book of {product} is crossed: an update was lost"
            raise StreamBroken(msg)
        return self.quoted(product, bid, ask, now, now)


def _may_be_update(text: bytes) -> bool:
    try:
        return _OTHER.decode(text).type == "l2_updates"
    except msgspec.DecodeError:
        return True


def symbol(product: str) -> str:
    """`SOL-USD` is `SOLUSD`."""
    return product.replace("-", "")


def subscribe(symbols: tuple[str, ...]) -> tuple[bytes, ...]:
    """One command for all; trades come with the book."""
    return (
        msgspec.json.encode(
            {"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": symbols}]}
        ),
    )
