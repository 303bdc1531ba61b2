"""What waits to be sent to one client of the stream, and the thread that sends it.

Producers never wait: a client that does not read fills its own outbox, loses its subscriptions with
error 25, and is cut; nobody else notices. Frames that wait together leave in one system call.
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from web.frames import text_frame

if TYPE_CHECKING:
    from web.server import StreamSocket

_PING: Final = b"\x89\x09heartbeat"
"""A ping frame with the payload that Kalshi sends."""
_SEND_BUFFER: Final = 1 << 18
"""Bytes that the system may hold for a client: what is in there cannot be counted as lag."""
_BATCH_BYTES: Final = 1 << 16
_RESERVE: Final = 1_000
"""Room above the limit for control replies and the errors that say what was lost."""
_END: Final = b""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the machine: between pings, and until a write that does not go is given up."""

    ping: float = 10.0
    send: int = 10


class Outbox:
    """Frames on their way to one client. `offer` and `put` never block, on any thread."""

    def __init__(self, stream: StreamSocket, limit: int, pace: Pace | None = None) -> None:
        self._stream = stream
        self._limit = limit
        self._pace = pace or Pace()
        self._queue: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._silent_until = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream-writer", daemon=True)
        timeout = struct.pack("ll", self._pace.send, 0)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def offer(self, frame: bytes) -> bool:
        """Queue a data frame; False, and nothing queued, when the client is too far behind."""
        if self._queue.qsize() >= self._limit:
            return False
        self._queue.put(frame)
        return True

    def put(self, frame: bytes) -> None:
        """Queue a control reply; a client that floods itself with them is cut."""
        if self._queue.qsize() >= self._limit + _RESERVE:
            self.cut()
        else:
            self._queue.put(frame)

    def stall(self, seconds: float) -> None:
        """Send nothing for so long, pings included: a socket that is open and dead."""
        self._silent_until = time.monotonic() + seconds

    def cut(self) -> None:
        """End the connection now."""
        self._ended.set()
        self._stream.cut()

    def close(self) -> None:
        """End the thread, after what is queued or at once if the connection has gone."""
        self._ended.set()
        self._queue.put(_END)

    def _run(self) -> None:
        next_ping = time.monotonic() + self._pace.ping
        try:
            while True:
                batch = self._collect(next_ping)
                if batch is None:
                    return
                while (left := self._silent_until - time.monotonic()) > 0:
                    if self._ended.wait(left):
                        break
                if time.monotonic() >= next_ping:
                    batch.append(_PING)
                    next_ping += self._pace.ping
                if batch:
                    self._stream.send(b"".join(batch))
        except OSError:  # gone, or not reading for as long as the system was willing to wait
            self.cut()

    def _collect(self, until: float) -> list[bytes] | None:
        """What can go out together; empty when it is time for a ping, None at the end."""
        try:
            frame = self._queue.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return []
        batch: list[bytes] = []
        size = 0
        while frame is not _END:
            batch.append(text_frame(frame))
            size += len(frame)
            if size >= _BATCH_BYTES or self._queue.empty():
                return batch
            frame = self._queue.get()
        if not batch:
            return None
        self._queue.put(_END)  # send these first, and meet the end again
        return batch
