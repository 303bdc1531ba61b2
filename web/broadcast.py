"""The broadcaster: one thread that writes every frame to every browser.

One encoded batch serves all streams that stand at the same place, and no stream is waited for: a
thread per client costs the actors beside it fifteen times as much (performance.md, section 6).
The thread begins with the first stream and ends with the last, so there is nothing to shut down.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from web.hub import Hub
    from web.outbox import Outbox
    from web.settings import WebSettings

_log = logging.getLogger(__name__)

_BATCH: Final = 64
"""Frames handed to one stream at a time."""
_GATHER: Final = 0.005
"""Seconds to let the rest of a burst arrive before writing: one system call instead of ten."""
_LOOK_MS: Final = 1_000
"""How often stuck streams are looked for."""

_WAKES: Final = 64

Batches = dict[tuple[int, "frozenset[str] | None"], tuple[bytes, int] | None]


class StreamsFullError(Exception):
    """As many streams are open as are allowed."""


class Broadcaster:
    """Thread-safe. `add` and `remove` are called by the handlers of the streams."""

    def __init__(self, hub: Hub, settings: WebSettings) -> None:
        self._hub = hub
        self._settings = settings
        self._lock = threading.Lock()
        self._outboxes: set[Outbox] = set()
        self._thread: threading.Thread | None = None
        self._waking = False
        self._pipe: tuple[int, int] | None = None
        """Its reading and its writing end."""
        hub.listen(self.wake)

    @property
    def full(self) -> bool:
        """No more streams are allowed now."""
        return len(self._outboxes) >= self._settings.max_streams

    def add(self, outbox: Outbox) -> None:
        """Begin to send frames to a stream. Raises StreamsFullError."""
        with self._lock:
            if self.full:
                msg = f"{self._settings.max_streams} streams are open already"
                raise StreamsFullError(msg)
            self._outboxes.add(outbox)
            if self._thread is None:
                self._pipe = _wake_pipe()
                self._thread = threading.Thread(
                    target=self._run, args=(self._pipe[0],), name="web-frames", daemon=True
                )
                self._thread.start()
        self.wake()

    def remove(self, outbox: Outbox) -> None:
        """Forget a stream; after the last one the thread ends."""
        with self._lock:
            self._outboxes.discard(outbox)
        self.wake()

    def wake(self) -> None:
        """There is something to write. Any thread; never blocks; half a microsecond when awake."""
        if self._waking or self._thread is None:
            return
        with self._lock:
            if self._pipe is not None and not self._waking:
                self._waking = True
                os.write(self._pipe[1], b"w")

    # --- the broadcaster's own thread -----------------------------------------------------------

    def _run(self, wake_end: int) -> None:
        while True:
            self._wait(wake_end)
            with self._lock:
                if not self._outboxes:
                    self._end()
                    return
                outboxes = tuple(self._outboxes)
            batches: Batches = {}
            for outbox in outboxes:
                try:
                    self._serve(outbox, batches)
                except Exception:  # noqa: BLE001 - a border: one stream must not end the others
                    _log.exception("stream cut after an error")
                    outbox.cut()

    def _end(self) -> None:
        for end in self._pipe or ():
            os.close(end)
        self._pipe, self._thread, self._waking = None, None, False

    def _wait(self, wake_end: int) -> None:
        poller = select.poll()
        poller.register(wake_end, select.POLLIN)
        with self._lock:
            waiting = [outbox for outbox in self._outboxes if not outbox.idle]
        for outbox in waiting:
            descriptor = outbox.fileno()
            if descriptor >= 0:
                poller.register(descriptor, select.POLLOUT)
        poller.poll(_LOOK_MS)
        time.sleep(_GATHER)
        # Cleared before the frames are read: what comes later wakes again.
        with contextlib.suppress(BlockingIOError):
            os.read(wake_end, _WAKES)
        self._waking = False

    def _serve(self, outbox: Outbox, batches: Batches) -> None:
        outbox.flush()
        while outbox.idle and not outbox.dead and outbox.cursor < self._hub.seq:
            place = (outbox.cursor, outbox.topics)
            if place not in batches:
                batches[place] = self._batch(*place)
            batch = batches[place]
            if batch is None:
                self._cut(outbox, "its frames are gone")
                return
            outbox.offer(*batch)
        if outbox.dead or outbox.idle:
            return
        if self._hub.seq - outbox.cursor > self._settings.lag_frames:
            self._cut(outbox, f"{self._hub.seq - outbox.cursor} frames behind")
        elif time.monotonic() - outbox.progress_at > self._settings.stall:
            self._cut(outbox, f"nothing taken for {self._settings.stall:g} s")

    def _batch(self, cursor: int, topics: frozenset[str] | None) -> tuple[bytes, int] | None:
        frames = self._hub.since(cursor, _BATCH)
        if frames is None:
            return None
        wanted = [f.wire for f in frames if topics is None or f.topic in topics]
        return b"".join(wanted), frames[-1].seq

    def _cut(self, outbox: Outbox, reason: str) -> None:
        _log.warning("stream cut: %s", reason)
        outbox.cut()


def _wake_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing
