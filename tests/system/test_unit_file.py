"""The systemd unit lets the program do what it does."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "docs" / "deploy" / "quarterhour.service"
NEEDED = {
    "os.nice(": "setpriority",
    "os.sched_setaffinity(": "sched_setaffinity",
    "fcntl.flock(": "flock",
    "subprocess.Popen(": "execve",
}
"""What our code calls, and the system call that it makes."""


@cache
def members(name: str) -> frozenset[str]:
    """The system calls of a set of systemd's, those of sets within it too."""
    if not name.startswith("@"):
        return frozenset({name})
    shown = subprocess.run(  # noqa: S603 - a name out of our own file
        ["systemd-analyze", "syscall-filter", name],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.strip() for line in shown.splitlines()[1:]]
    inside = [line for line in lines if line and not line.startswith("#")]
    return frozenset().union(*(members(one) for one in inside))


def allowed() -> set[str]:
    calls: set[str] = set()
    for line in UNIT.read_text().splitlines():
        name, _, value = line.partition("=")
        if name != "SystemCallFilter":
            continue
        named = frozenset().union(*(members(one) for one in value.lstrip("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    return calls


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_no_system_call_that_the_program_makes_is_forbidden() -> None:
    code = "\n".join(
        path.read_text()
        for folder in ("actors", "core", "config", "web")
        for path in (ROOT / folder).rglob("*.py")
    )
    calls = allowed()

    assert {call for written, call in NEEDED.items() if written not in code} == set()
    assert set(NEEDED.values()) - calls == set()
    assert {"reboot", "setrlimit", "sched_setscheduler"} & calls == set()
