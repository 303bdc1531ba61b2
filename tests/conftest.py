"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from config.settings import Settings
from core.journal_sqlite import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile(
    "quarterhour",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("quarterhour")
"""A slow moment of the machine is no failure: no test here measures time against a clock."""


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded market data beside the checkout; where it is absent, the test skips."""
    if not RECORDED.is_dir():
        pytest.skip(f"recorded market data not found at {RECORDED}; see docs on recorded data")
    return RECORDED


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, and an environment without any setting of ours."""
    ours = {field.upper() for field in Settings.model_fields}
    for name in os.environ:
        if name.upper() in ours or name.startswith(("STRATEGY__", "KALSHI_", "QUARTERHOUR_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def opened() -> Iterator[Callable[[Path], SqliteJournal]]:
    """Opens journals that are closed after the test."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(SqliteJournal(path)))
