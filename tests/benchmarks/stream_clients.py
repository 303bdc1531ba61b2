"""The browsers of `bench_stream_clients`, all in one process of their own.

Most read everything. Some never read after the handshake. Some drop their connection all at once,
every few seconds, and resume where they were. WebSocket is spoken here by hand: two hundred clients
of a library would measure the library.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

END: Final = "end"
_SMALL_BUFFER: Final = 4096
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_TEXT: Final = 0x81
_WAIT_S: Final = 5.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Who connects to what."""

    port: int
    token: str
    healthy: int
    stuck: int
    restless: int
    """Those that come back all at once."""
    every: float
    """Seconds between two such storms."""


class Found(msgspec.Struct, kw_only=True):
    """What the clients saw."""

    delays_us: list[float]
    gaps: int
    """Frames that were missing or out of order."""
    frames: list[int]
    """Of each reading client."""
    resumed: int
    reconnects: int
    cut: int
    """Stuck clients that the server has ended."""
    last_connect_ms: float
    """Slowest handshake within a storm."""


class _Data(msgspec.Struct, frozen=True):
    id: str = ""
    text: str = ""
    session: str = ""


class _Frame(msgspec.Struct, frozen=True):
    type: str
    seq: int = 0
    data: _Data = _Data()


_DECODER: Final = msgspec.json.Decoder(_Frame)


def run(plan: Plan, pipe: Connection) -> None:
    """The process: says `ready`, reads to the end, sends what was found."""
    asyncio.run(_Crowd(plan, pipe).run())


class _Crowd:
    def __init__(self, plan: Plan, pipe: Connection) -> None:
        self._plan = plan
        self._pipe = pipe
        self._storm = asyncio.Condition()
        self._over = asyncio.Event()
        self.found = Found(
            delays_us=[], gaps=0, frames=[], resumed=0, reconnects=0, cut=0, last_connect_ms=0.0
        )

    async def run(self) -> None:
        plan = self._plan
        stuck = [await self._connect("", small=True) for _ in range(plan.stuck)]
        readers = [asyncio.ensure_future(self._read()) for _ in range(plan.healthy)]
        readers += [asyncio.ensure_future(self._come_back()) for _ in range(plan.restless)]
        await asyncio.sleep(2.0)
        self._pipe.send("ready")
        storms = asyncio.ensure_future(self._storms())
        await asyncio.gather(*readers)
        storms.cancel()
        self.found.cut = sum(await asyncio.gather(*(_was_cut(reader) for reader, _ in stuck)))
        for _, writer in stuck:
            writer.transport.abort()
        self._pipe.send(self.found)

    async def _storms(self) -> None:
        while True:
            await asyncio.sleep(self._plan.every)
            async with self._storm:
                self._storm.notify_all()

    async def _connect(
        self, query: str, *, small: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket()
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        sock.setblocking(False)  # noqa: FBT003 - its signature
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._plan.port))
        limit = _SMALL_BUFFER if small else 1 << 22
        reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._plan.token}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            msg = f"no stream: {head[:200]!r}"
            raise ConnectionError(msg)
        return reader, writer

    async def _read(self) -> None:
        reader, writer = await self._connect("")
        first = _DECODER.decode(await _message(reader))
        count, last = 0, first.seq
        while True:
            frame = _DECODER.decode(await _message(reader))
            self.found.gaps += frame.seq != last + 1
            count, last = count + 1, frame.seq
            if frame.data.id == END:
                break
            self._note(frame)
        self.found.frames.append(count)
        writer.transport.abort()

    async def _come_back(self) -> None:
        """Reads until a storm, drops, resumes; every frame must still come once and in order."""
        query, session, last, count, ended = "", "", None, 0, False
        while not ended:
            began = time.monotonic()
            reader, writer = await self._connect(query)
            first = _DECODER.decode(await _message(reader))
            if last is None:
                session, last = first.data.session, first.seq
            else:
                took = 1_000 * (time.monotonic() - began)
                self.found.last_connect_ms = max(self.found.last_connect_ms, took)
                self.found.reconnects += 1
                self.found.resumed += first.type == "resumed"
            storm = asyncio.ensure_future(self._wait_for_storm())
            while not storm.done():
                message = asyncio.ensure_future(_message(reader))
                await asyncio.wait({message, storm}, return_when=asyncio.FIRST_COMPLETED)
                if not message.done():
                    message.cancel()
                    break
                frame = _DECODER.decode(message.result())
                self.found.gaps += frame.seq != last + 1
                count, last = count + 1, frame.seq
                if frame.data.id == END:
                    ended = True
                    break
                self._note(frame)
            storm.cancel()
            writer.transport.abort()
            query = f"?session={session}&since={last}"
        self.found.frames.append(count)

    async def _wait_for_storm(self) -> None:
        async with self._storm:
            await self._storm.wait()

    def _note(self, frame: _Frame) -> None:
        sent = int(frame.data.text.partition(" ")[0])
        self.found.delays_us.append((time.monotonic_ns() - sent) / 1_000)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """The payload of the next text frame; pings are left unanswered."""
    while True:
        head, size = await reader.readexactly(2)
        if size == _TWO_BYTES:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        elif size == _EIGHT_BYTES:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
        payload = await reader.readexactly(size)
        if head == _TEXT:
            return payload


async def _was_cut(reader: asyncio.StreamReader) -> bool:
    """Whether the server has ended this connection."""
    try:
        async with asyncio.timeout(_WAIT_S):
            while await reader.read(1 << 16):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
