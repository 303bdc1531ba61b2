"""One runner with every role, an actor per role, and a fused host decide the same.

The same recorded session, the same settings: the orders, the fills and the cash must be identical,
whatever carries the roles. Actors are stepped (`actors.stepper`): production's hosts, directory and
routes, one message at a time in virtual time.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from actors.address import Directory
from actors.host import Crew, RoleActor, Station
from actors.hot import HotActor
from actors.stepper import Stepper
from config.settings import Settings
from core import messages as m
from core.clock import VirtualClock
from core.exchange.fills import FillModel
from core.journal import MemoryJournal
from core.research.backtest import AFTERWARDS, Cast, assemble, fit
from core.research.backtest_loop import Loop
from core.research.tape import info, read
from core.topology import ROUTES, SPECS, SUPERVISION, TIMERS, Routing, kind_of, placement
from core.units import SECOND, Money, Nanos

TAPE = Path(__file__).resolve().parents[2] / "tapes" / "KXSOL15M_2026-02-25.parquet"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What must be equal."""

    orders: list[m.OrderApproved]
    fills: list[m.OrderFilled]
    settled: list[m.PositionSettled]
    cash: Money | None


def settings() -> Settings:
    return fit(Settings(min_edge=0.005), info(TAPE))[0]


def result(cast: Cast, journal: MemoryJournal) -> Result:
    events = journal.events
    return Result(
        orders=[event for event in events if isinstance(event, m.OrderApproved)],
        fills=[event for event in events if isinstance(event, m.OrderFilled)],
        settled=[event for event in events if isinstance(event, m.PositionSettled)],
        cash=cast.risk.ledger.cash,
    )


def one_runner() -> Result:
    journal = MemoryJournal()
    cast = assemble(settings(), journal.instance, FillModel())
    loop = Loop(cast.roles, journal, info(TAPE).first)
    loop.begin()
    for record in read(TAPE):
        loop.take(record, record.ts_recv)
    loop.run_until(Nanos(loop.clock.now() + AFTERWARDS))
    return result(cast, journal)


def stepped_actors(*, fused: bool) -> Result:
    journal = MemoryJournal()
    cast = assemble(settings(), journal.instance, FillModel())
    clock = VirtualClock(info(TAPE).first)
    directory = Directory()
    stepper = Stepper(directory, clock)
    routing = Routing((*cast.roles, TIMERS))
    hosts = placement((name for name in cast.roles if name != SUPERVISION), fused=fused)
    for host, names in {SUPERVISION: (SUPERVISION,), **hosts}.items():
        crew = Crew(
            names=names,
            make=lambda name, _: cast.roles[name],
            routing=routing,
            journal=lambda: journal,
        )
        station = Station(name=host, generation=1, directory=directory, clock=clock)
        stepper.start(HotActor if len(names) > 1 else RoleActor, station, crew)
    stepper.run()
    for name in cast.roles:
        interval = SECOND if name == SUPERVISION else SPECS[kind_of(name)].tick
        if interval is not None:
            stepper.tick(name, Nanos(interval))
    for record in read(TAPE):
        stepper.advance_to(record.ts_recv)
        for name in routing.targets(type(record)):
            directory.tell(name, record)
        stepper.run()
    stepper.advance_to(Nanos(clock.now() + AFTERWARDS))
    for host in (SUPERVISION, *hosts):
        ref = directory.ref(host)
        assert ref is not None, f"{host} fell"
        ref.stop(block=False)
    stepper.run()
    return result(cast, journal)


@pytest.fixture(scope="module")
def expected() -> Result:
    return one_runner()


def test_the_session_trades(expected: Result) -> None:
    """Else the comparisons below would say nothing."""
    assert len(expected.orders) > 5
    assert len(expected.fills) > 5
    assert expected.settled


def test_the_same_session_twice_is_identical(expected: Result) -> None:
    assert one_runner() == expected


def test_an_actor_per_role_decides_as_one_runner_does(expected: Result) -> None:
    assert stepped_actors(fused=False) == expected


def test_a_fused_host_decides_as_one_runner_does(expected: Result) -> None:
    assert stepped_actors(fused=True) == expected


def test_every_record_on_the_tape_has_a_route() -> None:
    assert {type(record) for record in read(TAPE)} <= set(ROUTES)
