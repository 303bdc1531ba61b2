"""The volatility estimate: its value, its memory, gaps, warmth and regimes."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.daytime import FLAT, HALF_HOURS, make_profile
from core.domain.volatility import (
    DEFAULT_SETTINGS,
    Regime,
    Volatility,
    VolatilitySettings,
    decay_of_half_life,
    variance_of_bps,
    window_bps,
)
from core.domain.windows import NEW_YORK
from core.units import INDEX_DOLLAR, MILLISECOND, SECOND, IndexValue, Nanos

START = 1_795_359_600
SOL = IndexValue(118 * INDEX_DOLLAR)


def at(second: int) -> Nanos:
    return Nanos((START + second) * SECOND)


def in_seconds(moment: datetime) -> int:
    return round(moment.timestamp())


def walk(bps: float, seconds: int, seed: int, start: float = float(SOL)) -> list[IndexValue]:
    """Prices of a driftless random walk with so many basis points per quarter hour."""
    steps = np.random.default_rng(seed).normal(0.0, math.sqrt(variance_of_bps(bps)), seconds)
    return [IndexValue(round(price)) for price in start * np.exp(np.cumsum(steps))]


def fed(prices: list[IndexValue], every: int = 1, first: int = 0) -> Volatility:
    volatility = Volatility()
    for second, price in enumerate(prices):
        if second % every == 0:
            volatility.update(price, at(first + second))
    return volatility


@pytest.mark.parametrize("bps", [15.0, 40.0, 120.0])
def test_it_finds_the_volatility_of_a_random_walk(bps: float) -> None:
    volatility = fed(walk(bps, 20_000, seed=7))

    assert window_bps(volatility.long_sigma) == pytest.approx(bps, rel=0.06)
    assert window_bps(volatility.sigma) == pytest.approx(bps, rel=0.15)


@pytest.mark.parametrize("every", [2, 5, 30])
def test_missing_seconds_do_not_bias_it(every: int) -> None:
    volatility = fed(walk(40.0, 20_000, seed=11), every)

    assert window_bps(volatility.long_sigma) == pytest.approx(40.0, rel=0.10)


def test_it_is_the_recursion_of_its_definition() -> None:
    prices, settings = walk(40.0, 900, seed=3), DEFAULT_SETTINGS
    logs = np.log(np.array(prices, dtype=float))
    long_alpha = 1 - 0.5 ** (1 / settings.long_half_life_s)
    short_alpha = 1 - settings.decay ** (1 / settings.decay_seconds)
    short = long = variance_of_bps(settings.prior_bps)
    for second in range(settings.step_seconds, len(prices)):
        variance = (logs[second] - logs[second - settings.step_seconds]) ** 2
        variance /= settings.step_seconds * settings.profile.factor(at(second)) ** 2
        share = 1 / (settings.prior_seconds + second)
        short += max(short_alpha, share) * (variance - short)
        long += max(long_alpha, share) * (variance - long)

    volatility = fed(prices)

    factor = settings.profile.factor(at(len(prices) - 1))
    assert volatility.short_sigma == pytest.approx(factor * math.sqrt(short), rel=1e-9)
    assert volatility.long_sigma == pytest.approx(factor * math.sqrt(long), rel=1e-9)
    mixed = settings.short_weight * short + (1 - settings.short_weight) * long
    assert volatility.sigma == pytest.approx(factor * math.sqrt(mixed), rel=1e-9)


def test_before_data_it_is_the_prior() -> None:
    volatility = Volatility(VolatilitySettings(profile=FLAT))

    assert window_bps(volatility.sigma) == pytest.approx(DEFAULT_SETTINGS.prior_bps)
    assert not volatility.warm
    assert volatility.regime is Regime.NORMAL


def test_the_newest_move_weighs_most() -> None:
    jumped = IndexValue(SOL + SOL // 100)
    early = fed([SOL] * 100 + [jumped] * 500)
    late = fed([SOL] * 500 + [jumped] * 100)

    assert late.short_sigma > 2 * early.short_sigma


def test_the_short_mean_halves_in_112_seconds_of_silence() -> None:
    prices = walk(40.0, 600, seed=5)
    still = [prices[-1]] * 10
    before = fed(prices + still).short_sigma
    after = fed(prices + still + [prices[-1]] * 112).short_sigma

    assert after**2 / before**2 == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("half_life", [30.0, 112.0, 900.0])
def test_half_lives_can_be_chosen(half_life: float) -> None:
    settings = VolatilitySettings(decay=decay_of_half_life(half_life))

    assert settings.short_half_life_s == pytest.approx(half_life)
    assert decay_of_half_life(112.0) == pytest.approx(0.94, abs=1e-3)


def test_a_still_price_leaves_the_floor() -> None:
    volatility = fed([SOL] * 200_000, every=100)

    assert window_bps(volatility.sigma) == pytest.approx(DEFAULT_SETTINGS.floor_bps)
    assert volatility.short_sigma < volatility.sigma


def test_only_the_first_price_of_a_second_counts() -> None:
    volatility = Volatility()

    assert volatility.update(SOL, at(0))
    assert not volatility.update(IndexValue(SOL + 1), Nanos(at(0) + 200 * MILLISECOND))
    assert not volatility.update(SOL, at(-1))
    assert not volatility.update(IndexValue(0), at(1))
    assert volatility.update(SOL, at(1))


def test_the_longest_gap_counts_whole_and_of_a_longer_one_nothing_is_known() -> None:
    prices = walk(40.0, 600, seed=9)
    moved = IndexValue(prices[-1] + prices[-1] // 50)
    bridged, broken = fed(prices), fed(prices)
    last, gap = len(prices) - 1, DEFAULT_SETTINGS.max_gap_s
    before = broken.short_sigma

    bridged.update(moved, at(last + gap))
    broken.update(moved, at(last + gap + 1))

    assert bridged.seconds == last + gap
    assert bridged.short_sigma > 2 * before
    assert broken.seconds < last
    assert broken.short_sigma < 1.1 * before


def test_a_silence_fades_the_short_mean_first_and_both_in_the_end() -> None:
    settings = VolatilitySettings(profile=FLAT)
    usual = walk(20.0, 20_000, seed=31)
    prices = usual + walk(80.0, 300, seed=32, start=float(usual[-1]))

    def after(silence: int) -> Volatility:
        volatility = Volatility(settings)
        for second, price in enumerate(prices):
            volatility.update(price, at(second))
        volatility.update(prices[-1], at(len(prices) + silence))
        return volatility

    some, long = after(1_200), after(10 * 86_400)

    assert some.short_sigma == pytest.approx(some.long_sigma, rel=0.01)
    assert some.warm
    assert window_bps(long.sigma) == pytest.approx(settings.prior_bps, rel=0.01)
    assert long.seconds == pytest.approx(0.0, abs=1.0)
    assert not long.warm


def test_after_a_silence_no_return_reaches_back_over_it() -> None:
    prices = walk(40.0, 600, seed=9)
    volatility = fed(prices)
    far = IndexValue(prices[-1] * 2)
    last = len(prices) + DEFAULT_SETTINGS.max_gap_s

    for second in range(60):
        volatility.update(far, at(last + second))

    assert volatility.short_sigma <= fed(prices).short_sigma


def test_bipower_finds_the_volatility_of_a_random_walk() -> None:
    settings = VolatilitySettings(measure="bipower", profile=FLAT)
    volatility = Volatility(settings)
    for second, price in enumerate(walk(40.0, 20_000, seed=7)):
        volatility.update(price, at(second))

    assert window_bps(volatility.long_sigma) == pytest.approx(40.0, rel=0.06)


def test_bipower_is_not_moved_by_a_jump_that_moves_squares() -> None:
    quiet = walk(20.0, 1_200, seed=23)
    jumped = quiet[:1_000] + [IndexValue(round(price * 1.01)) for price in quiet[1_000:]]

    def ratio(settings: VolatilitySettings) -> float:
        one, other = Volatility(settings), Volatility(settings)
        for second, (calm, jump) in enumerate(zip(quiet, jumped, strict=True)):
            one.update(calm, at(second))
            other.update(jump, at(second))
        return other.long_sigma / one.long_sigma

    assert ratio(VolatilitySettings()) > 3.0
    assert ratio(VolatilitySettings(measure="bipower")) < 1.6


def test_the_rhythm_of_the_day_is_taken_out_and_put_back() -> None:
    """A market three times as wild after half past nine: known before, or learned too late."""
    loud = tuple(3.0 if slot >= 19 else 1.0 for slot in range(HALF_HOURS))
    profile = make_profile(loud, loud)
    nine = in_seconds(datetime(2026, 6, 2, 9, 0, tzinfo=NEW_YORK))
    knowing, blind = (
        Volatility(VolatilitySettings(profile=p, short_weight=0.0)) for p in (profile, FLAT)
    )
    for second, price in enumerate(walk(20.0, 1_801, seed=41)):
        for volatility in (knowing, blind):
            volatility.update(price, Nanos((nine + second) * SECOND))

    assert window_bps(blind.sigma) == pytest.approx(20.0, rel=0.15)
    assert window_bps(knowing.sigma) == pytest.approx(60.0, rel=0.15)


def test_it_is_warm_after_its_time_even_with_sparse_prices() -> None:
    assert not fed([SOL] * 300, every=1).warm
    assert fed([SOL] * 301, every=1).warm
    assert fed([SOL] * 301, every=30).warm


def test_a_burst_is_a_spike_and_a_lull_is_calm() -> None:
    usual = walk(30.0, 4_000, seed=13)
    burst = walk(120.0, 200, seed=17, start=float(usual[-1]))
    lull = walk(8.0, 400, seed=17, start=float(usual[-1]))

    assert fed(usual).regime is Regime.NORMAL
    assert fed(usual + burst).regime is Regime.SPIKE
    assert fed(usual + lull).regime is Regime.CALM


@given(st.integers(1, 1_000_000), st.integers(0, 50))
def test_it_does_not_depend_on_the_unit_of_the_price(scale: int, seed: int) -> None:
    prices = [IndexValue(price // 1_000 * 1_000) for price in walk(40.0, 60, seed=seed)]
    scaled = [IndexValue(price * scale) for price in prices]

    assert fed(scaled).sigma == pytest.approx(fed(prices).sigma, rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 2**60)), max_size=40))
def test_it_is_finite_and_above_the_floor_whatever_comes(moves: list[tuple[int, int]]) -> None:
    volatility, second = Volatility(), 0
    for wait, price in moves:
        second += wait
        volatility.update(IndexValue(price), at(second))

    assert math.isfinite(volatility.sigma)
    floor = math.sqrt(variance_of_bps(DEFAULT_SETTINGS.floor_bps))
    assert volatility.sigma >= floor * (1 - 1e-12)


def test_settings_change_the_estimate() -> None:
    prices = walk(40.0, 600, seed=21)
    only_short = Volatility(VolatilitySettings(short_weight=1.0))
    for second, price in enumerate(prices):
        only_short.update(price, at(second))

    assert only_short.sigma == only_short.short_sigma == fed(prices).short_sigma
