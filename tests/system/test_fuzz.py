"""Generated requests against a running daemon, in short; `python -m tests.web.fuzz` is the whole.

Also what only a real process shows: that no secret stands in the process list.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.fuzz import Daemon, attack

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = 42
"""One fuzzed request an operation, beside its boundary values and the sequences."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.stop()


def test_no_secret_stands_in_the_process_list_and_no_request_breaks_the_daemon(
    daemon: Daemon, tmp_path: Path
) -> None:
    assert _processes_that_show("run.py") or not Path("/proc").is_dir()
    for secret in (daemon.token, (tmp_path / "var" / "token-viewer").read_text().strip()):
        assert not _processes_that_show(secret)
    code, sent = attack(daemon, CASES, 1, tmp_path)
    assert code == 0
    assert sent > CASES
    assert daemon.process.poll() is None
    assert daemon.get("/api/actors").status_code == 200
    assert daemon.failures() == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no process list to read")
def test_a_secret_that_is_handed_on_by_the_command_line_is_found() -> None:
    """What the test above would see of a daemon that did so, as a child of its own would."""
    secret = secrets.token_urlsafe(32)
    command = [sys.executable, "-c", "print(flush=True); input()", "--token", secret]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603 - our own
        assert child.stdout is not None
        child.stdout.readline()  # it runs: until then the list may show nothing of its command
        assert len(_processes_that_show(secret)) == 1
        child.communicate(b"\n")
    assert not _processes_that_show(secret)


def _processes_that_show(text: str) -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        found += [line] if text.encode() in line else []
    return found
