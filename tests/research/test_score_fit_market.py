"""Tries to better the market: they find what was planted, and nothing in what is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.exchange.records import Outcome
from core.research.score_fit_market import (
    Quotes,
    Sight,
    features,
    leaning,
    read_quotes,
    recalibrated,
)
from core.research.score_points import Point
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from pathlib import Path

WINDOWS = 600


def quotes(slope: float) -> Quotes:
    """One quote a window, whose log odds are to be multiplied by `slope`."""
    generator = np.random.default_rng(1)
    market = generator.uniform(0.05, 0.95, WINDOWS * 10)
    odds = np.log(market / (1 - market))
    happened = generator.random(len(odds)) < 1 / (1 + np.exp(-slope * odds))
    return Quotes(
        coin=np.full(len(odds), "SOL"),
        market=market,
        outcome=happened.astype(np.float64),
        seconds_left=np.full(len(odds), 300.0),
        close_ns=np.arange(len(odds)) * SECOND,
    )


def test_a_market_that_overpays_long_shots_is_found_out() -> None:
    seen = quotes(slope=1.5)
    found = recalibrated(seen, np.full(len(seen.market), fill_value=True), WINDOWS * 5 * SECOND)

    assert found.fitted[1] == pytest.approx(1.5, abs=0.15)
    assert found.difference.high < 0.0
    assert found.looks == WINDOWS * 5


def test_a_market_that_is_right_is_left_alone() -> None:
    seen = quotes(slope=1.0)
    found = recalibrated(seen, np.full(len(seen.market), fill_value=True), WINDOWS * 5 * SECOND)

    assert found.fitted == pytest.approx((0.0, 1.0), abs=0.1)
    assert found.difference.low < 0.0 < found.difference.high


def windows(*, model_knows: bool) -> tuple[list[Sight], dict[str, Outcome]]:
    generator = np.random.default_rng(2)
    sights, results = [], {}
    for number in range(200):
        truth, other = (float(p) for p in generator.uniform(0.1, 0.9, 2))
        ticker = f"KXSOL15M-{number}"
        results[ticker] = Outcome.YES if generator.random() < truth else Outcome.NO
        close = Nanos(900 * (number + 1) * SECOND)
        for left in (610, 600):
            point = Point(
                series="KXSOL15M",
                ticker=ticker,
                at=Nanos(close - left * SECOND),
                close_ns=close,
                seconds_left=left,
                market=other if model_knows else truth,
                model=truth if model_knows else other,
            )
            sights.append(Sight(point=point, imbalance=0.0))
    return sights, results


def test_a_model_that_knows_more_is_leaned_on_and_one_that_knows_nothing_is_not() -> None:
    for knows in (True, False):
        sights, results = windows(model_knows=knows)
        found = leaning(sights, results, features(sights)["gap to the model"])
        assert (found.fitted[0] > 0.6) is knows
        assert (found.difference.high < 0.0) is knows


def test_no_window_teaches_those_before_it() -> None:
    sights, results = windows(model_knows=True)
    gap = features(sights)["gap to the model"]
    half = len(sights) // 2
    turned = dict(results)
    for one in sights[half:]:
        turned[one.point.ticker] = Outcome.YES

    first, other = (leaning(sights[:half], told, gap[:half]) for told in (results, turned))

    assert first == other


def test_changes_are_against_the_same_window_earlier() -> None:
    sights, _ = windows(model_knows=True)
    found = features(sights)

    change, market = found["the market's change in 10 s"], found["slope of the market"]
    assert change == pytest.approx(np.zeros(len(market)))
    assert not found["the gap's change in 60 s"].any()


def test_on_recorded_quotes_recalibrating_all_coins_helps_nothing(recorded: Path) -> None:
    """The figure of `docs/pricing.md`: slope 1.08, difference within noise."""
    seen = read_quotes(recorded)
    cut = int(np.median(np.unique(seen.close_ns)))

    found = recalibrated(seen, seen.coin != "", cut)

    assert found.fitted == pytest.approx((-0.005, 1.078), abs=0.001)
    assert found.difference.low < 0.0 < found.difference.high
    assert found.market == pytest.approx(0.4477, abs=1e-4)
