"""What this process and its disk have left."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from config.faults import SettingsError
from core.messages.safety import Collections

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.garbage import Garbage

_STATM: Final = Path("/proc/self/statm")
_TASKS: Final = Path("/proc/self/task")
_RESIDENT: Final = 1
"""Second number in it: pages that are in memory."""
_KIBIBYTE: Final = 1024
_ARENA_MAX: Final = -8
"""M_ARENA_MAX of mallopt(3)."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes held by the process, bytes free on the disk, and what else is counted."""

    memory: int
    disk_free: int
    threads: int = 0
    collections: tuple[Collections, ...] = ()


def measurer(folder: Path, garbage: Garbage | None = None) -> Callable[[], Measure | None]:
    """Looks at this process and at the disk of `folder`; None where neither can be told."""

    def measure() -> Measure | None:
        try:
            free = shutil.disk_usage(_existing(folder)).free
            return Measure(
                memory=_memory(),
                disk_free=free,
                threads=threading.active_count(),
                collections=garbage.collections() if garbage is not None else (),
            )
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


def limit_arenas(most: int = 2) -> bool:
    """Let glibc keep `most` heaps instead of eight a core; whether it could be told.

    A daemon of some fifty threads otherwise spreads what it frees over as many heaps, and holds 100
    MB and more that nobody uses. To be called before threads start; elsewhere it does nothing.
    """
    try:
        told = ctypes.CDLL(None).mallopt(_ARENA_MAX, most)
    except (AttributeError, OSError):
        return False
    return bool(told)


def check_core(core: int | None) -> None:
    """Raise SettingsError for a core that this process may not run on."""
    if core is None:
        return
    if not hasattr(os, "sched_getaffinity"):
        raise SettingsError(
            [f"CPU_CORE={core}: this system cannot keep threads on a core; unset it"]
        )
    allowed = sorted(os.sched_getaffinity(0))
    if core not in allowed:
        named = ", ".join(map(str, allowed))
        raise SettingsError([f"CPU_CORE={core}: there is no such core for us; allowed: {named}"])


def stay_on(core: int | None) -> int:
    """Keep all threads, and those they will start, on one core; how many they are.

    Nothing happens for None. To be called when the threads run. Waking a thread on the core where
    its waker is costs a third of waking an idle one (`python -m tests.benchmarks hops`).
    """
    if core is None:
        return 0
    threads = [int(entry.name) for entry in _TASKS.iterdir()]
    for thread in threads:
        with suppress(ProcessLookupError):  # ended meanwhile
            os.sched_setaffinity(thread, {core})
    return len(threads)
