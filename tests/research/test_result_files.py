"""Result files: the same bytes from another process, and money that a plain script finds again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from config.settings import Settings
from core.exchange.fills import FILL_MODELS, Caution
from core.research.backtest import run_backtest, run_backtests
from core.research.backtest_command import backtest
from core.research.result_files import result_text, write_results
from core.research.tape import SAMPLE_TAPE, TapeError

if TYPE_CHECKING:
    from core.research.results import BacktestResult

ROOT = Path(__file__).resolve().parents[2]
RECOUNT = Path(__file__).with_name("recount.py")
CENT = 0.01


@pytest.fixture(scope="module")
def all_at_once() -> dict[str, BacktestResult]:
    return run_backtests(SAMPLE_TAPE, Settings(), {c.value: FILL_MODELS[c] for c in Caution})


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        out = tmp_path / str(number)
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, ROOT / "run.py", "backtest", "--out", out, "--fills", "all"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": str(number)},
            check=True,
            capture_output=True,
            timeout=600,
        )
        found.append(bytes_of(out))

    assert found[0] == found[1]
    assert len(found[0]) == 9


def test_a_plain_script_finds_the_same_money(
    all_at_once: dict[str, BacktestResult], tmp_path: Path
) -> None:
    write_results(tmp_path, all_at_once)
    for name, result in all_at_once.items():
        assert result.trades > 0
        counted = json.loads(
            subprocess.run(  # noqa: S603 - our own script
                [sys.executable, "-I", RECOUNT, tmp_path / name],
                check=True,
                capture_output=True,
                timeout=600,
            ).stdout
        )
        said = result.to_json()
        assert counted["fees"] == pytest.approx(said["fees"], abs=CENT / 2)
        assert counted["pnl"] == pytest.approx(said["pnl"], abs=CENT / 2)
        assert counted["start"] == pytest.approx(10_000, abs=CENT / 2)


def test_all_at_once_is_each_alone(all_at_once: dict[str, BacktestResult]) -> None:
    for caution in Caution:
        alone = run_backtest(SAMPLE_TAPE, Settings(), fills=FILL_MODELS[caution])
        assert result_text(alone) == result_text(all_at_once[caution.value])


def test_who_is_slower_gets_other_fills(all_at_once: dict[str, BacktestResult]) -> None:
    first_fills = {result.fills[0].ts_event for result in all_at_once.values()}

    assert len(first_fills) == 3


def test_a_folder_that_cannot_be_written_is_named(
    all_at_once: dict[str, BacktestResult], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TapeError, match="--out"):
        write_results(tmp_path / "file", all_at_once)


def test_people_get_the_models_side_by_side() -> None:
    said = CliRunner().invoke(backtest, ["--fills", "all"])

    assert said.exit_code == 0, said.output
    for caution in Caution:
        assert caution.value in said.output


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    said = CliRunner().invoke(backtest, ["--fills", "dreamy"])

    assert said.exit_code == 2
    assert "pessimistic" in said.output
