"""The reader of a spot venue's public feed: it subscribes once, and then only listens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from websocket import WebSocketException, WebSocketTimeoutException

from actors.reader import Line, Opening, SocketReader
from core.exchange.spot.parser import StreamBroken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.fast_socket import FastSocket
    from core import messages as m
    from core.exchange.spot.venue import SpotVenue
    from core.exchange.wire.frames import Origin

_GLANCE_SECONDS: Final = 1.0


class GivenUpError(WebSocketException):
    """The connection stands, but nothing that comes on it can be used any more."""


class SpotStream(SocketReader):
    """A connection to a spot venue. `start` and `close` on any one thread."""

    def __init__(
        self,
        opening: Opening,
        venue: SpotVenue,
        products: tuple[str, ...],
        connect_seconds: float = 3.0,
    ) -> None:
        super().__init__(
            opening,
            Line(
                url=venue.url,
                connect_seconds=connect_seconds,
                silence_seconds=venue.silence_seconds,
            ),
        )
        self._venue = venue
        self._products = products
        self._parser = venue.parse(products)

    def send(self, command: m.SendCommand) -> None:
        """Nothing: what is wanted is subscribed when the connection is made."""

    # --- on the reader's thread ------------------------------------------------------------------

    def greet(self, socket: FastSocket) -> None:
        """Subscribe."""
        for text in self._venue.greeting(self._products):
            socket.send(text)

    def follow(self, socket: FastSocket) -> None:
        """Receive; where the venue is silent of itself, ask it for a sign of life in good time."""
        venue = self._venue
        glance = min(_GLANCE_SECONDS, venue.ask_seconds or venue.silence_seconds)
        heard = asked = time.monotonic()
        while self.wanted:
            if socket.ready(glance):
                self.hand_over(socket.texts())
                heard = time.monotonic()
                continue
            now = time.monotonic()
            if now - heard >= venue.silence_seconds:
                raise WebSocketTimeoutException
            if venue.ask and now - max(heard, asked) >= venue.ask_seconds:
                socket.send(venue.ask)
                asked = now

    def messages(self, text: bytes, origin: Origin) -> Iterable[m.Message]:
        """A frame's text as messages."""
        try:
            return self._parser.read(text, origin)
        except StreamBroken as why:
            raise GivenUpError(str(why)) from why
