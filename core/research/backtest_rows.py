"""Columns through the loop: rows that change nothing a role sees never become messages.

A run of deltas is shown to the venue (does any of them touch an own order, or a level that we took
from?) and to the feed, whose book takes them in one go. A row becomes a message where the best
levels change that a view shows, where the venue must look, and where anything is unusual.

Even a changed view may be one that nobody looks at: a strategy that waits after a signal, or whose
price is too old, would answer nothing (`deaf_until`); one that passed would pass again as long as
no price is good enough (`standing`). Then the feed goes on without views, and one picture follows
at the end, as a conflating inbox would have it. What the roles do is the same, to
the last byte of the result (`tests/research/test_backtest_rows.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from core import messages as m
from core.research.tape_runs import message
from core.roles.base import HandlingRole
from core.roles.feed import MarketFeed
from core.roles.paper import Paper
from core.roles.risk import Risk
from core.strategies.base import Standing
from core.topology import FEED, PAPER
from core.units import DOLLAR_PRICE, NEVER, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.domain.deltas import DeltaRows
    from core.research.backtest_loop import Loop
    from core.runner import Role
    from core.units import Price

    Holds = Callable[[Price, Price], bool]

_PRICES: Final = (m.SpotTick, m.IndexPrint)
"""Records that change nothing but a price; the views that they bring show all there is."""
_NONE: Final = Standing(until=Nanos(0)), Nanos(0)
_TWO_SIDED: Final = (
    Standing(until=NEVER, holds=lambda bid, ask: bid > 0 and ask < DOLLAR_PRICE),
    NEVER,
)


@runtime_checkable
class Deaf(Protocol):
    """A role that knows when it does not look at pictures of a market."""

    def deaf_until(self, ticker: str) -> Nanos:
        """Until then none would change anything in it, as long as only the book changes."""
        ...

    def standing(self, ticker: str) -> tuple[Standing, Nanos] | None:
        """How far the book may move until it would, and how late its rows may have come."""
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
        self._listeners = [
            _listener(role)
            for role in roles.values()
            if isinstance(role, HandlingRole) and m.MarketView in role.handlers
        ]
        self._seen = feed.books.watched()
        """Markets of which a view was seen since anything but deltas and prices came that may have
        woken somebody."""
        self._unseen: tuple[DeltaRows, int] | None = None
        """The last row that was taken without a view, where one may be due."""

    def take(self, record: m.Message, now: Nanos) -> None:
        """A record that is no run."""
        self.show()
        if now >= self._loop.next_due:
            self._loop.pass_time(now)
        self._seen.clear()
        self._loop.take(record, now)
        if type(record) not in _PRICES:
            self._seen.clear()

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
        loop, now = self._loop, rows.ts_recv[row]
        if to_feed_alone:
            self._outside.follow(rows, row, row + 1)
            loop.take_for((FEED,), message(rows, row), now)
        else:
            if now >= loop.next_due:
                loop.pass_time(now)
                self._seen.clear()
            loop.take(message(rows, row), now)

    def _follow(self, rows: DeltaRows, at: int, limit: int) -> int:
        """Take what needs no message; where that ends."""
        end = at if self._unseen else self._books.follow(rows, at, limit, unseen=False)
        if end == at and rows.ticker in self._seen:
            end = self._unheard(rows, at, limit)
        if end > at:
            self._outside.follow(rows, at, end)
        return end

    def _unheard(self, rows: DeltaRows, at: int, limit: int) -> int:
        """Go on without views as long as nobody would look at one, or answer it."""
        until, holds = self._patience(rows, rows.ts_recv[at])
        times = rows.ts_recv
        if times[at] >= until or not rows.changes[at]:
            return at
        limit = limit if times[limit - 1] < until else bisect_left(times, until, at, limit)
        held = True
        if holds:
            end, held = self._books.drift(rows, at, limit, _all(holds))
        else:
            end = self._books.follow(rows, at, limit, unseen=True)
        if end > at:
            self._unseen = rows, end - 1
        if not held:
            self.show()
        return end

    def _patience(self, rows: DeltaRows, now: Nanos) -> tuple[Nanos, list[Holds]]:
        """Until when, and at which best prices, no picture of a market would change anything."""
        ticker = rows.ticker
        holds: list[Holds] = []
        trading, edge = self._books.phase(ticker)
        if not trading:
            return edge, holds
        for listener in self._listeners:
            until = listener.deaf_until(ticker)
            if until <= now:
                standing, lag = listener.standing(ticker) or _NONE
                if rows.lag > lag or standing.until <= now:
                    return Nanos(0), holds
                until = standing.until
                if standing.holds is not None:
                    holds.append(standing.holds)
            edge = min(edge, until)
        return edge, holds

    def show(self) -> None:
        """The picture that conflation left, before anything else happens."""
        if self._unseen is None:
            return
        rows, row = self._unseen
        self._unseen = None
        for view in self._books.catch_up(rows, row):
            self._loop.deliver(view, rows.ts_recv[row])


def _all(holds: list[Holds]) -> Holds:
    if len(holds) == 1:
        return holds[0]
    return lambda bid, ask: all(one(bid, ask) for one in holds)


def _listener(role: Role) -> Deaf:
    """How patient a role is with pictures of a market."""
    if isinstance(role, Risk):
        return _Holder(role)
    return role if isinstance(role, Deaf) else _Attentive()


class _Attentive:
    """Looks at everything."""

    def deaf_until(self, ticker: str) -> Nanos:
        del ticker
        return Nanos(0)

    def standing(self, ticker: str) -> tuple[Standing, Nanos] | None:
        del ticker
        return None


class _Holder:
    """Risk only keeps pictures of a market in which nothing is held. What is held it marks by the
    last one, as long as both sides are there: of a side that went it keeps what was.
    """

    def __init__(self, risk: Risk) -> None:
        self._ledger = risk.ledger

    def deaf_until(self, ticker: str) -> Nanos:
        return Nanos(0) if ticker in self._ledger.positions else NEVER

    def standing(self, ticker: str) -> tuple[Standing, Nanos] | None:
        del ticker
        return _TWO_SIDED
