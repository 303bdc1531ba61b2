"""Generated requests against a running daemon: `python -m tests.web.fuzz --cases 5000`.

Starts `run.py trade` on a local exchange of its own, asks it for its OpenAPI document, and lets
Schemathesis send what that document allows and what it forbids: every check, examples, boundary
values, fuzzing, and sequences that follow the document's links. Fails on a 5xx that is not
documented, an answer that is not as its schema says, or a daemon that did not survive.

One check is left out: `ignored_auth` sends wrong tokens without end, and after ten of them in a
minute the daemon answers 429 on purpose; `tests/web/test_auth.py` asks every path instead.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).parents[2]
_LINK: Final = re.compile(r"Dashboard: (\S+)/\?token=(\S+)")
_START_S: Final = 120.0
_STOP_S: Final = 60.0
_CONFIG: Final = """
[[operations]]
include-operation-id = "set_parameters"

[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, "5xx"]
"""
"""Which parameters a strategy has is its own business: 422 names those that it does not know."""
_PHASES: Final = "examples,coverage,fuzzing,stateful"


class Daemon:
    """A daemon on a local exchange, in a folder of its own, for as long as it is used."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        self._log = folder / "out"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("KALSHI")
        }
        environment |= {"STATE_DIR": str(folder / "var"), **settings}
        with self._log.open("w") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "run.py", "trade", "--port", "0", *options],
                cwd=_ROOT,
                env=environment,
                stdout=out,
                stderr=out,
            )
        try:
            self.address, self.token = self._announced()
            self._wait_for_picture()
        except BaseException:
            self.stop()
            raise

    def _announced(self) -> tuple[str, str]:
        for _ in self._while_starting():
            found = _LINK.search(self._log.read_text())
            if found is not None:
                return found[1], found[2]
        msg = f"the daemon did not start: {self._log.read_text()[-2000:]}"
        raise RuntimeError(msg)

    def _wait_for_picture(self) -> None:
        for _ in self._while_starting():
            if self.get("/api/status").ok:
                return
        msg = "the daemon shows nothing"
        raise RuntimeError(msg)

    def _while_starting(self) -> Iterator[None]:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self.process.poll() is None:
            yield
            time.sleep(0.1)

    def get(self, path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.get(self.address + path, headers=headers, timeout=30)

    def failures(self) -> list[str]:
        """Lines of the log that tell of an exception while a request was answered."""
        return [line for line in self._log.read_text().splitlines() if "request failed" in line]

    def stop(self) -> None:
        """In order, or by force."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def attack(daemon: Daemon, cases: int, seed: int, folder: Path) -> tuple[int, int]:
    """Exit code of Schemathesis, and how many requests it sent."""
    operations = sum(
        len(methods) for methods in daemon.get("/openapi.json").json()["paths"].values()
    )
    report, config = folder / "report.ndjson", folder / "schemathesis.toml"
    config.write_text(_CONFIG)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(config), "run"),
        f"{daemon.address}/openapi.json",
        *("--header", f"Authorization: Bearer {daemon.token}"),
        *("--checks", "all", "--exclude-checks", "ignored_auth"),
        *("--phases", _PHASES, "--max-examples", str(max(1, cases // operations))),
        *("--seed", str(seed), "--request-timeout", "60", "--continue-on-failure"),
        *("--suppress-health-check", "all", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
    ]
    done = subprocess.run(command, check=False, cwd=folder)  # noqa: S603 - our own program
    return done.returncode, _requests(report)


def _requests(report: Path) -> int:
    """Requests that a report tells of."""
    count = 0
    with report.open() as lines:
        for line in lines:
            count += _interactions(json.loads(line))
    return count


def _interactions(told: object) -> int:
    if isinstance(told, dict):
        own = len(told["interactions"]) if isinstance(told.get("interactions"), dict | list) else 0
        return own + sum(_interactions(value) for value in told.values())
    if isinstance(told, list):
        return sum(map(_interactions, told))
    return 0


@click.command()
@click.option("--cases", default=5_000, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True)
def main(cases: int, seed: int) -> None:
    """Send about CASES generated requests (and those of the other phases) to a daemon."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        daemon = Daemon(folder)
        try:
            code, sent = attack(daemon, cases, seed, folder)
            alive = daemon.process.poll() is None and daemon.get("/api/actors").status_code == 200
            broken = daemon.failures()
        finally:
            daemon.stop()
    click.echo(f"requests sent: {sent}; daemon alive: {alive}; exceptions: {len(broken)}")
    sys.exit(code or (not alive) or bool(broken))


if __name__ == "__main__":
    main()
