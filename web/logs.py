"""The end of the log file, for a reader without a shell. The writer hid the secrets already."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 256 * 1024


def tail(path: Path | None, count: int) -> list[str]:
    """At most `count` whole lines of the file's last 256 KiB, oldest first; none without a file."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - _MOST_BYTES)
            file.seek(start)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    # The first line may have lost its beginning.
    return (lines[1:] if start else lines)[-count:]
