"""What all roles share: one handler per message type, looked up by the type itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.messages import Message
from core.units import Nanos

Handler = Callable[[Any, Nanos], Sequence[Message]]
"""Takes a message of its type and the time; answers with messages."""


class HandlingRole:
    """A role whose behaviour is a table: message type -> handler. Thread: its host's.

    A type without a handler is none of this role's business. A test holds the tables of all roles
    against the routes of the topology.
    """

    def __init__(self, name: str, handlers: Mapping[type[Message], Handler]) -> None:
        self.name = name
        self.handlers = dict(handlers)

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        """Answer one message. Costs 0.1 us beside the handler."""
        handler = self.handlers.get(type(message))
        return handler(message, now) if handler else ()

    def apply(self, event: Message) -> None:
        """Fold one journalled event; roles with journalled state override this."""
