"""Hosts without threads, one message at a time in one global order: for proofs and for chaos.

The very classes that run in production are started here, with two things exchanged: the inbox takes
part in one global first-in-first-out order (nothing overtakes, nothing conflates, as on a single
`Runner`), and no thread is started. The receive loop is Pykka's own, so a host that falls under the
stepper falls as it would on its thread.

Time is a `VirtualClock`; ticks and scheduled messages come from the same `Agenda` as in production.
Everything happens in the thread that calls.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from actors.host import BaseActor
from actors.inbox import Inbox
from actors.timers import Agenda
from core.topology import TIMERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pykka import ActorRef
    from pykka._envelope import Envelope

    from actors.address import Directory
    from core.clock import VirtualClock
    from core.messages import Message
    from core.units import Nanos

_Host = TypeVar("_Host", bound=BaseActor)


class _TurnOverError(Exception):
    """Ends Pykka's receive loop after one message."""


class _TurnInbox(Inbox):
    """An inbox whose messages take turns with those of all others."""

    def __init__(self, turns: deque[_TurnInbox], meter: Callable[[], int]) -> None:
        super().__init__(meter)
        self._turns = turns
        self.may_take = False

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue behind everything that waits anywhere."""
        self._queue.put((self.meter(), envelope))
        self._turns.append(self)
        if self._reclaim is not None:
            self._give_back(self._reclaim)

    def close(self, reclaim: Callable[[Inbox], None]) -> None:
        """As ever; the turn is for the host to hear that it must stop."""
        super().close(reclaim)
        self._turns.append(self)

    def get(self) -> Envelope[Any]:
        """The next envelope, one in a turn; never sleeps."""
        if not self.may_take or self._queue.empty():
            raise _TurnOverError
        self.may_take = False
        return super().get()


class _Stepped(BaseActor):
    """Goes before the class that is to be stepped: Pykka's life of an actor, cut into turns."""

    stepper: ClassVar[Stepper]
    _begun = False

    @classmethod
    def _create_actor_inbox(cls) -> Inbox:
        return cls.stepper.new_inbox()

    def _spawn(self) -> None:
        self.stepper.adopt(self)

    def take_turn(self) -> bool:
        """Start, or handle one message; False when this was the last turn."""
        if not self._begun:
            self._begun = True
            self._actor_loop_setup()
        else:
            assert isinstance(self._inbox, _TurnInbox)
            self._inbox.may_take = True
            try:
                self._actor_loop_running()
            except _TurnOverError:
                return True
        if self.actor_stopped.is_set():
            self._actor_loop_teardown()
            return False
        return True


class Stepper:
    """Starts hosts, and lets them handle messages in the order in which these were sent."""

    def __init__(self, directory: Directory, clock: VirtualClock) -> None:
        self._directory = directory
        self._clock = clock
        self._agenda = Agenda()
        self._turns: deque[_TurnInbox] = deque()
        self._hosts: dict[_TurnInbox, _Stepped] = {}
        directory.register_sink(TIMERS, lambda one: self._agenda.schedule(one, clock.now()))

    def start(self, actor: type[_Host], *args: Any) -> ActorRef[_Host]:  # noqa: ANN401 - the actor's
        """Like `actor.start(*args)`. The host's `on_start` is its first turn."""
        stepped = type(f"Stepped{actor.__name__}", (_Stepped, actor), {"stepper": self})
        return cast("type[_Host]", stepped).start(*args)

    def tick(self, to: str, interval: Nanos) -> None:
        """Send `to` a `Tick` at every `interval` of the virtual clock, from now on."""
        self._agenda.tick(to, interval, self._clock.now())

    def deliver(self, to: str, message: Message) -> None:
        """Tell and go on until all is quiet: what `Runner.run` is to a single runner."""
        self.broadcast((to,), message)

    def broadcast(self, to: Iterable[str], message: Message) -> None:
        """Tell several roles, then go on until all is quiet: what `Runner.broadcast` is."""
        for name in to:
            self._directory.tell(name, message)
        self.run()

    def step(self) -> bool:
        """Take the oldest turn: a host's start, or one message; False when all is quiet."""
        if not self._turns:
            return False
        inbox = self._turns.popleft()
        host = self._hosts.get(inbox)
        if host is not None and not host.take_turn():
            del self._hosts[inbox]
        return True

    def run(self) -> None:
        """Take turns until all is quiet."""
        while self.step():
            pass

    def advance_to(self, until: Nanos) -> None:
        """Move time to `until`; everything due on the way happens at its own time, one by one."""
        self.run()
        while (due := self._agenda.next_due) is not None and due <= until:
            self._clock.advance_to(due)
            delivery = self._agenda.take(due)
            if delivery is not None:
                self.deliver(*delivery)
        self._clock.advance_to(until)

    def stop(self) -> None:
        """Stop every host that is left, the last started first."""
        for host in reversed(self._hosts.values()):
            host.actor_ref.stop(block=False)
        self.run()

    # --- for the hosts ----------------------------------------------------------------------------

    def new_inbox(self) -> Inbox:
        """An inbox that takes its turn among all."""
        return _TurnInbox(self._turns, self._clock.now)

    def adopt(self, host: _Stepped) -> None:
        """Give a new host its first turn: its start comes before any mail that found it already."""
        assert isinstance(host.actor_inbox, _TurnInbox)
        self._hosts[host.actor_inbox] = host
        self._turns.append(host.actor_inbox)
