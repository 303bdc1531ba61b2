"""A recorded session: its usable windows, and an index that agrees with how they were settled.

Recordings seldom hold the settlement index itself. Then the spot price stands in for it, shifted by
a correction that makes the mean of the sixty prints before each open and close exactly the recorded
strike and settlement value; between the two it changes linearly. So whoever averages the prints of
the final minute gets the number that the market is settled with.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.index import PRINTS, resolve
from core.exchange.scenario import ScenarioError
from core.units import MINUTE, SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.records import Outcome

_LEAST_COVERAGE: Final = 0.6
"""Share of a window between its first and last book record, below which it is not used."""
_LONGEST_HOLE: Final = Nanos(180 * SECOND)
"""In the book or the price of a window; with a longer one it is not used."""


class RecordedWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A window that can be played: everything that decides it is known."""

    ticker: str
    open_ns: Nanos
    close_ns: Nanos
    strike: IndexValue
    value: IndexValue
    digits: int
    has_depth: bool
    """Its book is known in depth, so that best prices alone are not needed."""
    first_correction: int
    last_correction: int
    """What is added to the recorded price at the open and in the final minute."""

    @property
    def result(self) -> Outcome:
        """How it was settled."""
        return resolve(self.value, self.strike)


class PricePath:
    """A recorded price as a step function of its own time."""

    def __init__(self, points: list[tuple[Nanos, IndexValue]]) -> None:
        points.sort(key=lambda point: point[0])
        self._stamps = [stamp for stamp, _ in points]
        self._values = [value for _, value in points]

    def is_fresh(self, start: Nanos, end: Nanos) -> bool:
        """Whether from start to end the price is never older than `_LONGEST_HOLE`."""
        first = bisect_right(self._stamps, start - _LONGEST_HOLE)
        inside = self._stamps[first : bisect_left(self._stamps, end)]
        known = [*inside, end]
        return (
            bool(inside)
            and inside[0] <= start + _LONGEST_HOLE
            and all(later - earlier <= _LONGEST_HOLE for earlier, later in pairwise(known))
        )

    def at(self, stamp: Nanos) -> IndexValue:
        """The last value at or before a time; the first after it, where that is too old."""
        before = bisect_right(self._stamps, stamp) - 1
        if before < 0:
            return self._values[0]
        is_old = self._stamps[before] < stamp - _LONGEST_HOLE
        return self._values[min(before + is_old, len(self._values) - 1)]

    def mean_before(self, stamp: Nanos) -> int:
        """Mean of the sixty whole-second values before a time."""
        start = stamp - MINUTE
        values = [self.at(Nanos(start + k * SECOND)) for k in range(PRINTS)]
        return round(sum(values) / PRINTS)


class Session:
    """What a recording holds that a scenario can play."""

    def __init__(self, windows: tuple[RecordedWindow, ...], path: PricePath) -> None:
        self.windows = windows
        self._path = path

    def index(self, window: RecordedWindow, elapsed: int) -> IndexValue:
        """The index of a window so many nanoseconds after its open, in recorded dollars."""
        opening = window.close_ns - MINUTE - window.open_ns
        share = min(max(0, elapsed), opening)
        change = window.last_correction - window.first_correction
        correction = window.first_correction + change * share // opening
        return IndexValue(self._path.at(Nanos(window.open_ns + elapsed)) + correction)


def load_session(records: Iterable[m.Message], series: str) -> Session:
    """Find the usable windows of a series on a tape; reads it once, whole.

    A window is usable if its strike and settlement value are known (the next strike tells the
    latter), a price runs beside it, and book records span most of it, both without long holes.
    Raises ScenarioError if none is.
    """
    notes = _Notes(series)
    for record in records:
        notes.take(record)
    path = PricePath(notes.prints or notes.ticks)
    windows = tuple(
        window
        for market in sorted(notes.markets.values(), key=lambda market: market.close_ns)
        if (window := notes.usable(market, path)) is not None
    )
    if not windows:
        msg = (
            f"the tape holds no window of {series} with strike, settlement value, price and book; "
            f"it names {len(notes.markets)} of its markets. Record or import a longer session"
        )
        raise ScenarioError(msg)
    return Session(windows, path)


class _Notes:
    """What is taken down while a tape is read for the first time."""

    def __init__(self, series: str) -> None:
        self._series = series
        self.markets: dict[str, m.MarketTerms] = {}
        self.prints: list[tuple[Nanos, IndexValue]] = []
        self.ticks: list[tuple[Nanos, IndexValue]] = []
        self._strikes: dict[str, IndexValue] = {}
        self._values: dict[str, IndexValue] = {}
        self._spans: dict[str, _Span] = {}
        self._depth: set[str] = set()

    def take(self, record: m.Message) -> None:
        """Note what a record says."""
        match record:
            case m.BookDelta() | m.TopOfBook() | m.BookSnapshot():
                self._span(record.ticker, record.ts_recv)
                if isinstance(record, m.BookSnapshot):
                    self._depth.add(record.ticker)
            case m.SpotTick():
                self.ticks.append((record.ts_event, record.price))
            case m.IndexPrint():
                self.prints.append((record.ts_event, record.value))
            case _:
                self._take_terms(record)

    def _take_terms(self, record: m.Message) -> None:
        match record:
            case m.MarketListed() if record.market.series == self._series:
                self.markets[record.market.ticker] = record.market
                if record.market.strike is not None:
                    self._strikes[record.market.ticker] = record.market.strike
            case m.StrikePublished():
                self._strikes[record.ticker] = record.strike
            case m.MarketDetermined() if record.value is not None:
                self._values[record.ticker] = record.value
            case _:
                pass

    def usable(self, market: m.MarketTerms, path: PricePath) -> RecordedWindow | None:
        """The market as a window to play, or None where something is missing."""
        strike = self._strikes.get(market.ticker)
        value = self._value(market)
        if strike is None or value is None or not self._covered(market):
            return None
        if not path.is_fresh(market.open_ns, market.close_ns):
            return None
        return RecordedWindow(
            ticker=market.ticker,
            open_ns=market.open_ns,
            close_ns=market.close_ns,
            strike=strike,
            value=value,
            digits=market.digits,
            has_depth=market.ticker in self._depth,
            first_correction=strike - path.mean_before(market.open_ns),
            last_correction=value - path.mean_before(market.close_ns),
        )

    def _value(self, market: m.MarketTerms) -> IndexValue | None:
        if market.ticker in self._values:
            return self._values[market.ticker]
        for other in self.markets.values():
            if other.open_ns == market.close_ns:
                return self._strikes.get(other.ticker)
        return None

    def _covered(self, market: m.MarketTerms) -> bool:
        span = self._spans.get(market.ticker)
        if span is None or span.longest_hole > _LONGEST_HOLE:
            return False
        covered = min(span.last, market.close_ns) - max(span.first, market.open_ns)
        return covered >= _LEAST_COVERAGE * (market.close_ns - market.open_ns)

    def _span(self, ticker: str, at: Nanos) -> None:
        span = self._spans.get(ticker)
        if span is None:
            self._spans[ticker] = _Span(at)
        else:
            span.extend(at)


class _Span:
    """From when to when a market's book was recorded, and the longest time without a record."""

    __slots__ = ("first", "last", "longest_hole")

    def __init__(self, at: Nanos) -> None:
        self.first = self.last = at
        self.longest_hole = 0

    def extend(self, at: Nanos) -> None:
        self.longest_hole = max(self.longest_hole, at - self.last)
        self.last = at
