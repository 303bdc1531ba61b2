"""high_confidence: near certainties with a margin, small stakes, never in a spike."""

from __future__ import annotations

import pytest

from core.domain.sizing import kelly_fraction
from core.exchange.records import Outcome
from core.messages import MarketView, Pass, Signal
from core.strategies.high_confidence import HighConfidence, HighConfidenceParams
from core.units import SECOND, IndexValue, Nanos, Price
from tests.builders import CLOSE, contracts, terms, view

LEFT = Nanos(CLOSE - 120 * SECOND)
STRIKE = terms().strike or IndexValue(0)


def strategy(**changes: float) -> HighConfidence:
    return HighConfidence(HighConfidenceParams(**changes))  # type: ignore[arg-type]


def picture(offset_bps: float = 20.0, ask: int = 8_500, **changes: object) -> MarketView:
    """Two minutes left and the price far above the strike: YES is near certain."""
    fields = {
        "index": IndexValue(round(STRIKE * (1 + offset_bps / 1e4))),
        "bids": ((Price(ask - 100), contracts(100)),),
        "asks": ((Price(ask), contracts(100)),),
        "ts_index": LEFT,
    }
    return view(**{**fields, **changes})


def code(answer: Signal | Pass) -> str:
    return answer.code if isinstance(answer, Pass) else "signal"


def test_it_buys_a_near_certainty_with_a_margin() -> None:
    signal = strategy().evaluate(picture(), LEFT)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price) == (Outcome.YES, 8_500)
    assert signal.confidence == dict(signal.values)["fair_low"] >= 0.90
    assert signal.edge >= 0.05


def test_it_buys_no_below_the_strike() -> None:
    below = picture(offset_bps=-20.0, bids=((Price(1_500), contracts(9)),), asks=())

    signal = strategy().evaluate(below, LEFT)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price) == (Outcome.NO, 8_500)
    assert signal.confidence >= 0.90


def test_a_cheaper_part_of_the_offer_takes_no_more_than_the_largest_stake() -> None:
    """Risk sizes at the average price paid: bought at the best level alone, Kelly is larger."""
    deep = picture(asks=((Price(6_000), contracts(5)), (Price(8_500), contracts(100))))

    signal = strategy().evaluate(deep, LEFT)

    assert isinstance(signal, Signal)
    assert signal.price == 8_500
    cost = 0.60 + 0.0168
    full = kelly_fraction(signal.probability, cost)
    assert full > dict(signal.values)["kelly"]
    assert full * signal.kelly_fraction <= 0.02 + 1e-12


def test_its_stake_never_exceeds_two_percent_of_the_bankroll() -> None:
    signal = strategy().evaluate(picture(), LEFT)

    assert isinstance(signal, Signal)
    full = dict(signal.values)["kelly"]
    assert full * 0.15 > 0.02
    assert signal.kelly_fraction * full == pytest.approx(0.02)


def test_a_smaller_stake_is_fifteen_percent_of_kelly() -> None:
    signal = strategy(max_stake=0.5).evaluate(picture(), LEFT)

    assert isinstance(signal, Signal)
    assert signal.kelly_fraction == 0.15


def test_a_stake_below_the_least_is_left() -> None:
    keen = strategy(min_stake=0.3, max_stake=0.4)

    assert code(keen.evaluate(picture(), LEFT)) == "stake"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (picture(regime="spike"), "spike"),
        (picture(offset_bps=8.0), "conviction"),
        (picture(ask=9_300), "edge"),
        (picture(asks=()), "no_offer"),
        (picture(warm=False), "not_warm"),
    ],
)
def test_each_gate_tells_its_code(changed: MarketView, expected: str) -> None:
    assert code(strategy().evaluate(changed, LEFT)) == expected


@pytest.mark.parametrize(
    ("seconds_left", "expected"),
    [(29, "too_late"), (30, "prints_missed"), (601, "too_early")],
)
def test_it_keeps_its_hours(seconds_left: int, expected: str) -> None:
    now = Nanos(CLOSE - seconds_left * SECOND)

    assert code(strategy().evaluate(picture(ts_index=now), now)) == expected


def test_known_prints_can_convince_it_late() -> None:
    """Thirty of sixty prints lie 20 bp above the strike, the rest would have to trail as far."""
    now = Nanos(CLOSE - 30 * SECOND)
    ahead = IndexValue(round(STRIKE * 1.002))

    signal = strategy().evaluate(
        picture(offset_bps=2.0, known=31, known_sum=31 * ahead, ts_index=now), now
    )

    assert isinstance(signal, Signal)
    assert signal.confidence > 0.99


def test_stakes_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="min_stake"):
        HighConfidenceParams(min_stake=0.05)


def test_it_is_the_cautious_probability_that_must_convince() -> None:
    """Likely enough at the estimated volatility, but not at one 15 % higher."""
    near = picture(offset_bps=10.5, ask=8_000)

    doubtful, sure = (
        strategy().evaluate(near, LEFT),
        strategy(volatility_error=0).evaluate(near, LEFT),
    )

    assert isinstance(doubtful, Pass)
    assert doubtful.code == "conviction"
    values = dict(doubtful.values)
    assert values["conviction"] == values["fair_low"] < 0.90 <= values["fair"]
    assert isinstance(sure, Signal)
