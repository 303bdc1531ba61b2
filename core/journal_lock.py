"""One daemon a journal: whoever comes second is told who was first."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from core.journal import JournalError

if TYPE_CHECKING:
    from pathlib import Path

_PID_BYTES = 20


class JournalLock:
    """Held from construction to `release`; the kernel releases it when the process dies.

    Raises JournalError with the other process's id where the journal is in use.
    """

    def __init__(self, journal: Path) -> None:
        path = journal.with_name(f"{journal.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            msg = f"journal {journal}: {error}; check that the disk is writable"
            raise JournalError(msg) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())
        except BlockingIOError as error:
            holder = os.pread(self._file, _PID_BYTES, 0).decode(errors="replace").strip()
            os.close(self._file)
            msg = (
                f"journal {journal} is in use by process {holder or '(unknown)'}: stop that one, "
                "or set STATE_DIR to another folder for a daemon of its own"
            )
            raise JournalError(msg) from error
        except OSError as error:
            os.close(self._file)
            msg = f"journal {journal}: {error}; free the disk and start again"
            raise JournalError(msg) from error

    def release(self) -> None:
        """Let others have the journal. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
