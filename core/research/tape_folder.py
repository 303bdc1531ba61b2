"""The folder of a tape that is written day after day: segments, merging, and how long it is kept.

    KXSOL15M/2026-11-28/000001.parquet          a segment: whole, or not there
    KXSOL15M/2026-11-28/000002-000960.parquet   segments 2 to 960, merged
    own/2026-11-28/000001.parquet               what was decided (`tape_own`); no market data

A segment appears under its name when it is complete. A merged file replaces the segments whose
numbers it spans from the moment it has its name, so a kill at any moment loses and doubles nothing.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from core.research.tape_files import OWN, SUFFIX, TapeError, TapeFile, current_segments
from core.research.tape_merge import merged
from core.research.tape_own import merge_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from core.research.tape import TapeWriter

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTIAL: Final = "*.partial"
_LOCK: Final = ".merging"


def day_folders(root: Path) -> list[Path]:
    """Folders of one day each, oldest day first; decisions (`own`) among them."""
    found = (path for path in root.glob("*/*") if path.is_dir() and _DAY.fullmatch(path.name))
    return sorted(found, key=lambda path: (path.name, path.parent.name))


def next_segment(folder: Path) -> Path:
    """Where the next segment of a day goes."""
    numbers = [int(path.stem.rpartition("-")[2]) for path in _segments(folder)]
    return folder / f"{max(numbers, default=0) + 1:06}{SUFFIX}"


def _segments(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"*{SUFFIX}") if re.fullmatch(r"\d+(-\d+)?", path.stem)]


def unmerged(root: Path, before: str | None = None) -> list[Path]:
    """Folders of days that have more than one file, oldest first; of days before `before` alone."""
    days = (folder for folder in day_folders(root) if before is None or folder.name < before)
    return [folder for folder in days if sum(1 for _ in folder.iterdir()) > 1]


def merge_days(
    root: Path, write: type[TapeWriter], before: str | None = None
) -> tuple[int, list[str]]:
    """`merge_day` for every day, or every one before `before`; how many there were to merge, and
    what could not be done. A damaged day is left as it is and keeps no other back.

    Raises TapeError where another process merges the same tape, or the folder cannot be written.
    """
    faults = []
    with _alone(root):
        days = unmerged(root, before)
        for folder in days:
            try:
                merge_day(folder, write)
            except (TapeError, OSError) as error:
                faults.append(f"tape {folder}: not merged ({error})")
    return len(days), faults


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Two that merge one day would take the file of the other for left over."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context((root / _LOCK).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"tape {root}: another process is merging it; wait until it is done"
            raise TapeError(msg) from error
        except OSError as error:
            msg = f"tape {root}: cannot be merged ({error}); check the folder's rights"
            raise TapeError(msg) from error
        yield


def merge_day(folder: Path, write: type[TapeWriter]) -> Path | None:
    """Make one file of the segments of a day that is over; None where there was nothing to do.

    Raises TapeError for a damaged segment, and changes nothing then.
    """
    for left_over in folder.glob(_PARTIAL):
        left_over.unlink()
    every = sorted(_segments(folder))
    segments = current_segments(every)
    current = set(segments)
    replaced = [path for path in every if path not in current]
    out = segments[0] if len(segments) == 1 else None
    if len(segments) > 1:
        first, last = segments[0].stem.partition("-")[0], segments[-1].stem.rpartition("-")[2]
        out = folder / f"{first}-{last}{SUFFIX}"
        if folder.parent.name == OWN:
            merge_own(segments, out)
        else:
            _merge(segments, out, write)
        replaced += segments
    for path in replaced:
        path.unlink()
    return out if replaced else None


def _merge(segments: Sequence[Path], out: Path, write: type[TapeWriter]) -> None:
    files = [TapeFile(path) for path in segments]
    with write(out, files[0].about()) as tape:
        for batch in merged(files):
            tape.write_rows(pa.Table.from_batches([batch]))


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def forget_old(root: Path, today: str, keep_days: int, most_bytes: int) -> list[Path]:
    """Remove days that are too old, then the oldest until the rest is small enough; never today.

    `keep_days` 0 keeps every day. Returns what was removed.
    """
    folders = [folder for folder in day_folders(root) if folder.name < today]
    days = sorted({folder.name for folder in folders})
    kept = days[-keep_days + 1 :] if keep_days > 1 else days if not keep_days else []
    gone = [folder for folder in folders if folder.name not in kept]
    rest = [folder for folder in folders if folder.name in kept]
    total = size_of(root) - sum(map(size_of, gone)) if root.exists() else 0
    while rest and total > most_bytes:
        oldest = rest.pop(0)
        total -= size_of(oldest)
        gone.append(oldest)
    for folder in gone:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            msg = f"tape {folder}: cannot be removed ({error}); check the folder's rights"
            raise TapeError(msg) from error
    return gone
