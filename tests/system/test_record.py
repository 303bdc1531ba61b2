"""`run.py record` and `run.py tape`: written by a daemon, readable after a kill, played again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from core.research.tape import info
from tests.system.conftest import PATIENCE_S, RUN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.conftest import Program


def test_a_recorded_window_can_be_looked_at_verified_and_played(
    program: Program, tmp_path: Path
) -> None:
    tape = str(tmp_path / "tape")
    ended = program(
        *("record", "--speed", "60", "--windows", "1", "--out", tape, "--json"),
        SERIES="KXSOL15M,KXBTC15M",
    )
    assert ended.code == 0, ended.err
    said = ended.result
    assert said["lost"] == 0
    assert said["records"] > 2_000

    told = program("tape", "info", tape, "--json").result
    assert told["series"] == ["KXBTC15M", "KXSOL15M"]
    whole = program("tape", "verify", f"{tape}/KXSOL15M", "--json").result
    assert (whole["damage"], whole["gaps"]) == ([], 0)
    played = program("backtest", f"{tape}/KXSOL15M", "--json").result
    assert played["events"] == whole["records"]
    assert played["decisions"] > 0
    assert played["differences"] == []


def test_a_damaged_tape_is_told_with_its_file(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"nothing")

    ended = program("tape", "verify", str(tmp_path))

    assert ended.code == 1
    assert "a.parquet" in ended.out
    assert "Traceback" not in ended.err


def test_the_tape_of_a_killed_daemon_is_readable(program: Program, tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    running = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(RUN), "trade", "--speed", "60", "--port", "0"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RECORD_DIR": str(tape), "RECORD_SEGMENT_SECONDS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE_S
    while len(list(tape.glob("KXSOL15M/*/*.parquet"))) < 3 and time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.2)
    running.kill()
    assert running.wait(60) == -signal.SIGKILL

    assert info(tape).records > 100
    assert program("tape", "verify", str(tape), "--json").result["damage"] == []


def test_a_session_and_its_backtest_decide_alike(program: Program) -> None:
    ended = program(
        *("parity", "--speed", "30", "--windows", "2", "--json"),
        MIN_EDGE="0.005",
        STRATEGY__KELLY_VOLATILITY__MIN_EDGE="0.005",
    )
    found = ended.result

    assert found["live"] > 3, ended.err
    assert 2 * found["agreed"] > found["live"]
    assert all(difference["reason"] for difference in found["differences"])
    assert ended.code == (1 if found["unexplained"] else 0)
