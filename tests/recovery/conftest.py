"""Fixtures of the recovery tests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on a disk that does not make us wait for `fsync`, where there is one."""
    if not _IN_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY, prefix="quarterhour-") as folder:
        yield Path(folder)
