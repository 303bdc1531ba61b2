"""A line that comes in a storm is counted instead of written, and summed up once a second."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_Line = tuple[str, int, str]


class StormGate(logging.Filter):
    """Lets the same line through `limit` times in a second of `clock`.

    The same line means the same logger, level and constant text; values may differ. Counts live for
    one second, so memory is bounded by what is logged in that time. Any thread may call.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._second = int(clock())
        self._counts: dict[_Line, int] = {}
        self._ended: list[tuple[_Line, int]] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line may pass."""
        line = (record.name, record.levelno, str(record.msg))
        with self._lock:
            self._roll()
            count = self._counts.get(line, 0) + 1
            self._counts[line] = count
        return count <= self._limit

    def summaries(self, *, final: bool = False) -> list[logging.LogRecord]:
        """One record for each line held back in seconds now over; `final` ends the current one."""
        with self._lock:
            self._roll(final=final)
            ended, self._ended = self._ended, []
        return [_summary(line, count) for line, count in ended]

    def _roll(self, *, final: bool = False) -> None:
        second = int(self._clock())
        if second == self._second and not final:
            return
        self._second = second
        self._ended += [
            (line, count - self._limit)
            for line, count in self._counts.items()
            if count > self._limit
        ]
        self._counts = {}


def _summary(line: _Line, held_back: int) -> logging.LogRecord:
    name, level, text = line
    return logging.makeLogRecord(
        {
            "name": name,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": "lines held back",
            "kv": {"text": text, "count": held_back},
        }
    )
