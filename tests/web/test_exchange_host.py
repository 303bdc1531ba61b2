"""The host of the engine: what it publishes does not depend on how often time is looked at."""

from __future__ import annotations

import random

import pytest

from core.clock import VirtualClock
from core.exchange.engine_events import BookChanged, EngineEvent, IndexPublished
from core.exchange.engine_types import CRYPTO_SHARD, EngineConfig
from core.exchange.port import Rejected
from core.exchange.records import OrderRequest, Side, TimeInForce
from core.exchange.scenario_synthetic import SyntheticConfig, SyntheticScenario
from core.exchange.simulated import SimulatedExchange
from core.exchange.wire.scalars import rfc3339
from core.units import MILLISECOND, SECOND, Money, Nanos, Price, Quantity
from web.exchange_host import ExchangeHost

START = rfc3339("2026-11-22T15:05:00Z")
TICKER = "KXSOL15M-26NOV221015-15"


class World:
    """A host on a clock moved by hand, and everything that it has published."""

    def __init__(self, seed: int) -> None:
        self.clock = VirtualClock(START)
        self.events: list[EngineEvent] = []
        engine = SimulatedExchange(EngineConfig(seed=seed))
        scenario = SyntheticScenario(engine, SyntheticConfig(seed=seed), START)
        engine.open_account("trader", {CRYPTO_SHARD: Money(1_000_000_000)}, START)
        self.host = ExchangeHost(
            engine, scenario, self.clock, lambda _, events: self.events.extend(events)
        )

    def run(self, steps: list[Nanos]) -> None:
        for step in steps:
            self.clock.advance_to(step)
            self.host.step()

    def buy(self) -> None:
        request = OrderRequest(
            ticker=TICKER,
            client_order_id="one",
            side=Side.BID,
            quantity=Quantity(500),
            price=Price(9_900),
            time_in_force=TimeInForce.IOC,
            shard=CRYPTO_SHARD,
        )
        self.host.act(lambda engine, now: engine.create_order("trader", request, now))


def moments(draw: random.Random, count: int) -> list[Nanos]:
    inside = [Nanos(START + draw.randrange(30_000) * MILLISECOND) for _ in range(count)]
    return sorted([*inside, Nanos(START + 30 * SECOND)])


def test_the_events_are_the_same_however_often_time_is_looked_at() -> None:
    seldom, often = World(3), World(3)
    seldom.run([Nanos(START + 30 * SECOND)])
    often.run(moments(random.Random(1), 400))
    for world in (seldom, often):
        world.buy()
        world.run([Nanos(START + 60 * SECOND)])
    assert seldom.events == often.events
    assert len([event for event in often.events if isinstance(event, IndexPublished)]) == 300
    assert any(isinstance(event, BookChanged) for event in often.events)


def test_another_seed_makes_another_market() -> None:
    one, other = World(3), World(4)
    for world in (one, other):
        world.run([Nanos(START + 30 * SECOND)])
    assert one.events != other.events


def test_what_is_due_happens_before_what_is_asked_for() -> None:
    world = World(3)
    world.clock.advance_to(Nanos(START + 30 * SECOND))
    world.buy()
    stamps = [event.ts for event in world.events]
    assert stamps == sorted(stamps)
    assert stamps[-1] == world.clock.now()
    assert world.host.ask(lambda engine, _: engine.fills("trader"))


def test_the_events_of_a_refused_request_are_published_too() -> None:
    world = World(3)
    world.clock.advance_to(Nanos(START + 30 * SECOND))
    with pytest.raises(Rejected):
        world.host.act(lambda engine, _: engine.order("trader", "nobody"))
    assert world.events
