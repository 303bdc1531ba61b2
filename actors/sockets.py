"""Reader threads: connect, receive, decode, hand over, end.

A reader is one connection. It never connects again by itself: it reports what became of it, and the
feed decides. Every frame is turned into messages on the reader's thread; one that cannot be read is
told as `FrameSkipped` and harms no other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from websocket import WebSocketException, WebSocketTimeoutException

from actors.fast_socket import FastSocket
from core import messages as m
from core.clock import Clock, sleep_seconds
from core.exchange.wire.commands import encode_command
from core.exchange.wire.frames import Origin
from core.exchange.wire.translate import read_frame
from core.units import Nanos

if TYPE_CHECKING:
    from core.exchange.auth import Signer

_log = logging.getLogger(__name__)

_OF_A_MARKET: Final = (
    m.StrikePublished,
    m.MarketStatusChanged,
    m.MarketDetermined,
    m.MarketFinalized,
)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is given: which connection it is, and where its news go."""

    order: m.OpenStream
    clock: Clock
    deliver: Callable[[Iterable[m.Message]], None]
    """Takes messages for whom the topology says; quick, on the reader's thread."""
    failed: Callable[[Exception], None]
    """Told of a defect in the reader, beside the loss of the connection."""


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


class KalshiTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to connect; seconds are those of the machine."""

    url: str
    series: tuple[str, ...]
    """Life-cycle news come of the whole exchange: only those of these series are handed on."""
    connect_seconds: float = 3.0
    silence_seconds: float = 25.0
    """Without a byte for so long the connection is dead: the exchange pings every ten seconds."""


class KalshiStream:
    """A connection to Kalshi's stream. `start`, `send` and `close` on any one thread."""

    def __init__(self, opening: Opening, terms: KalshiTerms, signer: Signer) -> None:
        self._opening = opening
        self._terms = terms
        self._signer = signer
        self._prefixes = tuple(f"{series}-" for series in terms.series)
        self._ending = threading.Event()
        self._socket: FastSocket | None = None
        order = opening.order
        self._thread = threading.Thread(
            target=self._run, name=f"{order.stream}-{order.conn}", daemon=True
        )

    def start(self) -> None:
        """Connect, after the pause that the order asks for. Returns at once."""
        self._thread.start()

    def send(self, command: m.SendCommand) -> None:
        """Send a command; one that cannot be sent at once ends the connection."""
        socket = self._socket
        if socket is None or self._ending.is_set():
            return  # the feed will learn of the loss, and ask anew on the next connection
        try:
            if socket.writable:
                socket.send(encode_command(command))
                return
            why = "the send buffer is full"
        except (OSError, ValueError, WebSocketException) as error:
            why = f"{type(error).__name__}: {error}"
        _log.warning("command not sent on %s: %s", self._thread.name, why)
        self.close()

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

    # --- on the reader's thread ------------------------------------------------------------------

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
        opening = self._opening
        due = Nanos(opening.clock.now() + opening.order.delay)
        if self._ending.wait(sleep_seconds(opening.clock, due)):
            return "closed before it was opened"
        self._tell("connecting", self._terms.url)
        try:
            self._socket = socket = self._connect()
            socket.settimeout(self._terms.silence_seconds)
            if self._ending.is_set():
                return "closed while it was opened"
            self._tell("open", self._terms.url)
            while not self._ending.is_set():
                self._hand_over(socket.texts())
        except WebSocketTimeoutException:
            return self._ended(f"silent for {self._terms.silence_seconds:g} s")
        except (OSError, WebSocketException) as error:
            return self._ended(f"{type(error).__name__}: {error}")
        return self._ended("")

    def _ended(self, why: str) -> str:
        return "closed" if self._ending.is_set() else why

    def _connect(self) -> FastSocket:
        """A freshly signed handshake; no proxy and no redirect: it is for this host alone."""
        url = self._terms.url
        signed = self._signer.sign("GET", urlsplit(url).path)
        socket = FastSocket(skip_utf8_validation=True, enable_multithread=True)
        socket.settimeout(self._terms.connect_seconds)
        socket.connect(  # type: ignore[no-untyped-call]
            url,
            header=signed.headers(),
            suppress_origin=True,
            http_no_proxy=["*"],
            redirect_limit=0,
        )
        return socket

    def _hand_over(self, texts: list[bytes]) -> None:
        if not texts:
            return
        opening = self._opening
        order = opening.order
        origin = Origin(stream=order.stream, conn=order.conn, ts_recv=opening.clock.now())
        for text in texts:
            opening.deliver(
                [message for message in read_frame(text, origin) if self._concerns_us(message)]
            )

    def _concerns_us(self, message: m.Message) -> bool:
        if isinstance(message, m.MarketListed):
            return message.market.series in self._terms.series
        if isinstance(message, _OF_A_MARKET):
            return message.ticker.startswith(self._prefixes)
        return True

    def _tell(self, state: m.StreamState, reason: str) -> None:
        order, now = self._opening.order, self._opening.clock.now()
        changed = m.StreamChanged(
            stream=order.stream, conn=order.conn, state=state, reason=reason, ts_recv=now
        )
        self._opening.deliver((changed,))
