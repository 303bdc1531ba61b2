"""The runner: takes one message to quiescence over the roles it carries.

For every message: facts are applied, the role handles it, what it wrote is journalled in one
transaction, applied, and only then routed. Messages to roles on board are handled in the order in
which they arose; the others are returned for the host to send. A host is a runner behind an inbox;
a backtest is one runner with every role. Nothing leaves before it is written.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from core.topology import ROUTES, WRITERS, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.journal import Journal
    from core.messages import Message
    from core.topology import Routing
    from core.units import Nanos

Outgoing = tuple[str, "Message"]
"""Target name and message."""


class Role(Protocol):
    """A part of the system without threads, clock or I/O.

    `handle` decides: it answers one message with messages, and never changes journalled state.
    `apply` changes state from an event and never decides; it is idempotent by the event's natural
    id, because an event may come from the journal and by message.
    """

    name: str

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        """Answer a message; `now` in UTC nanoseconds is the only time there is."""
        ...

    def apply(self, event: Message) -> None:
        """Fold one journalled event."""
        ...


class WriterViolationError(Exception):
    """A role tried to write an event that belongs to another role: a defect."""


class Runner:
    """Carries roles; not thread-safe: whoever owns it calls it from one thread."""

    def __init__(self, roles: Mapping[str, Role], routing: Routing, journal: Journal) -> None:
        self.roles = dict(roles)
        self._routing = routing
        self._journal = journal
        self._queue: deque[Outgoing] = deque()

    def recover(self) -> int:
        """Fold the journal into the roles on board; returns the number of entries read.

        Each role gets what it writes and what it hears. Where the journal's beginning was folded
        away, every role is handed that state first.
        """
        every = tuple(self.roles.values())
        heard = {kind: roles for kind in WRITERS if (roles := self._listening(kind))}
        count = 0
        for event in self._journal.replay(heard.keys()):
            count += 1
            for role in heard.get(type(event), every):
                role.apply(event)
        return count

    def _listening(self, kind: type[Message]) -> tuple[Role, ...]:
        names = (*ROUTES[kind], WRITERS[kind])
        return tuple(
            role for name, role in self.roles.items() if name in names or kind_of(name) in names
        )

    def run(self, to: str, message: Message, now: Nanos) -> list[Outgoing]:
        """Deliver `message` to the role `to` and go on until nothing is left to do on board.

        An exception from a role leaves the rest of the queue unhandled and dropped: the host dies
        of it and is restarted from the journal.
        """
        return self.broadcast((to,), message, now)

    def broadcast(self, to: Sequence[str], message: Message, now: Nanos) -> list[Outgoing]:
        """Deliver `message` to several roles, then go on as `run` does.

        All of them have it before anything that follows from it, as if each had an inbox. Hot in
        backtests: 0.5 us beside the roles for a message that nobody answers.
        """
        leaving: list[Outgoing] = []
        queue, roles = self._queue, self.roles
        queue.clear()
        is_event = type(message) in WRITERS
        for name in to:
            role = roles[name]
            if is_event:
                role.apply(message)
            answers = role.handle(message, now)
            if answers:
                self._pass_on(name, answers, now, leaving)
        while queue:
            name, current = queue.popleft()
            role = roles[name]
            if type(current) in WRITERS:
                role.apply(current)
            answers = role.handle(current, now)
            if answers:
                self._pass_on(name, answers, now, leaving)
        return leaving

    def _pass_on(
        self, name: str, answers: Sequence[Message], now: Nanos, leaving: list[Outgoing]
    ) -> None:
        """Write what must be written, then queue or hand out everything."""
        self._write(name, answers, now)
        for answer in answers:
            for target in self._routing.targets(type(answer)):
                (self._queue if target in self.roles else leaving).append((target, answer))

    def _write(self, name: str, answers: Sequence[Message], now: Nanos) -> None:
        events = [answer for answer in answers if type(answer) in WRITERS]
        if not events:
            return
        kind = kind_of(name)
        for event in events:
            if WRITERS[type(event)] != kind:
                msg = f"{name} may not write {type(event).__name__}: {WRITERS[type(event)]} does"
                raise WriterViolationError(msg)
        self._journal.append(events, now)
        role = self.roles[name]
        for event in events:
            role.apply(event)
