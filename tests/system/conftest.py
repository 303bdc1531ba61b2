"""The program as its user runs it: a process of its own in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

RUN = Path(__file__).resolve().parents[2] / "run.py"
PATIENCE_S = 240


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object of the last line."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


Program = Callable[..., Ended]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Runs `run.py` with arguments and environment variables, and waits for its end."""

    def run(*arguments: str, **environment: str) -> Ended:
        plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, str(RUN), *arguments],
            cwd=tmp_path,
            env={**plain, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run
