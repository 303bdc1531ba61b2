"""One suite, three venues: the engine in this process, and both roads of the REST client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.units import SECOND, Nanos
from tests.contract.follower import Follower, follow
from tests.contract.venue import OPENS, Venue, direct_venue, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["engine", "rest", "express"])
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Venue]:
    """A minute after the open."""
    express = request.param == "express"
    made = direct_venue() if request.param == "engine" else served_venue(tmp_path, express=express)
    made.at(Nanos(OPENS + 60 * SECOND))
    yield made
    if made.running is not None:
        made.exchange.close()  # type: ignore[attr-defined]
        made.running.stop()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Venue]:
    """The one behind sockets, a minute after the open."""
    made = served_venue(tmp_path)
    made.at(Nanos(OPENS + 60 * SECOND))
    yield made
    assert made.running is not None
    made.exchange.close()  # type: ignore[attr-defined]
    made.running.stop()


@pytest.fixture
def follower(served: Venue) -> Iterator[Follower]:
    follower = follow(served)
    yield follower
    follower.close()
