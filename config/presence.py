"""Where a running daemon says that it runs: a lock and one small file in the folder of its mode.

The lock is the kernel's, so it ends with the process however that ends; a second daemon on the same
folder is refused with the first one's process and address.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from config.faults import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_TOLD: Final = "daemon.json"
_LOCK: Final = "daemon.lock"


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """A running daemon."""

    pid: int
    mode: str
    address: str = ""
    """Of page and API, as `http://127.0.0.1:8000`; empty until it is open."""
    since: str
    """RFC 3339."""


class Claim:
    """This process as the daemon of a folder, from construction to `release`.

    Raises SettingsError where another one has it, or where it cannot be written.
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self._folder = folder
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._presence = Presence(pid=os.getpid(), mode=mode, since=now)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SettingsError([f"STATE_DIR: {folder} cannot be written: {error}"]) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise SettingsError([_taken(folder)]) from None
        self.announce("")

    def announce(self, address: str) -> None:
        """Tell under which address the page is open. The file appears whole or not at all."""
        draft = self._folder / f"{_TOLD}.draft"
        presence = msgspec.structs.replace(self._presence, address=address)
        draft.write_bytes(msgspec.json.encode(presence))
        draft.replace(self._folder / _TOLD)

    def release(self) -> None:
        """Let others have the folder. Idempotent."""
        if self._lock >= 0:
            (self._folder / _TOLD).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1


def running(folder: Path) -> Presence | None:
    """The daemon that has this folder now; None for none."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _told(folder)
    finally:
        os.close(lock)
    return None


def _told(folder: Path) -> Presence | None:
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / _TOLD).read_bytes(), type=Presence)
    return None


def _taken(folder: Path) -> str:
    other = _told(folder)
    who = f"process {other.pid}, {other.address or 'starting'}" if other else "unknown process"
    return (
        f"a daemon already runs on {folder} ({who}): stop that one, "
        "or set STATE_DIR to another folder"
    )
