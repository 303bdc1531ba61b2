"""Deflated Sharpe ratio and probability of overfitting: published cases, and cases with an answer.

The worked example is that of Bailey and Lopez de Prado (2014): an annual ratio of 2.5 over five
years of days, 100 trials whose annual ratios have variance one half, skewness -3, kurtosis 10.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.research.overfitting import (
    Moments,
    deflated,
    expected_best,
    moments,
    overfitting,
    probabilistic_sharpe,
    sharpes,
)

YEAR = 250


def test_the_worked_example_of_the_paper() -> None:
    luck = expected_best(100, math.sqrt(0.5 / YEAR))
    found = Moments(count=1_250, sharpe=2.5 / math.sqrt(YEAR), skew=-3.0, kurtosis=10.0)

    assert luck == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(found, luck) == pytest.approx(0.9004, abs=5e-5)


def test_fewer_trials_would_have_been_significant() -> None:
    """The paper's second figure: with 46 trials, and not 100, the same record reaches 95 %."""
    found = Moments(count=1_250, sharpe=2.5 / math.sqrt(YEAR), skew=-3.0, kurtosis=10.0)
    luck = expected_best(46, math.sqrt(0.5 / YEAR))

    assert probabilistic_sharpe(found, luck) == pytest.approx(0.95, abs=0.002)


def test_expected_best_is_what_simulation_finds() -> None:
    drawn = np.random.default_rng(3).standard_normal((20_000, 200)).max(axis=1)

    assert expected_best(200, 1.0) == pytest.approx(drawn.mean(), rel=0.01)


def test_moments_are_those_of_scipy() -> None:
    results = np.random.default_rng(5).exponential(size=400) - 0.7

    found = moments(results)

    assert found.sharpe == pytest.approx(results.mean() / results.std(ddof=1))
    assert found.skew == pytest.approx(stats.skew(results))
    assert found.kurtosis == pytest.approx(stats.kurtosis(results, fisher=False))


@pytest.mark.parametrize("results", [[], [1.0, 2.0], [0.0] * 50, [0.1] * 50])
def test_results_that_say_nothing_have_no_ratio(results: list[float]) -> None:
    found = moments(np.array(results))

    assert found.sharpe == 0.0
    assert probabilistic_sharpe(found) == 0.5


@given(st.integers(2, 400), st.integers(401, 5_000))
def test_more_trials_expect_more_luck(few: int, many: int) -> None:
    assert 0 < expected_best(few, 1.0) < expected_best(many, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 1_000.0))
def test_the_unit_of_money_does_not_matter(seed: int, unit: float) -> None:
    results = np.random.default_rng(seed).standard_normal((60, 12))

    assert deflated(results * unit).probability == pytest.approx(deflated(results).probability)
    scaled, plain = overfitting(results * unit, 8), overfitting(results, 8)
    assert scaled is not None
    assert plain is not None
    assert scaled.probability == plain.probability


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_deflating_never_flatters(seed: int) -> None:
    found = deflated(np.random.default_rng(seed).standard_normal((80, 20)))

    assert 0.0 <= found.probability <= found.undeflated <= 1.0


def test_trials_without_skill_overfit_in_half_of_all_cases() -> None:
    """Averaged over records: the best of one half is anywhere in the other."""
    draws = np.random.default_rng(11)
    found = [overfitting(draws.standard_normal((160, 40)), 8) for _ in range(60)]

    mean = float(np.mean([one.probability for one in found if one is not None]))

    assert mean == pytest.approx(0.5, abs=0.08)


def test_a_trial_with_skill_is_found_again() -> None:
    results = np.random.default_rng(1).standard_normal((320, 50))
    results[:, 17] += 0.8

    found = overfitting(results)
    best = deflated(results)

    assert found is not None
    assert (found.probability, found.loss, found.halvings) == (0.0, 0.0, 12_870)
    assert best.probability > 0.99
    assert int(np.argmax(sharpes(results))) == 17


def test_trials_whose_luck_turns_overfit_always() -> None:
    """Good in one half is bad in the other: every trial sums up to nothing."""
    block = np.repeat(np.random.default_rng(2).standard_normal((4, 30)), 10, axis=0)
    noise = np.random.default_rng(4).standard_normal((80, 30)) * 0.01
    results = np.concatenate([block, -block]) + noise

    found = overfitting(results, 2)

    assert found is not None
    assert found.probability == 1.0
    assert found.loss == 1.0
    assert found.slope < 0.0


def test_without_skill_the_deflated_ratio_seldom_convinces() -> None:
    """At most about one record in twenty passes 95 %; undeflated, nearly all would."""
    draws = np.random.default_rng(8)
    found = [deflated(draws.standard_normal((200, 100))) for _ in range(200)]

    assert np.mean([one.probability > 0.95 for one in found]) <= 0.06
    assert np.mean([one.undeflated > 0.95 for one in found]) >= 0.9


@pytest.mark.parametrize("shape", [(3, 5), (40, 1)])
def test_too_little_gives_no_probability(shape: tuple[int, int]) -> None:
    assert overfitting(np.random.default_rng(1).standard_normal(shape)) is None


def test_trials_that_are_all_the_same_give_no_probability() -> None:
    assert overfitting(np.ones((40, 5))) is None
