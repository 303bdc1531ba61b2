"""What `new-strategy` writes; %NAME% is the strategy's name, %TITLE% that of its class."""

from __future__ import annotations

from typing import Final

STRATEGY_TEXT: Final = '''"""%NAME%: buys what is worth more than it costs, where the book is tight.

An example to be changed. Say here what the idea is, why the market should be wrong, and what
would prove the idea wrong.

What is given: one immutable picture of one market (`core.messages.MarketView`), whenever something
in it changes. What is answered: a signal, or a pass with the code of the gate that did not open and
its numbers; both are shown on the page and counted in backtests. There is no clock (`now` is
given), no randomness and no I/O, so equal pictures give equal answers, in a backtest as in trading.
Freshness of the data, pauses after a signal and the size of the order are not this file's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from core.strategies.base import Intent, StrategyParams, passed, signalled
from core.strategies.judgement import Judgement, judge
from core.units import price_dollars

if TYPE_CHECKING:
    from core.messages import MarketView, Pass, Signal
    from core.units import Nanos


class %TITLE%Params(StrategyParams):
    """What can be set as STRATEGY__<NAME>__<PARAM>, beside what all strategies have.

    Give each a default, bounds and a description that ends in its unit: bounds refuse nonsense at
    the start, and `run.py sweep` searches within them.
    """

    max_spread: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="widest spread of the book that is traded, dollars per contract",
    )


class %TITLE%:
    """Stateless. Gates after those of `judge`: `one_sided`, `wide`, `no_offer`, `edge`."""

    name: ClassVar[str] = "%NAME%"
    Params: ClassVar[type[StrategyParams]] = %TITLE%Params

    def __init__(self, params: StrategyParams) -> None:
        assert isinstance(params, %TITLE%Params)
        self._params = params

    def evaluate(self, view: MarketView, now: Nanos) -> Signal | Pass:
        """Take the offer with the larger edge, if the book is tight."""
        # Fair value of this contract and what the book asks, after fees; or why there is none.
        judged = judge(view, now, self._params)
        if not isinstance(judged, Judgement):
            return passed(self.name, view, now, judged)
        if not view.bids or not view.asks:
            return passed(self.name, view, now, ("one_sided", judged.values))
        spread = price_dollars(view.asks[0][0]) - price_dollars(view.bids[0][0])
        if spread > self._params.max_spread:
            numbers = (("spread", spread), ("limit", self._params.max_spread))
            return passed(self.name, view, now, ("wide", numbers))
        offer = judged.best
        if offer is None:
            return passed(self.name, view, now, ("no_offer", judged.values))
        if offer.edge < self._params.min_edge:
            limit = ("limit", self._params.min_edge)
            return passed(self.name, view, now, ("edge", (*judged.values, limit)))
        intent = Intent(
            offer=offer,
            kelly_fraction=self._params.kelly_fraction,
            confidence=offer.confidence,
            reason=f"{offer.outcome.value} is worth more than price and fee in a tight book",
            values=(*judged.values, ("spread", spread)),
        )
        return signalled(self.name, view, now, intent)
'''

TEST_TEXT: Final = '''"""%NAME%: what it buys, and why it passes."""

from __future__ import annotations

import pytest

from core.exchange.records import Outcome
from core.messages import Pass, Signal
from core.strategies import StrategyError, create
from core.strategies.%NAME% import %TITLE%, %TITLE%Params
from core.units import Nanos, Price, seconds
from tests.builders import CLOSE, NOW, contracts, view


def strategy(**changes: float) -> %TITLE%:
    return %TITLE%(%TITLE%Params(**changes))  # type: ignore[arg-type]


def test_it_buys_what_is_too_cheap() -> None:
    """The picture's fair value is 0.64; 0.48 is asked."""
    answer = strategy().evaluate(view(), NOW)

    assert isinstance(answer, Signal)
    assert (answer.outcome, answer.price) == (Outcome.YES, 4_800)


def test_a_wide_book_is_left() -> None:
    wide = view(bids=((Price(4_000), contracts(300)),))

    answer = strategy(max_spread=0.05).evaluate(wide, NOW)

    assert isinstance(answer, Pass)
    assert answer.code == "wide"
    assert dict(answer.values)["spread"] == pytest.approx(0.08)


def test_without_enough_edge_it_passes() -> None:
    answer = strategy(min_edge=0.5).evaluate(view(), NOW)

    assert isinstance(answer, Pass)
    assert answer.code == "edge"


def test_an_empty_side_is_a_pass() -> None:
    answer = strategy().evaluate(view(bids=()), NOW)

    assert isinstance(answer, Pass)
    assert answer.code == "one_sided"


@pytest.mark.parametrize(("left", "code"), [(30, "too_late"), (880, "too_early")])
def test_it_keeps_its_hours(left: int, code: str) -> None:
    answer = strategy().evaluate(view(), Nanos(CLOSE - seconds(left)))

    assert isinstance(answer, Pass)
    assert answer.code == code


def test_equal_pictures_give_equal_answers() -> None:
    assert strategy().evaluate(view(), NOW) == strategy().evaluate(view(), NOW)


def test_nonsense_is_refused() -> None:
    with pytest.raises(StrategyError, match="MAX_SPREAD"):
        create("%NAME%", {"max_spread": "-1"})
'''
