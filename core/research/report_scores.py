"""Model against market on a tape, as a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.domain.calibration import Interval, ReliabilityBin, log_loss_points, reliability
from core.research.score import SPANS, gather, scores

if TYPE_CHECKING:
    from pathlib import Path

    from core.research.score import Scored, SeriesScore


class SpanScore(msgspec.Struct, frozen=True, kw_only=True):
    """Mean log loss at looks with so many seconds left."""

    above: int
    upto: int
    looks: int
    market: float
    model: float


class MarketScore(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of one series at all quoted looks, not only where we traded."""

    series: str
    looks: int
    windows: int
    market: float
    model: float
    difference: Interval
    """Log loss of the model less that of the market, by windows: negative is in our favour."""
    spans: tuple[SpanScore, ...]
    model_bins: tuple[ReliabilityBin, ...]
    market_bins: tuple[ReliabilityBin, ...]


def market_scores(tape: Path) -> tuple[MarketScore, ...]:
    """One for each series with scored looks. Raises TapeError."""
    found = [_score(one) for one in scores(gather([tape]))]
    return tuple(one for one in found if one is not None)


def _score(one: SeriesScore) -> MarketScore | None:
    scored = one.scored
    difference = scored.difference("model", "market")
    if difference is None:
        return None
    whole = scored.mean(log_loss_points)
    market, model = whole["market"], whole["model"]
    assert market is not None
    assert model is not None
    return MarketScore(
        series=one.series,
        looks=scored.count,
        windows=scored.windows,
        market=market,
        model=model,
        difference=difference,
        spans=tuple(_spans(scored)),
        model_bins=_bins(scored, "model"),
        market_bins=_bins(scored, "market"),
    )


def _spans(scored: Scored) -> list[SpanScore]:
    found = []
    for above, upto in zip((0, *SPANS), SPANS, strict=False):
        part = scored.span(above, upto)
        means = part.mean(log_loss_points)
        market, model = means["market"], means["model"]
        if market is not None and model is not None:
            found.append(
                SpanScore(above=above, upto=upto, looks=part.count, market=market, model=model)
            )
    return found


def _bins(scored: Scored, name: str) -> tuple[ReliabilityBin, ...]:
    return reliability(scored.forecasts[name], scored.outcome, groups=scored.window)
