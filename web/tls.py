"""TLS in front of the web server: one thread with an event loop that unwraps and passes on.

The server behind it writes to its streams from several threads at once, which an OpenSSL connection
does not bear, so TLS ends here: what arrives on the public port is handed to a port that only this
machine can reach, and that answers to nobody but this front. A peer that stops reading stops its
own connection and no other, for each direction waits until its bytes are taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from typing import TYPE_CHECKING, Any, Final

from web.server import CannotListen, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

_CHUNK: Final = 64 * 1024
_MOST: Final = 512
"""Connections at once; more are closed."""
_HANDSHAKE_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0
_LOCAL: Final = "127.0.0.1"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises CannotListen that names what is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        msg = (
            f"API_TLS_CERT={certificate} and API_TLS_KEY={key} cannot be used: {error}; give a "
            "certificate chain and its key in PEM, without a password"
        )
        raise CannotListen(msg) from error
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask on the terminal."""
    msg = "the key has a password"
    raise ValueError(msg)


class TlsFront:
    """Bound when constructed. `start` and `stop` on any thread, once each."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._listener = listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._context = context
        self._peers: dict[int, str] = {}
        """Port of our end of a connection to the server -> address of the client behind it."""
        self._inner = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"tls-{self.port}", daemon=True)

    def peer(self, port: int) -> str | None:
        """The client's address behind a connection to the server; None for those of others."""
        return self._peers.get(port)

    def start(self, inner: int) -> None:
        """Begin to answer, and to pass on to the local port `inner`."""
        self._inner = inner
        self._thread.start()

    def stop(self) -> None:
        """End every connection. Idempotent."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_SECONDS)
        self._listener.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._loop.set_exception_handler(_tell)
        server = await asyncio.start_server(
            self._client,
            sock=self._listener,
            ssl=self._context,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        )
        await self._stopping.wait()
        server.close()
        own = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        if len(self._peers) >= _MOST:
            writer.transport.abort()
            return
        ours: int | None = None
        inner: asyncio.StreamWriter | None = None
        try:
            answers, inner = await asyncio.open_connection(_LOCAL, self._inner)
            ours = inner.get_extra_info("sockname")[1]
            self._peers[ours] = writer.get_extra_info("peername")[0]
            await _either(_pump(reader, inner), _pump(answers, writer))
        except OSError as error:
            _log.debug("a TLS connection ended: %s", error)
        finally:
            if ours is not None:
                del self._peers[ours]
            if inner is not None:
                inner.transport.abort()
            await _close(writer)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        target.write(data)
        await target.drain()


async def _either(*ways: Any) -> None:  # noqa: ANN401 - coroutines
    """Until the first ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is left, for a moment; then cut."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError, asyncio.TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1.0)
    writer.transport.abort()


def _tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Failed handshakes are the clients' business; a line for whoever looks for them."""
    _log.debug("TLS: %s %s", context.get("message"), context.get("exception"))


class Fronted:
    """The application as the front's connections see it: real addresses, scheme https.

    Whoever reaches the local port without the front is refused.
    """

    def __init__(self, app: WSGIApplication, peer: Callable[[int], str | None]) -> None:
        self._app = app
        self._peer = peer

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request, on a thread of the server."""
        address = self._peer(int(environ.get("REMOTE_PORT") or 0))
        if address is None:
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"use the TLS port\n"]
        environ["REMOTE_ADDR"] = address
        environ["wsgi.url_scheme"] = "https"
        return self._app(environ, start_response)
