"""The service manager's side: ready, alive, stopping (systemd's notify protocol).

Where no manager listens (NOTIFY_SOCKET is not set) every call does nothing. The protocol is one
datagram of text: sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Final

_LEAST_BEATS: Final = 3
"""Signs of life within the time that the manager waits."""


class ServiceManager:
    """On the main thread."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        given = dict(os.environ) if environment is None else environment
        self._address = given.get("NOTIFY_SOCKET", "")
        wait_us = int(given.get("WATCHDOG_USEC", "0") or 0)
        self._every = wait_us / 1e6 / _LEAST_BEATS
        self._next = 0.0

    def ready(self, status: str) -> None:
        """Everything is started."""
        self._tell(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """A sign of life, if one is due. The main thread gives it only while the system is sound,
        so a manager with a watchdog restarts what hangs.
        """
        if self._every and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """An orderly stop has begun."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.connect(address)
            line.sendall(text.encode())
