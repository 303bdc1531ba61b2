"""What a panel is: a bounded fold of messages that emits the rows that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from core.messages import Message, Part
from core.units import Nanos

Listener = Callable[[Any, Nanos], None]
"""Takes a message of its type and the time."""
Fact = Callable[[Any], None]
"""Takes a journalled event; idempotent by the event's natural id."""
Listeners = Mapping[type[Message], Listener]
"""Messages that are shown and forgotten."""
Facts = Mapping[type[Message], Fact]
"""Journalled events, live or from the journal."""
Change = tuple[str, Part]
"""Topic and row."""


class Panel(Protocol):
    """One part of the screen. Belongs to the dashboard role; its thread is the role's."""

    listeners: Listeners
    facts: Facts

    def drain(self, now: Nanos) -> Iterable[Change]:
        """Rows that changed since the last call, each once, in an order fit for the screen."""
        ...
