"""Who is where: stable names, the host behind each, and what becomes of mail for nobody.

Names outlive hosts. A host that crashed is followed by another of the next *generation* under the
same names; senders never notice. `Directory.tell` is the only way from one actor to another: it
never raises in the sender and never blocks it (Pykka's own `tell` raises on a dead actor, which
would kill the sender too).

Mail for a name without a live host, told while it is down or left unread when it fell:

| message | why | what becomes of it |
|---|---|---|
| journalled events (`WRITERS`) | the next host reads them in the journal | dropped, counted |
| snapshots (`CONFLATE`), market data (`STREAMED`) | the next one makes them worthless | the same |
| all else: answers of the exchange, effects, control | said once, and true however late | parked |

Parked mail is handed to the next host in its old order before anything newer; whoever receives it
checks when it `expires`. A lot holds `LOT` messages per name; then the oldest is a dead letter.

The *fence*: once a host is retired, `is_current` says so, whatever its thread still does. A host
asks before it writes or sends, so that one that hung and wakes later has no effect.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pykka import ActorDeadError, ActorRef, ActorRegistry
from pykka.messages import _ActorStop

from actors.inbox import Inbox
from core.messages import Message
from core.topology import CONFLATE, STREAMED, WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka._envelope import Envelope

    from actors.inbox import Delivery

_log = logging.getLogger(__name__)

LOT: Final = 1_000
"""Most messages parked per name: minutes of answers, far beyond any restart that succeeds."""
SAMPLES: Final = 64
"""Dead letters kept for people to look at; all are counted."""
_DROPPED: Final = frozenset((*WRITERS, *CONFLATE, *STREAMED))


class GenerationError(Exception):
    """A host of a generation that is already past wanted a name: a defect of its starter."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that reached nobody."""

    name: str
    message: Message
    reason: str


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory could not hand over so far."""

    dead: Mapping[str, int]
    """Dead letters by name."""
    parked: Mapping[str, int]
    """Messages now waiting for the next host, by name."""
    samples: tuple[DeadLetter, ...]
    """The newest dead letters, oldest first."""


class _Entry(msgspec.Struct, frozen=True):
    """A live host: all the names it answers to."""

    names: tuple[str, ...]
    generation: int
    ref: ActorRef[Any]


class Directory:
    """Names to hosts and sinks. Every method is safe on any thread."""

    def __init__(self) -> None:
        self._sends: dict[str, Callable[[Delivery], None]] = {}
        """Read without the lock by `tell`; written under it."""
        self._entries: dict[str, _Entry] = {}
        self._latest: dict[str, int] = {}
        """Highest generation ever seen of each name."""
        self._parked: dict[str, deque[Message]] = {}
        self._dead: Counter[str] = Counter()
        self._samples: deque[DeadLetter] = deque(maxlen=SAMPLES)
        self._lock = RLock()  # a sink that is told under it may tell others

    def tell(self, name: str, message: Message) -> None:
        """Send: one lookup and one put where the target lives."""
        send = self._sends.get(name)
        if send is not None:
            try:
                send((name, message))
            except ActorDeadError:
                pass
            else:
                return
        self._undelivered(name, message)

    def register(
        self,
        names: tuple[str, ...],
        ref: ActorRef[Any],
        generation: int,
        express: Callable[[str, Message], bool] | None = None,
    ) -> None:
        """Let `names` mean this host from now on, fence off the one before, hand over parked mail.

        `express` is asked first, on the sender's thread: what it takes does not go to the inbox.

        To be called before the host reads the journal: then whatever is written afterwards finds
        it. Raises GenerationError unless the generation is newer than all before.
        """
        send = ref.tell if express is None else _by_express(express, ref.tell)
        with self._lock:
            for name in names:
                if generation <= self._latest.get(name, -1):
                    msg = f"{name}: generation {generation} after {self._latest[name]}"
                    raise GenerationError(msg)
            for name in names:
                if name in self._entries:
                    self._retire(self._entries[name])
            for name in names:
                self._latest[name] = generation
                self._entries[name] = _Entry(names, generation, ref)
                self._open(name, send)

    def register_sink(self, name: str, receive: Callable[[Message], None]) -> None:
        """Let `name` mean a function, called in the sender's thread: quick, and never blocking.

        What it raises is logged, and the message is a dead letter; the sender goes on.
        """

        def send(delivery: Delivery) -> None:
            try:
                receive(delivery[1])
            except Exception as error:  # noqa: BLE001 - border: its senders must not die of it
                _log.exception("sink %s failed", name)
                with self._lock:
                    self._lose(name, delivery[1], f"{type(error).__name__}: {error}")

        with self._lock:
            self._open(name, send)

    def retire(self, name: str, generation: int) -> bool:
        """Take all names from the host of this generation and put up the fence.

        Its unread mail is parked or dropped as above. False, and nothing happens, where a newer
        host is there already or none is: so both the host itself and its supervisor may call this.
        """
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.generation != generation:
                return False
            self._retire(entry)
            return True

    def is_current(self, name: str, generation: int) -> bool:
        """Whether the host of this generation still has the name."""
        entry = self._entries.get(name)
        return entry is not None and entry.generation == generation

    def ref(self, name: str) -> ActorRef[Any] | None:
        """The host behind a name, for `ask` and `stop`; None for sinks and while it is down."""
        entry = self._entries.get(name)
        return None if entry is None else entry.ref

    def losses(self) -> Losses:
        """What was not delivered so far."""
        with self._lock:
            return Losses(
                dead=dict(self._dead),
                parked={name: len(lot) for name, lot in self._parked.items() if lot},
                samples=tuple(self._samples),
            )

    def _open(self, name: str, send: Callable[[Delivery], None]) -> None:
        for message in self._parked.pop(name, ()):
            send((name, message))
        # Only now: who still finds the name closed waits for the lock, and comes after the parked.
        self._sends[name] = send

    def _retire(self, entry: _Entry) -> None:
        for name in entry.names:
            del self._entries[name], self._sends[name]
        ActorRegistry.unregister(entry.ref)  # it may hang: nobody is to wait for it at the end
        inbox = entry.ref.actor_inbox
        if isinstance(inbox, Inbox):
            inbox.close(self._take_back)

    def _take_back(self, inbox: Inbox) -> None:
        """Collect what a retired host left unread; under the lock, so that its order is kept."""
        with self._lock:
            for envelope in inbox.unread():
                self._return(envelope)

    def _return(self, envelope: Envelope[Any]) -> None:
        """Treat one unread envelope; an `ask` is answered as Pykka would."""
        content = envelope.message
        if envelope.reply_to is None:
            if not isinstance(content, _ActorStop):
                self._undelivered(*content)
        elif isinstance(content, _ActorStop):
            envelope.reply_to.set(None)
        else:
            died = ActorDeadError("the host stopped before it handled the message")
            envelope.reply_to.set_exception((ActorDeadError, died, None))

    def _undelivered(self, name: str, message: Message) -> None:
        with self._lock:
            send = self._sends.get(name)
            if send is not None:  # the next host came meanwhile, or this one is just dying
                try:
                    send((name, message))
                except ActorDeadError:
                    self._retire(self._entries[name])  # what it left unread goes first
                else:
                    return
            if type(message) in _DROPPED:
                self._lose(name, message, "nobody there; superseded or in the journal")
            else:
                self._park(name, message)

    def _park(self, name: str, message: Message) -> None:
        lot = self._parked.setdefault(name, deque())
        if len(lot) == LOT:
            self._lose(name, lot.popleft(), "parking lot full")
        lot.append(message)

    def _lose(self, name: str, message: Message, reason: str) -> None:
        self._dead[name] += 1
        self._samples.append(DeadLetter(name=name, message=message, reason=reason))


def _by_express(
    express: Callable[[str, Message], bool], tell: Callable[[Delivery], None]
) -> Callable[[Delivery], None]:
    def send(delivery: Delivery) -> None:
        if not express(*delivery):
            tell(delivery)

    return send
