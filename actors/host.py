"""Hosts: Pykka actors that carry roles. They receive, run, send and report; they decide nothing.

Life of a host, and in which thread:

1. The starter's thread constructs it (assignments only), enters it in the directory under its own
   name and those of its roles, and starts its thread. From here on mail finds it.
2. Its own thread: `on_start` does local work only. A `RoleActor` opens its journal, builds its
   roles, folds the journal into them, gives each its `Begin` and reports `ActorStarted`.
3. Each message is handled to its end: journalled, applied, and only then sent on. `Heartbeat` waits
   in the normal lane like any other message, so its answer proves that work is being done.
4. Any exception ends the host, also under `ask` (where Pykka alone would let it live on, half
   changed). It leaves the directory, reports `ActorFailed`, and its thread ends. The supervisor
   starts the next generation, which regains its state from the journal.

A thread that hangs cannot be stopped (nor keeps the process). The supervisor retires its names and
starts the next generation; should the old one wake, it dies at its first attempt to write or send.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pykka
from pykka import ActorRegistry

from actors.address import Directory, GenerationError
from actors.durations import Durations
from actors.fence import FencedError, FencedJournal
from actors.inbox import Delivery, Inbox
from actors.lamp import Lamp
from config.logs import kv
from core.clock import Clock
from core.domain.poison import content as shown
from core.domain.poison import fingerprint
from core.journal import Journal
from core.messages import ActorFailed, ActorStarted, Begin, Heartbeat, HostPulse, Message
from core.runner import Role, Runner
from core.topology import EXCHANGE, SUPERVISION, Routing

if TYPE_CHECKING:
    from types import TracebackType

_log = logging.getLogger(__name__)


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """Where a host stands."""

    name: str
    """The host's own name: that of its role where it carries one."""
    generation: int
    """Grows with each restart."""
    directory: Directory
    clock: Clock
    lamp: Lamp = msgspec.field(default_factory=Lamp)
    aside: set[str] = msgspec.field(default_factory=set)
    """Fingerprints of messages that brought earlier generations down: not handled any more.
    The supervisor's own set: it adds and clears, the host looks."""


class Crew(msgspec.Struct, frozen=True, kw_only=True):
    """What a host carries, and with what it works."""

    names: tuple[str, ...]
    """Names of the roles on board, in the order in which they are given their `Begin`."""
    make: Callable[[str, str], Role]
    """Builds a role from its name and the journal's `instance`; in the host's thread."""
    routing: Routing
    journal: Callable[[], Journal]
    """Opens a connection of the host's own; in the host's thread."""


