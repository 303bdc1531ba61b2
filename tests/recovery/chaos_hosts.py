"""Production's hosts on the stepper, with a trap in each: they fall, hang, slow down, are poisoned.

A host that hangs keeps its message in its hands, as a hung thread does, and takes no further turn.
When it is let go it goes on with that message, whether it was replaced meanwhile or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from pykka import ActorRegistry

from actors.stepper import Stepper, _Stepped, _TurnInbox, _TurnOverError
from core.domain.poison import fingerprint

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from actors.address import Directory
    from actors.inbox import Inbox
    from core.clock import VirtualClock
    from core.messages import Message


class SabotageError(Exception):
    """What a trap kills with."""


class _HeldInbox(_TurnInbox):
    """An inbox whose host may have to begin its last message once more."""

    held: Envelope[Any] | None = None

    def get(self) -> Envelope[Any]:
        if self.may_take and self.held is not None:
            self.may_take = False
            held, self.held = self.held, None
            return held
        return super().get()


class ChaosHost(_Stepped):
    """Goes before the class that is to be sabotaged."""

    stepper: ClassVar[ChaosStepper]
    frozen = False
    _missed = 0

    def take_turn(self) -> bool:
        stepper, name = self.stepper, self.station.name
        if self.frozen:
            self._missed += 1
            return True
        if self._begun and name in stepper.to_freeze and self._take_in_hand():
            stepper.to_freeze.discard(name)
            stepper.frozen[name] = self
            self.frozen = True
            return True
        return super().take_turn()

    def _take_in_hand(self) -> bool:
        """Take the next message and stop there; False where there is none to hang on."""
        inbox = self._inbox
        assert isinstance(inbox, _HeldInbox)
        inbox.may_take = True
        try:
            held = inbox.get()
        except _TurnOverError:
            return False
        finally:
            inbox.may_take = False
        inbox.held = held
        if not isinstance(held.message, tuple):
            return False
        self._lamp.message = held.message[1]
        self._missed = 1
        return True

    def let_go(self) -> None:
        """The hang is over: everything that waited gets its turn."""
        self.frozen = False
        assert isinstance(self._inbox, _TurnInbox)
        self.stepper.return_turns(self._inbox, self._missed)

    def receive(self, to: str, message: Message) -> object:
        self.stepper.spring(self.station.name, message)
        return super().receive(to, message)


class ChaosStepper(Stepper):
    """A stepper whose hosts can be sabotaged by name. Also the process: it can end at once."""

    def __init__(self, directory: Directory, clock: VirtualClock) -> None:
        super().__init__(directory, clock)
        self.to_kill: set[str] = set()
        self.to_freeze: set[str] = set()
        self.to_poison: dict[str, set[str]] = {}
        """Host -> fingerprints that are deadly to it."""
        self.to_find: dict[str, list[Message]] = {}
        """Hosts whose next message with a fingerprint is to be found, and what was found."""
        self.frozen: dict[str, ChaosHost] = {}

    def start(self, actor: type[Any], *args: Any) -> Any:  # noqa: ANN401 - any host
        stepped = type(f"Chaos{actor.__name__}", (ChaosHost, actor), {"stepper": self})
        return cast("Any", stepped).start(*args)

    def new_inbox(self) -> Inbox:
        return _HeldInbox(self._turns, self._clock.now)

    def spring(self, name: str, message: Message) -> None:
        """Before each message of a host."""
        mark = fingerprint(message) if name in self.to_find or name in self.to_poison else ""
        if mark and name in self.to_find and not self.to_find[name]:
            self.to_find[name].append(message)
            self.to_poison.setdefault(name, set()).add(mark)
        if mark and mark in self.to_poison.get(name, ()):
            raise SabotageError("poison")
        if name in self.to_kill:
            self.to_kill.discard(name)
            raise SabotageError("killed")

    def let_go(self, name: str) -> None:
        """End a hang."""
        self.to_freeze.discard(name)
        host = self.frozen.pop(name, None)
        if host is not None:
            host.let_go()

    def return_turns(self, inbox: _TurnInbox, turns: int) -> None:
        self._turns.extend([inbox] * turns)

    def abandon(self) -> None:
        """The process is gone, with everything in it."""
        for host in tuple(self._hosts.values()):
            ActorRegistry.unregister(host.actor_ref)
        self._hosts.clear()
        self._turns.clear()
