"""The page of one daemon: application, server, and what collects its history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from web.app import HISTORY, create_app
from web.history import Historian
from web.server import Server
from web.tls import Fronted, TlsFront, tls_context

if TYPE_CHECKING:
    from flask import Flask

    from web.control import Control
    from web.hub import Hub
    from web.settings import WebSettings

_MORE_THREADS: Final = 8
"""Workers for plain requests, beside one for each stream."""


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen."""

    host: str
    port: int
    """0: any free one."""
    certificate: Path | None = None
    """With its key: speak https."""
    key: Path | None = None


class Site:
    """Bound when constructed; serves between `start` and `stop`. Used by the main thread."""

    def __init__(self, hub: Hub, control: Control, settings: WebSettings, listen: Listen) -> None:
        """Raises PortTaken or CannotListen."""
        app = create_app(hub, control, settings)
        history = app.extensions[HISTORY]
        self._historian = Historian(history)
        self._front: TlsFront | None = None
        try:
            self._bind(app, settings.max_streams + _MORE_THREADS, listen)
        except BaseException:
            history.close()
            raise

    def _bind(self, app: Flask, threads: int, listen: Listen) -> None:
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        if listen.certificate is not None and listen.key is not None:
            context = tls_context(listen.certificate, listen.key)
            self._front = TlsFront(listen.host, listen.port, context)
            self._server = Server(Fronted(app, self._front.peer), "127.0.0.1", 0, threads=threads)
            self.address = f"https://{host}:{self._front.port}"
        else:
            self._server = Server(app, listen.host, listen.port, threads=threads)
            self.address = f"http://{host}:{self._server.port}"

    def start(self) -> None:
        """Answer requests, and remember what has been."""
        self._historian.start()
        self._server.start()
        if self._front is not None:
            self._front.start(self._server.port)

    def stop(self) -> None:
        """End streams and requests, write the last history. Idempotent."""
        if self._front is not None:
            self._front.stop()
        self._server.stop()
        self._historian.stop()
