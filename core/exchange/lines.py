"""Kept connections on which a request is one write: the fast road to the exchange.

`requests` spends 0.4 ms and more before the first byte leaves; a prepared text and one `sendall`
spend 0.06 (0.1 under TLS). Only what is on the way of an order goes this way. Answers are read by
the standard library. Nothing is ever sent twice: a connection that the other side has closed is
found out before the write, not by it.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections import deque
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import certifi
import msgspec

from core.exchange.port import Ambiguous, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.kalshi import Timeouts

_LEAST_FINAL: Final = 200
_KEPT: Final = 8
"""Idle connections; more at once are opened, used and closed."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    date: str
    body: bytes


class Line:
    """One connection, used by one request at a time. Not thread-safe; see `Lines`."""

    def __init__(self, connection: socket.socket, read_seconds: float) -> None:
        connection.settimeout(read_seconds)
        self._socket = connection
        self._is_spent = False

    @property
    def is_fresh(self) -> bool:
        """Whether it can carry a request: nothing has come unasked, such as its end."""
        if self._is_spent:
            return False
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable

    def send(self, request: bytes) -> None:
        """Write a request. Raises OSError, after which nobody knows how much of it left."""
        self._is_spent = True
        self._socket.sendall(request)

    def receive(self, method: str) -> Answer:
        """Wait for the answer. Raises OSError or HTTPException when none comes."""
        response = HTTPResponse(self._socket, method=method)
        try:
            response.begin()
            if response.status < _LEAST_FINAL:
                msg = f"an interim answer ({response.status}): the real one would come after it"
                raise HTTPException(msg)
            if response.length is None and not response.chunked:
                msg = "an answer without a length: its end cannot be told from a broken line"
                raise HTTPException(msg)
            body = response.read()
            self._is_spent = response.will_close
        finally:
            response.close()
        return Answer(status=response.status, date=response.headers.get("Date", ""), body=body)

    def close(self) -> None:
        """End it. Idempotent."""
        self._is_spent = True
        with suppress(OSError):
            self._socket.close()


class Lines:
    """Connections to one address. Any thread may call; a line belongs to who took it."""

    def __init__(self, base_url: str, timeouts: Timeouts) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        is_tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if is_tls else 80)
        self._timeouts = timeouts
        self._tls = ssl.create_default_context(cafile=certifi.where()) if is_tls else None
        self._idle: deque[Line] = deque()
        self._room = _KEPT
        self.opened = 0
        """Connections opened so far."""

    @property
    def has_idle(self) -> bool:
        """Whether a connection stands idle; it may still turn out to have ended."""
        return bool(self._idle)

    def take(self, what: str) -> Line:
        """A line that is ready to carry a request. Raises Unavailable: nothing was sent."""
        while self._idle:
            with suppress(IndexError):
                line = self._idle.pop()
                if line.is_fresh:
                    return line
                line.close()
        return self._open(what)

    def give_back(self, line: Line) -> None:
        """Keep it for the next request, if it can carry one."""
        if len(self._idle) < self._room and line.is_fresh:
            self._idle.append(line)
            if not self._room:  # closed just now, by another thread
                self.close()
        else:
            line.close()

    def warm(self) -> None:
        """See that a connection stands before it is needed. Raises Unavailable."""
        with suppress(IndexError):
            if self._idle[-1].is_fresh:  # looked at in its place: an order may want it just now
                return
        self.give_back(self.take("warming up"))

    def close(self) -> None:
        """End the idle ones, and from now on each one after its use."""
        self._room = 0
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _open(self, what: str) -> Line:
        try:
            plain = socket.create_connection((self._host, self._port), self._timeouts.connect)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = (
                plain
                if self._tls is None
                else self._tls.wrap_socket(plain, server_hostname=self._host)
            )
        except OSError as error:
            msg = f"{what}: not sent, no connection: {error}"
            raise Unavailable(msg) from error
        self.opened += 1
        return Line(connection, self._timeouts.read)


class Sent(msgspec.Struct, frozen=True):
    """A request that has left; `receive` gets what became of it, once, or `abandon` leaves it."""

    lines: Lines
    line: Line
    method: str
    what: str

    def receive(self) -> Answer:
        """Wait for the answer. Raises Ambiguous when none comes."""
        try:
            answer = self.line.receive(self.method)
        except (OSError, HTTPException) as error:
            self.line.close()
            msg = f"{self.what}: no answer: {type(error).__name__} {error}".rstrip()
            raise Ambiguous(msg) from error
        self.lines.give_back(self.line)
        return answer

    def abandon(self) -> None:
        """Nobody waits for the answer: the connection cannot carry another request."""
        self.line.close()


def send(lines: Lines, method: str, compose: Callable[[], bytes], what: str) -> Sent:
    """Send a request that may change something.

    `compose` gives its text when a connection stands, which may have taken seconds, and is written
    at once; what it raises goes to the caller, and nothing is sent. Raises Unavailable when not a
    byte of it left, and Ambiguous when some of it may have.
    """
    line = lines.take(what)
    try:
        request = compose()
    except BaseException:
        lines.give_back(line)
        raise
    try:
        line.send(request)
    except OSError as error:
        line.close()
        msg = f"{what}: broken off while it was sent: {error}"
        raise Ambiguous(msg) from error
    return Sent(lines, line, method, what)
