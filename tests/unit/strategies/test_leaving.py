"""When the book pays more for a holding than it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.records import Outcome
from core.messages.data import Held
from core.strategies.base import Exit, StrategyParams, leaving
from core.strategies.leaving import ANY_TIME, worth_leaving
from core.units import SECOND, Nanos, Price
from tests.builders import CLOSE, NOW, contracts, terms, view

if TYPE_CHECKING:
    from core.messages import MarketView

FAIR = 0.644
"""Of YES in the builder's picture."""


def params(gain: float = 0.02) -> StrategyParams:
    return StrategyParams(exit_gain=gain).model_copy(update=ANY_TIME)


def holding(outcome: Outcome, bid: int, size: float = 100, held: float = 10) -> MarketView:
    """Somebody pays `bid` for YES, or asks it; ten of `outcome` are held."""
    level = ((Price(bid), contracts(size)),)
    bids, asks = (level, ()) if outcome is Outcome.YES else ((), level)
    return view(bids=bids, asks=asks, held=Held(outcome=outcome, quantity=contracts(held)))


def test_it_holds_where_the_book_pays_less_than_it_is_worth() -> None:
    assert worth_leaving(holding(Outcome.YES, 6_000), NOW, params()) is None


def test_it_sells_yes_where_the_book_pays_more() -> None:
    """0.74 less 1.35 cents of fee, against a fair value that may be 0.66 at its worse end."""
    wish = worth_leaving(holding(Outcome.YES, 7_400), NOW, params())
    assert isinstance(wish, Exit)
    assert wish.price == Price(7_400)
    assert wish.probability == pytest.approx(FAIR, abs=0.001)
    high = dict(wish.values)["fair_high"]
    assert wish.gain == pytest.approx(0.74 - 0.0135 - high, abs=2e-4)
    assert 0.02 <= wish.gain < 0.74 - 0.0135 - wish.probability


def test_it_sells_no_the_same_way() -> None:
    """Asked 0.50 for YES is 0.50 paid for NO, which is worth 0.36."""
    wish = worth_leaving(holding(Outcome.NO, 5_000), NOW, params())
    assert wish is not None
    assert (wish.price, wish.probability) == (Price(5_000), pytest.approx(1 - FAIR, abs=0.001))


def test_the_gain_that_is_asked_for_decides() -> None:
    seen = holding(Outcome.YES, 7_400)
    wish = worth_leaving(seen, NOW, params())
    assert wish is not None
    assert worth_leaving(seen, NOW, params(wish.gain + 1e-6)) is None
    assert worth_leaving(seen, NOW, params(wish.gain - 1e-6)) is not None


def test_without_a_holding_there_is_nothing_to_sell() -> None:
    assert worth_leaving(view(bids=((Price(9_000), contracts(5)),)), NOW, params()) is None


def test_an_exit_has_the_hours_of_its_market_not_those_of_a_signal() -> None:
    late = Nanos(CLOSE - 20 * SECOND)
    seen = holding(Outcome.NO, 3_000)
    assert worth_leaving(seen, late, params()) is not None
    assert worth_leaving(seen, late, StrategyParams(exit_gain=0.02)) is None


def test_what_cannot_be_priced_is_held() -> None:
    held = Held(outcome=Outcome.YES, quantity=contracts(5))
    dear = ((Price(9_000), contracts(100)),)
    for unknown in ({"market": terms(strike=None)}, {"warm": False}):
        assert worth_leaving(view(held=held, bids=dear, **unknown), NOW, params()) is None


def test_what_is_left_of_one_contract_can_be_sold_where_a_whole_one_is_wanted() -> None:
    wish = worth_leaving(holding(Outcome.YES, 8_000, held=0.37), NOW, params())
    assert wish is not None
    thin = holding(Outcome.YES, 8_000, size=0.5, held=0.37)
    assert worth_leaving(thin, NOW, params()) is None


def test_it_goes_as_deep_as_every_level_still_gains() -> None:
    """Ten are held: four go at 0.80, four at 0.75; 0.60 is less than it is worth."""
    bids = (
        (Price(8_000), contracts(4)),
        (Price(7_500), contracts(4)),
        (Price(6_000), contracts(9)),
    )
    seen = view(bids=bids, asks=(), held=Held(outcome=Outcome.YES, quantity=contracts(10)))
    wish = worth_leaving(seen, NOW, params())
    assert wish is not None
    assert wish.price == Price(7_500)


def test_the_signal_buys_the_other_outcome_at_the_rest_of_the_dollar() -> None:
    seen = holding(Outcome.YES, 7_400)
    wish = worth_leaving(seen, NOW, params())
    assert wish is not None
    signal = leaving("any", seen, NOW, wish)
    assert (signal.closes, signal.outcome, signal.price) == (True, Outcome.NO, Price(2_600))
    assert signal.probability == pytest.approx(1 - FAIR, abs=0.001)
    assert (signal.style, signal.edge) == ("take", wish.gain)
