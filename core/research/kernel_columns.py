"""What a kernel knows of the pictures in a tape's features: columns that no parameter changes.

One pass over the features gives, for every picture, what the judgement of `kelly_volatility` needs:
where the settlement stands (`core.domain.pricing`), what the first whole contract of either outcome
costs with its fee, and how old the picture is. All trials of a process share them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import messages as m
from core.domain.blend import DEFAULT_BLEND
from core.domain.book import ladder
from core.domain.fees import FeeTerms, fee_terms
from core.domain.offers import cost_each
from core.exchange.records import Outcome
from core.research.backtest_loop import SILENCE
from core.research.sweep_features import Ints, opened
from core.strategies.judgement import blend_credit, market_price, settlement_outlook
from core.units import ONE_CONTRACT, SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.domain.book import Level
    from core.research.sweep_features import Item

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_EXPERTS: Final = len(DEFAULT_BLEND.weights)
_NOBODY: Final = (0.0,) * _EXPERTS
_SEEN_BY_TRIALS: Final = (m.MarketView, m.TopOfBook, m.TradePrint)
"""Messages that come by the thousand; all others are always delivered."""


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """Those of one market, by their items."""

    items: list[int]
    is_full: list[bool]
    """A fresh book with both sides: a mark forgets all that was before it."""
    kept: list[int]
    """Without those after which, before risk ticks again, a full one comes."""


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Items of the features by number, and the pictures among them, in order.

    Columns of pictures have a row for each; `item` says which item that is.
    """

    times: Ints
    """Of every item."""
    changes: Ints
    """Changes of books before every item."""
    gaps: tuple[tuple[Nanos, Nanos], ...]
    """Silences of the tape: the last item before, the first after."""
    always: Ints
    """Items that every trial hears: terms, snapshots, results."""
    tops: dict[str, Ints]
    """Items with best prices, by ticker."""
    tickers: tuple[str, ...]
    item: Ints
    ticker: Ints
    """Its number in `tickers`."""
    views: dict[str, Pictures]
    """By ticker."""
    rows: Floats
    """See `FIELDS`."""
    credits: Floats
    """Of the blend's experts, for the time left; zeros where nothing is blended."""

    def kept_from(self, ticker: str, at: int) -> int:
        """The first picture of a market, from an item on, that a tick of risk needs."""
        found = self.views.get(ticker)
        if found is None:
            return len(self.times)
        place = bisect_left(found.kept, at)
        return found.kept[place] if place < len(found.kept) else len(self.times)

    def since_full(self, ticker: str, after: int, before: int) -> list[int]:
        """Pictures of a market between two items that make its mark: the last full one, and those
        that follow it.
        """
        views = self.views.get(ticker)
        found: list[int] = []
        place = 0 if views is None else bisect_left(views.items, before)
        while views is not None and place and views.items[place - 1] > after:
            place -= 1
            found.append(views.items[place])
            if views.is_full[place]:
                break
        return found[::-1]

    def field(self, name: str) -> Floats:
        """A column by its name."""
        return self.rows[:, FIELDS.index(name)]


FIELDS: Final = (
    *("seconds_left", "is_open", "index_age", "book_age"),
    *("coming", "missed", "ahead", "moving", "sum_ahead", "price"),
    *("is_proxy", "index_error", "market", "yes_cost", "no_cost", "is_blended"),
)
"""`is_open`: strike, price and volatility are known and the book is fresh. Ages and `seconds_left`
in seconds at the time of the item. `ahead`: log of price to the mean that is needed, infinite where
the answer is certain; `moving`: variance until then; `sum_ahead`: by how much the prints lead, for
a settlement without prints to come; costs are dollars with fee, infinite where nothing is
offered."""


@lru_cache(maxsize=2)
def columns(folder: Path, key: str) -> Columns:
    """The columns of features in a folder, once for a process. Raises FeatureError."""
    features = opened(folder, key)
    return tabled(features.items(), features.about.first)


