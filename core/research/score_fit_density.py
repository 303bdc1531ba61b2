"""How well the model forecasts the settlement value itself, for candidates of its parameters.

Whether a window ends YES is one bit; its settlement value tells far more of a forecast's width and
tails. So candidates are compared by the logarithm of the density that they gave to what happened.
Looks are those of the scoreboard, at every window with fresh prices, whether it was quoted or not;
windows count equally, however many looks they had.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from core.domain.calibration import Floats, log_loss_points
from core.domain.index import PRINTS
from core.domain.pricing import Outlook, probability_yes, probability_yes_fat
from core.messages import MarketView
from core.research.score_replay import ReplayTerms, replay
from core.strategies.base import StrategyParams
from core.strategies.judgement import fair_value, settlement_outlook, stand_in_error
from core.units import SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from pathlib import Path


_MAX_MISSED: Final = 5


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """Shape and width of what is forecast."""

    degrees: int | None = 4
    """Of Student's t; None for the normal distribution."""
    proxy_bps: float = 1.0
    scale: float = 1.0
    """Factor on the volatility."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one market with fresh inputs, and the settlement that followed."""

    at: Nanos
    close_ns: Nanos
    view: MarketView
    state: Outlook
    value: IndexValue

    @property
    def yes(self) -> float:
        """1 for YES, 0 for NO."""
        strike = self.view.market.strike
        return float(strike is not None and self.value >= strike)

    @property
    def seconds_left(self) -> float:
        """From the look to the close."""
        return (self.close_ns - self.at) / SECOND


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one candidate on one part of the data; see the module."""

    windows: int
    log_density: float
    """Mean log density of the settlement's log distance; higher is better."""
    log_loss: float
    """Mean log loss of YES against NO over the same looks; lower is better."""
    spread: float
    """Standard deviation of the standardised settlements: 1 where the width is right."""


def sights(tape: Path, terms: ReplayTerms) -> tuple[Sight, ...]:
    """All looks at a tape that the model can answer."""

    def look(view: MarketView, now: Nanos) -> tuple[Nanos, MarketView, Outlook] | None:
        fresh = view.index > 0 and now - view.ts_index <= terms.price_fresh
        if not fresh or view.market.strike is None or not view.warm:
            return None
        state = settlement_outlook(view)
        return None if state.missed > _MAX_MISSED else (now, view, state)

    played = replay(tape, terms, look)
    return tuple(
        Sight(
            at=now,
            close_ns=view.market.close_ns,
            view=view,
            state=state,
            value=played.values[view.market.ticker],
        )
        for now, view, state in played.seen
        if view.market.ticker in played.values
    )


def fit_of(seen: tuple[Sight, ...], tail: Tail) -> Fit:
    """Figures of a candidate over some looks."""
    params = StrategyParams(proxy_bps=tail.proxy_bps)
    rows = np.array([_row(sight, tail, params) for sight in seen], dtype=np.float64)
    distance, width, share, outcome = rows.T
    closes = np.array([sight.close_ns for sight in seen])
    standard = distance / width
    _, member = np.unique(closes, return_inverse=True)
    density = _log_density(standard, tail.degrees) - np.log(width)
    return Fit(
        windows=int(member.max()) + 1,
        log_density=float(np.mean(_by_window(density, member))),
        log_loss=float(log_loss_points(share, outcome).mean()),
        spread=float(standard.std()),
    )


def fair_of(sight: Sight) -> float:
    """P(YES) as strategies see it by default."""
    return fair_value(sight.view, sight.state, StrategyParams()).yes


def _row(sight: Sight, tail: Tail, params: StrategyParams) -> tuple[float, float, float, float]:
    """Distance of the settlement from its forecast, forecast width, P(YES), outcome."""
    view, state = sight.view, sight.state
    sigma, error = view.sigma * tail.scale, stand_in_error(view, state, params)
    mean = (view.known_sum + (state.missed + state.coming) * state.price) / PRINTS
    moving = state.effective_seconds if state.coming else 0.0
    variance = (state.coming / PRINTS) ** 2 * sigma * sigma * moving + error * error
    share = (
        probability_yes(state, sigma, error)
        if tail.degrees is None
        else probability_yes_fat(state, sigma, tail.degrees, error)
    )
    return (sight.value - mean) / state.price, math.sqrt(variance), share, sight.yes


def _log_density(standard: Floats, degrees: int | None) -> Floats:
    """Of a variable of mean 0 and variance 1."""
    if degrees is None:
        normal: Floats = -0.5 * np.square(standard) - 0.5 * math.log(2 * math.pi)
        return normal
    stretch = math.sqrt(degrees / (degrees - 2))
    constant = (
        math.lgamma((degrees + 1) / 2)
        - math.lgamma(degrees / 2)
        - 0.5 * math.log(degrees * math.pi)
        + math.log(stretch)
    )
    tails: Floats = constant - (degrees + 1) / 2 * np.log1p(np.square(standard * stretch) / degrees)
    return tails


def _by_window(values: Floats, member: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    means: Floats = np.bincount(member, weights=values) / np.bincount(member)
    return means
