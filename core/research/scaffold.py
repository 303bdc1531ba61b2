"""`run.py new-strategy NAME`: a strategy of one's own as a documented file and its test.

Both pass the gate as they are written, and the strategy trades, so that there is something to
change and never an empty page.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Final

import click

from config.refusal import refusing
from core.research.scaffold_text import STRATEGY_TEXT, TEST_TEXT
from core.strategies import StrategyError, available

ROOT: Final = Path(__file__).resolve().parents[2]
RESERVED: Final = frozenset({"base", "judgement", "strategy", "all", "none", "manual"})
"""Names of files that are no strategies, and words that settings and screens give a meaning."""
LONGEST: Final = 20
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def check_name(name: str) -> None:
    """Raise StrategyError for a name that cannot be had, with one that can."""
    if name in available():
        msg = f"{name!r} is taken: core/strategies/{name}.py is there already; choose another name"
        raise StrategyError(msg)
    if name in RESERVED or keyword.iskeyword(name):
        msg = f"{name!r} means something else already: try {f'{name}_idea'!r}"
        raise StrategyError(msg)
    if len(name) > LONGEST:
        msg = f"{name!r} is longer than {LONGEST} characters: orders carry it in their ids"
        raise StrategyError(msg)
    if not _NAME.fullmatch(name):
        near = _nearest(name)
        hint = f": try {near!r}" if near else ""
        rule = "small letters, digits and single underscores, a letter first"
        msg = f"{name!r} is no name: {rule}{hint}"
        raise StrategyError(msg)


def _nearest(name: str) -> str:
    """What was probably meant: `Fade Spikes!` -> `fade_spikes`; empty where nothing is left."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.findall(r"[a-z0-9]+", split.lower())
    return "_".join(words).lstrip("_0123456789")[:LONGEST].rstrip("_")


def write_strategy(name: str, root: Path = ROOT) -> tuple[Path, Path]:
    """Write the file and its test under `root`; nothing is overwritten. Raises StrategyError."""
    check_name(name)
    paths = (
        root / "core" / "strategies" / f"{name}.py",
        root / "tests" / "unit" / "strategies" / f"test_{name}.py",
    )
    for path in paths:
        if path.exists():
            msg = f"{path.relative_to(root)} is there already: move it away, or choose another name"
            raise StrategyError(msg)
    title = "".join(word.capitalize() for word in name.split("_"))
    try:
        for path, text in zip(paths, (STRATEGY_TEXT, TEST_TEXT), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            filled = text.replace("%NAME%", name).replace("%TITLE%", title)
            path.write_text(filled, encoding="utf-8")
    except OSError as error:
        msg = f"{error.filename}: cannot be written ({error.strerror}); check the folder's rights"
        raise StrategyError(msg) from error
    return paths


@click.command("new-strategy")
@click.argument("name")
@refusing(StrategyError)
def new_strategy(*, name: str) -> None:
    """Write a strategy NAME and its test, ready to run, to be changed into your own.

    NAME becomes core/strategies/NAME.py and its word in ENABLED_STRATEGIES.
    """
    strategy, test = write_strategy(name)
    click.echo(strategy.relative_to(ROOT))
    click.echo(test.relative_to(ROOT))
    click.echo(
        f"next: python -m pytest -q {test.relative_to(ROOT)}\n"
        f"      ENABLED_STRATEGIES={name} python run.py backtest\n"
        "      docs/strategies.md goes on from there",
        err=True,
    )
