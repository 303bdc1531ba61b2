"""Kalshi's frames as the system's messages.

Control replies keep `sid` and `seq`, because the sequence of a subscription counts them. A frame
that cannot be read becomes `FrameSkipped`; the gap that it leaves in a sequence does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.wire import scalars as s
from core.exchange.wire.control_frames import Ok, StreamError, Subscribed, Unsubscribed
from core.exchange.wire.frames import Origin, decode_frame
from core.exchange.wire.lifecycle import lifecycle_messages
from core.exchange.wire.market_frames import (
    FastIndexFrame,
    IndexFrame,
    IndexPrintJson,
    Lifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    TradeFrame,
)
from core.exchange.wire.private_frames import FillFrame, MarketPosition, UserOrder
from core.exchange.wire.reports import account_messages
from core.messages import (
    BookDelta,
    BookSnapshot,
    FrameSkipped,
    IndexPrint,
    Message,
    StreamGap,
    StreamReply,
    TopOfBook,
    TradePrint,
)

if TYPE_CHECKING:
    from core.exchange.wire.books import LevelJson
    from core.exchange.wire.frames import AnyFrame
    from core.exchange.wire.sequence import Sequences
    from core.messages import Level
    from core.units import Nanos

_SAMPLE: Final = 160
_REPLIES: Final = (Ok, Subscribed, Unsubscribed, StreamError)


def read_frame(text: str | bytes, origin: Origin) -> tuple[Message, ...]:
    """A frame's text as messages; never fails: what cannot be read is one `FrameSkipped`."""
    try:
        return to_messages(decode_frame(text), origin)
    except (msgspec.DecodeError, ValueError) as error:
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        return (
            FrameSkipped(
                stream=origin.stream,
                conn=origin.conn,
                reason=str(error),
                sample=shown[:_SAMPLE],
                ts_recv=origin.ts_recv,
            ),
        )


def follow_frame(text: str | bytes, origin: Origin, sequences: Sequences) -> tuple[Message, ...]:
    """`read_frame` that also tells what was lost before this frame, and drops what came twice."""
    try:
        frame = decode_frame(text)
    except (msgspec.DecodeError, ValueError):
        return read_frame(text, origin)
    channel = sequences.channel(frame.sid)
    counted = sequences.take(frame)
    if counted == "old" and not isinstance(frame, _REPLIES):
        return ()
    try:
        told = to_messages(frame, origin)
    except (msgspec.DecodeError, ValueError):
        told = read_frame(text, origin)
    if counted != "gap":
        return told
    gap = StreamGap(
        stream=origin.stream,
        conn=origin.conn,
        channel=channel,
        missed=sequences.missed,
        ts_recv=origin.ts_recv,
    )
    return (gap, *told)


def to_messages(frame: AnyFrame, origin: Origin) -> tuple[Message, ...]:
    """A frame as messages, none where it concerns nobody. Raises ValueError for bad numbers."""
    match frame:
        case OrderbookDelta():
            return (_delta(frame, origin),)
        case Ticker():
            return (_ticker(frame, origin),)
        case OrderbookSnapshot():
            return (_snapshot(frame, origin),)
        case TradeFrame():
            return (_trade(frame, origin),)
        case IndexFrame() | FastIndexFrame():
            return (_index(frame, origin),)
        case Lifecycle():
            return lifecycle_messages(frame.msg, frame.sending_ts_ms, origin)
        case FillFrame() | UserOrder() | MarketPosition():
            return account_messages(frame, origin)
        case _:
            return (_reply(frame, origin),)


def _delta(frame: OrderbookDelta, origin: Origin) -> BookDelta:
    body = frame.msg
    return BookDelta(
        ticker=body.market_ticker,
        leg=body.side,
        price=s.price(body.price_dollars),
        delta=s.quantity(body.delta_fp),
        conn=origin.conn,
        sid=frame.sid,
        seq=frame.seq,
        ts_event=_when(body.ts_ms, body.ts, frame.sending_ts_ms, origin),
        ts_recv=origin.ts_recv,
    )


def _snapshot(frame: OrderbookSnapshot, origin: Origin) -> BookSnapshot:
    body = frame.msg
    return BookSnapshot(
        ticker=body.market_ticker,
        yes=_levels(body.yes_dollars_fp),
        no=_levels(body.no_dollars_fp),
        conn=origin.conn,
        sid=frame.sid,
        seq=frame.seq,
        ts_event=_when(0, "", frame.sending_ts_ms, origin),
        ts_recv=origin.ts_recv,
    )


def _levels(levels: tuple[LevelJson, ...]) -> tuple[Level, ...]:
    return tuple([(s.price(price), s.quantity(size)) for price, size in levels])


def _ticker(frame: Ticker, origin: Origin) -> TopOfBook:
    body = frame.msg
    return TopOfBook(
        ticker=body.market_ticker,
        bid=s.price(body.yes_bid_dollars),
        bid_size=s.quantity(body.yes_bid_size_fp),
        ask=s.price(body.yes_ask_dollars),
        ask_size=s.quantity(body.yes_ask_size_fp),
        ts_event=_when(body.ts_ms, body.time, frame.sending_ts_ms, origin),
        ts_recv=origin.ts_recv,
    )


def _trade(frame: TradeFrame, origin: Origin) -> TradePrint:
    body = frame.msg
    return TradePrint(
        ticker=body.market_ticker,
        trade_id=body.trade_id,
        price=s.price(body.yes_price_dollars),
        quantity=s.quantity(body.count_fp),
        taker_side=body.taker_book_side,
        ts_event=_when(body.ts_ms, "", frame.sending_ts_ms, origin),
        ts_recv=origin.ts_recv,
    )


def _index(frame: IndexFrame | FastIndexFrame, origin: Origin) -> IndexPrint:
    if isinstance(frame, FastIndexFrame):
        value, stamp = frame.msg.value_usd, frame.msg.source_ts_ms
    else:
        inner = msgspec.json.decode(frame.msg.data, type=IndexPrintJson)
        value, stamp = inner.value, inner.time
    return IndexPrint(
        index_id=frame.msg.index_id,
        value=s.index_value(value),
        ts_event=s.from_ms(stamp),
        ts_recv=origin.ts_recv,
    )


def _reply(frame: AnyFrame, origin: Origin) -> StreamReply:
    kind, channel, code, text, sid = "other", "", 0, "", frame.sid
    match frame:
        case Subscribed():
            kind, channel, sid = "subscribed", frame.msg.channel, frame.msg.sid
        case Ok():
            kind = "ok"
        case Unsubscribed():
            kind = "unsubscribed"
        case StreamError():
            kind, code, text = "error", frame.msg.code, frame.msg.msg
        case _:
            pass  # a type without a meaning for us: only its place in the sequence counts
    return StreamReply(
        stream=origin.stream,
        conn=origin.conn,
        sid=sid,
        seq=frame.seq,
        kind=kind,
        channel=channel,
        command_id=frame.id,
        code=code,
        text=text,
        ts_recv=origin.ts_recv,
    )


def _when(ts_ms: int, ts: str, sent_ms: int, origin: Origin) -> Nanos:
    """Best event time that a frame has: to the millisecond, as text, sending time, arrival."""
    if ts_ms:
        return s.from_ms(ts_ms)
    if ts:
        return s.rfc3339(ts)
    return s.from_ms(sent_ms) if sent_ms else origin.ts_recv
