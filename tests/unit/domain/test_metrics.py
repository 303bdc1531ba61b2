"""Metrics: exact counts, statistics against their definitions, None where too little is known."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.metrics import (
    Drawdown,
    Score,
    adverse_selection,
    average_edge,
    max_drawdown,
    sharpe_ratio,
    slippage,
)
from core.units import Money, Price
from tests.builders import money

amounts = st.integers(-(10**12), 10**12).map(Money)


def test_a_score_counts_wins_only_above_zero() -> None:
    score = Score()
    for amount in (2.0, -1.0, 0.0, 0.5):
        score.add(money(amount))
    assert (score.trades, score.wins, score.pnl) == (4, 2, money(1.5))
    assert score.win_rate == 0.5
    assert score.expectancy == pytest.approx(0.375)


def test_a_score_of_nothing_knows_nothing() -> None:
    assert (Score().win_rate, Score().expectancy) == (None, None)


@given(st.lists(amounts), st.lists(amounts))
def test_removing_undoes_adding_and_merging_adds_up(
    first: list[Money], second: list[Money]
) -> None:
    both, one, other = Score(), Score(), Score()
    for amount in first:
        both.add(amount)
        one.add(amount)
    for amount in second:
        both.add(amount)
        other.add(amount)
    merged = Score()
    merged.merge(one)
    merged.merge(other)
    assert merged == both
    for amount in second:
        both.remove(amount)
    assert both == one


def test_average_edge_is_the_mean() -> None:
    assert average_edge((0.03, 0.05, 0.04)) == pytest.approx(0.04)
    assert average_edge(()) is None


@given(
    st.lists(st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=2, max_size=50)
)
def test_sharpe_is_mean_over_sample_deviation(returns: list[float]) -> None:
    deviation = statistics.stdev(returns)
    found = sharpe_ratio(returns, 365)
    if deviation < 1e-9:
        assert found is None
    else:
        expected = statistics.fmean(returns) / deviation * math.sqrt(365)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_sharpe_needs_two_returns_that_differ() -> None:
    assert sharpe_ratio((0.1,), 365) is None
    assert sharpe_ratio((0.1, 0.1, 0.1), 365) is None


def test_the_deepest_amount_and_the_deepest_share_are_found_apart() -> None:
    curve = [money(x) for x in (10, 5, 100, 60, 120)]
    assert max_drawdown(curve) == Drawdown(amount=money(40), share=0.5)


@given(st.lists(amounts))
def test_drawdown_is_the_deepest_fall_from_any_earlier_value(curve: list[Money]) -> None:
    falls = [a - b for place, a in enumerate(curve) for b in curve[place:]]
    assert max_drawdown(curve).amount == max(falls, default=0)


@given(st.lists(amounts))
def test_a_curve_that_only_rises_has_no_drawdown(curve: list[Money]) -> None:
    assert max_drawdown(sorted(curve)) == Drawdown()


def test_slippage_is_what_was_paid_above_the_price_expected() -> None:
    assert slippage(Price(4800), Money(4850 * 2500), 2500) == pytest.approx(0.005)
    assert slippage(Price(4800), Money(4700 * 2500), 2500) == pytest.approx(-0.01)
    assert slippage(Price(4800), Money(0), 0) is None


def test_adverse_selection_is_positive_when_the_leg_lost_value() -> None:
    assert adverse_selection(Price(4800), Price(4500)) == pytest.approx(0.03)
    assert adverse_selection(Price(4800), Price(5000)) == pytest.approx(-0.02)
