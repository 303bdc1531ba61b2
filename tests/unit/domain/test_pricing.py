"""The fair value: limits, known prints, ties, monotony, and agreement with Monte-Carlo."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.domain.montecarlo import Draws, draw_means, estimate_yes
from core.domain.pricing import (
    NOTHING_KNOWN,
    Contract,
    KnownPrints,
    Outlook,
    digital,
    fair_range,
    outlook,
    probability_yes,
    probability_yes_fat,
    student_cdf,
)
from core.domain.volatility import variance_of_bps
from core.research.score_grid import (
    Comparison,
    Verdict,
    compare,
    compare_sharply,
    grid,
    judge_grid,
)
from core.units import MILLISECOND, SECOND, IndexValue, Nanos, parse_index

CLOSE = Nanos(1_795_360_500 * SECOND)
STRIKE = parse_index("250")
SIGMA = math.sqrt(variance_of_bps(32.7))
SIGMAS = st.floats(1e-6, 1e-3)
OFFSETS_BPS = st.floats(-60.0, 60.0)


def before_close(seconds: float) -> Nanos:
    return Nanos(CLOSE - round(seconds * SECOND))


def contract(strike: IndexValue = STRIKE, digits: int = 4) -> Contract:
    return Contract(strike=strike, digits=digits, close_ns=CLOSE)


def price_at(offset_bps: float) -> IndexValue:
    return IndexValue(round(STRIKE * (1 + offset_bps / 1e4)))


def flat_minute(seconds_left: int, price: IndexValue, known_price: IndexValue) -> Outlook:
    """In the final minute, every print so far at `known_price`, the newest price `price`."""
    count = 60 - seconds_left + 1
    known = KnownPrints(count=count, total=count * known_price)
    return outlook(contract(), known, price, before_close(seconds_left))


def early(seconds_left: float, price: IndexValue) -> Outlook:
    return outlook(contract(), NOTHING_KNOWN, price, before_close(seconds_left))


def test_the_worked_example_is_below_one_half() -> None:
    """S = 249.50 against K = 250, ten minutes left: without drift it cannot be 65 %.

    By hand: 1.09e-4 * sqrt(559.5) = 25.78 bp of deviation, the price is 20.02 bp below: N(-0.778).
    """
    state = early(600, parse_index("249.50"))

    assert probability_yes(state, SIGMA) == pytest.approx(0.2184, abs=0.0001)
    assert digital(249.50, 250.0, SIGMA, 600) == pytest.approx(0.2263, abs=0.0001)


@given(st.floats(1e-6, 1e-2), st.floats(61.0, 899.0))
def test_no_volatility_and_no_time_lifts_the_worked_example_to_one_half(
    sigma: float, seconds_left: float
) -> None:
    state = early(seconds_left, parse_index("249.50"))

    assert probability_yes(state, sigma) < 0.5


@pytest.mark.parametrize(
    ("seconds_left", "coming", "first_s"),
    [
        (600, 60, 540.0),
        (60.5, 60, 0.5),
        (60, 59, 1.0),
        (30, 29, 1.0),
        (1, 0, 1.0),
        (29.25, 29, 0.25),
    ],
)
def test_the_prints_after_the_newest_price_are_to_come(
    seconds_left: float, coming: int, first_s: float
) -> None:
    known = KnownPrints(count=60 - coming, total=(60 - coming) * STRIKE)

    state = outlook(contract(), known, STRIKE, before_close(seconds_left))

    assert (state.coming, state.missed) == (coming, 0)
    assert state.first_s == pytest.approx(first_s)


def test_prints_that_passed_unseen_are_missed() -> None:
    known = KnownPrints(count=20, total=20 * STRIKE)

    state = outlook(contract(), known, STRIKE, before_close(30))

    assert (state.coming, state.missed) == (29, 11)


def test_the_variance_is_that_of_the_sum_of_the_coming_prints() -> None:
    for n, first in itertools.product((1, 2, 7, 60), (0.3, 1.0, 500.0)):
        state = Outlook(price=STRIKE, needed=0, coming=n, missed=0, first_s=first)
        times = first + np.arange(n)

        direct = np.minimum.outer(times, times).sum() / n**2

        assert state.effective_seconds == pytest.approx(direct, rel=1e-12)


def test_before_the_minute_sixty_prints_weigh_like_one_in_its_first_third() -> None:
    state = early(600, STRIKE)

    assert state.effective_seconds == pytest.approx(600 - 60 + 19.5, abs=0.01)


def test_all_prints_known_is_certain() -> None:
    enough = KnownPrints(count=60, total=60 * STRIKE)
    short = KnownPrints(count=60, total=60 * (STRIKE - 10_000))

    for known, answer in ((enough, 1.0), (short, 0.0)):
        state = outlook(contract(), known, STRIKE, before_close(1))
        assert state.coming == 0
        assert probability_yes(state, SIGMA) == answer
        assert probability_yes_fat(state, SIGMA, 5) == answer


@pytest.mark.parametrize(
    ("short_by", "answer"), [(0, 1.0), (30 * 10_000, 1.0), (30 * 10_000 + 1, 0.0)]
)
def test_the_half_unit_below_the_strike_is_yes(short_by: int, answer: float) -> None:
    """A mean of 249.99995 rounds half up to 250.0000, anything below does not."""
    known = KnownPrints(count=60, total=60 * STRIKE - short_by)

    state = outlook(contract(), known, STRIKE, before_close(1))

    assert probability_yes(state, SIGMA) == answer


def test_a_strike_finer_than_the_unit_asks_for_the_next_unit() -> None:
    fine = parse_index("0.12345678")
    coarse = parse_index("0.1235")

    for total in (60 * coarse - 30 * 10_000, 60 * coarse - 30 * 10_000 - 1):
        known = KnownPrints(count=60, total=total)
        answers = {
            probability_yes(outlook(contract(strike), known, fine, before_close(1)), SIGMA)
            for strike in (fine, coarse)
        }
        assert len(answers) == 1


def test_tie_mass_counts_where_the_unit_is_coarse() -> None:
    """With one digit the unit is $0.10, so at the strike YES gains $0.05 of a $0.30 deviation."""
    coarse = Contract(strike=STRIKE, digits=1, close_ns=CLOSE)
    known = KnownPrints(count=59, total=59 * STRIKE)

    state = outlook(coarse, known, STRIKE, before_close(2))

    assert state.needed_mean == STRIKE - 60 * parse_index("0.05")
    assert probability_yes(state, 0.012) == pytest.approx(0.84, abs=0.01)


def test_a_lead_in_known_prints_can_decide_early() -> None:
    ahead = flat_minute(10, price_at(-2), known_price=price_at(10))
    behind = flat_minute(10, price_at(2), known_price=price_at(-10))

    assert probability_yes(ahead, SIGMA) > 0.9999
    assert probability_yes(behind, SIGMA) < 0.0001


def test_a_sum_that_is_already_enough_is_certain() -> None:
    known = KnownPrints(count=30, total=61 * STRIKE)

    assert probability_yes(outlook(contract(), known, STRIKE, before_close(31)), SIGMA) == 1.0


def test_without_volatility_the_price_decides() -> None:
    assert probability_yes(early(600, price_at(1)), 0.0) == 1.0
    assert probability_yes(early(600, price_at(-1)), 0.0) == 0.0
    assert digital(249.0, 250.0, 0.0, 600) == 0.0
    assert digital(250.0, 250.0, SIGMA, 0.0) == 1.0


@given(OFFSETS_BPS, OFFSETS_BPS, st.integers(2, 900), SIGMAS)
def test_a_higher_price_never_lowers_yes(
    one: float, other: float, seconds_left: int, sigma: float
) -> None:
    low, high = (early(max(seconds_left, 61), price_at(o)) for o in sorted((one, other)))

    assert probability_yes(low, sigma) <= probability_yes(high, sigma)
    assert probability_yes_fat(low, sigma, 4) <= probability_yes_fat(high, sigma, 4)


@given(st.integers(2, 60), OFFSETS_BPS, OFFSETS_BPS, SIGMAS)
def test_higher_known_prints_never_lower_yes(
    seconds_left: int, one: float, other: float, sigma: float
) -> None:
    low, high = (
        flat_minute(seconds_left, STRIKE, price_at(offset)) for offset in sorted((one, other))
    )

    assert probability_yes(low, sigma) <= probability_yes(high, sigma)


@given(st.floats(1.0, 60.0), st.integers(62, 899), SIGMAS)
def test_time_makes_a_lead_less_certain(lead: float, seconds_left: int, sigma: float) -> None:
    assume(sigma > 1e-5)
    sooner, later = early(seconds_left, price_at(lead)), early(seconds_left + 1, price_at(lead))

    assert probability_yes(sooner, sigma) >= probability_yes(later, sigma) >= 0.49


@given(OFFSETS_BPS, st.integers(61, 899), st.floats(1e-5, 1e-3))
def test_yes_and_no_mirror_each_other(offset: float, seconds_left: int, sigma: float) -> None:
    """Up to drift, the tie mass and the skew of a lognormal, all small."""
    up, down = (early(seconds_left, price_at(o)) for o in (offset, -offset))

    assert probability_yes(up, sigma) + probability_yes(down, sigma) == pytest.approx(1, abs=0.02)


@given(OFFSETS_BPS, st.integers(1, 899), st.integers(0, 60), SIGMAS, st.integers(3, 30))
def test_it_is_always_a_probability(
    offset: float, seconds_left: int, count: int, sigma: float, degrees: int
) -> None:
    known = KnownPrints(count=count, total=count * price_at(-offset))

    state = outlook(contract(), known, price_at(offset), before_close(seconds_left))

    assert 0.0 <= probability_yes(state, sigma) <= 1.0
    assert 0.0 <= probability_yes_fat(state, sigma, degrees) <= 1.0
    assert state.coming + state.missed + count == 60


def test_far_from_the_close_it_approaches_the_plain_digital() -> None:
    week = 7 * 86_400.0
    state = early(week, price_at(20))

    plain = digital(float(state.price), float(STRIKE), SIGMA, week)

    assert probability_yes(state, SIGMA) == pytest.approx(plain, abs=1e-4)


def test_in_the_final_minute_it_leaves_the_plain_digital() -> None:
    """31 prints lead by 5 bp, the price is back at the strike: the digital says one half.

    The other 29 must trail by 5.34 bp, with a deviation of 1.09e-4 * sqrt(10.17) = 3.48 bp.
    """
    state = flat_minute(30, STRIKE, known_price=price_at(5))

    assert digital(250.0, 250.0, SIGMA, 30) == pytest.approx(0.5, abs=0.001)
    assert probability_yes(state, SIGMA) == pytest.approx(0.938, abs=0.001)


def test_fat_tails_give_the_far_side_more_and_many_degrees_are_normal() -> None:
    far = early(120, price_at(40))

    assert probability_yes_fat(far, SIGMA, 4) < probability_yes(far, SIGMA)
    assert probability_yes_fat(far, SIGMA, 1_000) == pytest.approx(
        probability_yes(far, SIGMA), abs=1e-4
    )


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 8, 15, 30])
def test_students_distribution_has_its_density(degrees: int) -> None:
    """Simpson's rule over the density from 0 to x, which shares nothing with the finite sum."""
    scale = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    for x in (0.1, 0.7, 1.5, 4.0):
        points = np.linspace(0.0, x, 2_001)
        density = scale * (1 + points**2 / degrees) ** (-(degrees + 1) / 2)
        weights = np.ones_like(points)
        weights[1:-1:2], weights[2:-1:2] = 4, 2
        area = float((density * weights).sum() * (points[1] - points[0]) / 3)

        assert student_cdf(x, degrees) == pytest.approx(0.5 + area, abs=1e-9)
        assert student_cdf(-x, degrees) == pytest.approx(0.5 - area, abs=1e-9)


