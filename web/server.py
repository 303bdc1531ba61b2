"""The web server of a process: cheroot on one bound socket, with the sockets that streams need.

flask-sock takes over a connection through `environ["werkzeug.socket"]`. Here that is a socket of
its own on the same connection, which writes whole messages under a lock, can be cut off from any
thread, and is shut down first when the server stops. A stream holds one worker thread for its whole
life: `threads` is the number of streams plus what plain requests need.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cheroot import wsgi
from cheroot.server import HTTPConnection
from wsproto.utilities import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

_log = logging.getLogger(__name__)

_BACKLOG: Final = 128
_IDLE_SECONDS: Final = 75
"""How long a kept connection may be silent; longer than clients keep theirs."""
_STOP_SECONDS: Final = 5
_POLL_SECONDS: Final = 0.1
"""How often the acceptor looks whether it shall stop."""
HEADER_BYTES: Final = 32 * 1024
"""Of one request's line and headers together; more is answered 413 and read no further."""
_SOCKET_KEY: Final = "werkzeug.socket"
CUT_KEY: Final = "quarterhour.cut"
"""In the environment of a plain request: a call that ends its connection without an answer."""


class CannotListen(OSError):  # noqa: N818 - says what happened
    """The address cannot be bound; the message names it and the remedy."""


class PortTaken(CannotListen):
    """Another process listens on the port."""


class StreamSocket(socket.socket):
    """The connection of one stream. Any thread may send; messages are never interleaved."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.settimeout(None)
        self.upgraded = False
        """Whether anything was sent: then the handshake was answered here, not by the server."""
        self._lock = threading.Lock()

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ANN401 - the base class's type
        """Send all of `data`; raises OSError (also when a send time-out has passed)."""
        with self._lock:
            self.upgraded = True
            self.sendall(data, flags)
        return len(data)

    def cut(self) -> None:
        """End the connection now, from any thread: whoever reads or writes it is woken."""
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.EBADF):
                raise


class StreamThread(threading.Thread):
    """A stream's reader: it never keeps the process alive, and its end is always the stream's.

    simple-websocket wakes its waiting `receive` on the ends it knows of. After others (a message
    that is too large, a frame that breaks the protocol) `receive` would wait for ever, and so would
    the worker that is to be joined at the stop.
    """

    def __init__(self, target: Callable[[], None]) -> None:
        super().__init__(target=target, daemon=True)
        self._stream: Any = getattr(target, "__self__", None)

    def run(self) -> None:
        """Read until the end, whatever it is."""
        try:
            super().run()
        except ProtocolError as error:
            _log.warning("a stream's client broke the protocol: %s", error)
        finally:
            if self._stream is not None:
                self._stream.connected = False
                self._stream.event.set()


STREAM_OPTIONS: Final = {"max_message_size": 1 << 20, "thread_class": StreamThread}
"""For `app.config["SOCK_SERVER_OPTIONS"]` of every app that this server carries."""


class _Gateway(wsgi.Gateway_10):
    """Gives a WebSocket request its socket, and keeps the server from answering it twice."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override] # its stub says None
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            stream = StreamSocket(os.dup(self.req.conn.socket.fileno()))
            self.req.server.adopt(stream)
            environ[_SOCKET_KEY] = stream
            # compression costs four times the memory per client and buys nothing on one machine
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        else:
            environ[CUT_KEY] = self._cut
        return environ

    def _cut(self) -> None:
        """End a plain connection without an answer; for faults on purpose."""
        self.req.close_connection = True
        with suppress(OSError):
            self.req.conn.socket.shutdown(socket.SHUT_RDWR)

    def respond(self) -> None:
        try:
            super().respond()
        finally:
            stream = self.env.get(_SOCKET_KEY)
            if stream is not None:
                self.req.close_connection = True
                self.req.server.release(stream)
                stream.close()

    def start_response(self, *args: Any, **kwargs: Any) -> Callable[[bytes], None]:  # noqa: ANN401
        write: Callable[[bytes], None] = super().start_response(*args, **kwargs)
        if self._upgraded():
            self.req.sent_headers = True
            return _discard
        return write

    def write(self, chunk: bytes) -> None:
        if not self._upgraded():
            super().write(chunk)

    def _upgraded(self) -> bool:
        stream = self.env.get(_SOCKET_KEY)
        return stream is not None and stream.upgraded


class _Connection(HTTPConnection):
    """A connection that drops what its client did not wait for."""

    def close(self) -> None:
        """End it, its writer too: that would try to send the rest whenever it is collected."""
        super().close()
        if not self.linger:
            with suppress(OSError, ValueError):
                self.wfile.close()


class _Cheroot(wsgi.Server):
    """Cheroot on a socket that is bound already, with its messages in the log."""

    ConnectionClass = _Connection

    def __init__(self, listener: socket.socket, app: WSGIApplication, threads: int) -> None:
        super().__init__(
            listener.getsockname()[:2],
            app,
            numthreads=threads,
            request_queue_size=_BACKLOG,
            timeout=_IDLE_SECONDS,
            shutdown_timeout=_STOP_SECONDS,
        )
        self.gateway = _Gateway
        self.max_request_header_size = HEADER_BYTES
        self.keep_alive_conn_limit = threads
        self.expiration_interval = _POLL_SECONDS
        self._streams: set[StreamSocket] = set()
        self._closing = False
        self._lock = threading.Lock()
        self._listener = listener

    def adopt(self, stream: StreamSocket) -> None:
        """Take a stream to the ones that are cut at the stop; one that comes later is cut at once,
        or the stop would wait for it for ever.
        """
        with self._lock:
            self._streams.add(stream)
            if self._closing:
                stream.cut()

    def release(self, stream: StreamSocket) -> None:
        """Forget a stream that has ended."""
        with self._lock:
            self._streams.discard(stream)

    def cut_streams(self) -> None:
        """End all streams, those that are just being opened too."""
        with self._lock:
            self._closing = True
            for stream in self._streams:
                stream.cut()

    def bind(self, *_: object) -> socket.socket:
        self.socket = self._listener
        return self._listener

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's signature
        _log.log(level, "%s", msg, exc_info=traceback)


class Server:
    """A bound and, once started, serving web server. `stop` may be called from any thread."""

    def __init__(self, app: WSGIApplication, host: str, port: int, *, threads: int) -> None:
        listener = listen(host, port)
        self.host = host
        self.port: int = listener.getsockname()[1]
        self._cheroot = _Cheroot(listener, app, threads)
        self._listener = listener
        self._thread = threading.Thread(
            target=self._cheroot.serve, name=f"web-{self.port}", daemon=True
        )

    def start(self) -> None:
        """Begin to answer; until now connections have waited in the socket's backlog."""
        self._cheroot.prepare()
        self._thread.start()

    def stop(self) -> None:
        """End all streams, let running requests finish, close everything. Idempotent."""
        self._cheroot.cut_streams()
        self._cheroot.stop()
        self._listener.close()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)


def serve(app: WSGIApplication, host: str, port: int, *, threads: int = 24) -> Server:
    """Bind, then serve. Port 0 takes a free one, see `Server.port`.

    Raises PortTaken or CannotListen before any thread has been started.
    """
    server = Server(app, host, port, threads=threads)
    server.start()
    return server


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortTaken or CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            msg = f"port {port} on {host} is taken: stop its owner or choose another port"
            raise PortTaken(msg) from error
        msg = f"cannot listen on {host}:{port}: {error.strerror or error}; choose another address"
        raise CannotListen(msg) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _discard(_: bytes) -> None:
    """Output that a stream's handler returns after the stream has ended."""
