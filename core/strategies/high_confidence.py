"""Near certainties that the book still sells with a margin.

Acts only where the worse end of the probability's range is at least `min_conviction` and the edge
after fees at least 5 cents, between 30 seconds and 10 minutes before the close, never while
volatility spikes. The stake is 15 % of Kelly, at most 2 % of the bankroll; a bet for which that is
less than 0.5 % is not worth its attention and is left, not raised.

Confidence is the conviction: the cautious probability of the outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

from pydantic import Field, model_validator

from core.domain.book import ladder
from core.domain.fees import fee_terms
from core.domain.offers import cost_each
from core.domain.sizing import kelly_fraction
from core.domain.volatility import Regime
from core.strategies.base import Intent, StrategyParams, passed, signalled
from core.strategies.judgement import EDGE, GATES, Judgement, judge
from core.strategies.standing import stands_by_price, stands_by_time

if TYPE_CHECKING:
    from core.domain.offers import Offer
    from core.messages import MarketView, Pass, Signal
    from core.strategies.base import Gate, Standing
    from core.strategies.standing import Quoted
    from core.units import Nanos


_SPIKE: Final = "spike"
_CONVICTION: Final = "conviction"


class HighConfidenceParams(StrategyParams):
    """Thirty seconds to ten minutes before the close, 90 % conviction, 5 cents of edge."""

    min_edge: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="least edge after fees and uncertainty, dollars per contract",
    )
    min_seconds_left: float = Field(
        default=30.0, ge=0, le=900, description="no signal closer to the close, seconds"
    )
    max_seconds_left: float = Field(
        default=600.0, gt=0, le=900, description="no signal earlier before the close, seconds"
    )
    kelly_fraction: float = Field(
        default=0.15, gt=0, le=1, description="stake as a share of full Kelly, fraction"
    )
    min_conviction: float = Field(
        default=0.90,
        ge=0.5,
        lt=1,
        description="least cautious probability of the outcome, probability",
    )
    min_stake: float = Field(
        default=0.005, ge=0, le=1, description="smaller stakes are left, fraction of the bankroll"
    )
    max_stake: float = Field(
        default=0.02, gt=0, le=1, description="larger stakes are cut, fraction of the bankroll"
    )

    @model_validator(mode="after")
    def _stakes_in_order(self) -> Self:
        if self.min_stake > self.max_stake:
            raise ValueError("min_stake must not be above max_stake")
        return self


class HighConfidence:
    """Stateless. Gates after `judge`: `no_offer`, `spike`, `conviction`, `edge`, `stake`."""

    name: ClassVar[str] = "high_confidence"
    Params: ClassVar[type[StrategyParams]] = HighConfidenceParams

    def __init__(self, params: StrategyParams) -> None:
        assert isinstance(params, HighConfidenceParams)
        self._params = params

    def evaluate(self, view: MarketView, now: Nanos) -> Signal | Pass:
        """Take the likelier outcome, if it is near certain and cheap enough."""
        judged = judge(view, now, self._params)
        if not isinstance(judged, Judgement):
            return passed(self.name, view, now, judged)
        likely = judged.offer(judged.fair.likely)
        if likely is None:
            return passed(self.name, view, now, ("no_offer", judged.values))
        gate = self._gate(view, judged, likely)
        if gate is not None:
            return passed(self.name, view, now, gate)
        intent = Intent(
            offer=likely,
            kelly_fraction=self._fraction(view, judged, likely),
            confidence=judged.fair.cautious(likely.outcome),
            reason=f"{likely.outcome.value} is near certain and sold below that",
            values=(*judged.values, ("kelly", likely.kelly)),
        )
        return signalled(self.name, view, now, intent)

    def standing(self, view: MarketView, code: str, now: Nanos) -> Standing | None:
        """How long a pass stands while only the book changes."""
        if code in GATES:
            return stands_by_time(view, now, self._params)
        stays = {_SPIKE: _offered, _CONVICTION: self._doubted, EDGE: self._dear}.get(code)
        return None if stays is None else stands_by_price(view, now, self._params, stays)

    def _doubted(self, at: Quoted) -> bool:
        return _offered(at) and at.fair.cautious(at.fair.likely) < self._params.min_conviction

    def _dear(self, at: Quoted) -> bool:
        sure = at.fair.cautious(at.fair.likely) >= self._params.min_conviction
        return sure and _offered(at) and at.is_short(at.fair.likely, self._params.min_edge)

    def _fraction(self, view: MarketView, judged: Judgement, likely: Offer) -> float:
        """Share of Kelly with which no part of the offer takes more than the largest stake.

        The stake is sized later at the average price paid, which may be as good as the best one.
        """
        outcome = likely.outcome
        most = kelly_fraction(judged.fair.of(outcome), _least_cost(view, likely))
        return min(self._params.kelly_fraction, self._params.max_stake / most)

    def _gate(self, view: MarketView, judged: Judgement, likely: Offer) -> Gate | None:
        """The first of this strategy's own gates that stays shut."""
        params, values = self._params, judged.values
        conviction = judged.fair.cautious(likely.outcome)
        if view.regime == Regime.SPIKE:
            return _SPIKE, values
        if conviction < params.min_conviction:
            return _CONVICTION, (
                *values,
                ("conviction", conviction),
                ("limit", params.min_conviction),
            )
        if likely.edge < params.min_edge:
            return EDGE, (*values, ("limit", params.min_edge))
        stake = likely.kelly * params.kelly_fraction
        if stake < params.min_stake or not stake:
            return "stake", (*values, ("stake", stake), ("limit", params.min_stake))
        return None


def _least_cost(view: MarketView, likely: Offer) -> float:
    """Dollars for the first contract, fee included: an order that rests pays its price."""
    if likely.style == "make":
        return likely.cost
    best, _ = ladder(likely.outcome, view.bids, view.asks)[0]
    return cost_each(best, fee_terms(view.market))


def _offered(at: Quoted) -> bool:
    """The likelier outcome can be bought."""
    return at.offers(at.fair.likely)