class BaseActor(pykka.ThreadingActor):
    """An actor with a name, our inbox, a pulse, and a report when it falls.

    Subclasses override `begin`, `receive`, `end` and, where they answer to more than their own
    name, `names`.
    """

    def __init__(self, station: Station) -> None:
        super().__init__()
        assert isinstance(self.actor_inbox, Inbox)
        self.station = station
        self._inbox = self.actor_inbox
        self._busiest_ns = 0
        self._durations = Durations()
        self._lamp = station.lamp
        self._left = False
        self.handled_elsewhere = 0  # on threads of others; see `express`

    # --- for subclasses; all but `names` in the actor's own thread --------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Every name whose mail comes here."""
        return (self.station.name,)

    def begin(self) -> None:
        """Local work before the first message; no network, no waiting for others."""

    def receive(self, to: str, message: Message) -> object:
        """Handle one message to its end; an exception ends the host. The answer is for an `ask`."""
        msg = f"{to} has no use for {type(message).__name__}"
        raise NotImplementedError(msg)

    def end(self) -> None:
        """Release what `begin` took; called once, when the host stops or falls."""

    express: Callable[[str, Message], bool] | None = None
    """Asked first, on the sender's thread: what it takes is done; the rest goes to the inbox."""

    # --- Pykka's hooks ----------------------------------------------------------------------------

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    def _start_actor_loop(self) -> None:
        """In the starter's thread: enter the directory, then run. A failure leaves no trace."""
        station = self.station
        try:
            station.directory.register(self.names, self.actor_ref, station.generation, self.express)
        except GenerationError:
            ActorRegistry.unregister(self.actor_ref)
            raise
        try:
            self._spawn()
        except RuntimeError:  # no thread to be had
            station.directory.retire(station.name, station.generation)
            raise

    def _spawn(self) -> None:
        threading.Thread(target=self._actor_loop, name=self.station.name, daemon=True).start()

    def on_start(self) -> None:
        """Begin. A failure is reported here, for Pykka calls no hook for it."""
        try:
            self.begin()
        except Exception as error:
            self._fall(error, "start")
            raise

    def on_receive(self, message: Delivery) -> object:
        """Handle what comes from the inbox."""
        return self.handle(message, self._inbox.taken_at_ns)

    def handle(self, delivery: Delivery, began_ns: int) -> object:
        """Handle one delivery, and measure how long that took since `began_ns` on the meter."""
        to, content = delivery
        answer: object = None
        self._lamp.message = content
        try:
            if type(content) is Heartbeat:
                self._answer(content)
            elif not self.station.aside or not self._set_aside(content):
                answer = self.receive(to, content)
        except Exception as error:
            self._fall(error, f"{type(content).__name__} to {to}", content)
            raise
        self._lamp.message = None
        busy_ns = self._inbox.meter() - began_ns
        self._durations.add(busy_ns)
        if busy_ns > self._busiest_ns:  # noqa: PLR1730 - cheaper than a call to max
            self._busiest_ns = busy_ns
        return answer

    def on_stop(self) -> None:
        """Leave in order."""
        self._leave()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Whatever brought the host down outside of a delivery."""
        del exception_type, traceback
        self._fall(exception_value, "receive loop")

    # --- life and death ---------------------------------------------------------------------------

    def _set_aside(self, message: Message) -> bool:
        """Whether this message killed before and is not handled; only asked after it has."""
        if fingerprint(message) not in self.station.aside:
            return False
        station = self.station
        _log.error("left a deadly message", extra=kv(actor=station.name, message=shown(message)))
        return True

    def _answer(self, heartbeat: Heartbeat) -> None:
        meters, station = self._inbox.read_meters(), self.station
        busiest_ns, self._busiest_ns = self._busiest_ns, 0
        pulse = HostPulse(
            actor=station.name,
            generation=station.generation,
            sent=heartbeat.sent,
            depth=meters.depth,
            handled=meters.taken + self.handled_elsewhere,
            oldest_ns=meters.oldest_ns,
            busiest_ns=busiest_ns,
            p50_ns=self._durations.quantile(0.50),
            p99_ns=self._durations.quantile(0.99),
            ts=station.clock.now(),
        )
        station.directory.tell(SUPERVISION, pulse)

    def _fall(
        self, error: BaseException | None, during: str, handled: Message | None = None
    ) -> None:
        """Leave and say why. The closed inbox ends the loop, also where Pykka alone would go on."""
        station = self.station
        failure = ActorFailed(
            actor=station.name,
            generation=station.generation,
            error=f"{type(error).__name__}: {error} (at {during})",
            cause=type(error).__name__ if error is not None else "",
            fingerprint=fingerprint(handled) if handled is not None else "",
            content=shown(handled) if handled is not None else "",
            ts=station.clock.now(),
        )
        if self._leave():
            station.directory.tell(SUPERVISION, failure)

    def _leave(self) -> bool:
        """Give up names and resources, once; False where the host had been retired already."""
        if self._left:
            return False
        self._left = True
        try:
            return self.station.directory.retire(self.station.name, self.station.generation)
        finally:
            self.end()


class RoleActor(BaseActor):
    """A runner behind an inbox: its roles see only messages, its mail leaves by the directory."""

    def __init__(self, station: Station, crew: Crew) -> None:
        super().__init__(station)
        self.crew = crew
        self._journal: Journal | None = None
        self._runner: Runner | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The roles on board, and the host's own name for its heartbeat."""
        return tuple(dict.fromkeys((self.station.name, *self.crew.names)))

    def begin(self) -> None:
        """Regain state from the journal, then wake the roles in the order of `crew.names`."""
        crew, station = self.crew, self.station
        self._journal = crew.journal()
        instance = self._journal.instance
        roles = {name: crew.make(name, instance) for name in crew.names}
        fenced = FencedJournal(self._journal, self._check_fence)
        self._runner = Runner(roles, crew.routing, fenced)
        recovered = self._runner.recover()
        for name in crew.names:
            self.receive(name, Begin(recovered=recovered))
        started = ActorStarted(
            actor=station.name,
            generation=station.generation,
            recovered=recovered,
            ts=station.clock.now(),
        )
        station.directory.tell(SUPERVISION, started)

    def receive(self, to: str, message: Message) -> object:
        """Take one message to quiescence on board, then send what leaves. Hot."""
        assert self._runner is not None
        leaving = self._runner.run(to, message, self.station.clock.now())
        if leaving:
            self._check_fence()
            if len(self.crew.names) > 1:
                leaving.sort(key=lambda out: out[0] != EXCHANGE)  # orders before the news of them
            tell = self.station.directory.tell
            for target, answer in leaving:
                tell(target, answer)
        return None

    def role(self, name: str) -> Role:
        """A role on board; for subclasses, in the actor's own thread."""
        assert self._runner is not None
        return self._runner.roles[name]

    def end(self) -> None:
        """Close the journal's connection."""
        if self._journal is not None:
            self._journal.close()

    def _check_fence(self) -> None:
        station = self.station
        if not station.directory.is_current(station.name, station.generation):
            msg = f"{station.name}: generation {station.generation} has been replaced"
            raise FencedError(msg)
