"""What unit tests share."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from core.journal_sqlite import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def opened() -> Iterator[Callable[[Path], SqliteJournal]]:
    """Opens journals that are closed after the test."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(SqliteJournal(path)))
