"""The books of the feed: sequences, snapshots, deltas, and what to do about doubt.

Any doubt makes a book invalid at once and asks for a snapshot: a gap in the sequence voids every
book of the subscription, an impossible delta or a ticker that goes on contradicting voids one. On a
tape nothing can be asked for: an invalid book waits for the tape's next snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.book import BookCorrupt
from core.domain.windows import Phase
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, NEVER, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from core.domain.deltas import DeltaRows
    from core.messages import BookDelta, BookSnapshot, Message, TopOfBook
    from core.roles.feed_link import Link
    from core.roles.feed_market import MarketRecord
    from core.roles.feed_markets import MarketSet
    from core.roles.feed_subscriptions import Subscriptions
    from core.roles.feed_views import Views
    from core.units import Price

_YES: Final = Outcome.YES
_PATIENCE: Final = 3
"""Questions for the snapshot of a running market; then the connection itself is in doubt."""
_BEYOND: Final = (DOLLAR_PRICE, DOLLAR_PRICE)
"""No price reaches these floors."""
_STORM_SHARE: Final = 10
"""Gaps that follow within this part of `answer_due` share one question."""


class Books:
    """Handlers of the role `feed:market` for everything about books."""

    def __init__(
        self, link: Link, subscriptions: Subscriptions, markets: MarketSet, views: Views
    ) -> None:
        self._terms = markets.terms
        self._link = link
        self._subscriptions = subscriptions
        self._markets = markets
        self._records = markets.records
        self._views = views
        self._quiet_until = Nanos(0)

    def delta(self, delta: BookDelta, now: Nanos) -> Sequence[Message]:
        """Apply a delta. Hot: one that no view shows costs 1.2 us and answers nothing."""
        if delta.conn != self._link.conn:
            return ()
        sequences, sid, seq = self._subscriptions.sequences, delta.sid, delta.seq
        if sequences.get(sid) == seq - 1:
            sequences[sid] = seq
        elif (counted := self._subscriptions.take(sid, seq)) != "next":
            return self.gap(sid, delta.ts_recv, now) if counted == "gap" else ()
        record = self._records.get(delta.ticker)
        if record is None or not record.valid:
            return ()
        price, leg, ts_event = delta.price, delta.leg, delta.ts_event
        try:
            record.book.apply(leg, price, delta.delta, ts_event)
        except BookCorrupt:
            return self._doubt(record, delta, now)
        record.ts_book = ts_event
        if price < (record.yes_floor if leg is _YES else record.no_floor) or not record.refresh():
            return ()
        return self._views.show(record, ts_event, delta.ts_recv, now)

    def follow(self, rows: DeltaRows, at: int, stop: int, *, unseen: bool) -> int:
        """Take rows `at` to `stop` as `delta` would, up to one that somebody must hear of.

        With `unseen` nobody looks at this market now, so that changes of its best levels are no
        news either: they are told by `catch_up`.
        """

        def take(record: MarketRecord) -> tuple[int, bool]:
            floors = _BEYOND if unseen else (record.yes_floor, record.no_floor)
            return record.book.follow(rows, at, stop, floors), True

        return self._take(rows, at, stop, take)[0]

    def drift(
        self, rows: DeltaRows, at: int, stop: int, holds: Callable[[Price, Price], bool]
    ) -> tuple[int, bool]:
        """The same without views as long as the best prices are such as `holds` accepts, and one
        row further; whether all of them were.
        """
        return self._take(rows, at, stop, lambda record: record.book.drift(rows, at, stop, holds))

    def _take(
        self,
        rows: DeltaRows,
        at: int,
        stop: int,
        take: Callable[[MarketRecord], tuple[int, bool]],
    ) -> tuple[int, bool]:
        sequences, sid = self._subscriptions.sequences, rows.sid
        if rows.conn != self._link.conn:
            return stop, True
        if sequences.get(sid) != rows.seqs[at] - 1:
            return at, True
        record = self._records.get(rows.ticker)
        if record is None or not record.valid:
            sequences[sid] = rows.seqs[stop - 1]
            return stop, True
        end, held = take(record)
        if end > at:
            sequences[sid] = rows.seqs[end - 1]
            record.ts_book = rows.ts_event[end - 1]
        return end, held

    def phase(self, ticker: str) -> tuple[bool, Nanos]:
        """Whether views of a market are due now, and when that changes next."""
        record = self._records.get(ticker)
        return (False, NEVER) if record is None else (record.trading, record.edge)

    def watched(self) -> set[str]:
        """A set of the markets that are shown from now on; who asks for it empties it."""
        self._views.seen = set()
        return self._views.seen

    def catch_up(self, rows: DeltaRows, row: int) -> Sequence[Message]:
        """The picture after rows that were taken unseen, the last of them `row`; also where all is
        as it was before them, for at least one of them was news.
        """
        record, now = self._records.get(rows.ticker), rows.ts_recv[row]
        if record is None or not record.valid:
            return ()
        record.refresh()
        return self._views.show(record, rows.ts_event[row], now, now)

    def snapshot(self, snapshot: BookSnapshot, now: Nanos) -> Sequence[Message]:
        """Replace a book."""
        link = self._link
        out: list[Message] = []
        if snapshot.conn != link.conn:
            if self._terms.commanded:
                return ()
            if link.conn:
                out += self.spoil_all(snapshot.ts_recv, now)
            link.adopt(snapshot.conn)
        counted = self._subscriptions.take(snapshot.sid, snapshot.seq)
        if counted == "old":
            return ()
        if counted == "gap":
            out += self.gap(snapshot.sid, snapshot.ts_recv, now)
        record = self._records.get(snapshot.ticker)
        return out if record is None else [*out, *self._load(record, snapshot, now)]

    def _load(
        self, record: MarketRecord, source: BookSnapshot | TopOfBook, now: Nanos
    ) -> Sequence[Message]:
        before = record.valid
        try:
            record.load(source)
        except BookCorrupt:
            return self._doubt(record, source, now)
        if record.refresh() or not before:
            return self._views.show(record, source.ts_event, source.ts_recv, now)
        return ()

    def top(self, top: TopOfBook, now: Nanos) -> Sequence[Message]:
        """Check a book against a ticker; where no snapshots exist, the ticker is the book."""
        record = self._records.get(top.ticker)
        if record is None:
            return ()
        if not record.deep and not self._terms.commanded:
            return self._load(record, top, now)
        if record.valid and not record.book.crossed and not record.check(top):
            return self._doubt(record, top, now)
        return ()

    # --- doubt -----------------------------------------------------------------------------------

    def gap(self, sid: int, ts_recv: Nanos, now: Nanos) -> list[Message]:
        """A message was lost: which book it belonged to cannot be known."""
        hit = [record for record in self._records.values() if record.sid in (sid, 0)]
        out = self.spoil(hit, ts_recv, now)
        if now >= self._quiet_until:
            self._quiet_until = Nanos(now + self._terms.answer_due // _STORM_SHARE)
            return [*out, *self._ask(hit, now)]
        for record in hit:
            record.snapshot_due = self._quiet_until
        return out

    def _doubt(
        self, record: MarketRecord, cause: BookDelta | BookSnapshot | TopOfBook, now: Nanos
    ) -> list[Message]:
        """This one book cannot be right."""
        known_bad = not record.distrust()
        out = [] if known_bad else [*self._views.show(record, cause.ts_event, cause.ts_recv, now)]
        return [*out, *self._ask([record], now)]

    def spoil(self, records: Iterable[MarketRecord], ts: Nanos, now: Nanos) -> list[Message]:
        """None of these books is to be relied on; views say so where markets run."""
        doubted = [record for record in records if record.distrust()]
        return self._views.show_all(doubted, ts, ts, now)

    def spoil_all(self, ts: Nanos, now: Nanos) -> list[Message]:
        """The connection or the subscription is gone, and with it every question."""
        for record in self._records.values():
            record.sid = 0
            record.snapshot_due = None
            record.asked = 0
        return self.spoil(self._records.values(), ts, now)

    def _ask(self, records: Sequence[MarketRecord], now: Nanos) -> list[Message]:
        for record in records:
            record.snapshot_due = Nanos(now + self._terms.answer_due)
            record.asked += 1
        return self._subscriptions.snapshots(record.terms.ticker for record in records)

    def overdue(self, now: Nanos) -> list[Message]:
        """Ask for snapshots that should have come; in the end give up the connection itself."""
        if not self._subscriptions.follows_books:
            return []
        late: list[MarketRecord] = []
        for record in (self._records[ticker] for ticker in self._markets.wanted(now)):
            if record.valid or record.phase is Phase.CLOSED:
                continue
            if record.snapshot_due is None:
                record.snapshot_due = Nanos(now + self._terms.answer_due)
            elif now >= record.snapshot_due:
                late.append(record)
        if any(record.trading and record.asked >= _PATIENCE for record in late):
            return [*self._link.reconnect(now), *self.spoil_all(now, now)]
        return self._ask(late, now)
