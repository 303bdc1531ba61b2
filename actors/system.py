"""The composition root: what is started, in which order, and how it is stopped.

Start: directory, sinks, timers, then the supervisor, which starts the hosts (sinks before sources).
Stop: disarm and wait for the proof that nothing rests, then the supervisor (so that nobody is
started again), the hosts in the reverse of their start, the timers. An actor that is still
registered then is an error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from pykka import ActorRegistry, Timeout

from actors.canceller import Account, Canceller
from actors.control import ActorControl
from actors.dashboard import DashboardActor
from actors.execution import ExecutionActor
from actors.feed import MarketFeedActor, SpotFeedActor
from actors.halt_file import HaltFile
from actors.host import Crew, RoleActor, Station
from actors.hot import HotActor
from actors.machine import Measure
from actors.risk import RiskActor
from actors.safeguards import Safeguards
from actors.strategy import StrategyActor
from actors.supervisor import Child, Supervisor, start_order
from actors.timers import Timers
from config.logs import kv
from core.clock import Clock, patience
from core.journal import Journal
from core.messages import ControlAnswer, ControlRequest, Message
from core.runner import Role
from core.topology import (
    DASHBOARD,
    EXECUTION,
    FEED,
    RISK,
    SPECS,
    SPOT,
    STRATEGY,
    SUPERVISION,
    SUPERVISOR,
    TIMERS,
    Routing,
    kind_of,
    placement,
)
from core.units import SECOND, Nanos, seconds

if TYPE_CHECKING:
    from actors.address import Directory

_log = logging.getLogger(__name__)

_CAST: Final[dict[str, type[RoleActor]]] = {
    DASHBOARD: DashboardActor,
    RISK: RiskActor,
    EXECUTION: ExecutionActor,
    STRATEGY: StrategyActor,
    SPOT: SpotFeedActor,
    FEED: MarketFeedActor,
}
_HOST_STOP_S: Final = 2.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the system is put together from."""

    clock: Clock
    roles: tuple[str, ...]
    """Names of the roles that get hosts here, beside supervision."""
    make: Callable[[str, str], Role]
    journal: Callable[[], Journal]
    journal_to_halt: Callable[[], Journal] | None = None
    """The supervisor's connection, where it is not like the others'."""
    outside: Mapping[str, Callable[[Station, Routing], object]]
    """Hosts that do I/O: name -> a function that starts one at its station."""
    outside_names: tuple[str, ...]
    """All names that those answer to."""
    sinks: Mapping[str, Callable[[Message], None]]
    """Functions behind names: the screen, the session."""
    halt_file: HaltFile
    account: Account | None = None
    """How the supervisor reaches the exchange by itself; None where orders stay in this process."""
    measure: Callable[[], Measure | None] = lambda: None
    beat_seconds: float = 0.5
    """Between two heartbeats, and two ticks of the supervisor; of the machine."""
    fused: bool = False


class System:
    """All actors of one daemon. Started and stopped by the main thread."""

    def __init__(self, plan: Plan, directory: Directory) -> None:
        self.directory = directory
        self.control = ActorControl(directory, plan.halt_file)
        self._plan = plan
        self._timers = Timers(plan.clock, self.directory.tell)
        names = (*plan.roles, *plan.outside_names, *plan.sinks, SUPERVISION, SUPERVISOR, TIMERS)
        self._routing = Routing(names)
        self._groups = placement(plan.roles, fused=plan.fused)
        self._safeguards = Safeguards(
            halt_file=plan.halt_file,
            line=plan.account.gate.line if plan.account else None,
            canceller=Canceller(plan.account, self._deliver) if plan.account else None,
            measure=plan.measure,
            beat_seconds=plan.beat_seconds,
        )

    def start(self) -> None:
        """Start everything; returns when the supervisor runs, not when trading may begin."""
        self.directory.register_sink(TIMERS, self._timers.schedule)
        for name, sink in self._plan.sinks.items():
            self.directory.register_sink(name, sink)
        station = Station(
            name=SUPERVISION, generation=1, directory=self.directory, clock=self._plan.clock
        )
        Supervisor.start(station, self._crew((SUPERVISION,)), self._children(), self._safeguards)
        self._timers.start()
        for name in self._plan.roles:
            self._tick(name, SPECS[kind_of(name)].tick)
        self._tick(SUPERVISION, seconds(self._plan.beat_seconds))

    def _tick(self, name: str, interval: Nanos | None) -> None:
        if interval is None:
            return
        clock = self._plan.clock
        # The feed watches the market's time; the patience of all others is the machine's.
        own = interval if name == FEED else patience(clock, interval / SECOND)
        self._timers.tick(name, Nanos(own))

    def _deliver(self, message: Message) -> None:
        for target in self._routing.targets(type(message)):
            self.directory.tell(target, message)

    @property
    def has_time(self) -> bool:
        """Whether the timers' thread lives; without it no permit is renewed, nobody is missed."""
        return self._timers.alive

    def _crew(self, names: tuple[str, ...]) -> Crew:
        plan = self._plan
        journal = plan.journal
        if SUPERVISION in names and plan.journal_to_halt is not None:
            journal = plan.journal_to_halt
        return Crew(names=names, make=plan.make, routing=self._routing, journal=journal)

    def _children(self) -> dict[str, Child]:
        children = {
            host: Child(
                name=host,
                order=max(start_order(name) for name in group),
                start=partial(self._start_roles, group),
            )
            for host, group in self._groups.items()
        }
        for name, start in self._plan.outside.items():
            children[name] = Child(
                name=name,
                order=start_order(name),
                start=partial(self._start_outside, start),
            )
        return children

    def _start_roles(self, group: tuple[str, ...], station: Station) -> None:
        cast = _CAST.get(kind_of(group[0]), RoleActor) if len(group) == 1 else HotActor
        cast.start(station, self._crew(group))

    def _start_outside(self, start: Callable[[Station, Routing], object], station: Station) -> None:
        start(station, self._routing)

    def stop(self, by: str, timeout: float) -> ControlAnswer:
        """Stop in order; the answer holds the proof of the disarm. See `leftovers` then."""
        deadline = time.monotonic() + timeout
        request = ControlRequest(by=by, reason="stopping")
        answer = self.control.shut_down(request, max(1.0, timeout - _HOST_STOP_S))
        if answer.resting != 0:
            _log.error(
                "stopped without proof", extra=kv(verdict=answer.verdict, why=answer.message)
            )
        order = {host: start_order(host) for host in self._plan.outside}
        order |= {host: max(map(start_order, group)) for host, group in self._groups.items()}
        for name in (SUPERVISION, *sorted(order, key=lambda host: -order[host])):
            self._stop_host(name, deadline)
        if self._safeguards.canceller is not None:
            self._safeguards.canceller.stop()
        self._timers.stop()
        return answer

    def _stop_host(self, name: str, deadline: float) -> None:
        ref = self.directory.ref(name)
        if ref is None:
            return
        try:
            ref.stop(block=True, timeout=max(0.1, min(_HOST_STOP_S, deadline - time.monotonic())))
        except Timeout:
            _log.error("host did not stop", extra=kv(actor=name))

    def leftovers(self) -> tuple[str, ...]:
        """Hosts that are still registered; any after an orderly stop is a defect."""
        return tuple(
            ref.actor_class.__name__
            for ref in ActorRegistry.get_all()
            if self._ours(ref.actor_class)
        )

    @staticmethod
    def _ours(kind: type) -> bool:
        return kind.__module__.startswith("actors.")
