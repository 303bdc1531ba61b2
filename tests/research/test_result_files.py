"""Result files: the same bytes from another process, and money that a plain script finds again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from config.settings import Settings
from core.exchange.fills import FILL_MODELS, Caution
from core.research.backtest import run_backtest, run_backtests
from core.research.backtest_command import backtest
from core.research.importers import import_recorded
from core.research.report_command import report
from core.research.report_facts import Collector, Facts
from core.research.report_html import report_page
from core.research.report_sources import backtest_facts, facts_of
from core.research.result_files import result_text, write_results
from core.research.tape import SAMPLE_TAPE, TapeError, TapeWriter, info, read

if TYPE_CHECKING:
    from core.research.results import BacktestResult

ROOT = Path(__file__).resolve().parents[2]
RECOUNT = Path(__file__).with_name("recount.py")
CENT = 0.01
RECORDS = 250_000


COLLECTORS = {c.value: Collector() for c in Caution}


@pytest.fixture(scope="module")
def all_at_once() -> dict[str, BacktestResult]:
    models = {c.value: FILL_MODELS[c] for c in Caution}
    return run_backtests(SAMPLE_TAPE, Settings(), models, None, COLLECTORS)


@pytest.fixture(scope="module")
def facts(all_at_once: dict[str, BacktestResult]) -> dict[str, Facts]:
    return {
        name: facts_of(COLLECTORS[name], result, Settings(), ())
        for name, result in all_at_once.items()
    }


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
    assert len(found[0]) == 12


def test_a_plain_script_finds_the_same_money(
    all_at_once: dict[str, BacktestResult], facts: dict[str, Facts], tmp_path: Path
) -> None:
    write_results(tmp_path, all_at_once, facts)
    for name, result in all_at_once.items():
        assert result.trades > 0
        assert_counted_the_same(tmp_path / name, result)


def assert_counted_the_same(folder: Path, result: BacktestResult) -> None:
    counted = json.loads(
        subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-I", RECOUNT, folder],
            check=True,
            capture_output=True,
            timeout=600,
        ).stdout
    )
    said = result.to_json()
    assert counted["fees"] == pytest.approx(said["fees"], abs=CENT / 2)
    assert counted["pnl"] == pytest.approx(said["pnl"], abs=CENT / 2)
    assert counted["start"] == pytest.approx(10_000, abs=CENT / 2)


@pytest.mark.parametrize(("recording", "fewest"), [("quotes", 30), ("books", 3)])
def test_the_money_of_recorded_bitcoin_windows_is_found_again(
    recorded: Path, tmp_path: Path, recording: str, fewest: int
) -> None:
    """Quotes of seven windows, and the first of the level-2 books: to the cent."""
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    import_recorded(recorded, "KXBTC15M", whole, recording)
    with TapeWriter(part, info(whole).about) as tape:
        for record in islice(read(whole), RECORDS):
            tape.write(record)
    collector, settings = Collector(), Settings()

    found = run_backtests(
        part, settings, {"": FILL_MODELS[Caution.REALISTIC]}, None, {"": collector}
    )
    write_results(tmp_path, found, {"": facts_of(collector, found[""], settings, ())})

    assert found[""].trades >= fewest
    assert not found[""].differences
    assert_counted_the_same(tmp_path, found[""])


def test_all_at_once_is_each_alone(all_at_once: dict[str, BacktestResult]) -> None:
    for caution in Caution:
        alone = run_backtest(SAMPLE_TAPE, Settings(), fills=FILL_MODELS[caution])
        assert result_text(alone) == result_text(all_at_once[caution.value])


def test_who_is_slower_gets_other_fills(all_at_once: dict[str, BacktestResult]) -> None:
    first_fills = {result.fills[0].ts_event for result in all_at_once.values()}

    assert len(first_fills) == 3


def test_a_folder_that_cannot_be_written_is_named(
    all_at_once: dict[str, BacktestResult], facts: dict[str, Facts], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TapeError, match="--out"):
        write_results(tmp_path / "file", all_at_once, facts)


def test_a_report_of_the_folder_is_that_of_the_tape(bare: Path) -> None:
    run = CliRunner()
    assert run.invoke(backtest, ["--fills", "all", "--out", "all", "--json"]).exit_code == 0
    assert run.invoke(backtest, ["--out", "one", "--json"]).exit_code == 0
    wanted = report_page(
        backtest_facts(SAMPLE_TAPE, Settings(), FILL_MODELS[Caution.REALISTIC], lambda _: None)
    )

    for source in ("all", "one", "one/result.json", "all/realistic/facts.json"):
        ended = run.invoke(report, [source, "--out", "page"])
        assert ended.exit_code == 0, ended.output
        assert (bare / "page" / "report.html").read_text() == wanted, source

    marked = bare / "all" / "pessimistic" / "facts.json"
    marked.write_text(marked.read_text().replace(SAMPLE_TAPE.name, "of the pessimist"))
    ended = run.invoke(report, ["all", "--out", "page", "--fills", "pessimistic"])
    assert ended.exit_code == 0, ended.output
    assert "of the pessimist" in (bare / "page" / "report.html").read_text()

    (bare / "one" / "facts.json").unlink()
    for source in ("one", "one/result.json"):
        ended = run.invoke(report, [source])
        assert ended.exit_code == 2
        assert "run the backtest again with --out" in ended.output
    rmtree(bare / "all" / "realistic")
    ended = run.invoke(report, ["all"])
    assert ended.exit_code == 2
    assert "optimistic, pessimistic: choose with --fills" in ended.output


def test_people_get_the_models_side_by_side() -> None:
    said = CliRunner().invoke(backtest, ["--fills", "all"])

    assert said.exit_code == 0, said.output
    for caution in Caution:
        assert caution.value in said.output


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    said = CliRunner().invoke(backtest, ["--fills", "dreamy"])

    assert said.exit_code == 2
    assert "pessimistic" in said.output
