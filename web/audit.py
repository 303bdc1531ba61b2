"""The audit log: every command, obeyed or not, with who, when, from where and what became of it.

One JSON object a line, in a file that only its owner can read. A command is never held back because
the log cannot be written: a stop must work on a full disk.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core.screen.scale import rfc3339
from core.units import Nanos

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_SHOWN: Final = 1_000
_MOST_BYTES: Final = 1 << 20


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One command and its outcome."""

    at: str
    """The machine's time, RFC 3339 in UTC."""
    command: str
    by: str
    """Role and address."""
    reason: str
    command_id: str
    outcome: str
    """done, refused, unanswered, or the code of the refusal."""
    state: str
    message: str


class Audit:
    """Thread-safe. Keeps the newest 1,000 lines in memory, all of them in the file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines: deque[AuditLine] = deque(_read(path), maxlen=_SHOWN)

    def write(self, line: AuditLine) -> None:
        """Add a line, and force it to the disk."""
        with self._lock:
            self._lines.append(line)
            if self._path is None:
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
                descriptor = os.open(self._path, flags, 0o600)
                with os.fdopen(descriptor, "ab") as file:
                    file.write(msgspec.json.encode(line) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                _log.error("the audit log cannot be written: %s", error)

    def lines(self) -> list[AuditLine]:
        """The newest lines, oldest first."""
        with self._lock:
            return list(self._lines)


def stamp() -> str:
    """The machine's time as the lines carry it."""
    return rfc3339(Nanos(time.time_ns()))


def _read(path: Path | None) -> list[AuditLine]:
    """What earlier runs wrote, as far as it is shown; a torn line is left out."""
    if path is None or not path.exists():
        return []
    found = []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MOST_BYTES))
        for raw in file.read().splitlines()[-_SHOWN:]:
            try:
                found.append(msgspec.json.decode(raw, type=AuditLine))
            except msgspec.MsgspecError:
                continue
    return found
