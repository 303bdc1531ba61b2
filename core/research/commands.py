"""The commands `backtest` and `score` of `run.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import click

from config.refusal import refusing
from config.settings import SettingsError, load
from core.domain.series import UnknownSeriesError
from core.research.backtest import run_backtest
from core.research.score import score as score_of
from core.research.score_text import scoreboard
from core.research.tape import SAMPLE_TAPE, TapeError
from core.research.tape_commands import tape
from core.strategies import StrategyError

__all__ = ["RESEARCH", "TapeError", "backtest", "score"]

EXIT_DIFFERS: Final = 1
_FAULTS: Final = (SettingsError, StrategyError, UnknownSeriesError, TapeError)


@click.command()
@click.argument("tape", default=SAMPLE_TAPE, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def backtest(*, tape: Path, as_json: bool) -> None:
    """Play TAPE through the daemon's own roles; without TAPE, the sample that ships."""
    settings = load()
    with click.progressbar(length=100, label="backtest", file=sys.stderr) as bar:
        result = run_backtest(tape, settings, lambda share: bar.update(int(100 * share) - bar.pos))
    if as_json:
        click.echo(json.dumps(result.to_json()))
    else:
        click.echo(f"{result.to_text()}\n\n{scoreboard([tape], result.windows)}")
    if result.differences:
        sys.exit(EXIT_DIFFERS)


@click.command()
@click.argument("tapes", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--max-age", type=click.FloatRange(0), help="Oldest price that counts, in seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def score(*, tapes: tuple[Path, ...], max_age: float | None, as_json: bool) -> None:
    """Hold the market's probabilities and ours on TAPES against what happened."""
    if as_json:
        click.echo(json.dumps(score_of(tapes, max_age)))
    else:
        click.echo(scoreboard(tapes, max_age=max_age))


RESEARCH: Final = (tape, backtest, score)
"""The commands of this package."""
