"""new-strategy: what it writes passes the gate as it is, bad names are refused with a remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.research.scaffold import check_name, new_strategy, write_strategy
from core.strategies import StrategyError, available

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(  # noqa: S603 - fixed programs on files of ours
        [sys.executable, "-m", *words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The project's tree with its files by reference: what is written there is written nowhere."""
    for name in ("config", "core", "tests", "pyproject.toml"):
        _mirror(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["mine", "x", "fade_spikes_2", "abcdefghijklmnopqrst"])
def test_what_is_written_is_formatted_and_without_a_finding(name: str, tree: Path) -> None:
    paths = [str(path) for path in write_strategy(name, tree)]

    run("ruff", "format", "--no-cache", "--check", *paths, cwd=tree)
    run("ruff", "check", "--no-cache", *paths, cwd=tree)


def test_what_is_written_has_strict_types(tmp_path: Path) -> None:
    """Checked in the place of a strategy that is there, so that it lies in its package."""
    written, _ = write_strategy("mine", tmp_path)
    there = "core/strategies/kelly_volatility.py"

    run(
        *("mypy", "--shadow-file", there, str(written)),
        *("--cache-dir", str(tmp_path / "cache"), there),
    )


def test_what_is_written_passes_its_test(tree: Path) -> None:
    _, test = write_strategy("mine", tree)

    run("pytest", "-q", "-p", "no:cacheprovider", str(test), cwd=tree)


def _mirror(source: Path, target: Path) -> None:
    """Links to files in folders of their own."""
    if not source.is_dir():
        target.symlink_to(source)
        return
    if source.name == "__pycache__":
        return
    target.mkdir()
    for inner in source.iterdir():
        _mirror(inner, target / inner.name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kelly_volatility", "taken"),
        ("base", "try 'base_idea'"),
        ("class", "try 'class_idea'"),
        ("Fade Spikes!", "try 'fade_spikes'"),
        ("FadeSpikes", "try 'fade_spikes'"),
        ("my-idea", "try 'my_idea'"),
        ("2fast", "try 'fast'"),
        ("_hidden", "try 'hidden'"),
        ("a__b", "try 'a_b'"),
        ("../../etc/passwd", "try 'etc_passwd'"),
        ("", "no name"),
        ("ß", "no name"),
        ("x" * 21, "longer than 20"),
    ],
)
def test_bad_and_taken_names_are_refused_with_the_remedy(name: str, told: str) -> None:
    with pytest.raises(StrategyError, match=told):
        check_name(name)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    strategy, test = write_strategy("mine", tmp_path)
    strategy.unlink()
    test.write_text("my own test")

    with pytest.raises(StrategyError, match=r"test_mine\.py is there already"):
        write_strategy("mine", tmp_path)

    assert test.read_text() == "my own test"
    assert not strategy.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "core").write_text("a file where a folder should be")

    with pytest.raises(StrategyError, match="cannot be written"):
        write_strategy("mine", tmp_path)


def test_the_command_refuses_with_code_2_and_writes_nothing() -> None:
    before = available()

    ended = CliRunner().invoke(new_strategy, ["Kelly Volatility"])

    assert ended.exit_code == 2
    assert "try 'kelly_volatility'" in ended.output
    assert available() == before
