"""The calibration panel: what trades say of an edge, and model against market in each series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.blend import DEFAULT_BLEND
from core.domain.verdict import is_edge
from core.screen.scale import rfc3339
from core.screen.score_rows import CalibrationRow, ScoreRow, SpanRow, Three, VerdictRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages.scores import Trio
    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

_DECIMALS = 6
_LEAST = 2


class CalibrationPanel:
    """Row `calibration`, from the newest scoreboard."""

    def __init__(self) -> None:
        self._told: m.ScoreboardTold | None = None
        self._shown: m.ScoreboardTold | None = None
        self.facts: Facts = {}
        self.listeners: Listeners = {m.ScoreboardTold: self._take}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """The row, if a new scoreboard was told."""
        del now
        if self._told is not None and self._told is not self._shown:
            self._shown = self._told
            yield "calibration", _row(self._told)

    def _take(self, told: m.ScoreboardTold, now: Nanos) -> None:
        del now
        self._told = told


def _row(told: m.ScoreboardTold) -> CalibrationRow:
    verdict = told.verdict
    return CalibrationRow(
        verdict=VerdictRow(
            sentence=verdict.sentence,
            trades=verdict.trades,
            windows=verdict.windows,
            mean=round(verdict.mean, _DECIMALS),
            low=_rounded(verdict.low, verdict.windows),
            high=_rounded(verdict.high, verdict.windows),
            has_edge=is_edge(verdict.windows, verdict.low),
            trades_needed=verdict.needed,
        ),
        series=tuple(_series(standing) for standing in told.series),
        at=rfc3339(told.ts),
    )


def _series(standing: m.SeriesStanding) -> ScoreRow:
    bounds = (*DEFAULT_BLEND.bounds_s, None)
    return ScoreRow(
        series=standing.series,
        sentence=standing.sentence,
        windows=standing.windows,
        looks=standing.looks,
        log_loss=_three(standing.log_loss, standing.looks),
        brier=_three(standing.brier, standing.looks),
        lead=round(standing.lead, _DECIMALS) if standing.windows else None,
        low=_rounded(standing.low, standing.windows),
        high=_rounded(standing.high, standing.windows),
        by_seconds_left=tuple(
            SpanRow(
                upto=upto,
                windows=span.windows,
                looks=span.looks,
                log_loss=_three(span.log_loss, span.looks),
                brier=_three(span.brier, span.looks),
                weight=round(span.weight, _DECIMALS),
            )
            for upto, span in zip(bounds, standing.spans, strict=True)
        ),
    )


def _three(scores: Trio, looks: int) -> Three | None:
    if not looks:
        return None
    market, model, blend = (round(score, _DECIMALS) for score in scores)
    return Three(market=market, model=model, blend=blend)


def _rounded(end: float | None, windows: int) -> float | None:
    """An end of an interval; one window has no spread, so it has none to show."""
    return None if end is None or windows < _LEAST else round(end, _DECIMALS)
