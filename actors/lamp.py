"""What a host has in its hands, for whoever finds it hung."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.messages import Message


class Lamp:
    """Written by the host around each message, one store each; read on any thread."""

    __slots__ = ("message",)

    def __init__(self) -> None:
        self.message: Message | None = None
        """None while it waits for the next."""
