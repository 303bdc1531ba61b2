"""Equal seeds and equal calls give equal events, however time is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.engine_events import BookChanged, EngineEvent, Filled, IndexPublished
from core.exchange.engine_types import BTC_15M, SOL_15M, EngineConfig
from core.exchange.port import Rejected
from core.exchange.records import OrderRequest, Side, TimeInForce
from core.exchange.scenario import Together
from core.exchange.scenario_synthetic import SyntheticConfig, SyntheticScenario
from core.exchange.simulated import SimulatedExchange
from core.units import MILLISECOND, ONE_DOLLAR, SECOND, Money, Nanos, Price, Quantity
from tests.contract.engine_bench import OPENS, TICKER

if TYPE_CHECKING:
    from core.exchange.scenario import Scenario

START = Nanos(OPENS + 333 * MILLISECOND)
RUN = Nanos(130 * SECOND)


def play(seed: int, step: int, *, two_series: bool = False) -> list[EngineEvent]:
    """Two minutes of a synthetic market in which somebody trades every ten seconds."""
    engine = SimulatedExchange(EngineConfig(seed=seed))
    scenario: Scenario = SyntheticScenario(engine, SyntheticConfig(seed=seed), START)
    if two_series:
        bitcoin = SyntheticConfig(seed=seed, series=BTC_15M)
        scenario = Together([scenario, SyntheticScenario(engine, bitcoin, START)])
    engine.open_account("ann", {2: Money(500 * ONE_DOLLAR)}, START)
    now, next_trade = START, Nanos(OPENS + 10 * SECOND)
    while now < START + RUN:
        now = min(Nanos(now + step), next_trade, Nanos(START + RUN))
        scenario.advance(now)
        if now == next_trade:
            trade(engine, now)
            next_trade = Nanos(next_trade + 10 * SECOND)
    return list(engine.drain())


def trade(engine: SimulatedExchange, now: Nanos) -> None:
    """Cross the spread, and leave a bid."""
    quote = engine.quote(TICKER)
    number = now // SECOND
    for name, price, tif in (
        ("take", min(quote.ask, 9_900), TimeInForce.IOC),
        ("rest", max(quote.bid, 100), TimeInForce.GTC),
    ):
        request = OrderRequest(
            ticker=TICKER,
            client_order_id=f"{name}-{number}",
            side=Side.BID,
            quantity=Quantity(500),
            price=Price(price),
            time_in_force=tif,
        )
        try:
            engine.create_order("ann", request, now)
        except Rejected as refusal:
            assert refusal.code in {"invalid_price", "insufficient_balance"}  # noqa: PT017


def test_the_same_seed_gives_the_same_events() -> None:
    first = play(7, SECOND)
    assert first == play(7, SECOND)
    assert any(isinstance(event, Filled) for event in first)


@pytest.mark.parametrize("step", [50 * MILLISECOND, 777 * MILLISECOND, 60 * SECOND])
def test_how_often_time_is_advanced_does_not_matter(step: int) -> None:
    assert play(7, step) == play(7, SECOND)


def test_another_seed_gives_another_market() -> None:
    assert play(7, SECOND) != play(8, SECOND)


def test_two_series_on_one_engine_do_not_disturb_each_other() -> None:
    both = play(7, SECOND, two_series=True)
    assert both == play(7, 5 * SECOND, two_series=True)
    assert any(isinstance(event, BookChanged) and "BTC" in event.ticker for event in both)
    assert of_solana(both) == of_solana(play(7, SECOND))


def of_solana(events: list[EngineEvent]) -> list[EngineEvent]:
    """Book and index of the first series; ids of trades count over the whole venue."""
    return [
        event
        for event in events
        if (isinstance(event, BookChanged) and event.ticker == TICKER)
        or (isinstance(event, IndexPublished) and event.index_id == SOL_15M.index_id)
    ]
