"""How much of a backtest's success is the searching: deflated Sharpe ratio, overfitting by CSCV.

Whoever tries many settings and shows the best shows luck too. Two figures say how much:

* The **deflated Sharpe ratio** is the probability that the true Sharpe ratio of the best trial is
  above zero, given that it is the best of N: its observed ratio is held against the maximum that N
  trials without any skill are expected to show (Bailey and Lopez de Prado, J. Portfolio Management
  40 (2014) 94), with the standard error for skewed and fat-tailed results (Lo, Financial Analysts
  J. 58 (2002) 36; Mertens 2002).
* The **probability of backtest overfitting** is the share of all ways to cut the record in two
  halves in which the trial that was best in one half is below the median in the other (Bailey,
  Borwein, Lopez de Prado and Zhu, J. Computational Finance 20 (2017) 39).

All results are per window, so a ratio is per window too, not per year. Arrays are numpy; a trial's
results stand in a column. Nothing here is on the path of an order.
"""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from core.domain.calibration import Floats

_EULER: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()
_LEAST_ROWS: Final = 16
_LEAST: Final = 3
"""Results from which moments say anything."""
_TRACE: Final = 1e-18
"""Relative variance below which results do not vary: rounding leaves a trace."""
BLOCKS: Final = 16
"""Parts into which CSCV cuts the record: 12,870 ways to halve it."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Of the results of one trial."""

    count: int
    sharpe: float
    """Mean over standard deviation; 0 where results do not vary or are too few."""
    skew: float
    kurtosis: float
    """Not the excess: 3 for a normal distribution."""


class Deflated(msgspec.Struct, frozen=True, kw_only=True):
    """The best of many trials, and what is left of it."""

    sharpe: float
    """Observed, per window."""
    expected_best: float
    """The best that as many trials without skill are expected to show."""
    trials: int
    probability: float
    """That the true ratio exceeds zero, given the search: the deflated Sharpe ratio, 0..1."""
    undeflated: float
    """The same probability had this been the only trial."""


class Overfitting(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the trial that was best in one half of the record, in the other half."""

    probability: float
    """Share of halvings in which it is at or below the median there."""
    halvings: int
    loss: float
    """Share of halvings in which it has a negative ratio there."""
    slope: float
    """Of its ratio there against its ratio here, least squares; below zero: the better, the worse.
    """
    logits: tuple[float, ...]
    """Of its relative rank there, sorted: a histogram of them is the usual figure."""


def moments(results: Floats) -> Moments:
    """Sharpe ratio, skewness and kurtosis of one trial's results."""
    count = len(results)
    if count < _LEAST:
        return Moments(count=count, sharpe=0.0, skew=0.0, kurtosis=3.0)
    mean = float(results.mean())
    around = results - mean
    variance = float(np.square(around).mean())
    if variance <= _TRACE * max(1e-300, float(np.square(results).mean())):
        return Moments(count=count, sharpe=0.0, skew=0.0, kurtosis=3.0)
    spread = math.sqrt(variance)
    return Moments(
        count=count,
        sharpe=mean / (spread * math.sqrt(count / (count - 1))),
        skew=float((around**3).mean()) / spread**3,
        kurtosis=float((around**4).mean()) / spread**4,
    )


def sharpes(results: Floats) -> Floats:
    """The ratio of each column; 0 where a column does not vary."""
    return np.array([moments(column).sharpe for column in results.T], dtype=np.float64)


def probabilistic_sharpe(found: Moments, benchmark: float = 0.0) -> float:
    """Probability that the true ratio exceeds `benchmark` (Bailey and Lopez de Prado 2012).

    One half where too little is known.
    """
    if found.count < _LEAST:
        return 0.5
    spread = 1 - found.skew * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe**2
    scaled = (found.sharpe - benchmark) * math.sqrt(found.count - 1)
    return _NORMAL.cdf(scaled / math.sqrt(max(spread, 1e-12)))


def expected_best(trials: int, spread: float) -> float:
    """Expected maximum of so many independent ratios without skill, `spread` their deviation."""
    if trials < 2 or spread <= 0.0:  # noqa: PLR2004 - one trial has no competitors
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return spread * ((1 - _EULER) * first + _EULER * second)


def deflated(results: Floats, best: int | None = None) -> Deflated:
    """Hold the trial in column `best` (None: the one with the highest ratio) against luck.

    Every trial counts as independent, which is on the cautious side: trials that resemble each
    other are fewer than they look.
    """
    ratios = sharpes(results)
    chosen = int(np.argmax(ratios)) if best is None else best
    found = moments(results[:, chosen])
    spread = float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0
    luck = expected_best(len(ratios), spread)
    return Deflated(
        sharpe=found.sharpe,
        expected_best=luck,
        trials=len(ratios),
        probability=probabilistic_sharpe(found, luck),
        undeflated=probabilistic_sharpe(found),
    )


def overfitting(results: Floats, blocks: int = BLOCKS) -> Overfitting | None:
    """Combinatorially symmetric cross-validation over windows (rows) and trials (columns).

    Rows are cut into `blocks` (even) parts in order of time, as equal as they can be; fewer where
    there are too few rows. None below sixteen rows or two trials that differ.
    """
    rows, trials = results.shape
    parts = min(blocks, rows // 2) // 2 * 2
    if rows < _LEAST_ROWS or len(np.unique(results, axis=1).T) < 2:  # noqa: PLR2004 - two differ
        return None
    cuts = np.array_split(np.arange(rows), parts)
    sums = np.array([results[cut].sum(axis=0) for cut in cuts])
    squares = np.array([np.square(results[cut]).sum(axis=0) for cut in cuts])
    sizes = np.array([len(cut) for cut in cuts], dtype=np.float64)
    halves = np.zeros((math.comb(parts, parts // 2), parts))
    for row, chosen in enumerate(combinations(range(parts), parts // 2)):
        halves[row, list(chosen)] = 1.0
    here = _ratios(halves @ sums, halves @ squares, halves @ sizes)
    there = _ratios((1 - halves) @ sums, (1 - halves) @ squares, (1 - halves) @ sizes)
    best = here.argmax(axis=1)
    at = np.arange(len(best))
    reached = there[at, best]
    below = (there < reached[:, None]).sum(axis=1)
    equal = (there == reached[:, None]).sum(axis=1)
    rank = (below + (equal + 1) / 2) / (trials + 1)
    logits = np.log(rank / (1 - rank))
    return Overfitting(
        probability=float((logits <= 0).mean()),
        halvings=len(halves),
        loss=float((reached < 0).mean()),
        slope=_slope(here[at, best], reached),
        logits=tuple(float(value) for value in np.sort(logits)),
    )


def _ratios(sums: Floats, squares: Floats, sizes: Floats) -> Floats:
    """Ratios from sums over a half: mean over standard deviation, 0 where nothing varies."""
    count = sizes[:, None]
    mean = sums / count
    variance = (squares - count * np.square(mean)) / np.maximum(count - 1, 1)
    flat = variance <= 1e-12 * np.maximum(squares / count, 1e-300)
    ratios: Floats = np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
    return ratios


def _slope(before: Floats, after: Floats) -> float:
    around = before - before.mean()
    spread = float(np.square(around).sum())
    return float((around * after).sum()) / spread if spread > 0 else 0.0
