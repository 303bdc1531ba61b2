"""kelly_volatility: buys what costs less than it is worth, and says why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.records import Outcome
from core.messages import Pass, Signal
from core.strategies.kelly_volatility import KellyVolatility, KellyVolatilityParams
from core.units import SECOND, IndexValue, Nanos, Price, parse_index
from tests.builders import CLOSE, NOW, TICKER, contracts, terms, view

DEAR_YES = ((Price(7_900), contracts(200)),)


def strategy(**changes: float) -> KellyVolatility:
    return KellyVolatility(KellyVolatilityParams(**changes))  # type: ignore[arg-type]


def test_it_buys_the_outcome_that_is_too_cheap() -> None:
    """Fair 0.64 against an ask of 0.48: fourteen cents after 1.75 cents of fee."""
    signal = strategy().evaluate(view(), NOW)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price, signal.ticker) == (Outcome.YES, 4_800, TICKER)
    assert signal.probability == pytest.approx(0.644, abs=0.001)
    fee = 0.0175
    cautious = dict(signal.values)["fair_low"]
    assert signal.edge == pytest.approx(cautious - 0.48 - fee, abs=1e-4)
    assert signal.edge < signal.probability - 0.48 - fee
    assert signal.kelly_fraction == 0.25
    assert signal.style == "take"
    assert (signal.created, signal.ts_event, signal.ts_recv) == (NOW, NOW, NOW)


def test_it_buys_no_when_yes_is_too_dear() -> None:
    signal = strategy().evaluate(view(bids=DEAR_YES, asks=()), NOW)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price) == (Outcome.NO, 2_100)
    assert signal.probability == pytest.approx(1 - 0.644, abs=0.001)


def test_without_enough_edge_it_passes_with_its_numbers() -> None:
    fair_book = view(bids=((Price(6_000), contracts(50)),), asks=((Price(6_200), contracts(50)),))

    answer = strategy().evaluate(fair_book, NOW)

    assert isinstance(answer, Pass)
    assert (answer.code, answer.strategy) == ("edge", "kelly_volatility")
    values = dict(answer.values)
    assert values["yes_edge"] < values["limit"] == 0.03
    assert values["no_edge"] < 0.03
    assert values["fair"] == pytest.approx(0.644, abs=0.001)


def test_an_empty_book_is_a_pass() -> None:
    answer = strategy().evaluate(view(bids=(), asks=()), NOW)

    assert isinstance(answer, Pass)
    assert answer.code == "no_offer"


@pytest.mark.parametrize(("seconds_left", "code"), [(30, "too_late"), (850, "too_early")])
def test_it_keeps_its_hours(seconds_left: int, code: str) -> None:
    answer = strategy().evaluate(view(), Nanos(CLOSE - seconds_left * 10**9))

    assert isinstance(answer, Pass)
    assert answer.code == code


def test_the_fee_decides_a_close_call() -> None:
    """5.4 cents are 3.7 after the fee at 0.59, and 2.0 after twice the fee."""
    book = {"bids": (), "asks": ((Price(5_900), contracts(500)),)}
    willing = strategy(volatility_error=0.0)

    usual = willing.evaluate(view(**book), NOW)
    dear = willing.evaluate(view(**book, market=terms(fee_multiplier_bps=20_000)), NOW)

    assert isinstance(usual, Signal)
    assert isinstance(dear, Pass)


def test_the_often_copied_example_is_no_bargain_at_one_half() -> None:
    """S = 249.50, K = 250, ten minutes: YES at 0.50 has no edge, NO at 0.50 has."""
    market = terms(strike=parse_index("250"))
    book = {"bids": ((Price(5_000), contracts(99)),), "asks": ((Price(5_000), contracts(99)),)}

    signal = strategy().evaluate(
        view(market=market, index=parse_index("249.50"), sigma=0.000109, **book), NOW
    )

    assert isinstance(signal, Signal)
    assert signal.outcome is Outcome.NO
    assert signal.probability == pytest.approx(1 - 0.1666, abs=1e-4)


@given(
    st.floats(0.99, 1.01),
    st.integers(100, 9_800),
    st.integers(1, 300),
    st.integers(61, 839),
    st.floats(1e-5, 5e-4),
)
def test_every_answer_is_a_signal_with_its_edge_or_a_pass_with_a_code(
    moneyness: float, bid: int, spread: int, seconds_left: int, sigma: float
) -> None:
    now = Nanos(CLOSE - seconds_left * 10**9)
    strike = terms().strike or 0
    picture = view(
        index=IndexValue(round(strike * moneyness)),
        bids=((Price(bid), contracts(100)),),
        asks=((Price(min(bid + spread, 9_990)), contracts(100)),),
        sigma=sigma,
        ts_index=now,
    )

    answer = strategy().evaluate(picture, now)

    assert answer == strategy().evaluate(picture, now)
    if isinstance(answer, Signal):
        assert answer.edge >= 0.03
        assert answer.probability > answer.price / 10_000 + answer.edge
        assert 0.0 < answer.confidence <= 1.0
    else:
        assert answer.code == "edge"


# --- how long a pass stands


def test_a_pass_stands_until_a_price_is_good_enough() -> None:
    """Fair 0.644, at worst 0.63: YES at 0.58 and fee leaves three cents, at 0.62 it does not."""
    picture = view(bids=((Price(6_000), contracts(50)),), asks=((Price(6_200), contracts(50)),))

    standing = strategy().standing(picture, "edge", NOW)

    assert standing is not None
    assert standing.holds is not None
    assert standing.holds(Price(6_000), Price(6_200))
    assert standing.holds(Price(6_200), Price(6_400))
    assert not standing.holds(Price(5_000), Price(5_400))
    assert not standing.holds(Price(7_900), Price(8_100))
    assert strategy().standing(picture, "no_offer", NOW) is None


def test_a_gate_stands_whatever_the_book_until_it_opens() -> None:
    now = Nanos(CLOSE - 850 * SECOND)

    standing = strategy().standing(view(), "too_early", now)

    assert standing is not None
    assert standing.holds is None
    assert now < standing.until < CLOSE - 840 * SECOND
