"""The stretch of a price: z-scores over a rolling span."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.stretch import StretchMeter
from core.units import INDEX_DOLLAR, MILLISECOND, SECOND, IndexValue, Nanos

START = 1_795_359_600
SOL = IndexValue(118 * INDEX_DOLLAR)


def at(second: float) -> Nanos:
    return Nanos(START * SECOND + round(second * SECOND))


@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.integers(SOL - 10**8, SOL + 10**8)),
        min_size=1,
        max_size=60,
    )
)
def test_it_is_mean_and_deviation_of_the_prices_in_the_span(moves: list[tuple[int, int]]) -> None:
    meter = StretchMeter(span_s=300, least_deviation_bps=1e-6)
    second = 0
    held: list[tuple[int, int]] = []
    for wait, price in moves:
        second += wait
        meter.update(IndexValue(price), at(second))
        held = [(s, p) for s, p in [*held, (second, price)] if s > second - 300]

    measured = meter.measure(SOL)

    prices = [price for _, price in held]
    mean, deviation = statistics.fmean(prices), statistics.pstdev(prices)
    deviation = max(deviation, 1e-10 * mean)
    assert measured.mean == pytest.approx(mean, abs=1)
    assert measured.deviation == pytest.approx(deviation, rel=1e-6, abs=1)
    assert measured.z == pytest.approx((SOL - mean) / deviation, rel=1e-6, abs=1e-6)
    assert meter.covered_s == held[-1][0] - held[0][0]


def test_only_the_first_price_of_a_second_counts() -> None:
    meter = StretchMeter(300, 1.0)
    meter.update(SOL, at(0))

    meter.update(IndexValue(2 * SOL), Nanos(at(0) + 500 * MILLISECOND))
    meter.update(IndexValue(2 * SOL), at(-1))

    assert meter.measure(SOL).z == 0.0


def test_a_still_market_has_the_least_deviation() -> None:
    meter = StretchMeter(300, least_deviation_bps=2.0)
    for second in range(100):
        meter.update(SOL, at(second))

    measured = meter.measure(IndexValue(SOL + SOL // 10_000))

    assert measured.z == pytest.approx(0.5)


def test_it_measures_nothing_without_a_price() -> None:
    meter = StretchMeter(300, 1.0)

    assert meter.covered_s == 0
    with pytest.raises(ValueError, match="no price"):
        meter.measure(SOL)


def test_sums_do_not_drift() -> None:
    """A day of prices, then a still minute: what is left is exactly that minute."""
    meter = StretchMeter(span_s=60, least_deviation_bps=0.001)
    for second in range(86_400):
        meter.update(IndexValue(SOL + second % 977 * 1_000_003), at(second))
    for second in range(86_400, 86_460):
        meter.update(SOL, at(second))

    measured = meter.measure(SOL)

    assert (measured.z, measured.mean) == (0.0, SOL)
    assert meter.covered_s == 59
