"""A daemon in a process of its own: asked, told, reloaded, ended; and what a killed one leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from config.presence import Claim
from tests.system.conftest import PATIENCE_S, RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.conftest import Program


class Running:
    """`run.py trade` in the background, in an empty folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        self.log = (folder / "err.txt").open("w+")
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(RUN), "trade", "--port", "0", "--speed", "20", "--json"],
            cwd=folder,
            env={**plain, **environment},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def until(self, holds: Callable[[str], bool]) -> str:
        """Wait until what was written to standard error holds something."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            text = (self.folder / "err.txt").read_text()
            if holds(text):
                return text
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        pytest.fail(f"never seen; the end was:\n{(self.folder / 'err.txt').read_text()[-2000:]}")

    def end(self) -> dict[str, Any]:
        """SIGTERM; what it printed at the end."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.communicate()
    running.log.close()


def trading(text: str) -> bool:
    return "Dashboard:" in text


def test_a_day_in_the_life(daemon: Running, program: Program, tmp_path: Path) -> None:
    text = daemon.until(trading)
    found = re.search(r"(http://\S+)/\?token=(\S+)", text)
    assert found is not None
    request = urllib.request.Request(  # noqa: S310 - the daemon's
        f"{found[1]}/metrics", headers={"Authorization": f"Bearer {found[2]}"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - same
        assert b"quarterhour_up " in answer.read()

    told = until_answer(program)
    assert told["process"] == {"pid": daemon.process.pid, "address": found[1]}
    assert told["mode"] == "local"
    assert program("status", "--alive").code == 0
    shown = program("status")
    assert "LOCAL" in shown.out

    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nMIN_EDGE=0.09\n")
    daemon.process.send_signal(signal.SIGHUP)
    reread = daemon.until(lambda text: "settings read again" in text)
    assert "log_level=DEBUG" in reread
    assert "waits_for_restart=MIN_EDGE" in reread

    (tmp_path / ".env").write_text("LOG_LEVEL=LOUD\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda text: "settings not read again" in text)
    (tmp_path / ".env").unlink()

    lines = program("logs", "--json", "--level", "WARNING", "--grep", "settings").out.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["WARNING", "ERROR"]

    result = daemon.end()
    assert daemon.process.returncode == 0, result
    assert result["resting"] == 0
    assert program("status", "--json").code == 3
    assert not (tmp_path / "var" / "local" / "daemon.json").exists()


def until_answer(program: Program) -> dict[str, Any]:
    """The status, once the dashboard has told its first."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told = program("status", "--json").result
        if "risk_metrics" in told or time.monotonic() > deadline:
            return told


def test_a_second_daemon_in_the_same_folder_is_refused_with_the_first_ones_pid(
    daemon: Running, program: Program
) -> None:
    daemon.until(trading)
    second = program("trade", "--port", "0")
    assert second.code == 2
    assert f"process {daemon.process.pid}" in second.err
    assert "STATE_DIR" in second.err
    assert program("status", "--json").result["process"]["pid"] == daemon.process.pid


def test_what_a_killed_daemon_left_is_not_taken_for_one_that_runs(
    daemon: Running, program: Program, tmp_path: Path
) -> None:
    daemon.until(trading)
    daemon.process.kill()
    daemon.process.wait(PATIENCE_S)
    assert (tmp_path / "var" / "local" / "daemon.json").exists()
    ended = program("status")
    assert ended.code == 3
    assert "no daemon runs" in ended.out


def test_a_daemon_that_does_not_answer_is_said_so(program: Program, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    claim = Claim(tmp_path / "var" / "live", "live")
    claim.announce(f"http://127.0.0.1:{port}")
    ended = program("status", "--json")
    assert program("status", "--alive").code == 1
    claim.release()
    assert ended.code == 1
    assert "does not answer" in ended.result["error"]


def test_a_daemon_that_is_still_starting_is_said_so(program: Program, tmp_path: Path) -> None:
    claim = Claim(tmp_path / "var" / "local", "local")
    ended = program("status", "--json")
    claim.release()
    assert ended.code == 1
    assert "still starting" in ended.result["error"]


def test_without_a_log_there_is_one_clear_line(program: Program) -> None:
    ended = program("logs")
    assert ended.code == 2
    assert "no log yet" in ended.err
