"""Columns through the loop: rows that change nothing a role sees never become messages.

A run of deltas is shown to the venue (does any of them touch an own order, or a level that we took
from?) and to the feed, whose book takes them in one go. A row becomes a message where the best
levels change that a view shows, where the venue must look, and where anything is unusual.

Even a changed view may be one that nobody looks at: a strategy that waits after a signal, or whose
price is too old, would answer nothing (`deaf_until`). Then the feed goes on without views, and one
picture follows at the end, as a conflating inbox would have it. What the roles do is the same, to
the last byte of the result (`tests/research/test_backtest_rows.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from core import messages as m
from core.research.tape_runs import message
from core.roles.base import HandlingRole
from core.roles.feed import MarketFeed
from core.roles.paper import Paper
from core.roles.risk import Risk
from core.topology import FEED, PAPER
from core.units import NEVER, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.domain.deltas import DeltaRows
    from core.research.backtest_loop import Loop
    from core.runner import Role


@runtime_checkable
class Deaf(Protocol):
    """A role that knows when it does not look at pictures of a market."""

    def deaf_until(self, ticker: str) -> Nanos:
        """Until then none would change anything in it, as long as only the book changes."""
        ...


class RowReader:
    """Plays runs of deltas on a loop whose roles are those of the daemon."""

    def __init__(self, loop: Loop, roles: Mapping[str, Role]) -> None:
        feed, paper = roles[FEED], roles[PAPER]
        assert isinstance(feed, MarketFeed)
        assert isinstance(paper, Paper)
        self._loop = loop
        self._books = feed.books
        self._outside = paper.outside
        self._deaf = [
            _deafness(role)
            for role in roles.values()
            if isinstance(role, HandlingRole) and m.MarketView in role.handlers
        ]
        self._news = True
        """Something but deltas came since a view was last seen: it may have woken somebody."""
        self._unseen: tuple[DeltaRows, int] | None = None
        """The last row that was taken without a view, where one may be due."""

    def take(self, record: m.Message, now: Nanos) -> None:
        """A record that is no run."""
        self.show()
        self._news = True
        self._loop.take(record, now)

    def take_rows(self, rows: DeltaRows) -> None:
        """All rows of a run, and everything that is due before each."""
        if self._unseen is not None and self._unseen[0].ticker != rows.ticker:
            self.show()
        loop, times, at, stop = self._loop, rows.ts_recv, rows.start, rows.stop
        while at < stop:
            due = loop.next_due
            limit = stop if times[stop - 1] < due else bisect_left(times, due, at, stop)
            clear = self._outside.clear(rows, at, limit) if limit > at else at
            after = self._follow(rows, at, clear) if clear > at else at
            if after > at:
                loop.skip(after - at, times[after - 1])
                at = after
                continue
            self.show()
            self._tell(rows, at, to_feed_alone=clear > at)
            at += 1

    def _tell(self, rows: DeltaRows, row: int, *, to_feed_alone: bool) -> None:
        """One row as a message; what is due before it is news."""
        loop, now, shown = self._loop, rows.ts_recv[row], self._books.shown
        if to_feed_alone:
            self._outside.follow(rows, row, row + 1)
            loop.take_for((FEED,), message(rows, row), now)
        else:
            self._news |= now >= loop.next_due
            loop.take(message(rows, row), now)
        if self._books.shown > shown:
            self._news = False

    def _follow(self, rows: DeltaRows, at: int, limit: int) -> int:
        """Take what needs no message; where that ends."""
        end = at if self._unseen else self._books.follow(rows, at, limit, unseen=False)
        if end == at and not self._news:
            end = self._unheard(rows, at, limit)
        if end > at:
            self._outside.follow(rows, at, end)
        return end

    def _unheard(self, rows: DeltaRows, at: int, limit: int) -> int:
        """Go on without views as long as nobody would look at one."""
        deaf = self._deaf_until(rows.ticker)
        times = rows.ts_recv
        if times[at] >= deaf:
            return at
        limit = limit if times[limit - 1] < deaf else bisect_left(times, deaf, at, limit)
        end = self._books.follow(rows, at, limit, unseen=True)
        if end > at:
            self._unseen = rows, end - 1
        return end

    def _deaf_until(self, ticker: str) -> Nanos:
        trading, edge = self._books.phase(ticker)
        if not trading:
            return edge
        for deaf_until in self._deaf:
            if not (until := deaf_until(ticker)):
                return until
            edge = min(edge, until)
        return edge

    def show(self) -> None:
        """The picture that conflation left, before anything else happens."""
        if self._unseen is None:
            return
        rows, row = self._unseen
        self._unseen = None
        for view in self._books.catch_up(rows, row):
            self._loop.deliver(view, rows.ts_recv[row])


def _deafness(role: Role) -> Callable[[str], Nanos]:
    """Tells until when a role would only keep pictures of a market, and do nothing about them."""
    if isinstance(role, Risk):
        ledger = role.ledger
        return lambda ticker: Nanos(0) if ticker in ledger.positions else NEVER
    return role.deaf_until if isinstance(role, Deaf) else lambda _: Nanos(0)
