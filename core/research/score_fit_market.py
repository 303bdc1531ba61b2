"""Can more be made of the market's own price? Two tries, each judged on what it had not seen.

`recalibrated`: a market that overpays long shots shows as a slope above 1 of the outcomes on its
log odds. Slope and level are fitted on the earlier part and applied to the later.

`leaning`: at each window a weight is fitted on the windows before it, by ridge regression of the
outcomes on a feature, from the market's log odds as they stand: the gap to the model, its change
over the last looks (spot that leads), the market's own change, the sizes at the best prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from core.domain.calibration import Floats, Groups, Interval, log_loss_points, paired_difference
from core.research.recorded_markets import read_columns
from core.research.score_points import Point, look
from core.units import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.exchange.records import Outcome
    from core.messages import MarketView
    from core.research.score_replay import ReplayTerms
    from core.units import Nanos

_STEPS: Final = 20
_CLIP: Final = 1e-3
_FIRST: Final = 8
"""Windows before anything is fitted; until then the market is followed."""
_RIDGE: Final = 10.0
_WINDOW_WEIGHT: Final = 5.0
"""Looks of one window weigh like so many that are independent."""
LEADS: Final = (10, 30, 60)


class Quotes(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes of quoted windows: the middle of the book, the outcome, and the close."""

    coin: np.ndarray[Any, np.dtype[np.str_]]
    market: Floats
    outcome: Floats
    seconds_left: Floats
    close_ns: Groups


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A changed market against the market, on looks that were not fitted on."""

    looks: int
    market: float
    changed: float
    difference: Interval
    fitted: tuple[float, ...]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a tape, with the sizes at the best prices."""

    point: Point
    imbalance: float
    """Log of the best bid's size over the best ask's."""


def read_quotes(source: Path) -> Quotes:
    """The two-sided minutes of the six coins' recorded windows."""
    names = ("ticker", "ts_ms", "secs_left", "yes_bid_close", "yes_ask_close", "result")
    table = read_columns(source / "paths_1m_U.parquet", names)
    ticker, ts, left, bid, ask, result = (table[name].to_numpy() for name in names)
    good = (bid > 0) & (ask < 1) & (left > 0)
    return Quotes(
        coin=np.array([name[2:].partition("15M")[0] for name in ticker[good]]),
        market=((bid + ask) / 2)[good],
        outcome=(result[good] == "yes").astype(np.float64),
        seconds_left=left[good].astype(np.float64),
        close_ns=((ts + left * 1_000) * MILLISECOND)[good].astype(np.int64),
    )


def recalibrated(quotes: Quotes, chosen: np.ndarray[Any, np.dtype[np.bool_]], cut: int) -> Judged:
    """Level and slope of the log odds, fitted on windows that close before `cut`."""
    odds = _log_odds(quotes.market)
    early, late = chosen & (quotes.close_ns < cut), chosen & (quotes.close_ns >= cut)
    columns = np.column_stack([np.ones_like(odds), odds])
    weights = np.ones(int(early.sum()))
    fitted = _fit(np.zeros(int(early.sum())), columns[early], quotes.outcome[early], weights, 1e-6)
    changed = _share(columns[late] @ fitted)
    return _judged(
        changed, quotes.market[late], quotes.outcome[late], quotes.close_ns[late], fitted
    )


def sight(view: MarketView, now: Nanos, terms: ReplayTerms) -> Sight | None:
    """A look that has both opinions; None otherwise."""
    seen = look(view, now, terms)
    if seen is None or seen.model is None:
        return None
    return Sight(point=seen, imbalance=float(np.log(view.bids[0][1] / view.asks[0][1])))


def features(sights: Sequence[Sight]) -> dict[str, Floats]:
    """By name, one value for each look; 0 where an earlier look is missing."""
    points = [one.point for one in sights]
    place = {(p.ticker, p.seconds_left): at for at, p in enumerate(points)}
    market = _log_odds(np.array([p.market for p in points]))
    gap = _log_odds(np.array([p.model for p in points], dtype=np.float64)) - market
    found = {"gap to the model": gap}
    for lead in LEADS:
        before = [place.get((p.ticker, p.seconds_left + lead)) for p in points]
        known = np.array([at is not None for at in before])
        past = np.array([at or 0 for at in before])
        found[f"the gap's change in {lead} s"] = np.where(known, gap - gap[past], 0.0)
        found[f"the market's change in {lead} s"] = np.where(known, market - market[past], 0.0)
    found["sizes at the best prices"] = np.array([one.imbalance for one in sights])
    found["slope of the market"] = market
    return found


def leaning(sights: Sequence[Sight], results: dict[str, Outcome], feature: Floats) -> Judged:
    """The market leaning by one feature, weighted as the windows before each one taught."""
    points = [one.point for one in sights]
    close = np.array([p.close_ns for p in points], dtype=np.int64)
    market = np.array([p.market for p in points])
    outcome = np.array([float(results[p.ticker].value == "yes") for p in points])
    changed, fitted = market.copy(), np.zeros(1)
    counts = dict(zip(*np.unique(close, return_counts=True), strict=True))
    weights = np.array([_WINDOW_WEIGHT / counts[c] for c in close])
    for window in sorted(counts)[_FIRST:]:
        past, now = close < window, close == window
        fitted = _fit(
            _log_odds(market[past]), feature[past, None], outcome[past], weights[past], _RIDGE
        )
        changed[now] = _share(_log_odds(market[now]) + feature[now] * fitted[0])
    return _judged(changed, market, outcome, close, fitted)


def _judged(
    changed: Floats, market: Floats, outcome: Floats, close: Groups, fitted: Floats
) -> Judged:
    ours, theirs = log_loss_points(changed, outcome), log_loss_points(market, outcome)
    return Judged(
        looks=len(market),
        market=float(theirs.mean()),
        changed=float(ours.mean()),
        difference=paired_difference(ours, theirs, close),
        fitted=tuple(float(value) for value in fitted),
    )


def _fit(offset: Floats, columns: Floats, outcome: Floats, weights: Floats, ridge: float) -> Floats:
    """Logistic regression by Newton's steps, drawn towards 0 by `ridge`."""
    found = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        share = _share(offset + columns @ found)
        slope = columns.T @ (weights * (outcome - share)) - ridge * found
        curve = columns.T @ (columns * (weights * share * (1 - share))[:, None])
        found = found + np.linalg.solve(curve + ridge * np.eye(len(found)), slope)
    return found


def _log_odds(share: Floats) -> Floats:
    clipped = np.clip(share, _CLIP, 1 - _CLIP)
    odds: Floats = np.log(clipped / (1 - clipped))
    return odds


def _share(log_odds: Floats) -> Floats:
    share: Floats = 1 / (1 + np.exp(-log_odds))
    return share
