"""The actor `stream`: owner of the connections. It opens and closes them as the feeds ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from actors.outside import OutsideActor
from actors.reader import Opening, Reader
from core import messages as m

if TYPE_CHECKING:
    from actors.host import Station
    from core.topology import Routing

Opener = Callable[[Opening], Reader]
"""Makes the reader of one connection; it is not started yet."""


class UnknownStreamError(Exception):
    """A stream was asked for that nobody can open: a defect of the composition."""


class StreamActor(OutsideActor):
    """One reader per stream at most. A new connection ends the one before.

    Readers tell what they receive from threads of their own; this actor's thread never touches the
    data. When it falls, its connections end, and the feeds ask for others.
    """

    def __init__(self, station: Station, routing: Routing, openers: Mapping[str, Opener]) -> None:
        super().__init__(station, routing)
        self._openers = dict(openers)
        self._readers: dict[str, tuple[int, Reader]] = {}

    def begin(self) -> None:
        """Nothing is opened before a feed asks."""
        self.report_started()

    def receive(self, to: str, message: m.Message) -> object:
        """Open, or send."""
        match message:
            case m.OpenStream():
                self._open(message)
            case m.SendCommand():
                conn, reader = self._readers.get(message.stream, (None, None))
                if reader is not None and conn == message.conn:
                    reader.send(message)
            case _:
                return super().receive(to, message)
        return None

    def end(self) -> None:
        """Close every connection; their threads end by themselves."""
        for _, reader in self._readers.values():
            reader.close()

    def _open(self, order: m.OpenStream) -> None:
        opener = self._openers.get(order.stream)
        if opener is None:
            msg = f"no stream {order.stream!r}; there are: {', '.join(self._openers) or 'none'}"
            raise UnknownStreamError(msg)
        _, before = self._readers.get(order.stream, (None, None))
        if before is not None:
            before.close()
        opening = Opening(
            order=order,
            clock=self.station.clock,
            deliver=self.deliver,
            failed=self.thread_failed,
            is_fenced=self.is_fenced,
        )
        reader = opener(opening)
        self._readers[order.stream] = (order.conn, reader)
        reader.start()
