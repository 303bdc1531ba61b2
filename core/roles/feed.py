"""The role `feed:market`: frames of the exchange become pictures of the markets that run.

It keeps connection, subscriptions and sequences (`feed_link`), the markets to follow
(`feed_markets`, `feed_market`), their books (`feed_books`) and the index of each series
(`feed_index`). A `MarketView` goes out when something in it changes that a strategy can act on: the
top of the book, the index, the phase or terms of the window, or the trust in the book.

Nothing here is journalled: after a restart the exchange tells it all again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.volatility import DEFAULT_SETTINGS
from core.exchange.listing import MarketStatus
from core.roles.base import HandlingRole
from core.roles.feed_books import Books
from core.roles.feed_gaps import Gaps
from core.roles.feed_index import SeriesIndex
from core.roles.feed_link import Link
from core.roles.feed_markets import MarketSet
from core.roles.feed_subscriptions import Subscriptions
from core.roles.feed_views import Views
from core.topology import FEED
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.domain.volatility import VolatilitySettings
    from core.messages import Message
    from core.roles.base import Handler
    from core.roles.feed_terms import FeedTerms


class MarketFeed(HandlingRole):
    """See the module. `handle` runs on the host's thread and never waits."""

    def __init__(
        self,
        terms: FeedTerms,
        volatility: VolatilitySettings = DEFAULT_SETTINGS,
        name: str = FEED,
    ) -> None:
        self._terms = terms
        self._subscriptions = Subscriptions(terms)
        self._link = Link(terms, self._subscriptions)
        self._markets = MarketSet(terms)
        self._indices = {
            source.series: SeriesIndex(source, volatility, terms.index_fresh)
            for source in terms.sources
        }
        self._views = Views(self._indices)
        self._books = Books(self._link, self._subscriptions, self._markets, self._views)
        self._gaps = Gaps(self._markets)
        self._newest = Nanos(0)
        self._skipped = 0
        super().__init__(name, self._table())

    @property
    def books(self) -> Books:
        """For who plays a recording in columns."""
        return self._books

    def _table(self) -> dict[type[m.Message], Handler]:
        books = self._books
        return {
            m.Begin: self._begin,
            m.Tick: self._tick,
            m.BookDelta: books.delta,
            m.BookSnapshot: books.snapshot,
            m.TopOfBook: books.top,
            m.TradePrint: self._traded,
            m.IndexPrint: self._printed,
            m.CompositePrice: self._composed,
            m.ScoreboardTold: self._scored,
            m.MarketListed: self._listed,
            m.StrikePublished: self._struck,
            m.MarketStatusChanged: self._status_changed,
            m.GridChanged: self._regridded,
            m.MarketDetermined: self._determined,
            m.StreamChanged: self._stream_changed,
            m.StreamReply: self._replied,
            m.FrameSkipped: self._skip,
            m.StreamGap: self._lost,
            m.QueryFailed: self._not_answered,
        }

    # --- time ----------------------------------------------------------------------------------

    def _begin(self, begin: m.Begin, now: Nanos) -> Sequence[Message]:
        del begin
        self._newest = now
        return [*self._link.begin(now), *self._markets.ask_all(now)]

    def _tick(self, tick: m.Tick, now: Nanos) -> Sequence[Message]:
        del tick
        out = self._views.show_all(self._markets.turning(now), now, now, now)
        for series, index in self._indices.items():
            if index.choose(now):
                near = self._markets.near(series, now)
                out += self._views.show_all(near, index.ts, now, now)
        out += self._relink(now) or self._books.overdue(now)
        out += self._follow(now)
        out += self._markets.ask(now)
        out.append(self._health(now))
        self._markets.forget(now)
        return out

    def _follow(self, now: Nanos) -> list[Message]:
        return self._subscriptions.follow(self._markets.wanted(now), now)

    def _relink(self, now: Nanos) -> list[Message]:
        asked = self._link.tick(now)
        return [*asked, *self._books.spoil_all(now, now)] if asked else []

    def _health(self, now: Nanos) -> m.FeedHealth:
        link = self._link
        books = (record.ts_book for record in self._markets.records.values())
        self._newest = max(self._newest, *books, Nanos(0))
        return m.FeedHealth(
            stream=self._terms.stream,
            state=link.shown,
            conn=link.conn,
            gaps=self._subscriptions.gaps + self._gaps.count,
            skipped=self._skipped,
            reconnects=link.reconnects,
            age_ns=max(0, now - self._newest),
            ts=now,
        )

    # --- connection ------------------------------------------------------------------------------

    def _stream_changed(self, change: m.StreamChanged, now: Nanos) -> Sequence[Message]:
        if change.stream != self._terms.stream:
            return ()
        link = self._link
        before = link.conn
        out = link.changed(change, now)
        if link.conn != before or not link.up:
            out += self._books.spoil_all(change.ts_recv, now)
        if link.state == "open" and change.conn == link.conn:
            again = link.reconnects > 0
            out += [*self._follow(now), *self._markets.ask_all(now, past=again)]
            self._gaps.opened(now)
        return out

    def _replied(self, reply: m.StreamReply, now: Nanos) -> Sequence[Message]:
        if reply.stream != self._terms.stream or reply.conn != self._link.conn:
            return ()
        subscriptions = self._subscriptions
        out: list[Message] = []
        counted = reply.sid in subscriptions.sequences
        if counted and subscriptions.take(reply.sid, reply.seq) == "gap":
            out += self._books.gap(reply.sid, reply.ts_recv, now)
        if subscriptions.replied(reply, now):
            out += self._books.spoil_all(reply.ts_recv, now)
        return [*out, *self._follow(now)]

    def _skip(self, skipped: m.FrameSkipped, now: Nanos) -> Sequence[Message]:
        """Counted. If it was one of a sequence, the gap that it leaves does the rest."""
        del now
        self._skipped += skipped.stream == self._terms.stream
        return ()

    def _lost(self, gap: m.StreamGap, now: Nanos) -> Sequence[Message]:
        if gap.stream != self._terms.stream or gap.conn != self._link.conn:
            return ()
        return self._gaps.lost(gap, now)

    # --- markets ---------------------------------------------------------------------------------

    def _listed(self, listed: m.MarketListed, now: Nanos) -> Sequence[Message]:
        market, ts = listed.market, listed.ts_recv
        index = self._indices.get(market.series)
        if index is not None and market.strike is not None:
            index.struck(market.strike, market.open_ns)
        record = self._markets.records.get(market.ticker)
        if record is None:
            record = self._markets.take(market, now)
            if record is None:
                return ()
        elif not record.relist(market, now, self._terms.listing_lag):
            return ()
        shown = self._views.show(record, ts, ts, now)
        return [*shown, *self._follow(now)]

    def _struck(self, struck: m.StrikePublished, now: Nanos) -> Sequence[Message]:
        record = self._markets.records.get(struck.ticker)
        if record is None or not record.strike(struck.strike):
            return ()
        self._indices[record.terms.series].struck(struck.strike, record.terms.open_ns)
        return self._views.show(record, struck.ts_event, struck.ts_recv, now)

    def _status_changed(self, change: m.MarketStatusChanged, now: Nanos) -> Sequence[Message]:
        record = self._markets.records.get(change.ticker)
        if record is None or not record.tell(change.status, now):
            return ()
        return self._views.show(record, change.ts_event, change.ts_recv, now)

    def _regridded(self, change: m.GridChanged, now: Nanos) -> Sequence[Message]:
        """Other prices are valid from now on: an order at an old one would be refused."""
        record = self._markets.records.get(change.ticker)
        if record is None or not record.regrid(change.grid, now):
            return ()
        return self._views.show(record, change.ts_event, change.ts_recv, now)

    def _determined(self, result: m.MarketDetermined, now: Nanos) -> Sequence[Message]:
        """The window is over; its value is the next one's strike, but only once published."""
        record = self._markets.records.get(result.ticker)
        if record is None or not record.tell(MarketStatus.DETERMINED, now):
            return ()
        return self._views.show(record, result.ts_event, result.ts_recv, now)

    def _not_answered(self, failed: m.QueryFailed, now: Nanos) -> Sequence[Message]:
        """What is still missing is asked for again at the usual pace."""
        del failed, now
        return ()

    # --- index and trades ------------------------------------------------------------------------

    def _printed(self, print_: m.IndexPrint, now: Nanos) -> Sequence[Message]:
        out: list[Message] = []
        for series, index in self._indices.items():
            if index.source.index_id == print_.index_id:
                near = self._markets.near(series, now)
                if index.printed(print_, now, near):
                    out += self._views.show_all(near, print_.ts_event, print_.ts_recv, now)
        self._newest = max(self._newest, print_.ts_event)
        return out

    def _composed(self, price: m.CompositePrice, now: Nanos) -> Sequence[Message]:
        out: list[Message] = []
        for series, index in self._indices.items():
            if index.source.product == price.product:
                near = self._markets.near(series, now)
                if index.composed(price, now, near):
                    out += self._views.show_all(near, price.ts_event, price.ts_recv, now)
        return out

    def _scored(self, told: m.ScoreboardTold, now: Nanos) -> Sequence[Message]:
        """Credits change no view by themselves: the next one carries them."""
        del now
        for standing in told.series:
            index = self._indices.get(standing.series)
            if index is not None:
                index.credits = standing.credits
        return ()

    def _traded(self, trade: m.TradePrint, now: Nanos) -> Sequence[Message]:
        """Trades change no view: the deltas that they cause do. They are a sign of life."""
        self._newest = max(self._newest, trade.ts_event)
        return self._gaps.traded(trade, now)
