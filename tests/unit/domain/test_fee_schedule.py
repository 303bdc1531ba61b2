"""Which fee terms hold: changes by time, overrides by event, waivers."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.fee_schedule import FeeChange, FeeOverride, FeeSchedule
from core.domain.fees import VERSION_B, FeeTerms, UnknownFee, fill_fee
from core.exchange.listing import FeeType
from core.units import ONE_CENT, Nanos, Price, Quantity, parse_money

EVENT, OTHER = "KXSOL15M-26NOV221015", "KXSOL15M-26NOV221030"
MAKERS = FeeType.QUADRATIC_WITH_MAKER_FEES
BASE = FeeSchedule(base=FeeTerms(trade_unit=VERSION_B, account_unit=ONE_CENT))


def change(starts: int, bps: int, fee_type: FeeType = FeeType.QUADRATIC) -> FeeChange:
    return FeeChange(starts=Nanos(starts), fee_type=fee_type, multiplier_bps=bps)


def test_without_changes_the_series_terms_hold() -> None:
    assert BASE.terms_at(EVENT, Nanos(0)) == BASE.base


def test_a_change_holds_from_its_time_on() -> None:
    schedule = BASE.with_change(change(100, 20_000, MAKERS))

    assert schedule.terms_at(EVENT, Nanos(99)).multiplier_bps == 10_000
    after = schedule.terms_at(EVENT, Nanos(100))
    assert (after.fee_type, after.multiplier_bps) == (MAKERS, 20_000)
    assert (after.trade_unit, after.account_unit) == (VERSION_B, ONE_CENT)


def test_the_order_of_announcements_does_not_matter_but_for_one_time() -> None:
    changes = [change(100, 1), change(200, 2), change(300, 3)]
    for order in permutations(changes):
        schedule = BASE
        for one in order:
            schedule = schedule.with_change(one)
        assert [schedule.terms_at(EVENT, Nanos(t)).multiplier_bps for t in (150, 250, 350)] == [
            1,
            2,
            3,
        ]

    corrected = BASE.with_change(change(100, 1)).with_change(change(100, 9))
    assert corrected.terms_at(EVENT, Nanos(100)).multiplier_bps == 9


def test_an_event_overrides_what_it_names_and_no_other_event() -> None:
    schedule = BASE.with_change(change(100, 20_000)).with_override(
        EVENT, FeeOverride(fee_type=MAKERS)
    )

    own = schedule.terms_at(EVENT, Nanos(100))
    assert (own.fee_type, own.multiplier_bps) == (MAKERS, 20_000)
    assert schedule.terms_at(OTHER, Nanos(100)).fee_type is FeeType.QUADRATIC
    half = schedule.with_override(EVENT, FeeOverride(multiplier_bps=5_000))
    assert half.terms_at(EVENT, Nanos(100)) == FeeTerms(
        multiplier_bps=5_000, trade_unit=VERSION_B, account_unit=ONE_CENT
    )


def test_an_override_can_be_taken_back() -> None:
    schedule = BASE.with_override(EVENT, FeeOverride(multiplier_bps=0))

    assert schedule.with_override(EVENT, FeeOverride()) == BASE


def test_a_waiver_ends_at_its_time() -> None:
    schedule = BASE.with_waiver(EVENT, Nanos(500))
    price, hundred = Price(5_000), Quantity(10_000)

    free = fill_fee(schedule.terms_at(EVENT, Nanos(499)), price, hundred, is_taker=True)
    due = fill_fee(schedule.terms_at(EVENT, Nanos(500)), price, hundred, is_taker=True)

    assert (free, due) == (0, parse_money("1.75"))
    assert schedule.terms_at(OTHER, Nanos(0)).multiplier_bps == 10_000


def test_an_order_that_rests_is_bounded_by_the_dearest_terms_of_its_life() -> None:
    schedule = (
        BASE.with_change(change(100, 30_000))
        .with_change(change(200, 5_000))
        .with_waiver(EVENT, Nanos(120))
    )

    def worst(start: int, end: int) -> int:
        return schedule.worst_until(EVENT, Nanos(start), Nanos(end)).multiplier_bps

    assert worst(0, 99) == worst(0, 110) == 0
    assert worst(0, 300) == 30_000
    assert worst(200, 300) == 5_000


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30_000)), max_size=8),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_the_dearest_terms_are_never_below_those_of_any_moment(
    changes: list[tuple[int, int]], one: int, other: int
) -> None:
    schedule = BASE
    for starts, bps in changes:
        schedule = schedule.with_change(change(starts, bps))
    start, end = sorted((one, other))

    worst = schedule.worst_until(EVENT, Nanos(start), Nanos(end)).multiplier_bps

    moments = [schedule.terms_at(EVENT, Nanos(t)).multiplier_bps for t in range(start, end + 1)]
    assert worst == max(moments)


def test_a_schedule_without_a_formula_is_found_before_it_is_charged() -> None:
    schedule = BASE.with_change(change(100, 10_000, FeeType.FLAT))

    worst = schedule.worst_until(EVENT, Nanos(0), Nanos(200))

    with pytest.raises(UnknownFee):
        fill_fee(worst, Price(5_000), Quantity(100), is_taker=True)
