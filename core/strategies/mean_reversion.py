"""Bets against a stretched price, where the book overpays for the stretch.

The stretch is the z-score of the present price against its mean over `lookback_s` (300 s). Beyond
1.0 standard deviations the price is called stretched, and only the outcome that gains if it comes
back is looked at: NO after a rise, YES after a fall. It is bought only if its edge after fees, at
the fair value, is large enough: the stretch says which side may be overpaid, not that the price
will turn. The stake grows with the stretch, at 1.5 and at 2.0.

`reversion` is the share of the stretch that is expected to be made up before the settlement; it
moves the fair value. Its default is 0 because recorded prices show none: over 9,187 minutes of SOL
the slope of the next five minutes on the distance from the five-minute mean is -0.01 +- 0.05 beyond
1.0, and over 1,567 moments of BTC, sampled every ten seconds, that of the next minute is +0.12 +-
0.04: if anything, a stretch goes on.

Confidence is the share of the edge that survives a misjudged volatility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec
from pydantic import Field, model_validator

from core.domain.stretch import StretchMeter
from core.exchange.records import Outcome
from core.strategies.base import Intent, StrategyParams, passed, signalled
from core.strategies.judgement import EDGE, GATES, Judgement, judge
from core.strategies.standing import stands_by_price, stands_by_time
from core.units import INDEX_DOLLAR, IndexValue

if TYPE_CHECKING:
    from core.domain.offers import Offer
    from core.domain.stretch import Stretch
    from core.messages import MarketView, Pass, Signal
    from core.strategies.base import Gate, Standing, Strategy, Values
    from core.strategies.standing import Quoted
    from core.units import Nanos


_BLIND: Final = GATES | {"short_history", "not_stretched"}
"""Codes of passes that do not depend on the book."""


class MeanReversionParams(StrategyParams):
    """Against a stretch of one standard deviation and more over five minutes."""

    lookback_s: int = Field(default=300, ge=30, le=3_600, description="span of the mean, seconds")
    min_history_s: int = Field(
        default=240, ge=10, le=3_600, description="span that must be there, seconds"
    )
    min_deviation_bps: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="standard deviations below this count as this, basis points",
    )
    weak: float = Field(default=1.0, gt=0, le=10, description="least stretch, standard deviations")
    medium: float = Field(
        default=1.5, gt=0, le=10, description="stretch of a medium bet, standard deviations"
    )
    strong: float = Field(
        default=2.0, gt=0, le=10, description="stretch of a full bet, standard deviations"
    )
    weak_stake: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="stake at the least stretch, fraction of the full stake",
    )
    medium_stake: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="stake at the medium stretch, fraction of the full stake",
    )
    reversion: float = Field(
        default=0.0, ge=0, le=1, description="share of the stretch expected to be made up, fraction"
    )

    @model_validator(mode="after")
    def _levels_in_order(self) -> Self:
        if not self.weak <= self.medium <= self.strong:
            raise ValueError("weak, medium and strong must ascend")
        if self.min_history_s > self.lookback_s:
            raise ValueError("min_history_s must not be above lookback_s")
        return self


class MeanReversion:
    """Keeps the recent prices of each series.

    Gates after those of `judge`: `short_history`, `not_stretched`, `no_offer`, `edge`. Prices come
    from the pictures it is shown; where it is not asked for a while, its mean has fewer points.
    """

    name: ClassVar[str] = "mean_reversion"
    Params: ClassVar[type[StrategyParams]] = MeanReversionParams

    def __init__(self, params: StrategyParams) -> None:
        assert isinstance(params, MeanReversionParams)
        self._params = params
        self._meters: dict[tuple[str, bool], StretchMeter] = {}

    def take_over(self, before: Strategy) -> None:
        """Keep the prices, unless they were gathered over another span or for another measure."""
        if not isinstance(before, MeanReversion):
            return
        own, old = self._params, before._params  # noqa: SLF001 - of its own class
        if (own.lookback_s, own.min_deviation_bps) == (old.lookback_s, old.min_deviation_bps):
            self._meters = before._meters  # noqa: SLF001 - of its own class

    def evaluate(self, view: MarketView, now: Nanos) -> Signal | Pass:
        """Take the outcome that gains if the price comes back, if the book sells it too cheaply."""
        stretch = self._stretch(view)
        judged = judge(self._leaning(view, stretch), now, self._params)
        if not isinstance(judged, Judgement):
            return passed(self.name, view, now, judged)
        if stretch is None:
            return passed(self.name, view, now, ("short_history", judged.values))
        offer = judged.offer(_gaining(stretch))
        values = (("z", stretch.z), ("mean", stretch.mean / INDEX_DOLLAR), *judged.values)
        gate = self._gate(stretch, offer, values)
        if gate is not None or offer is None:
            return passed(self.name, view, now, gate or ("no_offer", values))
        intent = Intent(
            offer=offer,
            kelly_fraction=self._params.kelly_fraction * self._strength(abs(stretch.z)),
            confidence=offer.confidence,
            reason=f"{offer.outcome.value} is underpaid after a stretch of {stretch.z:+.1f}",
            values=(*values, ("kelly", offer.kelly)),
        )
        return signalled(self.name, view, now, intent)

    def standing(self, view: MarketView, code: str, now: Nanos) -> Standing | None:
        """How long a pass stands while only the book changes."""
        if code in _BLIND:
            return stands_by_time(view, now, self._params)
        stretch = self._stretch(view)
        if code != EDGE or stretch is None:
            return None
        outcome, least = _gaining(stretch), self._params.min_edge

        def stays(at: Quoted) -> bool:
            return at.offers(outcome) and at.is_short(outcome, least)

        return stands_by_price(self._leaning(view, stretch), now, self._params, stays)

    def _stretch(self, view: MarketView) -> Stretch | None:
        """Take the price of a picture, and say where it stands; None until there is history.

        The index and the spot venues that stand in for it are kept apart: a step from one to the
        other is no stretch.
        """
        if view.index <= 0:
            return None
        meter = self._meters.get((view.market.series, view.proxy))
        if meter is None:
            meter = StretchMeter(self._params.lookback_s, self._params.min_deviation_bps)
            self._meters[view.market.series, view.proxy] = meter
        meter.update(view.index, view.ts_index)
        if meter.covered_s < self._params.min_history_s:
            return None
        return meter.measure(view.index)

    def _leaning(self, view: MarketView, stretch: Stretch | None) -> MarketView:
        """The picture with its price moved by the reversion that is expected."""
        if stretch is None or not self._params.reversion:
            return view
        back = self._params.reversion * (stretch.mean - view.index)
        return msgspec.structs.replace(view, index=IndexValue(view.index + round(back)))

    def _gate(self, stretch: Stretch, offer: Offer | None, values: Values) -> Gate | None:
        """The first of this strategy's own gates that stays shut."""
        params = self._params
        if abs(stretch.z) < params.weak:
            return "not_stretched", (*values, ("limit", params.weak))
        if offer is None:
            return "no_offer", values
        if offer.edge < params.min_edge:
            return EDGE, (*values, ("limit", params.min_edge))
        return None

    def _strength(self, distance: float) -> float:
        """Share of the full stake for a stretch of `distance` standard deviations."""
        if distance >= self._params.strong:
            return 1.0
        return (
            self._params.medium_stake
            if distance >= self._params.medium
            else self._params.weak_stake
        )


def _gaining(stretch: Stretch) -> Outcome:
    """The outcome that gains if the price comes back."""
    return Outcome.NO if stretch.z > 0 else Outcome.YES
