"""One trial of a sweep: the daemon's roles from strategy to venue over features of a tape.

Everything behind the feeds is the live code, as in a backtest. The venue is shown a market's book
from the first order there; before that its changes cannot matter to anybody. A test holds a trial
that looks at every picture against the backtest: the same fills.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from core import messages as m
from core.exchange.books import Books, differences
from core.journal import MemoryJournal
from core.research.backtest import AFTERWARDS, assemble
from core.research.backtest_loop import Loop
from core.research.sweep_features import opened
from core.research.sweep_features_build import FEATURE_ROLES
from core.topology import PAPER
from core.units import SECOND, Money, Nanos, dollars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from config.settings import Settings
    from core.domain.deltas import DeltaRows
    from core.exchange.fills import FillModel
    from core.research.backtest import Cast
    from core.research.sweep_features import About, Features, Ints
    from core.roles.paper import Paper


_IN_FLIGHT: Final = Nanos(5 * SECOND)
"""An order reaches the venue well within this."""
_AT_HAND: Final = 256
_NONE: Final = np.empty(0, dtype=np.int64)


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one set of parameters did, window by window. Money in dollars after fees."""

    pnl: tuple[float, ...]
    """Of each window of the features; where the tape has no result, what the fees cost."""
    trades: int
    contracts: float
    fees: float
    signals: int
    denied: int
    halted: bool
    """A breaker ended trading before the tape did."""
    by_kernel: bool = False
    """Looked only where something could happen; see `core.research.kernel`."""
    fills: tuple[m.OrderFilled, ...] = ()
    """Only when asked for."""


class BooksDisagreeError(Exception):
    """Ledger and venue differ after a trial: a defect, whose figures nobody should use."""


def run_trial(
    folder: Path, key: str, settings: Settings, fills: FillModel, *, keep_fills: bool = False
) -> TrialResult:
    """Trade the features in a folder with these settings. Deterministic.

    Raises FeatureError, and what Assembly raises for settings that the parts cannot take.
    """
    features = opened(folder, key)
    about = features.about
    fitted = fitted_to(settings, about)
    journal = MemoryJournal()
    cast = assemble(fitted, journal.instance, fills)
    roles = {name: role for name, role in cast.roles.items() if name not in FEATURE_ROLES}
    roles[PAPER] = books = VenueBooks(features, cast.paper)
    loop = Loop(roles, journal, about.first)
    loop.begin()
    for changes, now, message in features.items():
        books.follow(loop, changes)
        if message is None:
            loop.run_until(now)
        else:
            loop.take(message, now)
    books.follow(loop, about.changes)
    loop.run_until(Nanos(loop.clock.now() + AFTERWARDS))
    return outcome(about, cast, keep_fills=keep_fills)


def fitted_to(settings: Settings, about: About) -> Settings:
    """The settings for the tape of some features."""
    return settings.model_copy(
        update={"series": about.series, "index_fresh_seconds": about.index_fresh_seconds}
    )


def outcome(about: About, cast: Cast, *, keep_fills: bool) -> TrialResult:
    """What a trial came to, when it is over. Raises BooksDisagreeError."""
    ledger, venue = cast.risk.ledger, cast.paper.books()
    ours = Books(
        cash=ledger.cash or Money(0),
        fees=ledger.fees,
        pnl=Money(ledger.realized - ledger.fees),
        positions={p.ticker: p.quantity for p in ledger.positions.values() if p.quantity},
    )
    theirs = Books(cash=venue.cash, fees=venue.fees, pnl=venue.pnl, positions=dict(venue.positions))
    if found := differences(ours, theirs):
        msg = f"ledger and venue differ: {found[0]}"
        raise BooksDisagreeError(msg)
    rows = {row.ticker: row for row in cast.tally.rows()}
    found_rows = [rows[ticker] for ticker, _, _ in about.windows if ticker in rows]
    pnl = [row.pnl if row.pnl is not None else Money(-row.fees) for row in found_rows]
    return TrialResult(
        pnl=tuple(dollars(money) for money in pnl),
        trades=len(cast.tally.fills),
        contracts=sum(row.contracts for row in found_rows) / 100,
        fees=dollars(ledger.fees),
        signals=sum(row.signals for row in found_rows),
        denied=sum(row.denied for row in found_rows),
        halted=any(change.state == "HALTED" for change in cast.tally.states),
        fills=tuple(cast.tally.fills) if keep_fills else (),
    )


