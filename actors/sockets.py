"""The reader of Kalshi's stream: signed handshake, commands, frames as messages.

Every frame is turned into messages on the reader's thread; one that cannot be read is told as
`FrameSkipped` and harms no other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from websocket import WebSocketException

from actors.reader import Line, Opening, SocketReader
from core import messages as m
from core.exchange.wire.commands import encode_command
from core.exchange.wire.sequence import Sequences
from core.exchange.wire.translate import follow_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.auth import Signer
    from core.exchange.wire.frames import Origin

_log = logging.getLogger(__name__)

_OF_A_MARKET: Final = (
    m.StrikePublished,
    m.MarketStatusChanged,
    m.GridChanged,
    m.MarketDetermined,
    m.MarketFinalized,
)


class KalshiTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to connect; seconds are those of the machine."""

    url: str
    series: tuple[str, ...]
    """Life-cycle news come of the whole exchange: only those of these series are handed on."""
    connect_seconds: float = 3.0
    silence_seconds: float = 25.0
    """Without a byte for so long the connection is dead: the exchange pings every ten seconds."""


class KalshiStream(SocketReader):
    """A connection to Kalshi's stream. `start`, `send` and `close` on any one thread."""

    def __init__(self, opening: Opening, terms: KalshiTerms, signer: Signer) -> None:
        super().__init__(
            opening,
            Line(
                url=terms.url,
                connect_seconds=terms.connect_seconds,
                silence_seconds=terms.silence_seconds,
            ),
        )
        self._series = terms.series
        self._signer = signer
        self._sequences = Sequences()
        self._prefixes = tuple(f"{series}-" for series in terms.series)

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

    # --- on the reader's thread ------------------------------------------------------------------

    def handshake(self) -> dict[str, str]:
        """A fresh signature."""
        return self._signer.sign("GET", urlsplit(self._line.url).path).headers()

    def messages(self, text: bytes, origin: Origin) -> Iterable[m.Message]:
        """A frame's text as messages that concern us."""
        told = follow_frame(text, origin, self._sequences)
        return [message for message in told if self._concerns_us(message)]

    def _concerns_us(self, message: m.Message) -> bool:
        if isinstance(message, m.MarketListed):
            return message.market.series in self._series
        if isinstance(message, _OF_A_MARKET):
            return message.ticker.startswith(self._prefixes)
        return True
