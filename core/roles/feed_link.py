"""The connection to a stream as a state.

A lost connection is no error: the link asks for another one after a pause that doubles up to a
bound, with full jitter. Each attempt is a generation of its own, `conn`; what an older one sends is
dropped. On a tape there is nothing to ask for: the link follows what the tape says.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from core.messages import OpenStream
from core.units import SECOND, Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message, StreamChanged
    from core.roles.feed_terms import FeedTerms

_MAX_DOUBLINGS: Final = 20

LinkState = Literal["idle", "asked", "connecting", "open", "lost"]


class LinkTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one connection; the market feed's are among its own. In the clock's time."""

    stream: str
    commanded: bool = True
    seed: int = 0
    connect_due: Nanos = seconds(20)
    """A connection that was asked for and gave no sign is asked for again after this."""
    steady_after: Nanos = seconds(30)
    """A connection that lived this long begins with a short pause again."""
    first_delay: Nanos = seconds(0.5)
    longest_delay: Nanos = seconds(30)


class Renewed(Protocol):
    """What has to begin anew with every connection."""

    def renew(self, conn: int, *, is_open: bool) -> None:
        """The connection `conn` is asked for, or open."""


class Link:
    """One stream. Belongs to a feed role; renews what hangs on it with each connection."""

    def __init__(self, terms: FeedTerms | LinkTerms, subscriptions: Renewed) -> None:
        self._terms = terms
        self._subscriptions = subscriptions
        self._random = Random(f"{terms.stream}:{terms.seed}")
        self._attempts = 0
        self._opened: Nanos | None = None
        self._due = Nanos(0)
        self.state: LinkState = "idle"
        self.conn = 0
        self.reconnects = 0

    def begin(self, now: Nanos) -> list[Message]:
        """Ask for the first connection.

        Its number derives from the time, so that it is above those of an earlier life of this role
        whose frames may still be under way.
        """
        if not self._terms.commanded:
            return []
        self.conn = now // SECOND
        return [self._ask(Nanos(0), now)]

    def changed(self, change: StreamChanged, now: Nanos) -> list[Message]:
        """Follow the connection; ask for the next one when it is lost."""
        if not self._terms.commanded:
            self.adopt(change.conn)
            self.state = change.state
            return []
        if change.conn != self.conn:
            return []
        self.state = change.state
        if change.state == "open":
            self._opened = now
            self._subscriptions.renew(self.conn, is_open=True)
        elif change.state == "lost":
            return self.reconnect(now)
        return []

    def adopt(self, conn: int) -> None:
        """A tape goes on with this connection."""
        self.conn = conn
        self._subscriptions.renew(conn, is_open=False)

    def reconnect(self, now: Nanos) -> list[Message]:
        """Leave the present connection and ask for another one after a pause."""
        terms = self._terms
        if not terms.commanded:
            return []
        if self._opened is not None and now - self._opened >= terms.steady_after:
            self._attempts = 0
        self._opened = None
        doublings = min(self._attempts, _MAX_DOUBLINGS)
        bound = min(terms.longest_delay, terms.first_delay << doublings)
        self._attempts += 1
        self.reconnects += 1
        return [self._ask(Nanos(self._random.randint(0, bound)), now)]

    def tick(self, now: Nanos) -> list[Message]:
        """Ask again for a connection of which nothing was heard."""
        if self.state in ("asked", "connecting") and now >= self._due:
            return self.reconnect(now)
        return []

    def _ask(self, delay: Nanos, now: Nanos) -> OpenStream:
        self.conn += 1
        self.state = "asked"
        self._subscriptions.renew(self.conn, is_open=False)
        self._due = Nanos(now + delay + self._terms.connect_due)
        return OpenStream(stream=self._terms.stream, conn=self.conn, delay=delay)

    @property
    def up(self) -> bool:
        """Data can come: the stream is open; on a tape also before it says anything of one."""
        return self.state == "open" or (not self._terms.commanded and self.state == "idle")

    @property
    def shown(self) -> str:
        """The state for people."""
        return "tape" if self.state == "idle" and not self._terms.commanded else self.state
