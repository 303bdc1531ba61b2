"""What this process and its disk have left."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_STATM: Final = Path("/proc/self/statm")
_RESIDENT: Final = 1
"""Second number in it: pages that are in memory."""
_KIBIBYTE: Final = 1024


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes held by the process, and bytes free on the disk."""

    memory: int
    disk_free: int


def measurer(folder: Path) -> Callable[[], Measure | None]:
    """Looks at this process and at the disk of `folder`; None where neither can be told."""

    def measure() -> Measure | None:
        try:
            free = shutil.disk_usage(_existing(folder)).free
            return Measure(memory=_memory(), disk_free=free)
        except OSError:
            return None

    return measure


def _memory() -> int:
    """Resident bytes; where the system does not tell the present, the most there ever were."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[_RESIDENT])
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * _KIBIBYTE
    return pages * os.sysconf("SC_PAGE_SIZE")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there already."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
