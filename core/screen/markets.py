"""The market panel: which window is current, and where it stands. One row and one book a series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from core import messages as m
from core.domain.windows import Phase, Window
from core.screen.market_rows import BookRow, MarketRow, PricedLevel
from core.screen.scale import (
    epoch_ms,
    index_dollars,
    maybe_rfc3339,
    per_contract,
    rfc3339,
)
from core.screen.settlement import PRINTS, needed_mean
from core.units import SECOND, Nanos, complement, contracts, mean_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.exchange.records import Outcome
    from core.messages import Level, MarketTerms, MarketView
    from core.screen.market_rows import Side
    from core.screen.panel import Change, Facts, Listeners
    from core.units import IndexValue

_KEPT_WINDOWS: Final = 16
_DEPTH: Final = 10
_CONE_POINTS: Final = 16
_BPS: Final = 10_000


class SeriesState:
    """What is known of one series: its windows, its newest view and its newest price."""

    def __init__(self, series: str) -> None:
        self.series = series
        self.windows: dict[str, MarketTerms] = {}
        self.results: dict[str, tuple[Outcome, IndexValue | None]] = {}
        self.views: dict[str, MarketView] = {}
        """The newest of each window: the next one is followed before it opens."""
        self.newest: MarketView | None = None
        self.changed = True

    def learn(self, terms: MarketTerms, now: Nanos) -> None:
        """Take a window's terms; too many, and the farthest from now is forgotten.

        A day of windows is listed ahead, so those that have closed must not make room first.
        """
        self.windows[terms.ticker] = terms
        while len(self.windows) > _KEPT_WINDOWS:
            farthest = max(self.windows.values(), key=lambda known: abs(known.close_ns - now))
            del self.windows[farthest.ticker]
            self.results.pop(farthest.ticker, None)
            self.views.pop(farthest.ticker, None)
        self.changed = True

    def current(self, now: Nanos) -> MarketTerms | None:
        """The window that is open; else the next to close; else the last that closed."""
        ordered = sorted(self.windows.values(), key=lambda terms: terms.close_ns)
        ahead = [terms for terms in ordered if terms.close_ns > now]
        return ahead[0] if ahead else (ordered[-1] if ordered else None)


class MarketPanel:
    """Rows `market` and `book` of every series."""

    def __init__(self, series: Iterable[str]) -> None:
        self._series = {name: SeriesState(name) for name in series}
        self.facts: Facts = {}
        self.listeners: Listeners = {
            m.MarketListed: self._listed,
            m.StrikePublished: self._strike,
            m.MarketStatusChanged: self._status,
            m.MarketDetermined: self._determined,
            m.MarketView: self._viewed,
            m.Tick: self._ticked,
        }

    def current(self, now: Nanos) -> tuple[MarketTerms, ...]:
        """The current window of each series that has one."""
        found = (state.current(now) for state in self._series.values())
        return tuple(terms for terms in found if terms is not None)

    def terms(self, ticker: str) -> MarketTerms | None:
        """Terms of a window that is still remembered."""
        state = self._holder(ticker)
        return state.windows[ticker] if state else None

    def drain(self, now: Nanos) -> Iterator[Change]:
        """A market row and a book row for each series in which something changed."""
        for state in self._series.values():
            terms = state.current(now)
            if not state.changed or terms is None:
                continue
            state.changed = False
            view = state.views.get(terms.ticker)
            yield "market", _market_row(state, terms, view, now)
            if view is not None:
                yield "book", _book_row(view, now)

    # --- folds -----------------------------------------------------------------------------

    def _state(self, series: str) -> SeriesState:
        if series not in self._series:
            self._series[series] = SeriesState(series)
        return self._series[series]

    def _holder(self, ticker: str) -> SeriesState | None:
        return next((s for s in self._series.values() if ticker in s.windows), None)

    def _listed(self, listed: m.MarketListed, now: Nanos) -> None:
        self._state(listed.market.series).learn(listed.market, now)

    def _viewed(self, view: m.MarketView, now: Nanos) -> None:
        state = self._state(view.market.series)
        if state.windows.get(view.market.ticker) != view.market:
            state.learn(view.market, now)
        state.newest = view
        if view.market.ticker in state.windows:
            state.views[view.market.ticker] = view
        state.changed = True

    def _strike(self, published: m.StrikePublished, now: Nanos) -> None:
        self._amend(published.ticker, now, strike=published.strike)

    def _status(self, change: m.MarketStatusChanged, now: Nanos) -> None:
        self._amend(change.ticker, now, status=change.status)

    def _determined(self, determined: m.MarketDetermined, now: Nanos) -> None:
        del now
        state = self._holder(determined.ticker)
        if state is not None:
            state.results[determined.ticker] = (determined.result, determined.value)
            state.changed = True

    def _amend(self, ticker: str, now: Nanos, **changes: object) -> None:
        state = self._holder(ticker)
        if state is not None:
            state.learn(msgspec.structs.replace(state.windows[ticker], **changes), now)

    def _ticked(self, tick: m.Tick, now: Nanos) -> None:
        del tick, now
        for state in self._series.values():
            state.changed = True


def _market_row(
    state: SeriesState, terms: MarketTerms, view: MarketView | None, now: Nanos
) -> MarketRow:
    price = state.newest
    window = Window(series=terms.series, open_ns=terms.open_ns, close_ns=terms.close_ns)
    phase = window.phase(now)
    result, settled_at = state.results.get(terms.ticker, (None, None))
    index = price.index if price is not None and price.index else None
    distance = index - terms.strike if index is not None and terms.strike is not None else None
    known = view.known if view is not None else 0
    known_sum = view.known_sum if view is not None else 0
    return MarketRow(
        series=terms.series,
        ticker=terms.ticker,
        status=terms.status.value,
        phase=phase.value,
        open_at=rfc3339(terms.open_ns),
        close_at=rfc3339(terms.close_ns),
        seconds_left=round(window.seconds_left(now), 3),
        strike=None if terms.strike is None else index_dollars(terms.strike),
        index=None if index is None else index_dollars(index),
        index_source=_source(price),
        index_at=None if price is None else maybe_rfc3339(price.ts_index),
        distance=None if distance is None else round(index_dollars(distance), 8),
        distance_bps=None
        if distance is None or not terms.strike
        else round(distance / terms.strike * _BPS, 2),
        ahead=_ahead(terms, index, known, known_sum),
        known=known,
        known_mean=index_dollars(mean_index(known_sum, known, terms.digits)) if known else None,
        needed_mean=_needed(terms, known, known_sum),
        sigma_bps=None
        if price is None or not price.sigma
        else round(price.sigma * math.sqrt(60) * _BPS, 2),
        regime=price.regime if price is not None else None,
        warm=price.warm if price is not None else False,
        warm_in=None if price is None else round(price.warm_in_s, 1),
        cone=_cone(price, terms, now) if phase in (Phase.OPEN, Phase.FINAL_MINUTE) else (),
        result=_side(result),
        settlement=None if settled_at is None else index_dollars(settled_at),
        digits=terms.digits,
        at=rfc3339(now),
    )


def _source(price: MarketView | None) -> Literal["index", "composite"] | None:
    if price is None or not price.index:
        return None
    return "composite" if price.proxy else "index"


def _side(result: Outcome | None) -> Side | None:
    if result is None:
        return None
    return "yes" if result.value == "yes" else "no"


def _ahead(terms: MarketTerms, index: int | None, known: int, known_sum: int) -> Side | None:
    """The side that the window would pay if every print to come equalled the newest price."""
    if terms.strike is None or index is None:
        return None
    total = known_sum + index * (PRINTS - known)
    return "yes" if mean_index(total, PRINTS, terms.digits) >= terms.strike else "no"


def _needed(terms: MarketTerms, known: int, known_sum: int) -> float | None:
    if terms.strike is None or not known:
        return None
    needed = needed_mean(terms.strike, terms.digits, known, known_sum)
    return None if needed is None else round(index_dollars(needed), 6)


def _cone(
    price: MarketView | None, terms: MarketTerms, now: Nanos
) -> tuple[tuple[int, float, float], ...]:
    """One standard deviation of the driftless log price, from the newest price to the close."""
    if price is None or not (price.index and price.warm and price.sigma):
        return ()
    start = max(price.ts_index, now)
    length = terms.close_ns - start
    if length <= 0:
        return ()
    spot = index_dollars(price.index)
    points = []
    for step in range(_CONE_POINTS + 1):
        # Finer near the apex, where the root bends most.
        elapsed = length * (step / _CONE_POINTS) ** 2
        width = price.sigma * math.sqrt(elapsed / SECOND)
        at = epoch_ms(Nanos(round(start + elapsed)))
        points.append((at, spot * math.exp(-width), spot * math.exp(width)))
    return tuple(points)


def _book_row(view: MarketView, now: Nanos) -> BookRow:
    bids, asks = _levels(view.bids), _levels(view.asks)
    bid = bids[0][0] if bids else None
    ask = asks[0][0] if asks else None
    both = bid is not None and ask is not None
    return BookRow(
        series=view.market.series,
        ticker=view.market.ticker,
        bids=bids,
        asks=asks,
        bids_no=_complements(view.bids),
        asks_no=_complements(view.asks),
        bid=bid,
        ask=ask,
        mid=round((view.bids[0][0] + view.asks[0][0]) / 20_000, 5) if both else None,
        spread=round((view.asks[0][0] - view.bids[0][0]) / 10_000, 4) if both else None,
        fresh=view.book_fresh,
        book_at=maybe_rfc3339(view.ts_book),
        at=rfc3339(now),
    )


def _complements(levels: tuple[Level, ...]) -> tuple[float, ...]:
    return tuple(per_contract(complement(price)) for price, _ in levels[:_DEPTH])


def _levels(levels: tuple[Level, ...]) -> tuple[PricedLevel, ...]:
    return tuple((per_contract(price), contracts(size)) for price, size in levels[:_DEPTH])
