"""What all reader threads share: connect, receive, hand over, end.

A reader is one connection. It never connects again by itself: it reports what became of it, and the
feed that asked for it decides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
from websocket import WebSocketException, WebSocketTimeoutException

from actors.fast_socket import FastSocket
from core import messages as m
from core.clock import Clock, sleep_seconds
from core.exchange.wire.frames import Origin
from core.units import Nanos

_log = logging.getLogger(__name__)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is given: which connection it is, and where its news go."""

    order: m.OpenStream
    clock: Clock
    deliver: Callable[[Iterable[m.Message]], None]
    """Takes messages for whom the topology says; quick, on the reader's thread."""
    failed: Callable[[Exception], None]
    """Told of a defect in the reader, beside the loss of the connection."""
    is_fenced: Callable[[], bool] = lambda: False
    """Whether the owner was replaced: nobody could send on this connection any more."""


class Reader(Protocol):
    """One connection and its thread."""

    def start(self) -> None:
        """Connect, after the pause that the order asks for. Returns at once."""

    def send(self, command: m.SendCommand) -> None:
        """Send a command; one that cannot be sent ends the connection. Never waits."""

    def close(self) -> None:
        """End; the loss is reported. Returns at once."""

    def join(self, timeout: float) -> bool:
        """Wait for the thread; whether it has ended."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reader connects; seconds are those of the machine."""

    url: str
    connect_seconds: float
    silence_seconds: float
    """Without a byte for so long the connection is dead."""


class SocketReader:
    """A reader on a WebSocket. Subclasses override `handshake`, `greet`, `follow` and `messages`.

    `start` and `close` on any one thread, everything else on the reader's own.
    """

    def __init__(self, opening: Opening, line: Line) -> None:
        self._opening = opening
        self._line = line
        self._ending = threading.Event()
        self._socket: FastSocket | None = None
        order = opening.order
        self._thread = threading.Thread(
            target=self._run, name=f"{order.stream}-{order.conn}", daemon=True
        )

    def start(self) -> None:
        """Connect, after the pause that the order asks for. Returns at once."""
        self._thread.start()

    def close(self) -> None:
        """End; the thread reports the loss when it notices. Returns at once."""
        self._ending.set()
        socket = self._socket
        if socket is not None:
            socket.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # --- for subclasses, on the reader's thread --------------------------------------------------

    def handshake(self) -> dict[str, str]:
        """Headers of the handshake, made just before it."""
        return {}

    def greet(self, socket: FastSocket) -> None:
        """Say what has to be said first."""

    def follow(self, socket: FastSocket) -> None:
        """Receive until the end is asked for; leaves by WebSocketTimeoutException after silence."""
        while self.wanted:
            self.hand_over(socket.texts())

    def messages(self, text: bytes, origin: Origin) -> Iterable[m.Message]:
        """A frame's text as messages."""
        raise NotImplementedError

    @property
    def wanted(self) -> bool:
        """Whether to go on receiving: not closed, and the owner not replaced."""
        return not self._ending.is_set() and not self._opening.is_fenced()

    def hand_over(self, texts: list[bytes]) -> None:
        """Tell what some frames say."""
        if not texts:
            return
        opening = self._opening
        order = opening.order
        origin = Origin(stream=order.stream, conn=order.conn, ts_recv=opening.clock.now())
        for text in texts:
            opening.deliver(self.messages(text, origin))

    # --- the life of a connection ----------------------------------------------------------------

    def _run(self) -> None:
        opening = self._opening
        reason = "ended here"
        try:
            reason = self._live()
        except Exception as error:  # noqa: BLE001 - border: a reader's thread; its owner decides
            _log.exception("reader %s failed", self._thread.name)
            reason = f"{type(error).__name__}: {error}"
            opening.failed(error)
        finally:
            if self._socket is not None:
                self._socket.release()
            self._tell("lost", reason)

    def _live(self) -> str:
        """The life of a connection; returns why it ended."""
        opening, line = self._opening, self._line
        due = Nanos(opening.clock.now() + opening.order.delay)
        if self._ending.wait(sleep_seconds(opening.clock, due)):
            return "closed before it was opened"
        self._tell("connecting", line.url)
        try:
            self._socket = socket = self._connect()
            socket.settimeout(line.silence_seconds)
            if self._ending.is_set():
                return "closed while it was opened"
            self.greet(socket)
            self._tell("open", line.url)
            self.follow(socket)
        except WebSocketTimeoutException:
            return self._ended(f"silent for {line.silence_seconds:g} s")
        except (OSError, WebSocketException) as error:
            return self._ended(f"{type(error).__name__}: {error}")
        return self._ended("")

    def _ended(self, why: str) -> str:
        if self._ending.is_set():
            return "closed"
        return "its owner was replaced" if self._opening.is_fenced() else why

    def _connect(self) -> FastSocket:
        """No proxy and no redirect: it is for this host alone."""
        socket = FastSocket(skip_utf8_validation=True, enable_multithread=True)
        socket.settimeout(self._line.connect_seconds)
        socket.connect(  # type: ignore[no-untyped-call]
            self._line.url,
            header=self.handshake(),
            suppress_origin=True,
            http_no_proxy=["*"],
            redirect_limit=0,
        )
        return socket

    def _tell(self, state: m.StreamState, reason: str) -> None:
        order, now = self._opening.order, self._opening.clock.now()
        changed = m.StreamChanged(
            stream=order.stream, conn=order.conn, state=state, reason=reason, ts_recv=now
        )
        self._opening.deliver((changed,))