@pytest.mark.parametrize("degrees", [3, 4, 25, 26, 100])
@pytest.mark.parametrize("x", [-1e300, -1e9, -300.0, -40.0, 40.0, 300.0, 1e9, -math.inf, math.inf])
def test_students_far_tails_stay_probabilities(x: float, degrees: int) -> None:
    """The finite sum cancels there and used to end at -1.1e-16."""
    assert 0.0 <= student_cdf(x, degrees) <= 1.0


def test_four_degrees_make_the_worked_example_less_likely_still() -> None:
    """The same 0.778 deviations below: Student's t of four degrees, scaled to the same variance."""
    state = early(600, parse_index("249.50"))

    assert probability_yes_fat(state, SIGMA, 4) == pytest.approx(0.1666, abs=0.0001)


@pytest.mark.parametrize("error_bps", [0.5, 2.0, 10.0])
def test_an_error_of_the_price_adds_to_what_the_prints_may_do(error_bps: float) -> None:
    """29 of 60 prints to come: the error of the whole mean counts 60/29 times among them."""
    state = flat_minute(30, price_at(3), known_price=price_at(3))
    error = error_bps / 1e4

    width = math.sqrt(SIGMA**2 * state.effective_seconds + (60 * error / 29) ** 2)
    same = probability_yes(state, width / math.sqrt(state.effective_seconds))

    assert probability_yes(state, SIGMA, error) == pytest.approx(same, abs=1e-3)


