"""The blend: it never loses much to the market, and follows the model where that is better."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.blend import Blend, BlendSettings, Look
from core.domain.calibration import CLIP

SHARES = st.floats(0.0, 1.0)
LOOKS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=6)
HISTORY = st.lists(st.tuples(LOOKS, st.booleans()), min_size=1, max_size=30)


def loss(share: float, *, yes: bool) -> float:
    given_share = min(max(share, CLIP), 1 - CLIP)
    return -math.log(given_share if yes else 1 - given_share)


def show(blend: Blend, ticker: str, looks: list[tuple[float, float]], left: int = 890) -> None:
    for number, (model, market) in enumerate(looks):
        seconds_left = left - 10 * number
        blend.look(Look(ticker=ticker, seconds_left=seconds_left, model=model, market=market))


def play(blend: Blend, windows: int, truth: str, seed: int = 1, left: int = 600) -> None:
    """Windows whose chances one of the two knows, while the other is sure of anything."""
    generator = np.random.default_rng(seed)
    for number in range(windows):
        right = float(generator.uniform(0.1, 0.9))
        wrong = float(generator.choice([0.03, 0.97]))
        looks = [(right, wrong) if truth == "model" else (wrong, right)]
        show(blend, str(number), looks, left)
        blend.settle(str(number), yes=bool(generator.random() < right))


def test_it_starts_nearer_to_the_market() -> None:
    blend = Blend()

    assert blend.weight(600) == pytest.approx(0.234375)
    assert 0.5 < blend.mix(0.9, 0.5, 600) < 0.65
    assert blend.mix(0.5, 0.5, 600) == pytest.approx(0.5)


def test_the_weight_moves_to_the_market_when_the_model_is_worse() -> None:
    blend = Blend()
    weights = [blend.weight(600)]
    for day in range(4):
        play(blend, 96, truth="market", seed=day)
        weights.append(blend.weight(600))

    assert weights[1] < 0.7 * weights[0]
    assert weights[4] < 0.4 * weights[0]
    assert blend.mix(0.9, 0.5, 600) == pytest.approx(0.5, abs=0.05)


def test_the_weight_moves_to_the_model_when_the_market_is_worse() -> None:
    blend = Blend()
    play(blend, 200, truth="model")

    assert blend.weight(600) > 0.75


def test_an_expert_that_was_bad_can_come_back() -> None:
    blend = Blend()
    play(blend, 400, truth="market")
    play(blend, 200, truth="model", seed=2)

    assert blend.weight(600) > 0.5


def test_what_it_learns_early_in_windows_says_nothing_of_late() -> None:
    blend = Blend()
    before = blend.weight(60)
    play(blend, 100, truth="model", left=600)

    assert blend.weight(60) == before
    assert blend.weight(301) == blend.weight(900) > before
    assert blend.weight(300) == before


@given(HISTORY, st.sampled_from([0.0, 0.002, 0.05]))
def test_it_never_loses_more_to_the_market_than_its_bound(
    history: list[tuple[list[tuple[float, float]], bool]], share: float
) -> None:
    """Whatever is said and whatever happens: the promise in the module's docstring."""
    settings = BlendSettings(share=share)
    blend = Blend(settings)
    ours = theirs = 0.0
    for number, (looks, yes) in enumerate(history):
        mixed = [blend.mix(model, market, 800) for model, market in looks]
        ours += float(np.mean([loss(share, yes=yes) for share in mixed]))
        theirs += float(np.mean([loss(market, yes=yes) for _, market in looks]))
        show(blend, str(number), looks)
        blend.settle(str(number), yes=yes)

    bound = -math.log(settings.credits[0]) - len(history) * math.log(1 - share)
    assert ours <= theirs + bound + 1e-9


@given(HISTORY)
def test_credits_stay_shares_of_one(
    history: list[tuple[list[tuple[float, float]], bool]],
) -> None:
    blend = Blend()
    for number, (looks, yes) in enumerate(history):
        show(blend, str(number), looks)
        blend.settle(str(number), yes=yes)

        credit = blend.credits[-1]
        assert math.fsum(credit) == pytest.approx(1.0)
        assert min(credit) > 0.0
        assert 0.0 <= blend.weight(800) <= 1.0


@given(SHARES, SHARES, st.floats(0, 900))
def test_the_blend_lies_between_model_and_market(
    model: float, market: float, seconds_left: float
) -> None:
    low, high = sorted(min(max(p, CLIP), 1 - CLIP) for p in (model, market))

    assert low - 1e-12 <= Blend().mix(model, market, seconds_left) <= high + 1e-12


def test_a_window_counts_once_however_often_it_was_looked_at() -> None:
    once, often = Blend(), Blend()
    show(once, "A", [(0.9, 0.5)])
    show(often, "A", [(0.9, 0.5)] * 30)

    once.settle("A", yes=False)
    often.settle("A", yes=False)

    assert once.weight(800) == pytest.approx(often.weight(800))


def test_looks_within_the_same_ten_seconds_count_once() -> None:
    one, two = Blend(), Blend()
    for blend, shares in ((one, [0.9]), (two, [0.9, 0.1, 0.1])):
        for number, model in enumerate(shares):
            blend.look(Look(ticker="A", seconds_left=605 - number, model=model, market=0.5))
        blend.settle("A", yes=True)

    assert one.weight(600) == two.weight(600)


def test_a_window_without_looks_teaches_nothing_and_none_teaches_twice() -> None:
    blend = Blend()
    blend.settle("unseen", yes=True)
    show(blend, "A", [(0.9, 0.5)])
    blend.settle("A", yes=True)
    after = blend.weight(800)

    blend.settle("A", yes=True)

    assert (blend.weight(800), blend.windows) == (after, 1)


def test_windows_that_never_settle_are_forgotten() -> None:
    blend = Blend()

    for number in range(1_000):
        show(blend, str(number), [(0.9, 0.5)])

    assert len(blend._open) == len(blend._last) == 64
    assert "999" in blend._open
