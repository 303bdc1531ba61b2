"""What starting and ending a program of our own beside the daemon has in common."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

RUN: Final = Path(__file__).resolve().parent.parent / "run.py"
_STOP_SECONDS: Final = 5.0


def await_end(child: subprocess.Popen[str]) -> None:
    """Wait for a child that was told to end; kill what does not listen."""
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