def test_with_all_prints_from_a_stand_in_only_its_error_is_open() -> None:
    """A mean 1 bp above the strike, known to 1 bp: one standard deviation."""
    ahead = KnownPrints(count=60, total=60 * price_at(1))
    state = outlook(contract(), ahead, price_at(1), before_close(1))

    assert probability_yes(state, SIGMA) == 1.0
    assert probability_yes(state, SIGMA, 1e-4) == pytest.approx(0.8413, abs=0.001)
    assert probability_yes_fat(state, SIGMA, 1_000, 1e-4) == pytest.approx(0.8413, abs=0.001)


@given(OFFSETS_BPS, st.integers(1, 899), st.integers(0, 60), SIGMAS, st.floats(0.0, 1e-2))
def test_an_error_never_makes_surer(
    offset: float, seconds_left: int, count: int, sigma: float, error: float
) -> None:
    known = KnownPrints(count=count, total=count * STRIKE)
    state = outlook(contract(), known, price_at(offset), before_close(seconds_left))

    exact, blurred = probability_yes(state, sigma), probability_yes(state, sigma, error)

    assert min(exact, 0.5) - 1e-9 <= blurred + 0.02
    assert abs(blurred - 0.5) <= abs(exact - 0.5) + 0.02


STATES = [
    *(early(left, price_at(bps)) for left in (61, 75, 300, 840) for bps in (-12, -3, 0, 8)),
    *(
        flat_minute(left, price_at(bps), price_at(known))
        for left in (3, 20, 45, 60)
        for bps, known in ((0, 0), (3, -2), (-4, 1))
    ),
    outlook(contract(), KnownPrints(count=10, total=10 * STRIKE), price_at(1), before_close(30)),
    outlook(
        contract(digits=2), NOTHING_KNOWN, price_at(1), Nanos(CLOSE - 90 * SECOND + MILLISECOND)
    ),
]


