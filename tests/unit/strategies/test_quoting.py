"""Strategies that make: they rest where they would have taken, keep their place, and move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.records import Outcome
from core.messages import MarketView, Pass, Signal
from core.messages.data import OwnOrder
from core.strategies import available, create, load
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price
from tests.builders import NOW, contracts, terms, view

if TYPE_CHECKING:
    from core.strategies.base import Strategy

STRETCH = 400
"""Seconds of calm before the price falls: what mean_reversion waits for."""


def calm(strategy: Strategy) -> None:
    """A history of small moves around the present price."""
    for second in range(STRETCH):
        at = Nanos(NOW - (STRETCH - second) * SECOND)
        index = IndexValue(round((118.7 + 0.02 * (second % 3)) * INDEX_DOLLAR))
        strategy.evaluate(view(index=index, ts_index=at), at)


def maker(name: str, **changes: object) -> Strategy:
    """A strategy that makes, wherever the best bid is."""
    return create(name, {"style": "make", "max_behind": 0.5, **changes})


def picture(name: str, **changes: object) -> MarketView:
    """One in which the strategy wants YES, and nobody sells it near the fair value."""
    strike = terms().strike if name != "high_confidence" else IndexValue(117 * INDEX_DOLLAR)
    asks = ((Price(9_900), contracts(50)),)
    made = view(market=terms(strike=strike), bids=((Price(4_000), contracts(9)),), asks=asks)
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return MarketView(**{**fields, **changes})


def wanted(strategy: Strategy, shown: MarketView) -> Signal:
    answer = strategy.evaluate(shown, NOW)
    assert isinstance(answer, Signal), answer
    return answer


@pytest.mark.parametrize("name", available())
def test_each_rests_at_the_best_price_that_keeps_its_edge(name: str) -> None:
    strategy = maker(name)
    calm(strategy)
    signal = wanted(strategy, picture(name))
    least = load(name).Params().min_edge
    assert (signal.style, signal.outcome) == ("make", Outcome.YES)
    assert signal.price < 9_900
    assert least + 0.01 - 1e-6 <= signal.edge < least + 0.02 + 1e-6


@pytest.mark.parametrize("name", available())
def test_each_takes_unless_it_is_told_to_make(name: str) -> None:
    strategy = create(name, {})
    calm(strategy)
    cheap = picture(name, asks=((Price(4_200), contracts(50)),))
    signal = wanted(strategy, cheap)
    assert (signal.style, signal.price) == ("take", 4_200)


@pytest.mark.parametrize("name", available())
def test_each_keeps_the_place_of_what_rests_while_the_edge_lasts(name: str) -> None:
    strategy = maker(name)
    calm(strategy)
    first = wanted(strategy, picture(name))
    lower = Price(first.price - (10 if first.price > 9_000 else 100))
    own = OwnOrder(outcome=Outcome.YES, price=lower, quantity=contracts(5))
    dearer = OwnOrder(outcome=Outcome.YES, price=first.price, quantity=contracts(5))
    assert wanted(strategy, picture(name, own=dearer)).price == first.price
    moved = wanted(strategy, picture(name, own=own)).price
    assert moved == (first.price if first.price - lower >= 100 else lower)


def test_what_rests_goes_before_the_other_outcome() -> None:
    """A wide book would take a bid on either side; the one that stands in a queue stays."""
    strategy = maker("kelly_volatility")
    wide = picture("kelly_volatility", bids=((Price(100), contracts(9)),))
    first = wanted(strategy, wide)
    other = first.outcome.other
    no_price = Price(3_000)
    own = OwnOrder(outcome=other, price=no_price, quantity=contracts(5))
    assert wanted(strategy, picture("kelly_volatility", bids=wide.bids, own=own)).outcome is other


def test_where_no_price_keeps_the_edge_nothing_is_wanted() -> None:
    answer = maker("kelly_volatility", min_edge=0.9).evaluate(picture("kelly_volatility"), NOW)
    assert isinstance(answer, Pass)
    assert answer.code == "no_offer"


def test_behind_the_bids_of_others_nothing_is_wanted_there() -> None:
    near = maker("kelly_volatility", max_behind=0.0)
    ahead = picture("kelly_volatility", bids=((Price(9_000), contracts(9)),))
    answer = near.evaluate(ahead, NOW)
    assert not (isinstance(answer, Signal) and answer.outcome is Outcome.YES)
    lead = near.evaluate(picture("kelly_volatility"), NOW)
    assert isinstance(lead, Signal)
