"""What the parsers of all spot venues share.

A parser belongs to one connection. It never fails because of a frame: one that cannot be read is
told as `FrameSkipped`. Only `StreamBroken` leaves it: the venue, or its own data, say that this
connection is of no more use.

Numbers are read as decimals, from strings and from JSON numbers alike, without a float between.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from core import messages as m
from core.units import MILLISECOND, MINUTE, SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.exchange.records import Side
    from core.exchange.wire.frames import Origin

_SCALE: Final = Decimal(10**8)
_HIGHEST: Final = Decimal(10**9)
_SAMPLE: Final = 160
_REPEAT: Final = Nanos(500 * MILLISECOND)
"""A quote that did not change is told again after this, so that its age stays true."""
_CONFIRM: Final = SECOND
"""A quote is confirmed no more often than this."""
_AHEAD: Final = MINUTE
"""A time farther than this in our future is no time of a tick: later ticks would look older."""


class StreamBroken(Exception):  # noqa: N818 - what has become of the connection, not of a frame
    """This connection will bring nothing more that can be trusted; says why. Open another one."""


class BadFrame(ValueError):  # noqa: N818 - the frame is bad
    """A frame that cannot be read or believed."""


class SpotParser:
    """Frames of one connection as messages. Subclasses override `frame`. Thread: the reader's."""

    source: ClassVar[str]
    complete: ClassVar[bool] = False
    """Whether the venue tells every change of a quote: then any frame says that the others stand.
    """

    def __init__(self, products: Mapping[str, str]) -> None:
        self._products = dict(products)
        self._told: dict[str, m.SpotTick] = {}
        self._last: dict[str, IndexValue] = {}

    def read(self, text: bytes, origin: Origin) -> tuple[m.Message, ...]:
        """The messages in a frame, often none. Raises StreamBroken."""
        try:
            ticks = [*self.frame(text, origin.ts_recv)]
        except (msgspec.DecodeError, ValueError) as error:
            return (
                m.FrameSkipped(
                    stream=origin.stream,
                    conn=origin.conn,
                    reason=str(error),
                    sample=text[:_SAMPLE].decode(errors="replace"),
                    ts_recv=origin.ts_recv,
                ),
            )
        if self.complete:
            ticks += self._confirmed(origin.ts_recv)
        return tuple(ticks)

    def _confirmed(self, now: Nanos) -> list[m.SpotTick]:
        """Quotes that have not changed for a while, as of now."""
        due = [tick for tick in self._told.values() if now - tick.ts_recv >= _CONFIRM]
        standing = [msgspec.structs.replace(tick, ts_event=now, ts_recv=now) for tick in due]
        self._told.update((tick.product, tick) for tick in standing)
        return standing

    def frame(self, text: bytes, now: Nanos) -> Iterable[m.SpotTick]:
        """The ticks in a frame. Raises msgspec.DecodeError or ValueError for a bad one."""
        raise NotImplementedError

    # --- for subclasses --------------------------------------------------------------------------

    def product(self, symbol: str) -> str | None:
        """Our name of a product; None for one that nobody asked for."""
        return self._products.get(symbol)

    def quoted(
        self, product: str, bid: IndexValue, ask: IndexValue, ts_event: Nanos, now: Nanos
    ) -> list[m.SpotTick]:
        """A best bid and ask; nothing where it is what was told a moment ago."""
        if bid > ask:
            msg = f"{product}: bid {bid} above ask {ask}"
            raise BadFrame(msg)
        before = self._told.get(product)
        if (
            before is not None
            and (before.bid, before.ask) == (bid, ask)
            and ts_event - before.ts_event < _REPEAT
        ):
            return []
        tick = m.SpotTick(
            source=self.source,
            product=product,
            price=self._last.get(product, IndexValue((bid + ask) // 2)),
            bid=bid,
            ask=ask,
            ts_event=_believed(ts_event, now),
            ts_recv=now,
        )
        self._told[product] = tick
        return [tick]

    def traded(
        self, product: str, price: IndexValue, taker: Side, ts_event: Nanos, now: Nanos
    ) -> list[m.SpotTick]:
        """A trade, together with the quote that stands."""
        self._last[product] = price
        quote = self._told.get(product)
        tick = m.SpotTick(
            source=self.source,
            product=product,
            price=price,
            bid=quote.bid if quote else IndexValue(0),
            ask=quote.ask if quote else IndexValue(0),
            taker_side=taker,
            ts_event=_believed(ts_event, now),
            ts_recv=now,
        )
        return [tick]


def dollars(value: Decimal) -> IndexValue:
    """A positive price as an integer. Raises BadFrame, also for digits beyond the eighth."""
    if not (value.is_finite() and 0 < value < _HIGHEST):
        msg = f"{value} is not a price"
        raise BadFrame(msg)
    scaled = value * _SCALE
    whole = int(scaled)
    if whole != scaled:
        msg = f"{value} has more than 8 decimals"
        raise BadFrame(msg)
    return IndexValue(whole)


def traded_size(value: Decimal) -> None:
    """Refuse a trade of nothing. Raises BadFrame."""
    if not (value.is_finite() and value > 0):
        msg = f"a trade of {value}"
        raise BadFrame(msg)


def _believed(ts_event: Nanos, now: Nanos) -> Nanos:
    if not 0 < ts_event <= now + _AHEAD:
        msg = f"a time that cannot be: {ts_event} at {now}"
        raise BadFrame(msg)
    return ts_event