@pytest.mark.parametrize(("seed", "state"), [*enumerate(STATES, start=100)])
def test_it_agrees_with_monte_carlo(seed: int, state: Outlook) -> None:
    drawn = estimate_yes(state, SIGMA, Draws(paths=100_000, seed=seed))

    assert abs(drawn.probability - probability_yes(state, SIGMA)) <= 3 * drawn.standard_error


@pytest.mark.parametrize(("seed", "state"), [*enumerate(STATES[::3], start=100)])
def test_the_fat_tails_agree_with_monte_carlo(seed: int, state: Outlook) -> None:
    drawn = estimate_yes(state, SIGMA, Draws(paths=100_000, seed=seed, degrees=4))

    fat = probability_yes_fat(state, SIGMA, 4)

    assert abs(drawn.probability - fat) <= 3 * drawn.standard_error


@pytest.mark.parametrize(
    "draws",
    [
        Draws(paths=10_000, seed=11),
        Draws(paths=10_000, seed=12, degrees=4),
        Draws(paths=10_000, seed=13, error=1e-4),
        Draws(paths=10_000, seed=14, degrees=4, error=1e-4),
    ],
)
def test_the_whole_grid_agrees_with_monte_carlo(draws: Draws) -> None:
    """By the rules of the grid: none beyond 4.06 errors, none twice beyond 3, their spread 1."""
    verdict = judge_grid(draws)

    assert len(verdict.compared) == 200
    assert verdict.spread > 0.75
    assert verdict.agrees, verdict.to_text()


