"""One trial of a sweep: the daemon's roles from strategy to venue over features of a tape.

Everything behind the feeds is the live code, as in a backtest. The venue is shown a market's book
from the first order there; before that its changes cannot matter to anybody. A test holds a trial
that looks at every picture against the backtest: the same fills.
"""

from __future__ import annotations

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
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from config.settings import Settings
    from core.exchange.fills import FillModel
    from core.research.sweep_features import Features, Ints
    from core.roles.paper import Paper


_IN_FLIGHT: Final = Nanos(5 * SECOND)
"""An order reaches the venue well within this."""
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
    fitted = settings.model_copy(
        update={"series": about.series, "index_fresh_seconds": about.index_fresh_seconds}
    )
    journal = MemoryJournal()
    cast = assemble(fitted, journal.instance, fills)
    roles = {name: role for name, role in cast.roles.items() if name not in FEATURE_ROLES}
    roles[PAPER] = books = _Books(features, cast.paper)
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


class _Books:
    """The venue, told of a market's book while that can matter to our orders."""

    def __init__(self, features: Features, venue: Paper) -> None:
        self.name = venue.name
        self._venue = venue
        self._features = features
        self._numbers = {name: at for at, name in enumerate(features.about.tickers)}
        self._rows: dict[str, Ints] = {}
        self._behind = 0
        """Changes that lie behind."""
        self._known: dict[str, int] = {}
        """How many of all changes lay behind when the venue's book of a market was last right."""
        self._awake: dict[str, Nanos] = {}
        """Markets that are followed, and the last order there."""
        self._ahead: Iterator[tuple[int, m.BookDelta]] = iter(())
        self._coming: tuple[int, m.BookDelta] | None = None

    def follow(self, loop: Loop, changes: int) -> None:
        """Deliver the first so many changes, as far as markets are awake, each in its time."""
        if self._awake:
            now = loop.clock.now()
            for ticker, ordered in list(self._awake.items()):
                if now - ordered > _IN_FLIGHT and not self._venue.is_touched(ticker):
                    self._sleep(ticker)
        while self._coming is not None and self._coming[0] < changes:
            row, delta = self._coming
            self._behind = row + 1
            self._coming = next(self._ahead, None)
            loop.take(delta, delta.ts_recv)
        self._behind = changes

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
        asleep = ticker not in self._awake
        self._awake[ticker] = now
        rows = self._rows_of(ticker)
        if not asleep or not len(rows):
            return
        first, last = np.searchsorted(rows, (self._known.get(ticker, 0), self._behind))
        for _, delta in self._features.changes(rows[first:last]):
            self._venue.handle(delta, delta.ts_recv)
        self._look_ahead()

    def _sleep(self, ticker: str) -> None:
        del self._awake[ticker]
        self._known[ticker] = self._behind
        self._look_ahead()

    def _look_ahead(self) -> None:
        parts = [
            rows[np.searchsorted(rows, self._behind) :] for rows in map(self._rows_of, self._awake)
        ]
        rows = np.sort(np.concatenate(parts)) if len(parts) > 1 else [*parts, _NONE][0]
        self._ahead = self._features.changes(rows)
        self._coming = next(self._ahead, None)

    def _rows_of(self, ticker: str) -> Ints:
        if ticker not in self._rows:
            number = self._numbers.get(ticker, -1)
            self._rows[ticker] = np.flatnonzero(self._features.deltas.market == number)
        return self._rows[ticker]
