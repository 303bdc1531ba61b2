"""Falls into each trap on purpose and sees its tests fail: `python -m tests.contract.mutants`.

For every change of `trap_mutants` the tree is copied once, the change made there, and the tests
that `test_traps` names for that trap are run: at least one must fail, or the line of the table
promises what no test keeps. What takes minutes (a whole daemon) is left out; it guards beside
others.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from tests.contract.test_traps import TRAPS, node_ids
from tests.contract.trap_mutants import FALLS, Mutant

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).resolve().parents[2]
SLOW: Final = frozenset({"test_the_daemon_survives_with_books_equal_to_the_cent"})
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".venv", ".git", "var", "node_modules", "__pycache__", ".*_cache", ".hypothesis", "docs"
)
_PYTEST: Final = (sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
_LONGEST_S: Final = 600
_FAILED: Final = 1
"""Exit code of pytest when tests ran and some failed."""


class Verdict(NamedTuple):
    """What became of one mutant."""

    trap: int
    mutant: Mutant
    killed: bool
    told: str
    """The end of what pytest said."""


def mutated(source: str, mutant: Mutant) -> str:
    """The source after the change. Raises ValueError where it does not fit exactly once."""
    found = source.count(mutant.old)
    if found != 1:
        msg = f"{mutant.path}: {mutant.old!r} stands there {found} times, must be once"
        raise ValueError(msg)
    return source.replace(mutant.old, mutant.new)


def names_of(trap: int) -> tuple[str, ...]:
    """The tests that are run for a trap."""
    return tuple(name for name in TRAPS[trap][1].split() if name not in SLOW)


def judge(traps: Iterable[int]) -> Iterable[Verdict]:
    """Make every change of these traps, one after the other, and run their tests."""
    with tempfile.TemporaryDirectory(prefix="quarterhour-mutants-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        for trap in traps:
            for mutant in FALLS[trap]:
                yield _one(copy, trap, mutant)


def _one(copy: Path, trap: int, mutant: Mutant) -> Verdict:
    path = copy / mutant.path
    source = path.read_text()
    path.write_text(mutated(source, mutant))
    try:
        ended = subprocess.run(  # noqa: S603 - our own tests
            [*_PYTEST, *node_ids(names_of(trap))],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    finally:
        path.write_text(source)
    return Verdict(trap, mutant, ended.returncode == _FAILED, ended.stdout[-600:])


@click.command()
@click.option("--trap", "wanted", type=int, multiple=True, help="Only these; without, all.")
@click.option("--sample", type=int, default=0, help="Only so many, drawn by --seed.")
@click.option("--seed", type=int, default=1)
def main(wanted: tuple[int, ...], sample: int, seed: int) -> None:
    """Exit code 1 when a change goes unnoticed."""
    traps = list(wanted or sorted(FALLS))
    if sample:
        traps = sorted(random.Random(seed).sample(traps, sample))
    survived = 0
    for verdict in judge(traps):
        survived += not verdict.killed
        what = TRAPS[verdict.trap][0]
        word = "noticed" if verdict.killed else "UNNOTICED"
        click.echo(f"{verdict.trap:2} {word:9} {what} ({verdict.mutant.path})")
        if not verdict.killed:
            click.echo(verdict.told)
    click.echo(f"{survived} changes went unnoticed")
    sys.exit(bool(survived))


if __name__ == "__main__":
    main()
