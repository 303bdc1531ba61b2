"""The whole daemon beside an exchange whose clock is not ours: it says so, and risks nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from core.topology import EXCHANGE
from core.units import SECOND
from tests.recovery.plant import HANG_SECONDS, Plant
from tests.recovery.test_faults import EAGER, PATIENCE_S, RUN, Exchange, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

WILD, SMALL = 900.0, -0.3
"""Seconds; the trip's limit is one."""
RESTING = 3


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.stop()


def control(plant: Plant) -> str:
    return f"{plant.address.base_url}/local/faults"


def skew(plant: Plant, offset: float) -> None:
    fault = {"kind": "clock_skew", "offset": offset}
    assert requests.post(control(plant), json=fault, timeout=HANG_SECONDS).status_code == 201


def heal(plant: Plant) -> None:
    assert requests.delete(control(plant), timeout=HANG_SECONDS).status_code == 200


@pytest.mark.parametrize(("offset", "side"), [(WILD, "behind"), (-WILD, "ahead of")])
def test_a_clock_that_goes_off_halts_and_the_stop_is_proven_once_it_is_right(
    plant: Plant, offset: float, side: str
) -> None:
    plant.start()
    plant.rest(RESTING)
    skew(plant, offset)
    standing = plant.until(lambda now: now.state == "HALTED")
    assert standing.code == "clock_skew"
    assert f"our clock is {side} the exchange's" in standing.reason
    assert standing.proven is None, "no request is accepted, so nothing can be proven"
    heal(plant)
    standing = plant.until(lambda now: now.proven is not None)
    assert standing.proven is not None
    assert (standing.proven.resting, plant.resting()) == (0, 0)


def test_nobody_arms_while_the_clock_is_off(plant: Plant) -> None:
    plant.start()
    skew(plant, WILD)
    plant.until(lambda now: now.code == "clock_skew")
    assert plant.control.reset_breaker(plant.ask("looked"), HANG_SECONDS).state == "DISARMED"
    refused = plant.control.start(plant.ask("go"), HANG_SECONDS)
    assert (refused.verdict, refused.state) == ("refused", "DISARMED")
    assert "our clock is behind the exchange's" in refused.message
    heal(plant)
    plant.until(lambda _: plant.control.start(plant.ask("go"), HANG_SECONDS).verdict == "done")
    assert plant.standing().state == "ACTIVE"


def test_a_start_with_a_wild_clock_waits_says_why_and_goes_on_by_itself(plant: Plant) -> None:
    skew(plant, WILD)
    plant.system.start()
    standing = plant.until(lambda now: now.code == "clock_skew")
    assert (standing.state, standing.latched) == ("STARTING", ())
    assert "our clock is behind the exchange's" in standing.reason
    heal(plant)
    plant.until(lambda now: now.state == "ACTIVE")


def test_a_clock_that_is_off_by_less_than_the_limit_is_no_reason_to_stop(plant: Plant) -> None:
    skew(plant, SMALL)
    plant.start()
    assert plant.venue.account is not None
    compared = plant.venue.account.gate.compared()
    assert compared is not None
    assert compared.lowest <= SMALL * SECOND <= compared.highest
    plant.settle(EXCHANGE)
    assert plant.standing().state == "ACTIVE"
    plant.rest(RESTING)
    assert plant.resting() >= RESTING


def test_the_daemon_tells_a_wild_clock_in_one_line_and_serves_its_page(tmp_path: Path) -> None:
    fault: dict[str, object] = {"kind": "clock_skew", "offset": WILD}
    with Exchange(tmp_path, (fault,), speed=1) as exchange, started(exchange, tmp_path) as daemon:
        assert daemon.stderr is not None
        page, line = "", ""
        while "clock_skew" not in line:
            line = daemon.stderr.readline()
            assert line, "the daemon has ended"
            page = line.split()[-1] if line.startswith("Dashboard:") else page
        assert "our clock is behind the exchange's" in line
        until_told(page, "clock_skew")
        daemon.send_signal(signal.SIGTERM)
        _, rest = daemon.communicate(timeout=PATIENCE_S)
        assert "code=clock_skew" not in rest


@contextmanager
def started(exchange: Exchange, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A daemon on this exchange, dead afterwards."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(RUN), "trade", "--port", "0", "--json"],
        cwd=folder,
        env={**plain(), **EAGER, **exchange.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until_told(page: str, code: str) -> None:
    """Return when the status, asked by the link that the start prints, has this code."""
    address, pause = page.partition("?")[0], threading.Event()
    with requests.Session() as session:
        assert session.get(page, timeout=PATIENCE_S).status_code == 200
        for _ in range(PATIENCE_S * 20):
            told = session.get(f"{address}api/status", timeout=PATIENCE_S)
            if told.status_code == 200 and told.json()["state_code"] == code:
                return
            pause.wait(0.05)
    msg = f"never came: {told.status_code} {told.text}"
    raise AssertionError(msg)