def test_a_state_that_is_far_off_twice_or_too_far_once_does_not_agree() -> None:
    def off(errors: float) -> Comparison:
        return Comparison(
            cell=grid()[0], closed=0.5 + errors * 1e-3, drawn=0.5, standard_error=1e-3
        )

    others = (off(0.8), off(-0.8)) * 99
    assert Verdict(compared=(*others, off(3.5)), again=(off(1.0),)).agrees
    assert not Verdict(compared=(*others, off(3.5)), again=(off(3.5),)).agrees
    assert not Verdict(compared=(*others, off(4.1)), again=(off(1.0),)).agrees
    assert not Verdict(compared=(off(1.3), off(-1.3)), again=()).agrees


def test_with_the_chance_taken_out_hardly_an_error_shows() -> None:
    """Plain draws of this number are off by 0.0035, these by a tenth of that. What the formula
    leaves out is about 0.00002; 0.00005 is allowed.
    """
    for cell in grid()[::9]:
        if cell.state.coming:
            found = compare_sharply(cell, Draws(paths=20_000, seed=21))
            assert found.standard_error < 4e-4
            allowed = 4.06 * found.standard_error + 5e-5
            assert abs(found.closed - found.drawn) < allowed, found.to_text()


def test_taking_the_chance_out_agrees_with_plain_draws() -> None:
    for cell in grid()[4::20]:
        draws = Draws(paths=20_000, seed=22, degrees=4)
        plain, sharp = compare(cell, draws), compare_sharply(cell, draws)
        assert sharp.standard_error < plain.standard_error
        assert abs(sharp.drawn - plain.drawn) < 4.06 * plain.standard_error


def test_the_grid_would_show_a_wrong_variance() -> None:
    """Seconds to the close in the place of the averaged prints: the plain digital's mistake."""
    draws = Draws(paths=10_000, seed=11)
    wrong = 0
    for cell in grid():
        state, right = cell.state, compare(cell, draws)
        plain = digital(state.price, state.needed_mean, cell.sigma, cell.seconds_left)
        wrong += abs(plain - right.drawn) > 3 * right.standard_error

    assert wrong > 50


def test_equal_seeds_draw_equal_means() -> None:
    state = early(90, STRIKE)
    draws = Draws(paths=60_000, seed=3)

    first, again = draw_means(state, SIGMA, draws), draw_means(state, SIGMA, draws)

    assert np.array_equal(first, again)
    assert len(first) == 60_000
    assert first.mean() / STRIKE == pytest.approx(1.0, abs=1e-5)
    relative = np.log(first / STRIKE).std()
    assert relative == pytest.approx(SIGMA * math.sqrt(state.effective_seconds), rel=0.02)


@given(
    OFFSETS_BPS,
    st.integers(1, 899),
    st.integers(0, 60),
    st.floats(0.0, 1e-3),
    st.floats(0.0, 1e-3),
    st.floats(0.0, 0.9),
)
def test_a_range_is_what_three_prices_say(  # noqa: PLR0913, PLR0917 - one for each of its inputs
    offset: float, seconds_left: int, count: int, sigma: float, error: float, doubt: float
) -> None:
    known = KnownPrints(count=count, total=count * STRIKE)
    state = outlook(contract(), known, price_at(offset), before_close(seconds_left))

    fair, less, more = fair_range(state, sigma, 4, error, doubt)

    assert fair == pytest.approx(probability_yes_fat(state, sigma, 4, error), abs=1e-12)
    for share, factor in ((less, 1 - doubt), (more, 1 + doubt)):
        alone = probability_yes_fat(state, sigma * factor, 4, error)
        assert share == pytest.approx(alone, abs=1e-12)
