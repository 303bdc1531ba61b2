"""The distribution of the final mean, drawn print by print at a low rate, beside the closed forms.

Off the order path: it runs in the dashboard's role. Twenty thousand paths of sixty prints take
about 30 ms in numpy, which lets other threads run meanwhile.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from core.domain.montecarlo import Draws, draw_means
from core.domain.pricing import digital, probability_yes, probability_yes_fat
from core.screen.analysis_rows import QuantRow
from core.screen.scale import index_dollars, rfc3339
from core.strategies.judgement import settlement_outlook, stand_in_error
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from core.domain.pricing import Outlook
    from core.messages import MarketView
    from core.screen.account import AccountPanel
    from core.screen.analysis_rows import FairRow
    from core.screen.forecast import ForecastPanel
    from core.screen.panel import Change, Facts, Listeners

PATHS: Final = 20_000
BARS: Final = 48
_EDGE: Final = 0.002
"""Share of the paths beyond either end of the picture."""
_PRINTS: Final = 60


class QuantPanel:
    """Row `quant` of each series, once in `pause` while its window is open."""

    def __init__(self, forecasts: ForecastPanel, account: AccountPanel, pause: Nanos) -> None:
        self._forecasts = forecasts
        self._account = account
        self._pause = pause
        self._next = Nanos(0)
        self.facts: Facts = {}
        self.listeners: Listeners = {}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """A row of each series that has a price, when it is due."""
        if now < self._next or not self._forecasts.latest:
            return
        self._next = Nanos(now + self._pause)
        for view, fair in self._forecasts.latest.values():
            if view.market.open_ns <= now < view.market.close_ns:
                yield "quant", self._row(view, fair, now)

    def _row(self, view: MarketView, fair: FairRow, now: Nanos) -> QuantRow:
        params = self._forecasts.params
        account = self._account.row
        state = None if fair.gate else settlement_outlook(view)
        error = stand_in_error(view, state, params) if state else 0.0
        strike = view.market.strike
        seed = int(view.market.close_ns // SECOND) % 2**31
        means = final_means(state, view, seed, params.tail_degrees) if state else None
        low, step, shares = histogram(means) if means is not None else (None, 0.0, ())
        hits = reached(means, view) if means is not None else None
        left = (view.market.close_ns - view.ts_index) / SECOND
        return QuantRow(
            series=view.market.series,
            ticker=view.market.ticker,
            gate=fair.gate,
            paths=PATHS,
            drawn=hits,
            standard_error=None if hits is None else _error(hits),
            fat=probability_yes_fat(state, view.sigma, params.tail_degrees, error)
            if state
            else None,
            normal=probability_yes(state, view.sigma, error) if state else None,
            plain=digital(view.index, strike, view.sigma, left) if state and strike else None,
            strike=None if strike is None else index_dollars(strike),
            low=low,
            step=step,
            shares=shares,
            sigma_bps=round(view.sigma * math.sqrt(60) * 10_000, 2) if view.sigma else None,
            regime=view.regime,
            known=view.known,
            coming=state.coming if state else 0,
            effective_seconds=round(state.effective_seconds, 2) if state and state.coming else None,
            degrees=params.tail_degrees,
            kelly_share=params.kelly_fraction,
            bankroll=None if account is None else account.bankroll,
            digits=view.market.digits,
            at=rfc3339(now),
        )


def final_means(
    state: Outlook, view: MarketView, seed: int, degrees: int
) -> NDArray[np.float64] | None:
    """Drawn final means in IndexValue units; None where no print is still to come."""
    if not state.coming:
        return None
    draws = Draws(paths=PATHS, seed=seed, degrees=degrees)
    coming = draw_means(state, view.sigma, draws) * state.coming
    return (coming + view.known_sum + state.missed * float(view.index)) / _PRINTS


def reached(means: NDArray[np.float64], view: MarketView) -> float:
    """Share of the means that pay YES: rounded half up, they are at least the strike."""
    assert view.market.strike is not None
    unit = 10.0 ** (8 - view.market.digits)
    return float(np.mean(np.floor(means / unit + 0.5) * unit >= view.market.strike))


def histogram(means: NDArray[np.float64]) -> tuple[float, float, tuple[float, ...]]:
    """Left end, width and shares of the bars; what lies beyond the ends is left out."""
    low, high = np.quantile(means, (_EDGE, 1 - _EDGE))
    counts, ends = np.histogram(means, bins=BARS, range=(low, max(high, low + BARS)))
    shares = tuple(round(float(count) / means.size, 5) for count in counts)
    step = index_dollars(float(ends[1] - ends[0]))
    return round(index_dollars(float(ends[0])), 8), round(step, 10), shares


def _error(share: float) -> float:
    """Standard error of a share of the paths, not zero where all or none of them hit."""
    middle = (share * PATHS + 2) / (PATHS + 4)
    return round(math.sqrt(middle * (1 - middle) / (PATHS + 4)), 6)
