"""An operator pauses, or stops; the daemon is killed; the next one does not trade."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from config.presence import running
from tests.recovery.processes import Daemon, Venue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

REASON = "lunch"
_GLANCE_S = 0.1


class Desk:
    """The operator of whatever daemon runs in this folder just now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.venue = Venue(folder, 11, 20.0)
        self.daemon = self.start()

    def start(self) -> Daemon:
        self.daemon = Daemon(self.venue, self._folder, at=0, before=False)
        return self.daemon

    def status(self) -> dict[str, Any]:
        """Empty while nobody answers."""
        return self._call("GET", "status")

    def post(self, command: str) -> None:
        assert self._call("POST", command, json={"reason": REASON})

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        found = running(self._folder / "var" / "local")
        if found is None or not found.address:
            return {}
        token = (self._folder / "var" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{found.address}/api/{path}"
        try:
            answer = requests.request(method, address, headers=headers, timeout=60, **more)
        except requests.ConnectionError:
            return {}
        told: dict[str, Any] = answer.json() if answer.ok else {}
        return told

    def until(self, happened: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first status of which this is so; the test's time-out is the limit."""
        while True:
            assert self.daemon.alive
            told = self.status()
            if told and happened(told):
                return told
            time.sleep(_GLANCE_S)

    def end(self) -> None:
        if self.daemon.alive:
            self.daemon.kill()
        self.venue.end()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.end()


def has_started(told: dict[str, Any]) -> bool:
    return bool(told["state"] != "STARTING")


@pytest.mark.parametrize(
    ("command", "state", "code"), [("pause", "REDUCING", "paused"), ("stop", "DISARMED", "stopped")]
)
def test_the_decision_outlives_a_kill_and_an_orderly_end(
    desk: Desk, command: str, state: str, code: str
) -> None:
    desk.until(lambda told: told["state"] == "ACTIVE")
    desk.post(command)
    desk.daemon.kill()
    for _ in range(2):
        desk.start()
        told = desk.until(has_started)
        assert (told["state"], told["state_code"], told["state_reason"]) == (state, code, REASON)
        desk.daemon.stop()
    desk.start()
    desk.until(has_started)
    desk.post("start")
    desk.until(lambda told: told["state"] == "ACTIVE")
    desk.daemon.kill()
    desk.start()
    assert desk.until(has_started)["state"] == "ACTIVE"
