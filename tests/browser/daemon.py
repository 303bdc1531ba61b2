"""A daemon in a process of its own on an exchange that outlives it, for a browser to look at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests

from tests.recovery.processes import EAGER, Venue

if TYPE_CHECKING:
    from collections.abc import Callable

RUN: Final = Path(__file__).resolve().parents[2] / "run.py"
PATIENCE_S: Final = 240.0
"""For a start or a settlement on a machine that is busy with others."""
_GLANCE_S: Final = 0.05
_STARTS: Final = 5
"""Tries to get the port back, should somebody hold it just then."""


class World:
    """Exchange and daemon; the daemon may be killed and started again where it listened."""

    def __init__(self, folder: Path, speed: float, **environment: str) -> None:
        self.folder = folder
        self._more = environment
        self.venue = Venue(folder, 7, speed)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, name: str = "token") -> str:
        return (self.folder / "var" / name).read_text().strip()

    def start(self) -> None:
        """Until it serves; on the port it had, if it had one."""
        for _ in range(_STARTS):
            log = self.folder / "daemon.err"
            with log.open("wb") as errors:
                self.process = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, str(RUN), "trade", "--port", str(self.port)],
                    cwd=self.folder,
                    env={
                        **{name: os.environ[name] for name in ("PATH", "HOME")},
                        **self.venue.environment,
                        **EAGER,
                        **self._more,
                        "STATE_DIR": str(self.folder / "var"),
                    },
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                )
            found = self._served(log)
            if found:
                self.port = found
                return
        msg = f"the daemon does not start: {(self.folder / 'daemon.err').read_text()[-2000:]}"
        raise AssertionError(msg)

    def _served(self, log: Path) -> int:
        """The port it tells of; 0 where it ended first."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"Dashboard: http://127\.0\.0\.1:(\d+)/", log.read_text())
            if found:
                return int(found[1])
            time.sleep(_GLANCE_S)
        return 0

    def kill(self) -> None:
        """SIGKILL: nothing is told, nothing is written."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.venue.end()

    def api(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What the API answers a program; waits while the picture is not the present."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        answer = self.until(
            lambda: (
                (
                    told := requests.get(
                        f"{self.url}/api/{path}", headers=headers, timeout=PATIENCE_S
                    )
                ).ok
                and told
            ),
            path,
        )
        return answer.json()

    def until(self, found: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
        """Whatever is found first; fails after a patience no machine needs."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told = found()
            if told:
                return told
            time.sleep(_GLANCE_S)
        said = (self.folder / "daemon.err").read_text()[-2000:]
        msg = f"never came: {what}; the daemon said {said}"
        raise AssertionError(msg)
