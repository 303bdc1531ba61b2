"""Fair value against the book: buys what costs less than the settlement is worth.

The worth is the probability that the settlement mean reaches the strike under a driftless diffusion
with the estimated volatility, part of the final minute known (`core.domain.pricing`). The cost is
the price at which `contracts` can be had now, and the fee. The edge is counted from the worse end
of the probability's range, so it is an edge after fees and after a misjudged volatility.

Confidence is the share of the edge that survives that range: 1 where volatility does not matter,
0 where the edge is nothing but a belief about volatility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from core.exchange.records import Outcome
from core.strategies.base import Intent, StrategyParams, passed, signalled
from core.strategies.judgement import EDGE, GATES, Judgement, judge
from core.strategies.standing import stands_by_price, stands_by_time

if TYPE_CHECKING:
    from core.messages import MarketView, Pass, Signal
    from core.strategies.base import Standing
    from core.strategies.standing import Quoted
    from core.units import Nanos


class KellyVolatilityParams(StrategyParams):
    """One to fourteen minutes before the close, 3 cents of edge, a quarter of Kelly."""


class KellyVolatility:
    """Stateless. Gates after those of `judge`: `no_offer`, `edge`."""

    name: ClassVar[str] = "kelly_volatility"
    Params: ClassVar[type[StrategyParams]] = KellyVolatilityParams

    def __init__(self, params: StrategyParams) -> None:
        self._params = params

    def evaluate(self, view: MarketView, now: Nanos) -> Signal | Pass:
        """Take the offer with the larger edge, if that is large enough."""
        judged = judge(view, now, self._params)
        if not isinstance(judged, Judgement):
            return passed(self.name, view, now, judged)
        offer = judged.best
        if offer is None:
            return passed(self.name, view, now, ("no_offer", judged.values))
        if offer.edge < self._params.min_edge:
            limit = ("limit", self._params.min_edge)
            return passed(self.name, view, now, (EDGE, (*judged.values, limit)))
        intent = Intent(
            offer=offer,
            kelly_fraction=self._params.kelly_fraction,
            confidence=offer.confidence,
            reason=f"{offer.outcome.value} is worth more than price and fee",
            values=(*judged.values, ("kelly", offer.kelly)),
        )
        return signalled(self.name, view, now, intent)

    def standing(self, view: MarketView, code: str, now: Nanos) -> Standing | None:
        """How long a pass stands while only the book changes."""
        if code in GATES:
            return stands_by_time(view, now, self._params)
        if code != EDGE:
            return None
        return stands_by_price(view, now, self._params, self._no_edge)

    def _no_edge(self, at: Quoted) -> bool:
        """Something is offered, and nothing cheaply enough."""
        offered = [outcome for outcome in Outcome if at.offers(outcome)]
        least = self._params.min_edge
        return bool(offered) and all(at.is_short(outcome, least) for outcome in offered)
