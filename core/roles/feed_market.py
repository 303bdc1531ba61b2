"""One market as the feed knows it: its terms, its phase, its book, and what was last shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.book import Book
from core.domain.index import SettlementIndex
from core.domain.windows import FINAL_MINUTE, Phase, Window
from core.exchange.listing import MarketStatus
from core.messages import BookSnapshot
from core.units import DOLLAR_PRICE, SECOND, Nanos, Price, Quantity

if TYPE_CHECKING:
    from core.exchange.listing import PriceRange
    from core.messages import Level, MarketTerms, TopOfBook
    from core.units import IndexValue

DOUBTS: Final = 5
"""Tickers in a row that must contradict the book before it is dropped."""
DOUBT_SPAN: Final = Nanos(5 * SECOND)
"""Exchange time over which they must do so: one match can put ticker and book out of step."""

_NEVER: Final = Nanos(1 << 62)
_BY_THE_CLOCK: Final = {
    Phase.BEFORE: MarketStatus.INITIALIZED,
    Phase.OPEN: MarketStatus.ACTIVE,
    Phase.FINAL_MINUTE: MarketStatus.ACTIVE,
    Phase.CLOSED: MarketStatus.CLOSED,
}


class MarketRecord:
    """Changes only through the feed role. The fields are read directly: they are on the hot path.

    The book is `valid` from a snapshot until something casts doubt on it. `bids`, `asks` are the
    levels last shown; a delta below `yes_floor` or `no_floor` (in its leg's own price) cannot
    change them. While the book is crossed the last good levels stay shown.
    """

    __slots__ = (
        "_depth",
        "_doubted_since",
        "_doubts",
        "_told_at",
        "asked",
        "asks",
        "bids",
        "book",
        "deep",
        "edge",
        "listed",
        "no_floor",
        "phase",
        "prints",
        "proxies",
        "sid",
        "snapshot_due",
        "terms",
        "ts_book",
        "valid",
        "window",
        "yes_floor",
    )

    def __init__(self, terms: MarketTerms, depth: int, now: Nanos) -> None:
        self._depth = depth
        self._doubts = 0
        self._doubted_since = Nanos(0)
        self._told_at: Nanos | None = None
        self.listed = terms
        self.terms = terms
        self.book = Book()
        self.valid = False
        self.sid = 0
        """The subscription that carries the book; 0 until one does."""
        self.deep = False
        """Snapshots exist for this market, so tickers only check the book."""
        self.snapshot_due: Nanos | None = None
        """When a snapshot that was asked for is late."""
        self.asked = 0
        """Questions for a snapshot since the last one came."""
        self.bids: tuple[Level, ...] = ()
        self.asks: tuple[Level, ...] = ()
        self.yes_floor = Price(0)
        self.no_floor = Price(0)
        self.ts_book = Nanos(0)
        self.phase = Phase.BEFORE
        self.edge = _NEVER
        """The next boundary of phases."""
        self._reschedule(now)

    # --- terms and phase ---------------------------------------------------------------------

    def advance(self, now: Nanos) -> None:
        """Move to the phase of `now`."""
        window = self.window
        self.phase = window.phase(now)
        decides = Nanos(window.close_ns - FINAL_MINUTE)
        edges = (window.open_ns, decides, window.close_ns)
        self.edge = next((edge for edge in edges if edge > now), _NEVER)
        self._show_terms()

    def relist(self, terms: MarketTerms, now: Nanos, lag: Nanos) -> bool:
        """Take newer terms; whether anything that a strategy can see is different.

        A listing may come from a replica that is behind: it takes no known strike back, and for
        `lag` after the stream told a status or a grid it does not overrule that.
        """
        if terms.strike is None:
            terms = msgspec.structs.replace(terms, strike=self.listed.strike)
        if self._told_at is not None and now - self._told_at < lag:
            held = self.listed
            terms = msgspec.structs.replace(terms, status=held.status, grid=held.grid)
        before = self.terms
        self.listed = terms
        self.prints.digits = self.proxies.digits = terms.digits
        if (terms.open_ns, terms.close_ns) != (self.window.open_ns, self.window.close_ns):
            self._reschedule(now)
        self._show_terms()
        return self.terms != before

    def strike(self, strike: IndexValue) -> bool:
        """The strike was published; whether it is news."""
        if self.listed.strike == strike:
            return False
        self.listed = msgspec.structs.replace(self.listed, strike=strike)
        self._show_terms()
        return True

    def _reschedule(self, now: Nanos) -> None:
        terms = self.listed
        self.window = Window(series=terms.series, open_ns=terms.open_ns, close_ns=terms.close_ns)
        self.prints = SettlementIndex(terms.close_ns, terms.digits)
        self.proxies = SettlementIndex(terms.close_ns, terms.digits)
        self.advance(now)

    def tell(self, status: MarketStatus, now: Nanos) -> bool:
        """A status told by the stream itself; whether it is a new one."""
        self._told_at = now
        before = self.terms
        self.listed = msgspec.structs.replace(self.listed, status=status)
        self._show_terms()
        return self.terms != before

    def regrid(self, grid: tuple[PriceRange, ...], now: Nanos) -> bool:
        """The stream told another price grid; whether it is news."""
        self._told_at = now
        before = self.listed.grid
        self.listed = msgspec.structs.replace(self.listed, grid=grid)
        self._show_terms()
        return grid != before

    def _show_terms(self) -> None:
        """Between opening and close the clock knows better than a listing (kalshi.md 8.6)."""
        status = self.listed.status
        if status in (MarketStatus.INITIALIZED, MarketStatus.ACTIVE):
            status = _BY_THE_CLOCK[self.phase]
        elif status is MarketStatus.INACTIVE and self.phase is Phase.CLOSED:
            status = MarketStatus.CLOSED
        self.terms = msgspec.structs.replace(self.listed, status=status)

    @property
    def trading(self) -> bool:
        """The window runs: views are due."""
        return self.phase in (Phase.OPEN, Phase.FINAL_MINUTE)

    # --- book ----------------------------------------------------------------------------------

    def load(self, source: BookSnapshot | TopOfBook) -> None:
        """Replace the book by a snapshot, or by one level a side where nobody sends more.

        It is valid from here on. Raises BookCorrupt, and then `distrust` is due.
        """
        if isinstance(source, BookSnapshot):
            self.deep = True
            self.sid = source.sid
            self.book.load(source.yes, source.no)
        else:
            bid, ask = source.bid, Price(DOLLAR_PRICE - source.ask)
            self.book.load(
                ((bid, source.bid_size),) if source.bid_size else (),
                ((ask, source.ask_size),) if source.ask_size else (),
            )
        self._trust(source.ts_event)

    def _trust(self, ts_event: Nanos) -> None:
        self.valid = True
        self.snapshot_due = None
        self.asked = 0
        self._doubts = 0
        self.ts_book = ts_event

    def distrust(self) -> bool:
        """The book is not to be relied on until the next snapshot; whether it was before."""
        before, self.valid = self.valid, False
        return before

    def refresh(self) -> bool:
        """Show the book's best levels; whether they changed. A crossed book shows nothing new."""
        book = self.book
        if book.crossed:
            return False
        top = book.top(self._depth)
        bids, asks = top.bids, top.asks
        self.yes_floor = bids[-1][0] if len(bids) == self._depth else Price(0)
        self.no_floor = Price(DOLLAR_PRICE - asks[-1][0]) if len(asks) == self._depth else Price(0)
        if bids == self.bids and asks == self.asks:
            return False
        self.bids, self.asks = bids, asks
        return True

    def check(self, top: TopOfBook) -> bool:
        """Hold a valid book against a ticker; False when the book must be wrong.

        A ticker older than the book says nothing. One that agrees confirms the book as of its own
        time. Contradictions count only in a row and over a span: frames of one match come apart.
        """
        if top.ts_event < self.ts_book:
            return True
        if _best(top.bid, top.bid_size, Price(0)) == self.book.bid and (
            _best(top.ask, top.ask_size, DOLLAR_PRICE) == self.book.ask
        ):
            self._doubts = 0
            self.ts_book = top.ts_event
            return True
        if not self._doubts:
            self._doubted_since = top.ts_event
        self._doubts += 1
        return self._doubts < DOUBTS or top.ts_event - self._doubted_since < DOUBT_SPAN


def _best(price: Price, size: Quantity, empty: Price) -> Price:
    return price if size else empty
