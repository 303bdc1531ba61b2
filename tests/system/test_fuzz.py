"""Generated requests against a running daemon, in short; `python -m tests.web.fuzz` is the whole.

Also what only a real process shows: that no secret stands in the process list.
"""

from __future__ import annotations

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
    lists = [line for line in _command_lines() if b"run.py" in line]
    assert lists or not Path("/proc").is_dir()
    secrets = [daemon.token, (tmp_path / "var" / "token-viewer").read_text().strip()]
    assert not [line for line in lists for secret in secrets if secret.encode() in line]
    code, sent = attack(daemon, CASES, 1, tmp_path)
    assert code == 0
    assert sent > CASES
    assert daemon.process.poll() is None
    assert daemon.get("/api/actors").status_code == 200
    assert daemon.failures() == []


def _command_lines() -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            continue
    return found
