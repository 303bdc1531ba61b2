"""This machine: room to write, and a journal that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.doctor.diagnosis import Finding, fail, ok, warn

if TYPE_CHECKING:
    from pathlib import Path

DISK: Final = "disk"
HALT: Final = "halt file"
JOURNAL: Final = "journal"
_MEGABYTE: Final = 1_000_000
LEAST_BYTES: Final = 200 * _MEGABYTE
"""Below this a day's journal and logs may not fit."""
GOOD_BYTES: Final = 2_000 * _MEGABYTE


def disk(folder: Path, free: int) -> Finding:
    """Free bytes where the state is kept, in a folder that was written to."""
    shown = f"{free // _MEGABYTE:,} MB free in {folder}, writable"
    remedy = "free some space, or set STATE_DIR to another disk"
    if free < LEAST_BYTES:
        return fail(DISK, shown, remedy)
    if free < GOOD_BYTES:
        return warn(DISK, shown, remedy)
    return ok(DISK, shown)


def unwritable(folder: Path, error: OSError) -> Finding:
    """The folder of the state cannot be used."""
    return fail(
        DISK,
        f"{folder} cannot be written: {error.strerror}",
        f"let this user write there (chown, chmod), or set STATE_DIR to another folder: {folder}",
    )


def halt_file(path: Path, *, stands: bool) -> Finding:
    """The file that keeps every order back."""
    if stands:
        return warn(HALT, f"{path} stands: no order leaves", f"rm {path}, when it may go on")
    return ok(HALT, "none")


def journal(path: Path, entries: int, open_orders: int) -> Finding:
    """A journal that was read whole."""
    return ok(JOURNAL, f"{entries:,} entries, {open_orders} open orders, whole: {path}")


def no_journal(path: Path) -> Finding:
    """Nothing was traded here yet."""
    return ok(JOURNAL, f"none yet; {path} will be made")


def unreadable_journal(error: Exception) -> Finding:
    """It is damaged, or not ours. The error names file and remedy."""
    detail, _, remedy = str(error).partition(";")
    return fail(
        JOURNAL,
        detail,
        remedy.strip() or "start the daemon, which mends a torn end and says so, or restore a copy",
    )