class VenueBooks:
    """The venue, told of a market's book while that can matter to our orders."""

    def __init__(self, features: Features, venue: Paper) -> None:
        self.name = venue.name
        self._venue = venue
        self._features = features
        self._behind = 0
        """Changes that lie behind."""
        self._known: dict[str, int] = {}
        """How many of all changes lay behind when the venue's book of a market was last right."""
        self.awake: dict[str, Nanos] = {}
        """Markets that are followed, and the last order there."""
        self._ahead: Ints = _NONE
        """Changes of the markets that are followed, from those on that are at hand."""
        self._numbers: list[int] = []
        """Those at hand."""
        self._at = 0
        """How many of them are done."""
        self._run: DeltaRows | None = None
        """The same as columns, where one market is followed."""
        self._deltas: list[m.BookDelta] = []
        """The same as messages, where there are several."""

    def follow(self, loop: Loop, changes: int) -> None:
        """Deliver the first so many changes, as far as markets are awake, each in its time."""
        if self.awake:
            now = loop.clock.now()
            for ticker, ordered in list(self.awake.items()):
                if now - ordered > _IN_FLIGHT and not self._venue.is_touched(ticker):
                    self._sleep(ticker)
        while self._at < len(self._numbers) or self._fetch():
            stop = bisect_left(self._numbers, changes, self._at)
            if stop == self._at:
                break
            self._skip(loop, stop)
            if self._at < stop:
                self._deliver(loop)
        self._behind = changes

    def _skip(self, loop: Loop, stop: int) -> None:
        """Changes that cannot matter to our orders, before anything is due."""
        run, at = self._run, self._at
        if run is None:
            return
        until = bisect_left(run.ts_recv, loop.next_due, at, stop)
        self._at = self._venue.outside.clear(run, at, until)
        if self._at > at:
            self._venue.outside.follow(run, at, self._at)
            self._behind = self._numbers[self._at - 1] + 1
            loop.skip(self._at - at, run.ts_recv[self._at - 1])

    def _deliver(self, loop: Loop) -> None:
        """The next change at hand; what follows from it may wake a market."""
        at = self._at
        self._at += 1
        self._behind = self._numbers[at] + 1
        if self._run is None:
            delta = self._deltas[at]
        else:
            _, delta = next(self._features.changes(self._ahead[at : at + 1]))
        loop.take(delta, delta.ts_recv)

    def handle(self, message: m.Message, now: Nanos) -> Sequence[m.Message]:
        """What the venue says; an order wakes its market first."""
        if isinstance(message, m.PlaceOrder):
            self._wake(message.request.ticker, now)
        elif isinstance(message, m.BookSnapshot):
            self._known[message.ticker] = self._behind
        return self._venue.handle(message, now)

    def apply(self, event: m.Message) -> None:
        """The venue has no journalled state."""
        self._venue.apply(event)

    def _wake(self, ticker: str, now: Nanos) -> None:
        """Catch up with a market's changes, which touched no order of ours, and follow it."""
        asleep = ticker not in self.awake
        self.awake[ticker] = now
        rows = self._features.rows_of(ticker)
        if not asleep or not len(rows):
            return
        first, last = np.searchsorted(rows, (self._known.get(ticker, 0), self._behind))
        missed = self._features.run(ticker, rows[first:last])
        self._venue.outside.follow(missed, missed.start, missed.stop)
        self._look_ahead()

    def _sleep(self, ticker: str) -> None:
        del self.awake[ticker]
        self._known[ticker] = self._behind
        self._look_ahead()

    def _look_ahead(self) -> None:
        parts = [
            rows[np.searchsorted(rows, self._behind) :]
            for rows in map(self._features.rows_of, self.awake)
        ]
        self._numbers, self._at = [], 0
        self._ahead = np.sort(np.concatenate(parts)) if len(parts) > 1 else [*parts, _NONE][0]
        self._fetch()

    def _fetch(self) -> bool:
        """Take the next changes to hand; False if there are none."""
        self._ahead = self._ahead[len(self._numbers) :]
        rows = self._ahead[:_AT_HAND]
        self._numbers, self._at = rows.tolist(), 0
        if len(self.awake) == 1:
            self._run, self._deltas = self._features.run(next(iter(self.awake)), rows), []
        else:
            self._run, self._deltas = None, [delta for _, delta in self._features.changes(rows)]
        return bool(self._numbers)
