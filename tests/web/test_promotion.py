"""The line of the checklist from paper to live that measures calibration."""

from __future__ import annotations

import pytest

from core.screen.score_rows import CalibrationRow, ScoreRow, Three, VerdictRow
from web.promotion import calibrated


def score(series: str, windows: int, market: float, blend: float) -> ScoreRow:
    loss = Three(market=market, model=0.9, blend=blend) if windows else None
    return ScoreRow(
        series=series,
        sentence="",
        windows=windows,
        looks=windows,
        log_loss=loss,
        brier=loss,
        lead=None,
        low=None,
        high=None,
        by_seconds_left=(),
    )


def board(*rows: ScoreRow) -> CalibrationRow:
    verdict = VerdictRow(
        sentence="",
        trades=0,
        windows=0,
        mean=0.0,
        low=None,
        high=None,
        has_edge=False,
        trades_needed=None,
    )
    return CalibrationRow(verdict=verdict, series=rows, at="")


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ([score("KXSOL15M", 96, 0.55, 0.55)], True),
        ([score("KXSOL15M", 95, 0.55, 0.40)], False),
        ([score("KXSOL15M", 96, 0.55, 0.5501)], False),
        ([score("KXSOL15M", 96, 0.55, 0.50), score("KXBTC15M", 96, 0.50, 0.55)], False),
        ([score("KXSOL15M", 96, 0.55, 0.50), score("KXBTC15M", 0, 0.0, 0.0)], False),
        ([], False),
    ],
)
def test_every_series_forecasts_no_worse_than_its_market_over_a_day(
    rows: list[ScoreRow], *, passed: bool
) -> None:
    assert calibrated(board(*rows)).passed is passed


def test_the_line_tells_its_numbers_or_that_there_are_none() -> None:
    line = calibrated(board(score("KXSOL15M", 120, 0.59, 0.58)))
    assert line.value == "KXSOL15M 0.5800 against 0.5900 in 120 windows"
    assert calibrated(None).value == "not scored yet"
