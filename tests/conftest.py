"""Fixtures that several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded market data beside the checkout; where it is absent, the test skips."""
    if not RECORDED.is_dir():
        pytest.skip(f"recorded market data not found at {RECORDED}; see docs on recorded data")
    return RECORDED
