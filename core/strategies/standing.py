"""How long a pass stands while only the book moves. A backtest need not ask again until then.

The model's value changes with the index alone, so between two prices of it what a strategy trades
on changes with the middle of the book, and an outcome is nowhere cheaper than at its best price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.blend import DEFAULT_BLEND
from core.domain.fees import fee_terms
from core.domain.offers import cost_each
from core.exchange.records import Outcome
from core.strategies.base import Standing
from core.strategies.judgement import blend_credit, blended_at, fair_value, settlement_outlook
from core.units import (
    DOLLAR_PRICE,
    NEVER,
    ONE_CONTRACT,
    SECOND,
    Nanos,
    complement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.domain.fees import FeeTerms
    from core.messages import MarketView
    from core.strategies.base import StrategyParams
    from core.strategies.judgement import Fair
    from core.units import Price

_MARGIN: Final = 1e-9
"""Dollars of edge by which a pass must be certain to stand."""
_MARGIN_NS: Final = 1_000
_STEEPEST_FEES: Final = 100_000
"""Basis points: with steeper ones a dearer contract could cost less with its fee."""


class Quoted:
    """A market at best prices of YES to which its book may have moved."""

    __slots__ = ("_best", "_fees", "fair")

    def __init__(self, fair: Fair, bid: Price, ask: Price, fees: FeeTerms) -> None:
        self.fair = fair
        self._best = {Outcome.YES: ask, Outcome.NO: complement(bid)}
        self._fees = fees

    def offers(self, outcome: Outcome) -> bool:
        """Whether the outcome can be bought at all."""
        return self._best[outcome] < DOLLAR_PRICE

    def is_short(self, outcome: Outcome, least: float) -> bool:
        """Whether buying the outcome surely leaves less than so many dollars per contract."""
        cost = cost_each(self._best[outcome], self._fees)
        return self.fair.cautious(outcome) - cost < least - _MARGIN


def stands_by_time(view: MarketView, now: Nanos, params: StrategyParams) -> Standing:
    """For a pass that does not depend on the book: until a limit of time is crossed."""
    close = view.market.close_ns
    lefts = (params.min_seconds_left, params.max_seconds_left, *DEFAULT_BLEND.bounds_s)
    edges = (Nanos(int(close - left * SECOND) - _MARGIN_NS) for left in lefts)
    return Standing(
        until=min((edge for edge in edges if edge > now - 2 * _MARGIN_NS), default=NEVER)
    )


def stands_by_price(
    view: MarketView, now: Nanos, params: StrategyParams, stays: Callable[[Quoted], bool]
) -> Standing | None:
    """For a pass on what the book offers to a taker: as long as `stays` says so of its best prices.

    None where that cannot be known: for a strategy that makes, where fees may fall with the price,
    and of a book whose best level is less than a contract.
    """
    if params.style == "make" or view.market.fee_multiplier_bps > _STEEPEST_FEES:
        return None
    if any(side and side[0][1] < ONE_CONTRACT for side in (view.bids, view.asks)):
        return None
    model = fair_value(view, settlement_outlook(view), params)
    credit = blend_credit(view, now)
    fees = fee_terms(view.market)
    known: dict[tuple[Price, Price], bool] = {}

    def holds(bid: Price, ask: Price) -> bool:
        found = known.get((bid, ask))
        if found is None:
            fair = blended_at(model, credit, (bid + ask) / (2 * DOLLAR_PRICE))
            found = known[bid, ask] = stays(Quoted(fair, bid, ask, fees))
        return found

    until = stands_by_time(view, now, params).until
    return Standing(until=until, holds=holds)
