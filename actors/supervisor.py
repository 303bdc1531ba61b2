"""The supervisor: hosts the role that decides, and does what it decides to hosts.

It starts hosts in the topology's order, asks each for a sign of life, restarts those that fell or
fell silent, and leaves quarantined ones alone. A hung host cannot be stopped: its names are taken
away, its generation is fenced off, and the next one starts from the journal.

It also keeps the stops that need no other host: it forbids orders of an ended permit on the line
itself, watches the HALT file, and cancels through a client of its own. Where it cannot write its
own journal any more it does all three at once and falls: the main thread ends the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from actors.host import Crew, RoleActor, Station
from actors.lamp import Lamp
from actors.standing import Describe, Standing
from config.logs import kv
from core import messages as m
from core.clock import patience
from core.domain.poison import content, fingerprint
from core.journal import JournalError
from core.roles.supervision import Supervision
from core.topology import SPECS, SUPERVISION, SUPERVISOR, TIMERS, kind_of
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.safeguards import Safeguards
    from core.messages import Message

_log = logging.getLogger(__name__)

_USUAL: Final = frozenset({"started", "reconciled", "armed", "paused", "stopped", "ended", "reset"})
"""Codes of changes of the trading state that call for nobody's attention."""
COMMANDS: Final = (
    m.ArmTrading,
    m.CancelEverything,
    m.DisarmTrading,
    m.HaltTrading,
    m.PauseTrading,
    m.ReleaseActor,
    m.ResetBreaker,
)
"""Asked by the control door: the answer is how things stand after them."""


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

    def __init__(
        self, station: Station, crew: Crew, children: Mapping[str, Child], safeguards: Safeguards
    ) -> None:
        super().__init__(station, crew)
        self._children = dict(children)
        self._safeguards = safeguards
        self._generations = dict.fromkeys(children, 0)
        self._lamps: dict[str, Lamp] = {}
        self._aside: dict[str, set[str]] = {name: set() for name in children}
        self._halt_text: str | None = None
        self._proof: m.CancelAllDone | None = None
        self._told_epoch = 0
        self._ticked = station.clock.now()

    @property
    def names(self) -> tuple[str, ...]:
        """The role's name, and the one for effects."""
        return (*super().names, SUPERVISOR)

    def begin(self) -> None:
        """Regain the trading state, look for the HALT file, then start every host, sinks first."""
        super().begin()
        self._look_for_halt_file()
        for child in sorted(self._children.values(), key=lambda child: child.order):
            self._start(child.name)
        self._beat()

    def receive(self, to: str, message: Message) -> object:
        """Effects on hosts are done here; all else is the role's."""
        if to == SUPERVISOR:
            return self._carry_out(message)
        if isinstance(message, m.Tick):
            self._ticked = self.station.clock.now()
        try:
            super().receive(to, message)
        except JournalError as error:
            tell, now = self.station.directory.tell, self.station.clock.now()
            self._safeguards.last_stand(error, self._role.breaker.epoch + 1, tell, now)
            raise
        self._tell_of_state()
        self._tell_of_proof()
        return self._describe() if isinstance(message, COMMANDS) else None

    def _carry_out(self, message: Message) -> object:
        match message:
            case Describe():
                return self._describe()
            case m.Permit():
                self._safeguards.forbid(message)
            case m.CancelDirectly():
                self._safeguards.cancel(message)
            case m.RestartActor():
                self._retire(message.actor)
                self._later(message.delay, _StartHost(actor=message.actor))
            case m.QuarantineActor():
                self._retire(message.actor)
                _log.error("host quarantined", extra=kv(actor=message.actor, why=message.reason))
            case m.MessageSetAside():
                self._set_message_aside(message)
            case m.ReadmitMessages():
                self._aside[message.actor].clear()
            case _:
                self._by_the_clock(message)
        return None

    def _by_the_clock(self, message: Message) -> None:
        match message:
            case _StartHost():
                self._start(message.actor)
            case _AskForPulse():
                self._look_for_halt_file()
                self._beat()
            case _:
                msg = f"{SUPERVISOR} has no use for {type(message).__name__}"
                raise NotImplementedError(msg)

    @property
    def _role(self) -> Supervision:
        role = self.role(SUPERVISION)
        assert isinstance(role, Supervision)
        return role

    def _describe(self) -> Standing:
        role, clock = self._role, self.station.clock
        breaker = role.breaker
        return Standing(
            state=breaker.state,
            epoch=breaker.epoch,
            code=breaker.code,
            reason=breaker.reason,
            latched=tuple(breaker.latched.values()),
            refusal=role.refusal,
            proven=role.proof.done if role.proof.proven else None,
            trouble=role.proof.trouble,
            quarantined=role.children.quarantined,
            tick_age=max(0.0, (clock.now() - self._ticked) / SECOND / max(1.0, clock.speed)),
        )

    def _tell_of_state(self) -> None:
        breaker = self._role.breaker
        if breaker.epoch == self._told_epoch:
            return
        self._told_epoch = breaker.epoch
        usual = breaker.code in _USUAL
        level = logging.CRITICAL if breaker.state == "HALTED" else logging.WARNING
        said = kv(state=breaker.state, code=breaker.code, why=breaker.reason, by=breaker.by)
        _log.log(logging.INFO if usual else level, "trading state", extra=said)

    # --- stops ---------------------------------------------------------------------------------

    def _tell_of_proof(self) -> None:
        proof = self._role.proof
        if not proof.proven or proof.done is self._proof:
            return
        self._proof = done = proof.done
        if done is not None:
            took = proof.took / SECOND / max(1.0, self.station.clock.speed)
            said = kv(why=done.reason, cancelled=done.cancelled, seconds=round(took, 3))
            _log.warning("stop proven: nothing rests", extra=said)

    def _look_for_halt_file(self) -> None:
        text = self._safeguards.halt_file.read()
        if text == self._halt_text:
            return
        self._halt_text = text
        changed = m.HaltFileChanged(
            present=text is not None, text=text or "", ts=self.station.clock.now()
        )
        self.receive(SUPERVISION, changed)

    # --- hosts ---------------------------------------------------------------------------------

    def _start(self, name: str) -> None:
        self._generations[name] += 1
        generation = self._generations[name]
        self._lamps[name] = Lamp()
        station = msgspec.structs.replace(
            self.station,
            name=name,
            generation=generation,
            lamp=self._lamps[name],
            aside=self._aside[name],
        )
        try:
            self._children[name].start(station)
        except Exception as error:  # noqa: BLE001 - border: a failure of that host alone
            _log.exception("host did not start", extra=kv(actor=name, generation=generation))
            failure = m.ActorFailed(
                actor=name,
                generation=generation,
                error=f"{type(error).__name__}: {error}",
                cause=type(error).__name__,
                ts=self.station.clock.now(),
            )
            self.station.directory.tell(SUPERVISION, failure)

    def _retire(self, name: str) -> None:
        """Fence off the running generation and ask its thread to end, should it still listen."""
        directory = self.station.directory
        ref = directory.ref(name)
        if not directory.retire(name, self._generations[name]) or ref is None:
            return
        self._tell_of_hang(name)
        if ref.is_alive():
            ref.stop(block=False)

    def _tell_of_hang(self, name: str) -> None:
        """It did not leave by itself: say what it has in its hands, for it may be poison."""
        lamp = self._lamps.get(name)
        held = lamp.message if lamp is not None else None
        if held is None:
            return
        failure = m.ActorFailed(
            actor=name,
            generation=self._generations[name],
            error=f"hung (at {type(held).__name__})",
            fingerprint=fingerprint(held),
            content=content(held),
            ts=self.station.clock.now(),
        )
        _log.error("host hung", extra=kv(actor=name, message=failure.content))
        self.station.directory.tell(SUPERVISION, failure)

    def _set_message_aside(self, news: m.MessageSetAside) -> None:
        self._aside[news.actor].add(news.fingerprint)
        _log.error("message set aside", extra=kv(actor=news.actor, message=news.content))

    # --- time ----------------------------------------------------------------------------------

    def _beat(self) -> None:
        now = self.station.clock.now()
        tell = self.station.directory.tell
        for name in self._children:
            tell(name, m.Heartbeat(sent=now))
        machine = self._safeguards.measured(now)
        if machine is not None:
            for name in self.crew.routing.targets(m.MachineMeasured):
                tell(name, machine)
        beat = patience(self.station.clock, self._safeguards.beat_seconds)
        self._later(beat, _AskForPulse())

    def _later(self, delay: Nanos, message: Message) -> None:
        due = Nanos(self.station.clock.now() + delay)
        self.station.directory.tell(TIMERS, m.Scheduled(due=due, to=SUPERVISOR, message=message))


class _StartHost(m.Message, frozen=True, kw_only=True):
    """To itself: the pause before a restart is over."""

    actor: str


class _AskForPulse(m.Message, frozen=True, kw_only=True):
    """To itself: time for the next heartbeat."""


def start_order(name: str) -> int:
    """Place of a host in the start order; hosts that carry several roles come with the last."""
    return SPECS[kind_of(name)].order
