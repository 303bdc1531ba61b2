"""While a pass stands, the strategy that gave it would give it again, whatever the book does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.blend import DEFAULT_BLEND
from core.domain.volatility import Regime
from core.messages import MarketView, Pass, Signal
from core.strategies.base import Steady
from core.strategies.high_confidence import HighConfidence, HighConfidenceParams
from core.strategies.kelly_volatility import KellyVolatility, KellyVolatilityParams
from core.strategies.mean_reversion import MeanReversion, MeanReversionParams
from core.units import DOLLAR_PRICE, ONE_CONTRACT, SECOND, IndexValue, Nanos, Price
from tests.builders import CLOSE, contracts, terms, view

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.strategies.base import Strategy

STRIKE = terms().strike or IndexValue(0)
SIZES = st.sampled_from([0.3, 0.9, 1.0, 7.0, 400.0])
KINDS: dict[str, Callable[[], Strategy]] = {
    "kelly_volatility": lambda: KellyVolatility(KellyVolatilityParams()),
    "mean_reversion": lambda: MeanReversion(MeanReversionParams()),
    "high_confidence": lambda: HighConfidence(HighConfidenceParams()),
    "returning": lambda: MeanReversion(MeanReversionParams(reversion=1.0)),
    "less_sure": lambda: HighConfidence(HighConfidenceParams(min_conviction=0.6)),
}


@st.composite
def books(draw: st.DrawFn) -> dict[str, object]:
    ask = draw(st.integers(2, 99))
    bid = draw(st.integers(1, ask - 1))
    down = [(Price((bid - n) * 100), contracts(draw(SIZES))) for n in range(min(5, bid))]
    up = [(Price((ask + n) * 100), contracts(draw(SIZES))) for n in range(min(5, 100 - ask))]
    shown = st.integers(0, 5)
    return {"bids": tuple(down[: draw(shown)]), "asks": tuple(up[: draw(shown)])}


def picture(bps: float, now: Nanos, **changes: object) -> MarketView:
    return view(index=IndexValue(round(STRIKE * (1 + bps / 1e4))), ts_index=now, **changes)


def warmed(name: str, now: Nanos) -> Strategy:
    """A strategy that has seen five minutes of a price that goes up and down."""
    made = KINDS[name]()
    if isinstance(made, MeanReversion):
        for second in range(300):
            then = Nanos(now - (300 - second) * SECOND)
            made.evaluate(picture(3.0 if second % 2 else -3.0, then), then)
    return made


def best(seen: MarketView) -> tuple[Price, Price]:
    bid = seen.bids[0][0] if seen.bids else Price(0)
    return bid, seen.asks[0][0] if seen.asks else DOLLAR_PRICE


def is_whole(seen: MarketView) -> bool:
    return all(not side or side[0][1] >= ONE_CONTRACT for side in (seen.bids, seen.asks))


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, when it is looked at, and how far into its pass it is looked at again."""

    book: dict[str, object]
    bps: float
    regime: Regime
    credits: object
    left: float
    later: float

    @property
    def now(self) -> Nanos:
        return Nanos(CLOSE - int(self.left * SECOND))

    def seen(self, book: dict[str, object]) -> MarketView:
        told = {"credits": self.credits, "regime": self.regime, **book}
        return picture(self.bps, self.now, **told)


MOMENTS = st.builds(
    Moment,
    book=books(),
    bps=st.floats(-30, 30),
    regime=st.sampled_from([Regime.NORMAL, Regime.SPIKE]),
    credits=st.sampled_from([(), DEFAULT_BLEND.first_credits]),
    left=st.floats(1, 899),
    later=st.floats(0, 1),
)


