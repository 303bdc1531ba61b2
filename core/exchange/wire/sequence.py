"""The sequences of a connection's channels beside the books: what was lost, what came twice.

Books are counted by who keeps them, because a gap there voids them. Of trades, the life of markets,
the index and order groups a gap means that something has to be asked for (kalshi.md 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from core.exchange.wire.commands import BOOK_CHANNEL
from core.exchange.wire.control_frames import StreamError, Subscribed, Unsubscribed

if TYPE_CHECKING:
    from core.exchange.wire.frames import AnyFrame

_ENDING: Final = frozenset({10, 25})
_UNKNOWN: Final = -1
"""Any number may come next."""


class _Line:
    """One subscription."""

    __slots__ = ("channel", "last")

    def __init__(self, channel: str, last: int) -> None:
        self.channel = channel
        self.last = last


class Sequences:
    """Of one connection; on its reader's thread."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._begun: set[str] = set()
        self.missed = 0
        """Messages that the newest gap was wide."""

    def channel(self, sid: int) -> str:
        """Whose subscription it is; empty for one that nobody here has made."""
        line = self._lines.get(sid)
        return "" if line is None else line.channel

    def take(self, frame: AnyFrame) -> Literal["next", "gap", "old"]:
        """Count a frame. 0.2 us for one of a book or without a number."""
        line = self._lines.get(frame.sid)
        if isinstance(frame, Subscribed):
            self._begin(frame.msg.sid, frame.msg.channel)
            return "next"
        if line is None or not frame.seq:
            return "next"
        last, line.last = line.last, max(line.last, frame.seq)
        if isinstance(frame, Unsubscribed) or (
            isinstance(frame, StreamError) and frame.msg.code in _ENDING
        ):
            del self._lines[frame.sid]
        if last == _UNKNOWN or frame.seq == last + 1:
            return "next"
        if frame.seq <= last:
            return "old"
        self.missed = frame.seq - last - 1
        return "gap"

    def _begin(self, sid: int, channel: str) -> None:
        """The first message of a fresh subscription is number 1; a renewed one may count on."""
        if channel == BOOK_CHANNEL or sid in self._lines:
            return
        last = _UNKNOWN if channel in self._begun else 0
        self._begun.add(channel)
        self._lines[sid] = _Line(channel, last)
