"""The hub: the latest picture of everything, and the last frames that led to it.

The dashboard's thread publishes; any number of web threads read. `publish` only encodes one row
and takes a lock that is never held over I/O, so it never waits for a browser. Rows are immutable,
so a picture taken under the lock may be encoded outside it.
"""

from __future__ import annotations

import secrets
import threading
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from core.screen.scale import rfc3339
from core.screen.topics import TOPICS
from core.units import Nanos
from web.frames import text_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.messages import Part, ScreenFrame
    from core.screen.topics import Topic

RING: Final = 4_096
"""Frames kept for streams that come back or lag."""
_SESSION_BYTES: Final = 6
_FAST: Final = 1


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One published frame, ready for the wire."""

    seq: int
    topic: str
    text: bytes
    """The envelope as JSON."""
    wire: bytes
    """The same as a WebSocket frame."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown, as of `seq`: frames with a greater number come after it."""

    session: str
    """Changes when the process restarts: sequence numbers mean nothing across sessions."""
    seq: int
    ts: Nanos | None
    """Engine time of the newest frame; None before the first."""
    state: dict[str, Any]
    """Topic -> row, list of rows, or lines of points: as `core.screen.topics` folds them."""


class Hub:
    """Thread-safe throughout."""

    def __init__(self) -> None:
        self.session = secrets.token_hex(_SESSION_BYTES)
        self._lock = threading.Lock()
        self._seq = 0
        self._ts: Nanos | None = None
        self._ring: deque[Frame] = deque(maxlen=RING)
        self._single: dict[str, Part] = {}
        self._rows: dict[str, dict[str, Part]] = {}
        self._archive: dict[str, dict[str, bytes]] = {}
        """Rows that are sent only when asked for, packed: 5 to 15 times smaller."""
        self._lines: dict[str, dict[str, deque[Any]]] = {}
        self._times: dict[str, float] = {}
        self._told: float | None = None
        self._listeners: tuple[Callable[[], None], ...] = ()

    def publish(self, frame: ScreenFrame) -> None:
        """Take a frame of the dashboard. Never blocks. About 10 us.

        Raises KeyError for a topic that has no fold: a defect of the publisher.
        """
        topic = TOPICS[frame.topic]
        data = msgspec.json.encode(frame.data)
        stamp = rfc3339(frame.ts)
        if topic.fold == "archive":
            self._store(frame.topic, topic, frame.data, data)
            return
        with self._lock:
            self._seq += 1
            self._ts = frame.ts
            head = f'{{"type":"{frame.topic}","seq":{self._seq},"timestamp":"{stamp}","data":'
            text = head.encode() + data + b"}"
            self._ring.append(
                Frame(seq=self._seq, topic=frame.topic, text=text, wire=text_frame(text))
            )
            self._fold(frame.topic, topic, frame.data)
            self._told = self._times[frame.topic] = time.monotonic()
            listeners = self._listeners
        for listener in listeners:
            listener()

    def archived(self, topic: str, key: str) -> bytes | None:
        """JSON of an archived row; None for a key that is not kept."""
        with self._lock:
            packed = self._archive.get(topic, {}).get(key)
        return None if packed is None else zlib.decompress(packed)

    def archive_keys(self, topic: str) -> tuple[str, ...]:
        """Keys that are kept, oldest first."""
        with self._lock:
            return tuple(self._archive.get(topic, {}))

    def _store(self, name: str, topic: Topic, row: Part, data: bytes) -> None:
        packed = zlib.compress(data, _FAST)
        with self._lock:
            kept = self._archive.setdefault(name, {})
            kept[getattr(row, topic.key)] = packed
            while len(kept) > topic.keep:
                del kept[next(iter(kept))]

    def listen(self, wake: Callable[[], None]) -> None:
        """Have `wake` called after each frame, on the publisher's thread: it must not block."""
        with self._lock:
            self._listeners = (*self._listeners, wake)

    @property
    def seq(self) -> int:
        """Number of the newest frame."""
        return self._seq

    @property
    def ts(self) -> Nanos | None:
        """Engine time of the newest frame; None before the first."""
        return self._ts

    @property
    def silence(self) -> float | None:
        """Seconds of the machine since the last frame of any topic; None before the first."""
        return None if self._told is None else time.monotonic() - self._told

    def picture(self, topics: frozenset[str] | None = None) -> Picture:
        """Everything as of now, newest rows only where a topic limits what is sent first."""
        with self._lock:
            state: dict[str, Any] = {}
            for name, topic in TOPICS.items():
                if topic.fold in ("event", "archive") or (
                    topics is not None and name not in topics
                ):
                    continue
                if topic.fold == "replace":
                    state[name] = self._single.get(name)
                elif topic.fold == "points":
                    lines = self._lines.get(name, {})
                    state[name] = {line: list(points) for line, points in lines.items()}
                else:
                    rows = list(self._rows.get(name, {}).values())
                    state[name] = rows[-topic.first :] if topic.first else rows
            return Picture(session=self.session, seq=self._seq, ts=self._ts, state=state)

    def since(self, seq: int, limit: int = RING) -> tuple[Frame, ...] | None:
        """At most `limit` frames after `seq`; None when some of them are gone or never were."""
        with self._lock:
            newest = self._seq
            oldest = newest - len(self._ring)
            if not oldest <= seq <= newest:
                return None
            start = seq - oldest
            stop = min(len(self._ring), start + limit)
            # A deque is reached fast from both ends only: lagging readers are few, fresh ones many.
            return tuple(self._ring[place] for place in range(start, stop))

    def single(self, topic: str) -> Any:  # noqa: ANN401 - the row type of the topic
        """The newest row of a topic that has one; None before the first."""
        with self._lock:
            return self._single.get(topic)

    def rows(self, topic: str) -> list[Any]:
        """Rows of a topic, oldest first."""
        with self._lock:
            return list(self._rows.get(topic, {}).values())

    def age(self, topic: str) -> float | None:
        """Seconds of the machine since the last frame of a topic; None before the first."""
        told = self._times.get(topic)
        return None if told is None else time.monotonic() - told

    def _fold(self, name: str, topic: Topic, data: Part) -> None:
        if topic.fold == "replace":
            self._single[name] = data
        elif topic.fold == "upsert":
            rows = self._rows.setdefault(name, {})
            rows[getattr(data, topic.key)] = data
            while len(rows) > topic.keep:
                del rows[next(iter(rows))]
        elif topic.fold == "points":
            lines = self._lines.setdefault(name, {})
            line = lines.setdefault(getattr(data, topic.key), deque(maxlen=topic.keep))
            line.extend(data.points)  # type: ignore[attr-defined] # what the fold asks of its rows
