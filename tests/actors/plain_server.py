"""A WebSocket server of bare bytes: what it sends, and how it is cut, is up to the test."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from typing import Final

from tests.actors.outside_bench import HANG_SECONDS

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BYTE: Final = 126
_SHORT: Final = 1 << 16


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True) -> bytes:
    """A frame as a server sends it: not masked."""
    head = bytes([(0x80 if fin else 0) | opcode])
    size = len(payload)
    if size < _BYTE:
        return head + bytes([size]) + payload
    if size < _SHORT:
        return head + bytes([126]) + struct.pack("!H", size) + payload
    return head + bytes([127]) + struct.pack("!Q", size) + payload


class Caller:
    """One connection that was accepted."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._bytes = connection.makefile("rb")
        self.path, self.headers = self._request()

    def _request(self) -> tuple[str, dict[str, str]]:
        line = self._bytes.readline().decode()
        headers: dict[str, str] = {}
        while (row := self._bytes.readline().decode().strip()) != "":
            name, _, value = row.partition(":")
            headers[name.strip().lower()] = value.strip()
        return line.split()[1], headers

    def welcome(self) -> Caller:
        """Finish the handshake."""
        key = self.headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # noqa: S324
        self.say(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        return self

    def refuse(self, status: str) -> None:
        self.say(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nLocation: /other\r\n\r\n".encode())
        self.hang_up()

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def hear(self) -> tuple[int, bytes]:
        """The next frame of the client, unmasked."""
        first, second = self._bytes.read(2)
        size = second & 0x7F
        if size == _BYTE:
            (size,) = struct.unpack("!H", self._bytes.read(2))
        mask = self._bytes.read(4)
        body = self._bytes.read(size)
        return first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(body))

    def ended(self) -> bool:
        """Wait until the client has closed its side."""
        try:
            while self._bytes.read(1):
                pass
        except ConnectionError:
            pass
        return True

    def hang_up(self) -> None:
        self._bytes.close()
        self.connection.close()


class PlainServer:
    """Listens on a free port of this machine."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(HANG_SECONDS)
        port = self._listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/trade-api/ws/v2"
        self._callers: list[Caller] = []

    def accept(self) -> Caller:
        """The next client, before the handshake is answered."""
        connection, _ = self._listener.accept()
        connection.settimeout(HANG_SECONDS)
        caller = Caller(connection)
        self._callers.append(caller)
        return caller

    def close(self) -> None:
        for caller in self._callers:
            caller.hang_up()
        self._listener.close()
