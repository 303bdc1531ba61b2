"""A stream's text as a typed frame, and a body's bytes as a stream's text."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from core.exchange.wire.control_frames import (
    FastIndexList,
    IndexList,
    Ok,
    StreamError,
    Subscribed,
    Unsubscribed,
)
from core.exchange.wire.market_frames import (
    EventFeeUpdate,
    EventLifecycle,
    FastIndexFrame,
    IndexFrame,
    Lifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    TradeFrame,
)
from core.exchange.wire.private_frames import FillFrame, GroupFrame, MarketPosition, UserOrder
from core.exchange.wire.scalars import WireError
from core.units import Nanos


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """On which stream and connection a frame came, and when (our clock)."""

    stream: str
    conn: int
    ts_recv: Nanos


class UnknownFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A type that did not exist when this was written: only its place in a sequence counts."""

    type: str
    id: int = 0
    sid: int = 0
    seq: int = 0


KnownFrame = (
    OrderbookDelta
    | OrderbookSnapshot
    | Ticker
    | TradeFrame
    | FillFrame
    | UserOrder
    | MarketPosition
    | GroupFrame
    | Lifecycle
    | EventLifecycle
    | EventFeeUpdate
    | IndexFrame
    | FastIndexFrame
    | Subscribed
    | Ok
    | Unsubscribed
    | StreamError
    | IndexList
    | FastIndexList
)
AnyFrame = KnownFrame | UnknownFrame

_KNOWN: Final = msgspec.json.Decoder(KnownFrame)
_UNKNOWN: Final = msgspec.json.Decoder(UnknownFrame)
_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in KnownFrame.__args__)


class Numbers(NamedTuple):
    """What stands around a body: subscription, place in its sequence, command answered."""

    sid: int = 0
    seq: int = 0
    id: int = 0


class MalformedFrame(WireError):  # noqa: N818 - the frame is malformed; it is not an "error" frame
    """A frame that cannot be read; says why. Its neighbours are not concerned."""


def decode_frame(text: str | bytes) -> AnyFrame:
    """The frame in a text: 1 us for a delta. Raises MalformedFrame.

    A snapshot with neither side but with a list under some other key is malformed: a renamed key
    must not look like an empty book.
    """
    try:
        frame: KnownFrame = _KNOWN.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _unknown(text, error)
    if isinstance(frame, OrderbookSnapshot):
        book = frame.msg
        if not book.yes_dollars_fp and not book.no_dollars_fp and _has_list(text):
            msg = f"snapshot of {book.market_ticker} with levels under unknown keys"
            raise MalformedFrame(msg)
    return frame


def encode_frame(kind: str, body: bytes | None, numbers: Numbers, sent_ms: int) -> bytes:
    """A frame around an encoded body; what is 0 or None is left out. 1 us."""
    parts = [b'{"type":"%b"' % kind.encode()]
    if numbers.id:
        parts.append(b',"id":%d' % numbers.id)
    if numbers.sid:
        parts.append(b',"sid":%d' % numbers.sid)
    if numbers.seq:
        parts.append(b',"seq":%d' % numbers.seq)
    parts.append(b',"sending_ts_ms":%d' % sent_ms)
    if body is not None:
        parts.append(b',"msg":' + body)
    parts.append(b"}")
    return b"".join(parts)


def _unknown(text: str | bytes, cause: Exception) -> UnknownFrame:
    try:
        frame = _UNKNOWN.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedFrame(str(cause)) from cause
    if frame.type in _TAGS:
        msg = f"{frame.type}: {cause}"
        raise MalformedFrame(msg) from cause
    return frame


def _has_list(text: str | bytes) -> bool:
    body = msgspec.json.decode(text)["msg"]
    return any(isinstance(value, list) and value for value in body.values())
