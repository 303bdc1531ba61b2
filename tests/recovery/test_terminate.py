"""SIGTERM while orders leave: nothing rests, and the end comes in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.recovery.terminate import terminate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(600)
def test_an_orderly_end_leaves_nothing_resting(tmp_path: Path) -> None:
    told = terminate(3, 5, 60.0, tmp_path)
    assert told["failures"] == []
    assert told["orders"] > 0
