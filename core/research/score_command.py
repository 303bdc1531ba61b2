"""The command `run.py score`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from config.refusal import refusing
from config.settings import SettingsError
from core.domain.series import UnknownSeriesError
from core.research.score import score as score_of
from core.research.score_text import scoreboard
from core.research.tape import TapeError
from core.strategies import StrategyError

_FAULTS: Final = (SettingsError, StrategyError, UnknownSeriesError, TapeError)


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
