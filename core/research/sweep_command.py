"""The command `sweep` of `run.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import click

from config.refusal import refusing
from config.settings import SettingsError, load
from core.domain.series import UnknownSeriesError
from core.exchange.fills import Caution
from core.research.sweep_engine import LOCAL, EngineError
from core.research.sweep_folds import FoldError
from core.research.sweep_space import SpaceError, space
from core.research.tape import SAMPLE_TAPE, TapeError
from core.strategies import StrategyError, available

if TYPE_CHECKING:
    from types import TracebackType

    from core.research.sweep import SweepOptions

_FAULTS: Final = (
    *(SettingsError, StrategyError, UnknownSeriesError, TapeError),
    *(SpaceError, FoldError, EngineError),
)
_STEPS: Final = 1_000


@click.command()
@click.argument("tape", default=SAMPLE_TAPE, type=click.Path(path_type=Path))
@click.option("--strategy", help="Whose parameters; without it the first that is enabled.")
@click.option("--trials", default=200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--folds", default=4, show_default=True, type=click.IntRange(1, 50))
@click.option("--embargo", default=900.0, show_default=True, type=click.FloatRange(0))
@click.option(
    "--pace",
    default=0.25,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds between two looks of a trial at one market; 0: at every change.",
)
@click.option(
    "--param",
    "ranges",
    multiple=True,
    metavar="NAME=LOW:HIGH[:log]",
    help="Search this and nothing else; may be repeated. --space lists the names.",
)
@click.option("--space", "only_space", is_flag=True, help="Print what would be searched, and end.")
@click.option("--objective", default="sharpe", type=click.Choice(["sharpe", "pnl"]))
@click.option(
    "--fills",
    default="realistic",
    type=click.Choice([c.value for c in Caution]),
    help="Fill model.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--engine", default=LOCAL, help="local, dask://HOST:PORT or ray://HOST:PORT.")
@click.option("--jobs", default=0, type=click.IntRange(0), help="Trials at once; 0: all there is.")
@click.option("--name", help="Of the study; without it strategy and tape.")
@click.option("--storage", type=click.Path(path_type=Path), help="SQLite file of the study.")
@click.option("--fresh", is_flag=True, help="Begin the study anew.")
@click.option("--confirm/--no-confirm", default=True, help="Play the best over every record.")
@click.option(
    "--kernel/--no-kernel",
    default=True,
    help="Let the kernel do what it can, and replay some of it through the roles.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Result for `run.py report`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def sweep(**given: Any) -> None:  # noqa: ANN401 - click's options
    """Search parameters of a strategy on TAPE, and tell how much of what was found is luck.

    A sweep that was interrupted goes on where it was when the same command is given again.
    """
    settings = load()
    strategy = given["strategy"] or settings.enabled_strategies[0]
    if strategy not in available():
        space(strategy, settings)  # says which there are
    if given["only_space"]:
        for dimension in space(strategy, settings, given["ranges"]):
            click.echo(dimension.text)
        return
    # Costs a second: not for those who only ask for help.
    from core.research.sweep import sweep as run_sweep  # noqa: PLC0415
    from core.research.sweep_study import StudyError  # noqa: PLC0415
    from core.research.sweep_text import sweep_text  # noqa: PLC0415

    options = _options(given, strategy, settings.state_dir)
    try:
        with _Bars() as bars:
            found = run_sweep(options, settings, bars.told)
    except StudyError as error:
        raise SettingsError([str(error)]) from error
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command goes on from here", err=True)
        sys.exit(130)
    out = given["out"] or options.folder / "result.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(found.file_bytes())
    if as_json := given["as_json"]:
        click.echo(json.dumps({**found.to_json(), "file": str(out)}))
    else:
        click.echo(sweep_text(found))
    if not as_json:
        click.echo(f"\nresult   {out}; `run.py report {out}` shows it", err=True)


def _options(given: dict[str, Any], strategy: str, state_dir: Path) -> SweepOptions:
    from core.research.sweep import SweepOptions  # noqa: PLC0415 - see above

    name = given["name"] or f"{strategy}-{given['tape'].stem}"
    folder = state_dir / "sweeps" / name
    return SweepOptions(
        tape=given["tape"],
        strategy=strategy,
        folder=folder,
        storage=given["storage"],
        name=name,
        trials=given["trials"],
        folds=given["folds"],
        embargo_seconds=given["embargo"],
        pace_seconds=given["pace"],
        ranges=given["ranges"],
        objective=given["objective"],
        seed=given["seed"],
        engine=given["engine"],
        jobs=given["jobs"],
        caution=Caution(given["fills"]),
        fresh=given["fresh"],
        confirm=given["confirm"],
        kernel=given["kernel"],
    )


class _Bars:
    """A progress bar for each stage, on standard error."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def told(self, stage: str, share: float) -> None:
        """Show how far a stage is, 0 to 1."""
        if stage != self._stage:
            self._end()
            self._stage = stage
            self._bar = click.progressbar(length=_STEPS, label=f"{stage:12}", file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(int(_STEPS * share) - self._bar.pos)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