@pytest.mark.parametrize("name", KINDS)
@given(MOMENTS, st.lists(books(), min_size=15, max_size=15))
def test_while_a_pass_stands_the_answer_is_the_same(
    name: str, moment: Moment, others: list[dict[str, object]]
) -> None:
    now = moment.now
    ours = warmed(name, now)
    assert isinstance(ours, Steady)
    first = ours.evaluate(moment.seen(moment.book), now)
    if isinstance(first, Signal):
        return
    standing = ours.standing(moment.seen(moment.book), first.code, now)
    if standing is None or standing.until <= now:
        return
    at = Nanos(now + int(moment.later * (min(standing.until, CLOSE) - 1 - now)))
    for other in others:
        after = moment.seen(other)
        if standing.holds is None or (is_whole(after) and standing.holds(*best(after))):
            answer = ours.evaluate(after, at)
            assert isinstance(answer, Pass)
            assert answer.code == first.code


FAIR: dict[str, object] = {
    "bids": ((Price(6_000), contracts(50)),),
    "asks": ((Price(6_200), contracts(50)),),
}
SURE: dict[str, object] = {
    "bids": ((Price(9_700), contracts(50)),),
    "asks": ((Price(9_800), contracts(50)),),
}
CASES: dict[str, tuple[str, str, float, float, dict[str, object]]] = {
    "too early": ("kelly_volatility", "too_early", 850.0, 0.0, {}),
    "dear": ("kelly_volatility", "edge", 450.0, 3.0, FAIR),
    "not stretched": ("mean_reversion", "not_stretched", 450.0, 0.5, {}),
    "stretched and dear": ("mean_reversion", "edge", 450.0, 6.0, FAIR),
    "in doubt": ("high_confidence", "conviction", 450.0, 3.0, FAIR),
    "sure and dear": ("high_confidence", "edge", 130.0, 20.0, SURE),
    "in a spike": ("high_confidence", "spike", 130.0, 20.0, {**SURE, "regime": Regime.SPIKE}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pass_stands_where_it_was_given(case: str) -> None:
    name, code, left, bps, changes = CASES[case]
    now = Nanos(CLOSE - int(left * SECOND))
    ours = warmed(name, now)
    assert isinstance(ours, Steady)
    seen = picture(bps, now, **changes)

    first = ours.evaluate(seen, now)
    standing = ours.standing(seen, code, now)

    assert isinstance(first, Pass)
    assert first.code == code
    assert standing is not None
    assert standing.until > now
    assert standing.holds is None or standing.holds(*best(seen))


@pytest.mark.parametrize("name", KINDS)
def test_dust_at_the_best_price_is_not_certain(name: str) -> None:
    """What lies behind it may go without a word, and then nothing is offered."""
    now = Nanos(CLOSE - 450 * SECOND)
    ours = warmed(name, now)
    assert isinstance(ours, Steady)
    dust = {"bids": (), "asks": ((Price(6_200), contracts(0.5)), (Price(6_300), contracts(50)))}

    assert ours.standing(picture(6.0, now, **dust), "edge", now) is None


@pytest.mark.parametrize("name", KINDS)
def test_of_a_pass_for_want_of_an_offer_nothing_is_known(name: str) -> None:
    now = Nanos(CLOSE - 450 * SECOND)
    ours = warmed(name, now)
    assert isinstance(ours, Steady)

    assert ours.standing(picture(6.0, now, bids=(), asks=()), "no_offer", now) is None


def test_who_expects_a_return_stands_by_the_price_it_expects() -> None:
    """After a rise that is to be made up NO is worth half a dollar; by the price itself, little."""
    now = Nanos(CLOSE - 450 * SECOND)
    ours = warmed("returning", now)
    assert isinstance(ours, Steady)
    seen = picture(20.0, now, bids=((Price(4_000), contracts(50)),), asks=())

    first, standing = ours.evaluate(seen, now), ours.standing(seen, "edge", now)

    assert isinstance(first, Pass)
    assert first.code == "edge"
    assert standing is not None
    assert standing.holds is not None
    assert standing.holds(Price(4_000), DOLLAR_PRICE)
    assert not standing.holds(Price(6_500), DOLLAR_PRICE)
