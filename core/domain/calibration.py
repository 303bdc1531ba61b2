"""Scores of probabilities against outcomes: Brier, log loss, reliability, and paired comparison.

All functions take numpy arrays of equal length: `forecast` are probabilities of YES, `outcome` is 1
for YES and 0 for NO. Lower scores are better. Not for the hot path.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

CLIP: Final = 1e-4
"""Log loss counts forecasts below it, or above 1 minus it, as if they were it: a wrong certainty
costs 9.2 and not infinity. It lies below every mid that the price grid can make."""
_Z95: Final = 1.959963984540054
_CHUNK: Final = 64
"""Resamples drawn together; bounds the memory of the bootstrap."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts that said about the same, and how often they came true."""

    low: float
    high: float
    count: int
    """Forecasts, or groups of them."""
    forecast: float
    """Mean of the forecasts in the bin."""
    observed: Interval
    """Share of YES, with the interval of Wilson."""


def brier_points(forecast: Floats, outcome: Floats) -> Floats:
    """Squared error of each forecast."""
    return np.square(forecast - outcome)


def log_loss_points(forecast: Floats, outcome: Floats) -> Floats:
    """Minus the log of the probability given to what happened, for each forecast; see CLIP."""
    given = np.where(outcome > 0, forecast, 1.0 - forecast)
    losses: Floats = -np.log(np.clip(given, CLIP, 1.0 - CLIP))
    return losses


def brier(forecast: Floats, outcome: Floats) -> float:
    """Mean squared error: 0.25 for always saying one half."""
    return float(brier_points(forecast, outcome).mean())


def log_loss(forecast: Floats, outcome: Floats) -> float:
    """Mean log loss: 0.693 for always saying one half."""
    return float(log_loss_points(forecast, outcome).mean())


def wilson(successes: int, count: int) -> Interval:
    """Share of successes with Wilson's score interval; (0, 0, 1) for no trials.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if count == 0:
        return Interval(value=0.0, low=0.0, high=1.0)
    share, weight = successes / count, _Z95**2 / count
    centre = share + weight / 2
    reach = _Z95 * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    return Interval(
        value=share,
        low=max(0.0, (centre - reach) / (1 + weight)),
        high=min(1.0, (centre + reach) / (1 + weight)),
    )


def reliability(
    forecast: Floats, outcome: Floats, bins: int = 10, groups: Groups | None = None
) -> tuple[ReliabilityBin, ...]:
    """Forecasts in `bins` equal parts of 0..1, empty parts left out; 1.0 is in the last.

    Looks of one group (a window) share their outcome, so with `groups` each counts once in a bin:
    `count` and the interval are those of groups. Without, every forecast is its own.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.minimum((forecast * bins).astype(np.int64), bins - 1)
    owner = np.arange(len(forecast)) if groups is None else groups
    table = []
    for number in range(bins):
        inside = np.flatnonzero(index == number)
        if not len(inside):
            continue
        _, first = np.unique(owner[inside], return_index=True)
        table.append(
            ReliabilityBin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                count=len(first),
                forecast=float(forecast[inside].mean()),
                observed=wilson(int(outcome[inside][first].sum()), len(first)),
            )
        )
    return tuple(table)


def paired_difference(
    ours: Floats, theirs: Floats, groups: Groups, resamples: int = 2_000, seed: int = 1
) -> Interval:
    """Mean of `ours - theirs` over all points, with a bootstrap interval over groups.

    Losses of the two forecasts at the same points; negative is in our favour. Points of one group
    (a window) share their outcome and are drawn together: drawn singly they would make the interval
    far too narrow. Equal seeds give equal intervals.
    """
    _, member = np.unique(groups, return_inverse=True)
    sums = np.bincount(member, weights=ours - theirs)
    counts = np.bincount(member).astype(np.float64)
    generator = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, _CHUNK):
        size = (min(_CHUNK, resamples - start), len(sums))
        drawn = generator.integers(0, len(sums), size)
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Interval(value=float(sums.sum() / counts.sum()), low=float(low), high=float(high))