def tabled(items: Iterable[Item], first: Nanos) -> Columns:
    """The columns of items in order; `first` is when the roles begin."""
    times, changes, always = [], [], []
    tops: dict[str, list[int]] = {}
    names: dict[str, int] = {}
    views: dict[str, list[tuple[int, bool]]] = {}
    item, ticker, rows, credit = [], [], [], []
    for number, (before, now, message) in enumerate(items):
        times.append(now)
        changes.append(before)
        if isinstance(message, m.MarketView):
            item.append(number)
            ticker.append(names.setdefault(message.market.ticker, len(names)))
            full = bool(message.book_fresh and message.bids and message.asks)
            views.setdefault(message.market.ticker, []).append((number, full))
            rows.append(_row(message, now))
            credit.append(blend_credit(message, now) or _NOBODY)
        elif isinstance(message, m.TopOfBook):
            tops.setdefault(message.ticker, []).append(number)
        elif message is not None and not isinstance(message, _SEEN_BY_TRIALS):
            always.append(number)
    return Columns(
        times=np.array(times, dtype=np.int64),
        changes=np.array(changes, dtype=np.int64),
        gaps=_gaps(times),
        always=np.array(always, dtype=np.int64),
        tops={name: np.array(found, dtype=np.int64) for name, found in tops.items()},
        tickers=tuple(names),
        item=np.array(item, dtype=np.int64),
        ticker=np.array(ticker, dtype=np.int64),
        views={name: _pictures(found, times, first) for name, found in views.items()},
        rows=np.array(rows, dtype=np.float64).reshape(-1, len(FIELDS)),
        credits=np.array(credit, dtype=np.float64).reshape(-1, _EXPERTS),
    )


def _pictures(found: list[tuple[int, bool]], times: list[Nanos], first: Nanos) -> Pictures:
    """Risk ticks every second from the beginning of the tape on, before what comes then."""
    kept: list[int] = []
    covered = -1
    for item, is_full in reversed(found):
        second = (times[item] - first) // SECOND
        if second != covered:
            kept.append(item)
        if is_full:
            covered = second
    return Pictures(
        items=[item for item, _ in found],
        is_full=[is_full for _, is_full in found],
        kept=kept[::-1],
    )


def _gaps(times: list[Nanos]) -> tuple[tuple[Nanos, Nanos], ...]:
    return tuple((before, after) for before, after in pairwise(times) if after - before > SILENCE)


def _row(view: m.MarketView, now: Nanos) -> tuple[float, ...]:
    """One picture; see `FIELDS`."""
    left = (view.market.close_ns - now) / SECOND
    known = view.market.strike is not None and view.index > 0 and view.warm
    if not (known and view.book_fresh and view.ts_index and view.ts_book):
        return (left, *(0.0,) * (len(FIELDS) - 1))
    state = settlement_outlook(view)
    ahead, moving = math.inf, 0.0
    if state.coming and state.needed_mean > 0.0:
        ahead = math.log(state.price / state.needed_mean)
        moving = view.sigma * view.sigma * state.effective_seconds
    fees = fee_terms(view.market)
    return (
        left,
        1.0,
        (now - view.ts_index) / SECOND,
        (now - view.ts_book) / SECOND,
        state.coming,
        state.missed,
        ahead,
        moving,
        2 * state.missed * state.price - state.needed,
        state.price,
        view.proxy,
        view.index_error,
        market_price(view),
        _cost(ladder(Outcome.YES, view.bids, view.asks), fees),
        _cost(ladder(Outcome.NO, view.bids, view.asks), fees),
        bool(view.credits),
    )


def _cost(levels: Iterable[Level], fees: FeeTerms) -> float:
    """Of a contract at the level that completes the first whole one: where `best_offer` begins."""
    total = 0
    for price, size in levels:
        total += size
        if total >= ONE_CONTRACT:
            return cost_each(price, fees)
    return math.inf
