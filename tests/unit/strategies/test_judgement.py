"""What all strategies share: gates, fair value with its range, offers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.blend import DEFAULT_BLEND
from core.domain.pricing import probability_yes, probability_yes_fat
from core.exchange.records import Outcome
from core.strategies.base import StrategyParams
from core.strategies.judgement import (
    Judgement,
    fair_value,
    judge,
    settlement_outlook,
    stand_in_error,
)
from core.units import SECOND, IndexValue, Nanos, Price
from tests.builders import CLOSE, NOW, contracts, terms, view

PARAMS = StrategyParams()
STRIKE = terms().strike or IndexValue(0)


def before_close(seconds: float) -> Nanos:
    return Nanos(CLOSE - round(seconds * SECOND))


@pytest.mark.parametrize(
    ("picture", "seconds_left", "code"),
    [
        (view(market=terms(strike=None)), 600, "strike_unknown"),
        (view(index=IndexValue(0)), 600, "price_unknown"),
        (view(warm=False), 600, "not_warm"),
        (view(), 59.9, "too_late"),
        (view(), 840.1, "too_early"),
    ],
)
def test_the_first_shut_gate_is_told(picture: object, seconds_left: float, code: str) -> None:
    gate = judge(picture, before_close(seconds_left), PARAMS)  # type: ignore[arg-type]

    assert not isinstance(gate, Judgement)
    assert gate[0] == code
    assert dict(gate[1])["seconds_left"] == pytest.approx(seconds_left)


def test_too_many_missed_prints_are_a_gate() -> None:
    now = before_close(30)
    params = StrategyParams(min_seconds_left=10)
    ten_missed = view(ts_index=now, known=21, known_sum=21 * STRIKE)

    gate = judge(ten_missed, now, params)

    assert gate == ("prints_missed", (("missed", 10), ("limit", 5)))


def test_a_judgement_has_fair_value_and_both_offers() -> None:
    judged = judge(view(), NOW, PARAMS)

    assert isinstance(judged, Judgement)
    assert judged.fair.yes == probability_yes_fat(settlement_outlook(view()), 0.0001, 4)
    assert judged.yes is not None
    assert judged.no is not None
    assert (judged.yes.price, judged.no.price) == (4_800, 5_400)
    assert judged.best is judged.yes
    assert judged.offer(Outcome.NO) is judged.no
    assert judged.seconds_left == 600


def test_the_values_name_the_probability_of_yes_fair() -> None:
    judged = judge(view(), NOW, PARAMS)

    assert isinstance(judged, Judgement)
    values = dict(judged.values)
    assert list(values)[0] == "fair"  # noqa: RUF015 - the order is what is tested
    assert values["fair"] == judged.fair.yes
    assert {"yes_edge", "no_edge", "yes_price", "no_price", "seconds_left"} <= set(values)


def test_an_empty_side_offers_nothing() -> None:
    judged = judge(view(asks=()), NOW, PARAMS)

    assert isinstance(judged, Judgement)
    assert judged.yes is None
    assert judged.best is judged.no
    nothing = judge(view(asks=(), bids=()), NOW, PARAMS)
    assert isinstance(nothing, Judgement)
    assert nothing.best is None


@given(st.floats(0.98, 1.02), st.floats(1e-6, 1e-3), st.floats(0.0, 0.9), st.booleans())
def test_the_range_holds_the_fair_value(
    moneyness: float,
    sigma: float,
    error: float,
    proxy: bool,
) -> None:
    params = StrategyParams(volatility_error=error)
    picture = view(index=IndexValue(round(STRIKE * moneyness)), sigma=sigma, proxy=proxy)

    fair = fair_value(picture, settlement_outlook(picture), params)

    assert 0.0 <= fair.low <= fair.yes <= fair.high <= 1.0
    for outcome in Outcome:
        assert fair.cautious(outcome) <= fair.of(outcome)
    assert fair.of(Outcome.YES) + fair.of(Outcome.NO) == pytest.approx(1.0)


def test_a_stand_in_price_widens_the_settlement_by_its_own_error_and_its_basis() -> None:
    own, stand_in = view(), view(proxy=True, index_error=3e-4)
    state = settlement_outlook(own)
    params = StrategyParams(proxy_bps=4.0)

    widened = fair_value(stand_in, state, params).yes

    assert stand_in_error(own, state, params) == 0.0
    assert stand_in_error(stand_in, state, params) == pytest.approx(5e-4)
    assert widened == probability_yes_fat(state, 0.0001, 4, 5e-4)
    assert widened < fair_value(own, state, params).yes


def test_known_prints_dilute_the_last_prices_error_but_not_the_basis() -> None:
    """With 45 of 60 prints known a quarter hangs on the last price."""
    now = before_close(16)
    late = view(
        ts_index=now, proxy=True, index_error=3e-4, known=45, known_sum=45 * STRIKE, index=STRIKE
    )
    state = settlement_outlook(late)

    error = stand_in_error(late, state, StrategyParams(proxy_bps=4.0))

    assert (state.coming, state.missed) == (15, 0)
    assert error == pytest.approx(math.hypot(3e-4, 1e-4))


@pytest.mark.parametrize("degrees", [4, 100])
def test_the_tails_can_be_chosen(degrees: int) -> None:
    far = view(index=IndexValue(round(STRIKE * 1.010)))

    fair = fair_value(far, settlement_outlook(far), StrategyParams(tail_degrees=degrees)).yes

    normal = probability_yes(settlement_outlook(far), 0.0001)
    assert fair < normal
    assert (fair == pytest.approx(normal, abs=1e-3)) is (degrees == 100)


def test_fees_of_the_series_count() -> None:
    dear = judge(view(market=terms(fee_multiplier_bps=20_000)), NOW, PARAMS)
    usual = judge(view(), NOW, PARAMS)

    assert isinstance(dear, Judgement)
    assert isinstance(usual, Judgement)
    assert dear.yes is not None
    assert usual.yes is not None
    assert usual.yes.edge - dear.yes.edge == pytest.approx(0.07 * 0.48 * 0.52, abs=2e-4)


MARKET_ALONE = ((1.0, 0.0, 0.0, 0.0, 0.0),) * 3
MODEL_ALONE = ((0.0, 0.0, 0.0, 0.0, 1.0),) * 3
PRICES = st.integers(1, 98)


def judged(**changes: object) -> Judgement:
    found = judge(view(**changes), NOW, PARAMS)
    assert isinstance(found, Judgement)
    return found


def test_credits_say_how_far_the_fair_value_moves_to_the_market() -> None:
    model = judged()
    market = judged(credits=MARKET_ALONE)
    first = judged(credits=DEFAULT_BLEND.first_credits)

    assert judged(credits=MODEL_ALONE).fair.yes == pytest.approx(model.fair.yes)
    assert market.fair.yes == pytest.approx(0.47)
    assert 0.47 < first.fair.yes < model.fair.yes
    assert first.model == market.model == model.fair.yes
    assert first.fair.low < first.fair.yes < first.fair.high


def test_credits_of_the_time_left_count() -> None:
    """Ten minutes left: the last of the three spans."""
    late = (MARKET_ALONE[0], MARKET_ALONE[0], MODEL_ALONE[0])

    assert judged(credits=late).fair.yes == pytest.approx(judged().fair.yes)


@given(PRICES, PRICES, st.tuples(st.booleans(), st.booleans()), st.floats(-60.0, 60.0))
def test_the_market_alone_never_has_an_edge_over_itself(
    one: int, other: int, sides: tuple[bool, bool], offset_bps: float
) -> None:
    bid, ask = sorted((one, other + 1))
    found = judged(
        credits=MARKET_ALONE,
        index=IndexValue(round(STRIKE * (1 + offset_bps / 1e4))),
        bids=((Price(100 * bid), contracts(100)),) if sides[0] and bid < ask else (),
        asks=((Price(100 * ask), contracts(100)),) if sides[1] else (),
    )

    for offer in (found.yes, found.no):
        assert offer is None or offer.edge < 0.0
