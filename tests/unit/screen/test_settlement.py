"""What the rest of the final minute must do for YES: exact, rounding and ties included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.screen.settlement import PRINTS, needed_mean, winning_sum
from core.units import INDEX_DECIMALS, IndexValue, mean_index

strikes = st.integers(1, 10**14).map(IndexValue)


@given(strikes, st.integers(0, INDEX_DECIMALS))
def test_the_winning_sum_is_the_smallest_that_pays_yes(strike: IndexValue, digits: int) -> None:
    total = winning_sum(strike, digits)
    assert mean_index(total, PRINTS, digits) >= strike
    assert mean_index(total - 1, PRINTS, digits) < strike


@given(strikes, st.integers(0, 6), st.integers(0, PRINTS - 1), st.data())
def test_prints_at_the_needed_mean_settle_exactly_at_the_winning_sum(
    strike: IndexValue, digits: int, known: int, data: st.DataObject
) -> None:
    known_sum = data.draw(st.integers(0, known * 2 * strike))
    needed = needed_mean(strike, digits, known, known_sum)
    assert needed is not None
    left = PRINTS - known
    assert abs(needed * left - (winning_sum(strike, digits) - known_sum)) <= 1e-9 * abs(
        winning_sum(strike, digits) + known_sum
    )


def test_nothing_is_needed_any_more_when_all_sixty_are_known() -> None:
    assert needed_mean(IndexValue(100), 4, PRINTS, 6000) is None
