"""The way out to one browser: never blocks, never mixes two messages, ends a client that is stuck.

A stream's socket is written by the broadcaster (frames), by its own handler (answers) and by its
reader (pongs). All of them come through here. What the kernel does not take at once stays behind:
the rest of what is on its way, a few answers, and a cursor into the hub's ring. So the memory of a
client is bounded, whatever it does.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from typing import Final

_ANSWERS: Final = 64
"""Messages of its own that a client may leave unread."""
_SEND_BUFFER: Final = 256 * 1024
"""Bytes that the kernel may hold for a client: what is in there cannot be counted as lag."""
_INTAKE_BYTES: Final = 256 * 1024
_INTAKE_SECONDS: Final = 10.0
"""More than this much from one client in this time is a flood."""
_RECEIVE: Final = 4096


class FloodError(OSError):
    """A client sends more than commands could ever need."""


class Outbox:
    """One client's socket, and what waits to be written to it. Thread-safe.

    It takes the place of the socket inside simple_websocket, which uses `send`, `recv` and `close`.
    """

    def __init__(self, sock: socket.socket, cursor: int, topics: frozenset[str] | None) -> None:
        self.cursor = cursor
        """Number of the last frame that was handed to `offer`."""
        self.topics = topics
        """Topics that the client wants; None for all."""
        self.progress_at = time.monotonic()
        """When the kernel last took something, or nothing was waiting."""
        self.dead = False
        self._sock = sock
        self._lock = threading.Lock()
        self._rest = memoryview(b"")
        self._answers: deque[bytes] = deque()
        self._intake_since = time.monotonic()
        self._intake = 0
        _prepare(sock)

    @property
    def idle(self) -> bool:
        """Nothing waits for the kernel."""
        return not self._rest and not self._answers

    def fileno(self) -> int:
        """Descriptor for polling; -1 once closed."""
        return self._sock.fileno()

    def send(self, data: bytes) -> int:
        """Queue a message of this client alone: an answer, a pong, a close. Never blocks."""
        with self._lock:
            if not self.dead:
                self._answers.append(bytes(data))
                if len(self._answers) > _ANSWERS:
                    self._die()
                else:
                    self._write()
        return len(data)

    def offer(self, wire: bytes, cursor: int) -> None:
        """Hand over frames up to number `cursor`. Call only while `idle`; never blocks."""
        with self._lock:
            self.cursor = cursor
            if not self.dead and wire:
                # An answer may have come in between: it waits behind, whole frames never mix.
                self._rest = (
                    memoryview(bytes(self._rest) + wire) if self._rest else memoryview(wire)
                )
                self._write()

    def flush(self) -> None:
        """Write what the kernel takes now."""
        with self._lock:
            if not self.dead:
                self._write()

    def cut(self) -> None:
        """End the connection; its reader and its handler are woken by that."""
        with self._lock:
            self._die()

    def recv(self, size: int = _RECEIVE) -> bytes:
        """Read for simple_websocket; raises FloodError when a client sends absurdly much."""
        data = self._sock.recv(size)
        now = time.monotonic()
        if now - self._intake_since > _INTAKE_SECONDS:
            self._intake_since, self._intake = now, 0
        self._intake += len(data)
        if self._intake > _INTAKE_BYTES:
            msg = f"more than {_INTAKE_BYTES} bytes in {_INTAKE_SECONDS:g} s"
            raise FloodError(msg)
        return data

    def close(self) -> None:
        """Close the socket; idempotent."""
        with self._lock:
            self.dead = True
            self._sock.close()

    def _write(self) -> None:
        while self._rest or self._answers:
            if not self._rest:
                self._rest = memoryview(self._answers.popleft())
            try:
                # The base class, because a server may lend a socket whose own `send` waits.
                sent = socket.socket.send(self._sock, self._rest, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                self._die()
                return
            self._rest = self._rest[sent:]
            self.progress_at = time.monotonic()
        self.progress_at = time.monotonic()

    def _die(self) -> None:
        self.dead = True
        self._rest = memoryview(b"")
        self._answers.clear()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


def _prepare(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
