"""Where a record of the daemon's stream belongs on its tape: which series, and with which number.

A tape is partitioned by series and by day of arrival (UTC), and each series must be readable alone.
So what concerns every series (connections, replies, frames that could not be read) stands in each;
a spot tick or an index print stands where its product or index is traded.

One subscription may carry the books of several series, counted in one sequence. Apart, each would
seem to have lost what the others got. So where there are several series, each gets a subscription
and a sequence of its own: a true gap remains a gap in all of them, because nobody knows whose
message was lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.series import source_of
from core.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from core.messages import Message
    from core.units import Nanos

_SIDS: Final = 100
"""Subscriptions of one connection, at most; the number of the series goes above them."""
_OF_ALL: Final = (m.StreamChanged, m.FrameSkipped)


def day_of(ts: Nanos) -> str:
    """`2026-11-28`, UTC."""
    return datetime.fromtimestamp(ts // SECOND, tz=UTC).date().isoformat()


class Partition:
    """Sorts records by series; keeps the count of every sequence. Not thread-safe."""

    def __init__(self, series: Sequence[str]) -> None:
        self.series = tuple(series)
        self._alone = len(self.series) == 1
        self._products: dict[str, tuple[str, ...]] = {}
        self._indices: dict[str, tuple[str, ...]] = {}
        for name in self.series:
            source = source_of(name)
            self._products[source.product] = (*self._products.get(source.product, ()), name)
            self._indices[source.index_id] = (*self._indices.get(source.index_id, ()), name)
        self._counted: dict[tuple[int, int], int] = {}
        """Connection and subscription -> number of its last message."""
        self._own: dict[tuple[int, int, str], int] = {}
        """The same, for each series on its tape."""

    def sorted(self, records: Iterable[Message]) -> Iterator[tuple[str, Message]]:
        """Each record with its series; one that belongs to none is left out."""
        for record in records:
            if isinstance(record, (m.BookSnapshot, m.BookDelta, m.StreamReply)):
                yield from self._numbered(record)
            else:
                for name in self._series_of(record):
                    yield name, record

    def _series_of(self, record: Message) -> tuple[str, ...]:
        if isinstance(record, _OF_ALL):
            return self.series
        if isinstance(record, m.SpotTick):
            return self._products.get(record.product, ())
        if isinstance(record, m.IndexPrint):
            return self._indices.get(record.index_id, ())
        if isinstance(record, m.MarketListed):
            return self._named(record.market.series)
        return self._named(str(getattr(record, "ticker", "")).partition("-")[0])

    def _named(self, series: str) -> tuple[str, ...]:
        return (series,) if series in self.series else ()

    def _numbered(
        self, record: m.BookSnapshot | m.BookDelta | m.StreamReply
    ) -> Iterator[tuple[str, Message]]:
        """Records that count in a sequence."""
        if isinstance(record, m.StreamReply):
            names = self.series
        else:
            names = self._named(record.ticker.partition("-")[0])
        if self._alone:
            yield from ((name, record) for name in names)
            return
        conn, sid, seq = record.conn, record.sid, record.seq
        if not seq:
            yield from ((name, record) for name in names)
            return
        last = self._counted.get((conn, sid))
        lost = last is not None and seq != last + 1
        self._counted[conn, sid] = seq
        for place, name in enumerate(self.series):
            own = self._own.get((conn, sid, name), 0) + lost
            if name in names:
                own += 1
                numbered = msgspec.structs.replace(record, sid=sid + _SIDS * place, seq=own)
                yield name, numbered
            self._own[conn, sid, name] = own
