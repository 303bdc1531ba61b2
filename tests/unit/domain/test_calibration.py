"""Scores: their values, their intervals, and the market's own on recorded windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calibration import (
    CLIP,
    Floats,
    brier,
    brier_points,
    log_loss,
    log_loss_points,
    paired_difference,
    reliability,
    wilson,
)

if TYPE_CHECKING:
    from pathlib import Path

FORECASTS = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)), min_size=1, max_size=60
).map(lambda pairs: (array([p for p, _ in pairs]), array([y for _, y in pairs])))


def array(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def test_scores_of_known_forecasts() -> None:
    forecast, outcome = array([0.8, 0.3]), array([1, 0])

    assert brier(forecast, outcome) == pytest.approx((0.04 + 0.09) / 2)
    assert log_loss(forecast, outcome) == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2)


def test_one_half_scores_a_quarter_and_the_log_of_two() -> None:
    forecast, outcome = array([0.5] * 4), array([0, 1, 1, 0])

    assert brier(forecast, outcome) == 0.25
    assert log_loss(forecast, outcome) == pytest.approx(np.log(2))


def test_a_wrong_certainty_costs_the_clip_and_not_infinity() -> None:
    assert log_loss(array([1.0]), array([0])) == pytest.approx(-np.log(CLIP))
    assert log_loss(array([1.0]), array([1])) == pytest.approx(CLIP, rel=1e-3)


@given(FORECASTS)
def test_no_constant_beats_the_observed_share(made: tuple[Floats, Floats]) -> None:
    _, outcome = made
    share = np.full_like(outcome, outcome.mean())

    for constant in (0.1, 0.5, 0.9):
        other = np.full_like(outcome, constant)
        assert brier(share, outcome) <= brier(other, outcome) + 1e-12
        assert log_loss(share, outcome) <= log_loss(other, outcome) + 1e-3


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilsons_interval_holds_the_share(successes: int, failures: int) -> None:
    interval = wilson(successes, successes + failures)

    assert 0.0 <= interval.low <= interval.value + 1e-12
    assert interval.value - 1e-12 <= interval.high <= 1.0
    mirrored = wilson(failures, successes + failures)
    if successes + failures:
        assert interval.low == pytest.approx(1 - mirrored.high)


def test_wilsons_interval_of_known_counts() -> None:
    """Ten of a hundred: 5.52 % to 17.44 %; none of ten: 0 to 27.75 %."""
    tenth, none = wilson(10, 100), wilson(0, 10)

    assert (tenth.low, tenth.high) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert (none.low, none.high) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


@given(FORECASTS, st.integers(1, 20))
def test_reliability_counts_every_forecast_once(made: tuple[Floats, Floats], bins: int) -> None:
    forecast, outcome = made

    table = reliability(forecast, outcome, bins=bins)

    assert sum(row.count for row in table) == len(forecast)
    assert sum(row.count * row.forecast for row in table) == pytest.approx(forecast.sum())
    assert sum(row.count * row.observed.value for row in table) == pytest.approx(outcome.sum())
    for row in table:
        assert row.low - 1e-9 <= row.forecast <= row.high + 1e-9


def test_looks_of_one_window_count_once_in_a_bin() -> None:
    """Two windows at 0.72 and 0.78, looked at three times and once: one YES of two."""
    forecast = np.array([0.70, 0.72, 0.74, 0.78, 0.11])
    outcome = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    windows = np.array([7, 7, 7, 8, 8])

    low, high = reliability(forecast, outcome, groups=windows)

    assert (low.count, low.observed.value) == (1, 0.0)
    assert (high.count, high.observed) == (2, wilson(1, 2))
    assert high.forecast == pytest.approx(0.735)


def drawn(seed: int, windows: int = 300, points: int = 14) -> tuple[Floats, Floats, np.ndarray]:
    """Points of windows that share an outcome, with the true probability as forecast."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0.05, 0.95, windows)
    outcome = (generator.uniform(size=windows) < truth).astype(np.float64)
    groups = np.repeat(np.arange(windows), points)
    return truth[groups], outcome[groups], groups


def test_a_clearly_worse_forecast_is_told_from_the_truth() -> None:
    truth, outcome, groups = drawn(seed=3)
    worse = 1.0 - truth

    difference = paired_difference(
        log_loss_points(truth, outcome), log_loss_points(worse, outcome), groups
    )

    assert difference.low <= difference.value <= difference.high < 0.0


def test_equal_forecasts_differ_by_nothing() -> None:
    truth, outcome, groups = drawn(seed=4)
    losses = brier_points(truth, outcome)

    difference = paired_difference(losses, losses, groups)

    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_points_of_one_window_are_not_independent() -> None:
    """Drawn one by one, 14 points of a window look like 14 proofs: the interval shrinks by 3.7."""
    truth, outcome, groups = drawn(seed=5)
    ours, theirs = brier_points(truth, outcome), brier_points(np.full_like(truth, 0.5), outcome)

    together = paired_difference(ours, theirs, groups)
    singly = paired_difference(ours, theirs, np.arange(len(ours)))

    ratio = (together.high - together.low) / (singly.high - singly.low)
    assert ratio == pytest.approx(14**0.5, rel=0.15)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """The mean difference of two forecasts, both noise, is zero: 95 % of intervals hold it."""
    held = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 5)
        noise = generator.normal(size=60)[groups] + generator.normal(size=300)
        interval = paired_difference(noise, np.zeros(300), groups, resamples=400, seed=seed)
        held += interval.low <= 0.0 <= interval.high

    assert 180 <= held <= 199


def test_equal_seeds_give_equal_intervals() -> None:
    truth, outcome, groups = drawn(seed=6)
    ours, theirs = brier_points(truth, outcome), brier_points(1 - truth, outcome)

    first = paired_difference(ours, theirs, groups, seed=9)

    assert first == paired_difference(ours, theirs, groups, seed=9)
    assert first != paired_difference(ours, theirs, groups, seed=10)


def test_the_market_scores_what_is_known_of_it(recorded: Path) -> None:
    """KXSOL15M mids at one-minute steps: log loss 0.436, Brier 0.146; late ones score better.

    Both sides must be quoted: an empty one is recorded as 0 or 1 and has no mid.
    """
    table = pq.read_table(recorded / "paths_1m_U.parquet", filters=[("coin", "==", "SOL")])
    bid, ask, left = (
        table[name].to_numpy() for name in ("yes_bid_close", "yes_ask_close", "secs_left")
    )
    yes = np.array([result == "yes" for result in table["result"].to_pylist()], dtype=float)
    quoted = (bid > 0) & (ask < 1)
    mid, outcome, left = ((bid + ask) / 2)[quoted], yes[quoted], left[quoted]

    assert len(set(table["ticker"].to_pylist())) == 659
    assert len(mid) == 8_959
    assert log_loss(mid, outcome) == pytest.approx(0.436, abs=0.0005)
    assert brier(mid, outcome) == pytest.approx(0.146, abs=0.0005)
    assert log_loss(mid[left == 840], outcome[left == 840]) == pytest.approx(0.648, abs=0.0005)
    assert log_loss(mid[left == 60], outcome[left == 60]) == pytest.approx(0.103, abs=0.0005)
