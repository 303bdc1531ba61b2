"""What a price costs: fair values, volatility, and a strategy's whole answer.

Beside them what they replace: the distribution functions of `scipy.stats`, which the hot path must
not call, and a plain N(d2). Inputs change from call to call, so that nothing is answered from a
cache. The limits that these are held to: 2 us for a fair value with all that leads to it, 1 us for
an update of the volatility, 20 us for a whole evaluation.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from scipy import stats

from core.domain.blend import DEFAULT_BLEND, pooled
from core.domain.pricing import (
    Contract,
    KnownPrints,
    digital,
    outlook,
    probability_yes,
    probability_yes_fat,
)
from core.domain.volatility import Volatility
from core.strategies import create
from core.units import SECOND, IndexValue, Nanos
from tests.benchmarks.measure import Row, in_turn, rows
from tests.builders import CLOSE, NOW, view

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "prices, volatility, a strategy's whole answer"
_FAIR = "fair value with its outlook, Student's t"
_UPDATE = "volatility, one print a second"
_CALLS = 2_000
_SLOW_CALLS = 100
_EVALUATIONS = 500
_TURNS = 25
_SEED = 1


def _each(work: Callable[[], int]) -> Callable[[], float]:
    """Microseconds of processor time for one of the calls that `work` makes and counts.

    The least of several turns: what else runs on the machine can only make one slower.
    """

    def turn() -> float:
        begin = time.thread_time_ns()
        calls = work()
        return (time.thread_time_ns() - begin) / calls / 1_000

    def timed() -> float:
        return min(turn() for _ in range(_TURNS))

    return timed


def _prices(count: int) -> list[IndexValue]:
    drawn = np.random.default_rng(_SEED).normal(0.0, 1e-3, count)
    return [IndexValue(round(118.4213e8 * (1 + move))) for move in drawn]


def _fair() -> dict[str, Callable[[], float]]:
    prices, sigma = _prices(_CALLS), 1e-4
    contract = Contract(strike=IndexValue(round(118.4213e8)), digits=4, close_ns=CLOSE)
    known = KnownPrints(count=31, total=31 * contract.strike)
    at = Nanos(CLOSE - 30 * SECOND)

    def fat() -> int:
        for price in prices:
            probability_yes_fat(outlook(contract, known, price, at), sigma, 4)
        return _CALLS

    def normal() -> int:
        for price in prices:
            probability_yes(outlook(contract, known, price, at), sigma)
        return _CALLS

    def plain() -> int:
        for price in prices:
            digital(price, contract.strike, sigma, 30.0)
        return _CALLS

    def by_scipy() -> int:
        width = sigma * math.sqrt(30.0)
        for price in prices[:_SLOW_CALLS]:
            stats.t.cdf(math.log(price / contract.strike) / width, 4)
        return _SLOW_CALLS

    return {
        _FAIR: _each(fat),
        "the same, normal": _each(normal),
        "plain N(d2), one scipy-free call": _each(plain),
        "scipy.stats.t.cdf alone": _each(by_scipy),
    }


def _volatility() -> dict[str, Callable[[], float]]:
    prices = _prices(_CALLS)

    def updates(gap: int) -> Callable[[], int]:
        def run() -> int:
            meter = Volatility()
            for number, price in enumerate(prices):
                meter.update(price, Nanos(number * gap * SECOND))
            return _CALLS

        return run

    def reads() -> int:
        meter = Volatility()
        for _ in range(_CALLS):
            meter.sigma  # noqa: B018 - the reading is what is measured
        return _CALLS

    def blends() -> int:
        blend = DEFAULT_BLEND
        for number in range(_CALLS):
            pooled(blend.credits, blend.weights, 0.2 + number / 4_000, 0.5)
        return _CALLS

    return {
        _UPDATE: _each(updates(1)),
        "five experts pooled": _each(blends),
        "volatility, one print in three seconds": _each(updates(3)),
        "volatility, read": _each(reads),
    }


def _strategies() -> dict[str, Callable[[], float]]:
    """Whole evaluations of the book in `tests.builders`, a price move apart."""
    views = [
        msgspec.structs.replace(
            view(),
            index=price,
            ts_index=Nanos(NOW - (_EVALUATIONS - number) * SECOND),
            ts_recv=NOW,
            credits=DEFAULT_BLEND.first_credits,
        )
        for number, price in enumerate(_prices(_EVALUATIONS))
    ]

    def evaluations(name: str) -> Callable[[], int]:
        strategy = create(name, {})

        def run() -> int:
            for picture in views:
                strategy.evaluate(picture, NOW)
            return _EVALUATIONS

        return run

    names = ("kelly_volatility", "mean_reversion", "high_confidence")
    return {f"{name}, whole evaluation": _each(evaluations(name)) for name in names}


def run(rounds: int) -> list[Row]:
    """Microseconds a call."""
    return [
        *rows(in_turn(_fair(), rounds), "us", _FAIR),
        *rows(in_turn(_volatility(), rounds), "us", _UPDATE),
        *rows(in_turn(_strategies(), rounds), "us", "kelly_volatility, whole evaluation"),
    ]
