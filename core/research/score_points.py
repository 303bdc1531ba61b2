"""One look at one market: what the book said, what the models said, and why they did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.pricing import digital
from core.strategies.base import StrategyParams
from core.strategies.judgement import Fair, price_yes
from core.units import DOLLAR_PRICE, SECOND, Nanos

if TYPE_CHECKING:
    from core.messages import MarketView
    from core.research.score_replay import ReplayTerms
    from core.strategies.base import Gate

_ANY_TIME: Final = StrategyParams(min_seconds_left=0.0, max_seconds_left=900.0)
"""The gates of strategies without their hours: a score looks at every moment."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One look. Probabilities are of YES; `model` and `naive` are None where `reason` says why."""

    series: str
    ticker: str
    at: Nanos
    """The moment of the look."""
    close_ns: Nanos
    seconds_left: int
    market: float
    """The middle of bid and ask."""
    reason: str = ""
    model: float | None = None
    """The fair value that strategies use."""
    naive: float | None = None
    """The plain N(d2) of the same price and volatility."""


def look(view: MarketView, now: Nanos, terms: ReplayTerms) -> Point | None:
    """What can be said at `now`; None where the book has no two sides or is stale."""
    market = view.market
    if not (view.bids and view.asks and view.book_fresh) or now - view.ts_book > terms.book_fresh:
        return None
    mid = (view.bids[0][0] + view.asks[0][0]) / 2 / DOLLAR_PRICE
    seen = Point(
        series=market.series,
        ticker=market.ticker,
        at=now,
        close_ns=market.close_ns,
        seconds_left=round((market.close_ns - now) / SECOND),
        market=mid,
    )
    answer = _answer(view, now, terms)
    if not isinstance(answer, Fair):
        return msgspec.structs.replace(seen, reason=answer[0])
    return msgspec.structs.replace(seen, model=answer.yes, naive=naive(view))


def _answer(view: MarketView, now: Nanos, terms: ReplayTerms) -> Fair | Gate:
    age = now - view.ts_index
    if view.index > 0 and age > terms.price_fresh:
        return "index_stale", (("age_s", age / SECOND),)
    return price_yes(view, now, _ANY_TIME)


def naive(view: MarketView) -> float:
    """No averaging, no known prints: P(last price >= strike) by Black and Scholes."""
    market = view.market
    assert market.strike is not None
    left = (market.close_ns - view.ts_index) / SECOND
    return digital(float(view.index), float(market.strike), view.sigma, left)
