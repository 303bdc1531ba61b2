"""One spot venue's connection, as the role `feed:spot` keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.spot.venue import source_of
from core.messages import FeedHealth
from core.roles.feed_link import Link, LinkTerms
from core.units import Nanos

if TYPE_CHECKING:
    from core.messages import Message, StreamChanged


class SpotLink:
    """A connection that subscribes by itself: nothing has to begin anew here but the connection."""

    def __init__(self, terms: LinkTerms) -> None:
        self.source = source_of(terms.stream)
        self.skipped = 0
        self._newest = Nanos(0)
        self._stream = terms.stream
        self._link = Link(terms, self)

    def renew(self, conn: int, *, is_open: bool) -> None:
        """Another connection; the reader subscribes on it."""

    def begin(self, now: Nanos) -> list[Message]:
        """Ask for the first connection."""
        self._newest = now
        return self._link.begin(now)

    def changed(self, change: StreamChanged, now: Nanos) -> list[Message]:
        """Follow the connection; ask for the next one when it is lost."""
        return self._link.changed(change, now)

    def tick(self, now: Nanos) -> list[Message]:
        """Ask again for a connection of which nothing was heard."""
        return self._link.tick(now)

    @property
    def up(self) -> bool:
        """Data can come."""
        return self._link.up

    def health(self, newest: Nanos, now: Nanos) -> FeedHealth:
        """The condition of the stream; `newest` is the time of its newest quote, 0 for none."""
        link, self._newest = self._link, max(self._newest, newest)
        return FeedHealth(
            stream=self._stream,
            state=link.shown,
            conn=link.conn,
            gaps=0,
            skipped=self.skipped,
            reconnects=link.reconnects,
            age_ns=max(0, now - self._newest),
            ts=now,
        )
