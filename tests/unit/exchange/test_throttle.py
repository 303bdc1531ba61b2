"""Token buckets: never more than the venue grants, cancels first, and peace after a 429."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.costs import BALANCE, FREE, READ, Bill
from core.exchange.listing import Limits
from core.exchange.throttle import (
    BACK_OFF_FIRST,
    BACK_OFF_LONGEST,
    NEVER,
    BucketSize,
    Throttle,
    TokenBucket,
    Urgency,
    size_of,
)
from core.units import MILLISECOND, SECOND, Nanos, seconds

START = Nanos(1_795_360_000 * SECOND)
CREATE: Bill = (("write:2", 10),)
CANCEL: Bill = (("write:2", 2),)
ASK: Bill = ((READ, 10),)
PREMIER = Limits(
    tier="premier", read_refill=1200, read_capacity=3600, write_refill=1200, write_capacity=2400
)


def after(duration: float) -> Nanos:
    return Nanos(START + seconds(duration))


def spend(throttle: Throttle, bill: Bill, urgency: Urgency, now: Nanos) -> int:
    """Send while it may go; how often that was."""
    sent = 0
    while not throttle.wait(bill, urgency, now):
        throttle.take(bill, now)
        sent += 1
    return sent


# --- one bucket


def test_a_bucket_is_full_at_first_and_then_pays_out_at_its_rate() -> None:
    bucket = TokenBucket(BucketSize(refill=100, capacity=100), START)
    bucket.take(100, START)
    assert bucket.wait(10, START) == 100 * MILLISECOND
    assert bucket.wait(10, Nanos(START + 99 * MILLISECOND)) == MILLISECOND
    assert bucket.wait(10, Nanos(START + 100 * MILLISECOND)) == 0


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    bucket = TokenBucket(BucketSize(refill=100, capacity=100), START)
    assert bucket.tokens(after(3600)) == 100


def test_what_no_bucket_can_hold_goes_when_it_is_full_and_leaves_a_debt() -> None:
    bucket = TokenBucket(BucketSize(refill=100, capacity=100), START)
    assert bucket.wait(200, START) == 0
    bucket.take(200, START)
    assert bucket.tokens(START) == -100
    assert bucket.wait(1, START) == seconds(1.01)


def test_a_bucket_that_does_not_refill_makes_wait_forever() -> None:
    bucket = TokenBucket(BucketSize(refill=0, capacity=10), START)
    bucket.take(10, START)
    assert bucket.wait(1, START) == NEVER


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    bucket = TokenBucket(BucketSize(refill=100, capacity=100), START)
    bucket.take(100, START)
    back = Nanos(START - 3600 * SECOND)
    assert bucket.tokens(back) == 0
    assert bucket.tokens(Nanos(back + SECOND)) == 100


def test_a_full_bucket_that_grows_is_full_and_another_keeps_what_it_holds() -> None:
    full = TokenBucket(BucketSize(refill=100, capacity=100), START)
    used = TokenBucket(BucketSize(refill=100, capacity=100), START)
    used.take(40, START)
    for bucket in (full, used):
        bucket.resize(BucketSize(refill=300, capacity=600), START)
    assert (full.tokens(START), used.tokens(START)) == (600, 60)


Steps = st.lists(st.tuples(st.integers(0, 2 * SECOND), st.integers(1, 60)), min_size=1, max_size=80)


@given(steps=Steps, refill=st.integers(1, 500), capacity=st.integers(60, 600))
def test_over_any_span_no_more_leaves_than_capacity_plus_refill(
    steps: list[tuple[int, int]], refill: int, capacity: int
) -> None:
    bucket = TokenBucket(BucketSize(refill=refill, capacity=capacity), START)
    now, spent = int(START), 0
    for pause, tokens in steps:
        now += pause
        wait = bucket.wait(tokens, Nanos(now))
        if wait:
            assert bucket.wait(tokens, Nanos(now + wait - 1)) > 0, "no longer than needed"
            assert bucket.wait(tokens, Nanos(now + wait)) == 0, "and long enough"
            now += wait
        bucket.take(tokens, Nanos(now))
        spent += tokens
        assert spent * SECOND <= capacity * SECOND + (now - START) * refill


# --- sizes


def test_until_the_venue_told_them_the_limits_are_those_of_the_lowest_tier() -> None:
    throttle = Throttle(START)
    throttle.take(CREATE, START)
    throttle.take(ASK, START)
    shown = {level.bucket: (level.tokens, level.capacity) for level in throttle.levels(START)}
    assert shown == {"read": (590, 600), "write:2": (90, 100)}
    assert throttle.tier == "basic"


def test_told_limits_hold_for_buckets_in_use_and_for_later_ones() -> None:
    throttle = Throttle(START)
    throttle.take(CREATE, START)
    throttle.set_limits(PREMIER, START)
    throttle.take(ASK, START)
    shown = {level.bucket: (level.capacity, level.refill) for level in throttle.levels(START)}
    assert shown == {"read": (3600, 1200), "write:2": (2400, 1200)}


@pytest.mark.parametrize(
    ("tier", "calls"), [("basic", 1), ("Advanced", 1), ("expert", 5), ("prestige", 5)]
)
def test_the_balance_has_a_bucket_of_its_own_by_tier(tier: str, calls: int) -> None:
    limits = Limits(tier=tier, read_refill=1, read_capacity=1, write_refill=1, write_capacity=1)
    assert size_of(BALANCE, limits) == BucketSize(refill=calls, capacity=calls)


def test_the_balance_is_asked_once_a_second_and_leaves_other_reads_alone() -> None:
    throttle = Throttle(START)
    assert spend(throttle, ((BALANCE, 1),), Urgency.READ, START) == 1
    assert throttle.wait(((BALANCE, 1),), Urgency.READ, START) == SECOND
    assert throttle.wait(ASK, Urgency.READ, START) == 0


@pytest.mark.parametrize("tier", ["basic", "premier"])
def test_the_balance_is_not_asked_sooner_than_a_second_after_the_answer(tier: str) -> None:
    """The question may have taken nearly all of the time, and the next one none."""
    throttle, ask = Throttle(START), ((BALANCE, 1),)
    throttle.set_limits(msgspec.structs.replace(PREMIER, tier=tier), START)
    asked = spend(throttle, ask, Urgency.READ, START)
    for _ in range(asked):
        throttle.answered(ask, after(0.4))
    rate = size_of(BALANCE, msgspec.structs.replace(PREMIER, tier=tier)).refill
    late = after(0.4 + 1 / rate)
    assert (throttle.wait(ask, Urgency.READ, after(0.4)) > 0) == (tier == "basic")
    assert throttle.wait(ask, Urgency.READ, late) == 0


def test_the_other_buckets_fill_while_their_requests_are_under_way() -> None:
    throttle = Throttle(START)
    throttle.take(CREATE, START)
    throttle.answered(CREATE, after(0.1))
    shown = {level.bucket: level.tokens for level in throttle.levels(after(0.1))}
    assert shown == {"write:2": 100}


def test_shards_do_not_share_their_tokens() -> None:
    throttle = Throttle(START)
    spend(throttle, CREATE, Urgency.PLACE, START)
    assert throttle.wait((("write", 10),), Urgency.PLACE, START) == 0


def test_a_bill_of_several_buckets_waits_for_the_slowest() -> None:
    throttle = Throttle(START)
    throttle.take((("write:2", 100),), START)
    both: Bill = (("write", 10), ("write:2", 10))
    assert throttle.wait(both, Urgency.CANCEL, START) == 100 * MILLISECOND


# --- urgency


def test_orders_leave_a_reserve_that_cancels_may_use() -> None:
    throttle = Throttle(START)
    assert spend(throttle, CREATE, Urgency.PLACE, START) == 8
    assert spend(throttle, CANCEL, Urgency.CANCEL, START) == 10
    assert throttle.wait(CANCEL, Urgency.CANCEL, START) == 20 * MILLISECOND


def test_after_a_flood_cancels_come_back_first_then_questions_about_orders_then_reads() -> None:
    throttle = Throttle(START)
    throttle.take(((READ, 600),), START)
    waits = [throttle.wait(ASK, urgency, START) for urgency in Urgency]
    assert waits == [50 * MILLISECOND, 650 * MILLISECOND, 650 * MILLISECOND, 1250 * MILLISECOND]


@given(st.lists(st.sampled_from([CREATE, CANCEL]), max_size=200), st.integers(0, 2**32))
def test_whatever_was_sent_before_a_cancel_waits_only_for_its_own_tokens(
    sent: list[Bill], pauses: int
) -> None:
    """As long as orders respect the reserve, ten cancels can go at once."""
    throttle, now = Throttle(START), int(START)
    for step, bill in enumerate(sent):
        now += pauses % (step + 7) * MILLISECOND
        if bill is CREATE and not throttle.wait(bill, Urgency.PLACE, Nanos(now)):
            throttle.take(bill, Nanos(now))
            assert spend_ten_cancels(throttle, Nanos(now))


def spend_ten_cancels(throttle: Throttle, now: Nanos) -> bool:
    for _ in range(10):
        if throttle.wait(CANCEL, Urgency.CANCEL, now):
            return False
        throttle.take(CANCEL, now)
    for _ in range(10):
        throttle.give_back(CANCEL, now)
    return True


def test_tokens_of_what_did_not_leave_come_back() -> None:
    throttle = Throttle(START)
    spend(throttle, CREATE, Urgency.PLACE, START)
    throttle.give_back(CREATE, START)
    assert throttle.wait(CREATE, Urgency.PLACE, START) == 0
    assert throttle.wait(CREATE, Urgency.PLACE, START) == 0, "asking takes nothing"


# --- 429


def test_a_429_empties_its_bucket_and_pauses_it_and_no_other() -> None:
    throttle = Throttle(START)
    throttle.refused(CREATE, START)
    assert throttle.wait(CANCEL, Urgency.CANCEL, START) >= BACK_OFF_FIRST
    assert throttle.wait(ASK, Urgency.READ, START) == 0
    (level,) = (row for row in throttle.levels(START) if row.bucket == "write:2")
    assert (level.tokens, throttle.refusals) == (0, 1)
    assert level.paused >= BACK_OFF_FIRST


def test_refusals_in_a_row_double_the_bound_of_the_pause_up_to_two_seconds() -> None:
    pauses = [_pauses(seed, strikes=8) for seed in range(200)]
    for nth, bound in enumerate((200, 400, 800, 1600, 2000, 2000, 2000, 2000)):
        nth_pauses = [pause[nth] for pause in pauses]
        assert min(nth_pauses) >= BACK_OFF_FIRST
        assert max(nth_pauses) <= bound * MILLISECOND
        assert max(nth_pauses) > 0.8 * bound * MILLISECOND, "jitter uses the whole span"
    assert max(max(pause) for pause in pauses) <= BACK_OFF_LONGEST


def _pauses(seed: int, strikes: int) -> list[int]:
    throttle, now, found = Throttle(START, seed=seed), START, []
    for _ in range(strikes):
        throttle.refused(FREE, now)
        found.append(int(throttle.wait(FREE, Urgency.READ, now)))
        now = Nanos(now + found[-1])
    return found


def test_answers_to_what_was_sent_before_the_pause_do_not_lengthen_it() -> None:
    throttle = Throttle(START)
    throttle.refused(FREE, START)
    pause = throttle.wait(FREE, Urgency.READ, START)
    for _ in range(5):
        throttle.refused(FREE, START)
    assert throttle.wait(FREE, Urgency.READ, START) == pause
    assert throttle.refusals == 6


def test_an_answer_makes_the_next_pause_short_again() -> None:
    throttle, now = Throttle(START), START
    for _ in range(6):
        throttle.refused(FREE, now)
        now = Nanos(now + throttle.wait(FREE, Urgency.READ, now))
    throttle.answered(FREE, now)
    throttle.refused(FREE, now)
    assert throttle.wait(FREE, Urgency.READ, now) <= 2 * BACK_OFF_FIRST


def test_equal_seeds_pause_equally() -> None:
    assert _pauses(3, 5) == _pauses(3, 5)
