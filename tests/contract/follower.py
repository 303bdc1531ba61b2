"""A client of the stream for tests: signed handshake, typed frames, and a way to wait for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import websocket

from core.exchange.auth import Signer, read_private_key
from core.exchange.wire.control_frames import Ok
from core.exchange.wire.frames import decode_frame
from tests.contract.venue import TICKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.wire.frames import AnyFrame
    from tests.contract.venue import Venue

F = TypeVar("F")

WAIT = 60
PATH = "/trade-api/ws/v2"


class Follower:
    """Everything that arrives is kept, in order, in `frames`."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self.socket = socket
        self.frames: list[AnyFrame] = []
        self.raw: list[str] = []
        self._commands = 100

    def command(self, **fields: object) -> None:
        """Send one command as it stands."""
        self.socket.send(msgspec.json.encode(fields).decode())

    def subscribe(self, *channels: str, **params: object) -> None:
        """Subscribe and wait until everything that it causes has arrived."""
        if "orderbook_delta" in channels or "market_tickers" in params:
            params.setdefault("market_tickers", [TICKER])
        self.command(id=1, cmd="subscribe", params={"channels": channels, **params})
        self.settle()

    def settle(self) -> list[AnyFrame]:
        """Read until the answer to a question asked now: what was sent before has arrived."""
        self._commands += 1
        asked = self._commands
        self.command(id=asked, cmd="list_subscriptions")
        start = len(self.frames)
        while True:
            frame = self.read()
            if isinstance(frame, Ok) and frame.id == asked:
                self.frames.pop()
                self.raw.pop()
                return self.frames[start:]

    def read(self) -> AnyFrame:
        """The next frame; a test that waits in vain fails with a time-out."""
        text = self.socket.recv()
        assert isinstance(text, str)
        assert text, "the connection was closed"
        frame = decode_frame(text)
        self.frames.append(frame)
        self.raw.append(text)
        return frame

    def until(self, wanted: Callable[[AnyFrame], bool]) -> AnyFrame:
        """Read until a frame is wanted."""
        while not wanted(frame := self.read()):
            pass
        return frame

    def of(self, kind: type[F]) -> list[F]:
        """All frames of a type so far."""
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def signed_headers(venue: Venue, path: str = PATH) -> list[str]:
    """The header triple for a handshake now."""
    assert venue.running is not None
    told = venue.running.announcement
    assert told.private_key_path is not None
    signer = Signer(told.key_id, read_private_key(Path(told.private_key_path)), venue.clock)
    return [f"{name}: {value}" for name, value in signer.sign("GET", path).headers().items()]


def follow(venue: Venue) -> Follower:
    """A connected follower."""
    assert venue.running is not None
    url = venue.running.announcement.ws_url
    return Follower(websocket.create_connection(url, timeout=WAIT, header=signed_headers(venue)))
