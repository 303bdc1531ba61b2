"""The verdict: honest when looked at all the time, and one line for a person."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.verdict import LEAST, Track, half_width, windows_for

RESULTS = st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=60)


def tracked(results: list[float], trades: int = 1) -> Track:
    track = Track()
    for result in results:
        track = track.add(result, trades)
    return track


def alternating(mean: float, deviation: float, windows: int) -> list[float]:
    return [mean + deviation * (1 if number % 2 else -1) for number in range(windows)]


@given(RESULTS)
def test_it_keeps_mean_and_deviation(results: list[float]) -> None:
    track = tracked(results)

    assert track.mean == pytest.approx(fmean(results), abs=1e-12)
    assert track.deviation == pytest.approx(stdev(results), abs=1e-9)
    assert (track.windows, track.trades) == (len(results), len(results))


def test_whoever_always_looks_is_rarely_fooled() -> None:
    """No edge, 500 windows, looked at after each: an ordinary interval is fooled in a third."""
    fooled = ordinary = 0
    for seed in range(300):
        results = np.random.default_rng(seed).choice([-0.5, 0.5], 500)
        means = results.cumsum() / np.arange(1, 501)
        counts = np.arange(1, 501)
        deviations = np.sqrt(
            np.maximum(1e-12, 0.25 - means**2) * counts / np.maximum(1, counts - 1)
        )
        reach = np.array([half_width(n) for n in counts])
        late = counts >= LEAST
        fooled += bool((np.abs(means) > deviations * reach)[late].any())
        ordinary += bool((np.abs(means) > 1.96 * deviations / np.sqrt(counts))[late].any())

    assert fooled / 300 < 0.05
    assert ordinary / 300 > 0.25


def test_the_interval_is_wider_than_the_ordinary_one_but_not_twice() -> None:
    ratios = [half_width(n) * math.sqrt(n) / 1.96 for n in (30, 50, 200, 1_000, 10_000)]

    assert all(1.4 < ratio < 1.95 for ratio in ratios)


def test_no_trades_and_few_windows_are_no_verdict() -> None:
    assert Track().verdict().sentence == "no trades yet"
    few = tracked([0.5] * 29, trades=2).verdict()
    assert few.sentence == "too early to say: 58 trades in 29 of the 30 windows needed"
    assert not few.has_edge


def test_chance_is_called_chance_with_what_it_would_take() -> None:
    verdict = tracked(alternating(0.02, 0.4, 50)).verdict()

    assert not verdict.has_edge
    assert verdict.low < 0.0 < verdict.high
    assert verdict.needed is not None
    assert verdict.sentence == (
        "no evidence of edge yet: 50 trades, interval -16.7 to +20.7 cents a contract; "
        f"about {verdict.needed} more would show this mean"
    )


def test_a_loss_on_average_needs_no_more_trades_to_be_none() -> None:
    verdict = tracked(alternating(-0.01, 0.4, 50)).verdict()

    assert verdict.needed is None
    assert verdict.sentence.endswith("cents a contract")


@pytest.mark.parametrize(("mean", "words"), [(0.05, "there is an edge"), (-0.05, "loses money")])
def test_enough_of_it_is_told(mean: float, words: str) -> None:
    verdict = tracked(alternating(mean, 0.05, 100)).verdict()

    assert words in verdict.sentence
    assert verdict.has_edge is (mean > 0)
    assert verdict.loses is (mean < 0)


@given(st.floats(0.005, 0.2), st.floats(0.05, 0.5))
def test_the_windows_needed_are_just_enough(mean: float, deviation: float) -> None:
    windows = windows_for(mean, deviation)

    assert windows is not None
    assert mean > deviation * half_width(windows)
    assert windows == LEAST or mean <= deviation * half_width(windows - 1)


def test_an_edge_too_small_to_show_is_said_to_be_so() -> None:
    assert windows_for(1e-5, 0.5) is None


def test_trades_needed_count_as_many_a_window_as_before() -> None:
    one, three = (tracked(alternating(0.02, 0.4, 60), trades).verdict() for trades in (1, 3))

    assert one.needed is not None
    assert three.needed == pytest.approx(3 * one.needed, abs=3)
