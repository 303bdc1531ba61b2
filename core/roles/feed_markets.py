"""The markets that the feed follows: which windows run, which come next, which are over.

What the exchange lists is known from it alone; the calendar only says what to ask for. A window
without a strike is asked for until it has one, and never gets one from us (kalshi.md, trap 20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.windows import next_window, window_at
from core.messages import QueryMarkets
from core.roles.feed_market import MarketRecord

if TYPE_CHECKING:
    from core.domain.windows import Window
    from core.messages import MarketTerms, Message
    from core.roles.feed_terms import FeedTerms
    from core.units import Nanos


class MarketSet:
    """Records by ticker. Belongs to the feed role."""

    def __init__(self, terms: FeedTerms) -> None:
        self.terms = terms
        self._series = tuple(dict.fromkeys(source.series for source in terms.sources))
        self._asked: dict[str, Nanos] = {}
        self._running: dict[str, Window | None] = {}
        self.records: dict[str, MarketRecord] = {}

    def take(self, market: MarketTerms, now: Nanos) -> MarketRecord | None:
        """The record of a market listed now for the first time; None for one that is not followed.

        Windows that are over, and those of another series, are not followed. A listing of the
        following day is: it is kept until its time comes.
        """
        if market.series not in self._series or now >= market.close_ns + self.terms.linger:
            return None
        record = MarketRecord(market, self.terms.depth, now)
        self.records[market.ticker] = record
        return record

    def turning(self, now: Nanos) -> list[MarketRecord]:
        """Records that have come to the next phase and have not been told so."""
        return [record for record in self.records.values() if now >= record.edge]

    def forget(self, now: Nanos) -> None:
        """Drop records of windows that are long over."""
        for ticker in [t for t, record in self.records.items() if self._is_over(record, now)]:
            del self.records[ticker]

    def _is_over(self, record: MarketRecord, now: Nanos) -> bool:
        return now >= record.window.close_ns + self.terms.linger

    def wanted(self, now: Nanos) -> tuple[str, ...]:
        """Tickers whose data are wanted now, by closing time and name."""
        soon = now + self.terms.lead
        return tuple(
            record.terms.ticker
            for record in sorted(
                self.records.values(), key=lambda r: (r.window.close_ns, r.terms.ticker)
            )
            if record.window.open_ns <= soon and not self._is_over(record, now)
        )

    def near(self, series: str, now: Nanos) -> tuple[MarketRecord, ...]:
        """Records of a series that have opened, the one that has just closed among them."""
        return tuple(
            record
            for record in self.records.values()
            if record.terms.series == series and record.window.open_ns <= now
        )

    def ask_all(self, now: Nanos, *, past: bool = False) -> list[Message]:
        """Ask for the markets of every series; `past`: and what became of those before."""
        if not self.terms.commanded:
            return []
        self._asked = dict.fromkeys(self._series, now)
        self._running = {series: window_at(series, now) for series in self._series}
        return [QueryMarkets(series=series, past=past) for series in self._series]

    def ask(self, now: Nanos) -> list[Message]:
        """Ask where something is missing or a window has just opened, not more often than allowed.

        Missing is a market that runs or opens soon, or the strike of one that runs.
        """
        if not self.terms.commanded:
            return []
        out: list[Message] = []
        for series in self._series:
            running = window_at(series, now)
            rolled = running != self._running.get(series)
            self._running[series] = running
            asked = self._asked.get(series)
            due = asked is None or now - asked >= self.terms.ask_every
            if rolled or (due and self._is_missing(series, running, now)):
                self._asked[series] = now
                out.append(QueryMarkets(series=series))
        return out

    def _is_missing(self, series: str, running: Window | None, now: Nanos) -> bool:
        coming = next_window(series, now)
        if coming.open_ns - now <= self.terms.lead and self._find(coming) is None:
            return True
        if running is None:
            return False
        record = self._find(running)
        return record is None or record.terms.strike is None

    def _find(self, window: Window) -> MarketRecord | None:
        record = self.records.get(window.market_ticker)
        return record if record is not None and record.window == window else None
