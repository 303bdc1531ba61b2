"""The basis: learned from strikes, slowly, by what each can tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.basis import Basis, BasisSettings
from core.units import INDEX_DOLLAR, MILLISECOND, SECOND, IndexValue, Nanos

OPEN = Nanos(1_795_359_600 * SECOND)
PRICE = IndexValue(80_000 * INDEX_DOLLAR)
SIGMA = 6e-5
"""About 18 bp over a window."""


def at(second: float, window: int = 0) -> Nanos:
    """Seconds after the open of a window."""
    return Nanos(OPEN + window * 900 * SECOND + round(second * SECOND))


def bps(value: float) -> float:
    return value * 1e4


def seen(basis: Basis, price: int = PRICE, window: int = 0, every: float = 1.0) -> Basis:
    """The minute before the open, at one price, from five seconds before it to one after."""
    for second in np.arange(-65, 2, every):
        basis.take(IndexValue(price), at(float(second), window))
    return basis


def off(offset_bps: float) -> IndexValue:
    return IndexValue(round(PRICE * (1 + offset_bps / 1e4)))


def test_a_strike_above_the_price_seen_is_a_basis_below_zero() -> None:
    basis = seen(Basis())

    lesson = basis.learn(off(1.0), OPEN, SIGMA)

    assert lesson is not None
    assert bps(lesson.observed) == pytest.approx(-1.0, abs=1e-3)
    assert bps(basis.estimate) == pytest.approx(-0.96, abs=0.01)
    assert basis.corrected(PRICE) == pytest.approx(off(0.96), rel=1e-6)
    assert bps(basis.error) == pytest.approx(0.39, abs=0.01)


def test_before_any_strike_there_is_no_basis_and_much_doubt() -> None:
    basis = Basis()

    assert basis.corrected(PRICE) == PRICE
    assert bps(basis.error) == pytest.approx(2.0)


def test_seven_dollars_of_eighty_thousand_are_nine_tenths_of_a_basis_point() -> None:
    basis = Basis()
    for window in range(20):
        seen(basis, PRICE - 7 * INDEX_DOLLAR, window)
        basis.learn(PRICE, at(0, window), SIGMA)

    assert bps(basis.estimate) == pytest.approx(-0.875, abs=0.01)
    assert basis.corrected(IndexValue(PRICE - 7 * INDEX_DOLLAR)) == pytest.approx(PRICE, rel=2e-7)


def test_the_mean_counts_each_second_once_however_many_trades_it_had() -> None:
    """Half the minute at the price, with a hundred trades; half 2 bp higher, with thirty."""
    basis = Basis()
    basis.take(PRICE, at(-61))
    for step in range(3_000):
        basis.take(PRICE, at(-60 + step / 100))
    for second in range(-30, 2):
        basis.take(off(2.0), at(second))

    lesson = basis.learn(off(1.0), OPEN, SIGMA)

    assert lesson is not None
    assert bps(lesson.observed) == pytest.approx(0.0, abs=0.02)


def test_a_price_a_minute_teaches_little() -> None:
    dense, sparse = seen(Basis()), Basis()
    sparse.take(PRICE, at(-60))
    sparse.take(PRICE, at(0))

    told = [basis.learn(off(1.0), OPEN, SIGMA) for basis in (dense, sparse)]

    assert all(told)
    bridge = SIGMA * math.sqrt(60 / 12)
    settings = BasisSettings()
    noise = math.hypot(bridge, settings.noise_bps / 1e4, settings.prior_bps / 1e4)
    assert told[1] is not None
    assert math.sqrt(told[1].expected) == pytest.approx(noise, rel=1e-6)
    assert sparse.error > 1.5 * dense.error
    assert abs(sparse.estimate) < abs(dense.estimate)


def test_a_price_a_minute_teaches_in_every_window() -> None:
    basis = Basis()
    for minute in range(-1, 15 * 20 + 1):
        basis.take(PRICE, at(60 * minute))
        if minute >= 0 and minute % 15 == 0:
            assert basis.learn(off(1.0), at(60 * minute), SIGMA) is not None

    assert basis.observations == 21


def test_a_last_price_may_stand_for_five_seconds_and_costs_certainty() -> None:
    def told(last: float) -> Basis:
        basis = Basis()
        for second in np.arange(-65, last + 0.5, 1.0):
            basis.take(PRICE, at(float(second)))
        return basis

    whole, short = told(0), told(-4)
    assert whole.learn(off(1.0), OPEN, SIGMA) is not None
    assert short.learn(off(1.0), OPEN, SIGMA) is not None
    assert short.error > whole.error
    assert told(-6).learn(off(1.0), OPEN, SIGMA) is None


@pytest.mark.parametrize("first", [-59.0, -30.0, 1.0])
def test_a_minute_that_was_not_seen_from_its_start_teaches_nothing(first: float) -> None:
    basis = Basis()
    for second in np.arange(first, 3, 1.0):
        basis.take(PRICE, at(float(second)))

    assert basis.learn(off(1.0), OPEN, SIGMA) is None
    assert basis.observations == 0


def test_a_silence_in_the_minute_teaches_nothing_but_one_before_it_does_not_matter() -> None:
    silent, early = Basis(), Basis()
    silent.take(PRICE, at(-61.5))
    silent.take(PRICE, at(0.5))
    early.take(PRICE, at(-900))
    seen(early)

    assert silent.learn(off(1.0), OPEN, SIGMA) is None
    assert early.learn(off(1.0), OPEN, SIGMA) is not None


def test_a_strike_of_another_window_teaches_nothing_and_none_teaches_twice() -> None:
    basis = seen(Basis())

    assert basis.learn(off(1.0), at(0, 1), SIGMA) is None
    assert basis.learn(off(1.0), at(0, -1), SIGMA) is None
    assert basis.learn(off(1.0), OPEN, SIGMA) is not None
    assert basis.learn(off(1.0), OPEN, SIGMA) is None


def test_prices_that_are_not_newer_are_ignored() -> None:
    basis = seen(Basis())
    twice = seen(Basis())
    twice.take(off(50.0), at(1.0))
    twice.take(off(50.0), at(-30.0))

    one, two = (b.learn(off(1.0), OPEN, SIGMA) for b in (basis, twice))

    assert one == two


def test_it_follows_a_basis_that_moves() -> None:
    basis = Basis()
    for window in range(60):
        offset = -1.5 if window < 30 else 0.0
        seen(basis, off(offset), window)
        basis.learn(PRICE, at(0, window), SIGMA)
        if window == 29:
            assert bps(basis.estimate) == pytest.approx(-1.5, abs=0.05)

    assert bps(basis.estimate) == pytest.approx(0.0, abs=0.05)


def test_time_without_strikes_makes_it_listen_again() -> None:
    basis = seen(Basis())
    basis.learn(PRICE, OPEN, SIGMA)

    day = 96
    seen(basis, off(-2.0), day)
    basis.learn(PRICE, at(0, day), SIGMA)

    assert bps(basis.estimate) < -1.8


@given(st.integers(0, 2**32), st.floats(-3.0, 3.0))
def test_the_estimate_is_within_its_error(seed: int, true_bps: float) -> None:
    """Strikes with the noise that the filter expects: 4 errors are one in 16,000."""
    noise = np.random.default_rng(seed).normal(0.0, 0.4, 20)
    basis = Basis(BasisSettings(drift_bps=0.0))
    for window, wrong in enumerate(noise):
        seen(basis, off(true_bps), window, every=5.0)
        basis.learn(off(-float(wrong)), at(0, window), 0.0)

    assert abs(bps(basis.estimate) - true_bps) < 5 * bps(basis.error) + 0.2
    assert basis.observations == 20


def test_the_price_at_the_open_itself_ends_the_minute() -> None:
    basis = Basis()
    for second in range(-65, 1):
        basis.take(PRICE, at(second))
    basis.take(off(100.0), Nanos(at(0) + 1 * MILLISECOND))

    lesson = basis.learn(PRICE, OPEN, SIGMA)

    assert lesson is not None
    assert bps(lesson.observed) == pytest.approx(0.0, abs=1e-6)
