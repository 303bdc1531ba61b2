"""Weeks of markets, also such whose end is never told: what is noted of them does not pile up."""

from __future__ import annotations

import gc
from collections import deque
from typing import TYPE_CHECKING, Final

import pytest

from core import messages as m
from core.domain.recent import MARKETS, Newest
from core.domain.windows import Window
from core.exchange.engine_types import EngineConfig
from core.exchange.records import Outcome
from core.exchange.simulated import SimulatedExchange
from core.roles.calibration import Calibration, CalibrationTerms
from core.roles.paper_outside import Outside
from core.roles.risk import Risk
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import create
from core.units import Nanos, seconds
from tests.builders import CLOSE, NOW, OPEN, limits, terms, view

if TYPE_CHECKING:
    from core.runner import Role

WINDOW: Final = seconds(900.0)
MANY: Final = 2 * MARKETS


def ticker(number: int) -> str:
    opens, closes = Nanos(OPEN + number * WINDOW), Nanos(CLOSE + number * WINDOW)
    return Window(series="KXSOL15M", open_ns=opens, close_ns=closes).market_ticker


def at(number: int) -> Nanos:
    return Nanos(NOW + number * WINDOW)


def picture(number: int) -> m.MarketView:
    """Of the window with this number, a minute or so into it; without a print, so nobody acts."""
    market = terms(
        ticker=ticker(number),
        open_ns=Nanos(OPEN + number * WINDOW),
        close_ns=Nanos(CLOSE + number * WINDOW),
    )
    now = at(number)
    return view(market=market, ts_index=Nanos(0), ts_book=now, ts_event=now, ts_recv=now)


def largest(root: object) -> int:
    """Entries of the largest container that hangs from an object of ours."""
    found, seen, most = [root], set[int](), 0
    while found:
        one = found.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen.add(id(one))
        if isinstance(one, dict | list | set | deque | tuple):
            most = max(most, len(one))
            found += gc.get_referents(one)
        elif type(one).__module__.startswith("core."):
            found += gc.get_referents(one)
    return most


@pytest.mark.parametrize(
    "role",
    [
        StrategyRole(create("kelly_volatility", {}), StrategyTerms()),
        Calibration(CalibrationTerms(series=("KXSOL15M",))),
        Risk(limits(), "abc"),
    ],
    ids=["strategy", "calibration", "risk"],
)
def test_a_role_forgets_markets_whose_end_nobody_told(role: Role) -> None:
    for number in range(MANY):
        role.handle(picture(number), at(number))
    assert largest(role) <= MARKETS


def test_risk_forgets_results() -> None:
    role = Risk(limits(), "abc")
    for number in range(MANY):
        now = at(number)
        role.handle(
            m.MarketDetermined(
                ticker=ticker(number), result=Outcome.YES, value=None, ts_event=now, ts_recv=now
            ),
            now,
        )
    assert largest(role) <= MARKETS


def test_the_paper_venue_forgets_markets_in_which_nobody_trades() -> None:
    outside = Outside(SimulatedExchange(EngineConfig(results_are_told=True)))
    days = 3
    for number in range(days * 96):
        market = picture(number).market
        outside.listed(m.MarketListed(market=market, ts_recv=at(number)), at(number))
    assert len(vars(outside)["_markets"]) <= 2 * 96


def test_the_newest_stay() -> None:
    kept: Newest[int] = Newest(3)
    for number in range(5):
        kept[str(number)] = number
    assert list(kept) == ["2", "3", "4"]
    kept["2"] = 7
    assert list(kept.items()) == [("2", 7), ("3", 3), ("4", 4)]
