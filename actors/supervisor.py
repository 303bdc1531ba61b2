"""The supervisor: hosts the role that decides, and does what it decides to hosts.

It starts hosts in the topology's order, asks each for a sign of life, restarts those that fell or
fell silent, and leaves quarantined ones alone. A hung host cannot be stopped: its names are taken
away, its generation is fenced off, and the next one starts from the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from actors.host import Crew, RoleActor, Station
from config.logs import kv
from core import messages as m
from core.clock import patience
from core.roles.supervision import Supervision
from core.topology import SPECS, SUPERVISION, TIMERS, kind_of
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.messages import Message

_log = logging.getLogger(__name__)

SUPERVISOR: Final = "supervisor"
HEARTBEAT_SECONDS: Final = 1.0


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """How to start one host: its name, and a function from its station to the unstarted actor."""

    name: str
    order: int
    start: Callable[[Station], object]
    """Starts the actor; called in the supervisor's thread. What it raises is a failure."""


class Supervisor(RoleActor):
    """Carries the role `supervision` and answers to `supervisor` for its effects.

    The main thread watches this actor's pulse; nobody restarts it in the process.
    """

    def __init__(self, station: Station, crew: Crew, children: Mapping[str, Child]) -> None:
        super().__init__(station, crew)
        self._children = dict(children)
        self._generations = dict.fromkeys(children, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The role's name, and the one for effects."""
        return (*super().names, SUPERVISOR)

    def begin(self) -> None:
        """Regain the trading state, then start every host, sinks before sources."""
        super().begin()
        for child in sorted(self._children.values(), key=lambda child: child.order):
            self._start(child.name)
        self._beat()

    def receive(self, to: str, message: Message) -> object:
        """Effects on hosts are done here; all else is the role's."""
        match message:
            case Describe():
                return self._describe()
            case m.RestartActor():
                self._retire(message.actor)
                self._later(message.delay, _StartHost(actor=message.actor))
            case _StartHost():
                self._start(message.actor)
            case _AskForPulse():
                self._beat()
            case m.QuarantineActor():
                self._retire(message.actor)
                _log.error("host quarantined", extra=kv(actor=message.actor, why=message.reason))
            case _:
                return super().receive(to, message)
        return None

    def _describe(self) -> Standing:
        role = self.role(SUPERVISION)
        assert isinstance(role, Supervision)
        breaker = role.breaker
        return Standing(
            state=breaker.state,
            epoch=breaker.epoch,
            code=breaker.code,
            reason=breaker.reason,
            refusal=role.refusal,
            proven=role.proof if role.nothing_rests else None,
        )

    # --- hosts -------------------------------------------------------------------------------

    def _start(self, name: str) -> None:
        self._generations[name] += 1
        generation = self._generations[name]
        station = msgspec.structs.replace(self.station, name=name, generation=generation)
        try:
            self._children[name].start(station)
        except Exception as error:  # noqa: BLE001 - border: a failure of that host alone
            _log.exception("host did not start", extra=kv(actor=name, generation=generation))
            failure = m.ActorFailed(
                actor=name,
                generation=generation,
                error=f"{type(error).__name__}: {error}",
                ts=self.station.clock.now(),
            )
            self.station.directory.tell(SUPERVISION, failure)

    def _retire(self, name: str) -> None:
        """Fence off the running generation and ask its thread to end, should it still listen."""
        directory = self.station.directory
        ref = directory.ref(name)
        directory.retire(name, self._generations[name])
        if ref is not None and ref.is_alive():
            ref.stop(block=False)

    def _beat(self) -> None:
        now = self.station.clock.now()
        for name in self._children:
            self.station.directory.tell(name, m.Heartbeat(sent=now))
        self._later(patience(self.station.clock, HEARTBEAT_SECONDS), _AskForPulse())

    def _later(self, delay: Nanos, message: Message) -> None:
        due = Nanos(self.station.clock.now() + delay)
        self.station.directory.tell(TIMERS, m.Scheduled(due=due, to=SUPERVISOR, message=message))


class Describe(m.Message, frozen=True, kw_only=True):
    """Asked by the control door: how do things stand?"""


class Standing(m.Part, frozen=True, kw_only=True):
    """The answer to `Describe`."""

    state: m.TradingState
    epoch: int
    code: str
    reason: str
    refusal: str
    """Why the last command was refused; empty where it was obeyed."""
    proven: m.CancelAllDone | None
    """The proof of the last stop; None while it is not in."""


class _StartHost(m.Message, frozen=True, kw_only=True):
    """To itself: the pause before a restart is over."""

    actor: str


class _AskForPulse(m.Message, frozen=True, kw_only=True):
    """To itself: time for the next heartbeat."""


def start_order(name: str) -> int:
    """Place of a host in the start order; hosts that carry several roles come with the last."""
    return SPECS[kind_of(name)].order
