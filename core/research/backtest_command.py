"""The command `run.py backtest`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec
import pyarrow as pa

from config.refusal import refusing
from config.settings import SettingsError, load
from core.domain.series import UnknownSeriesError
from core.exchange.fills import FILL_MODELS, Caution
from core.research.backtest import run_backtests
from core.research.report_facts import Collector
from core.research.result_files import write_results
from core.research.score_text import scoreboard
from core.research.tape import SAMPLE_TAPE, TapeError
from core.strategies import StrategyError
from core.units import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.settings import Settings
    from core.research.results import BacktestResult

EXIT_DIFFERS: Final = 1
ALL: Final = "all"
_FAULTS: Final = (SettingsError, StrategyError, UnknownSeriesError, TapeError)


@click.command()
@click.argument("tape", default=SAMPLE_TAPE, type=click.Path(path_type=Path))
@click.option(
    "--fills",
    default=Caution.REALISTIC.value,
    show_default=True,
    type=click.Choice([*(caution.value for caution in Caution), ALL]),
    help="How orders are filled: latencies and queues.",
)
@click.option("--seed", default=1, show_default=True, help="Of latencies and of what shrinks.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the result's files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def backtest(*, tape: Path, fills: str, seed: int, out: Path | None, as_json: bool) -> None:
    """Play TAPE through the daemon's own roles; without TAPE, the sample that ships."""
    # Batches come and go in one size: Arrow's own pool holds more of them, and saves no time.
    pa.set_memory_pool(pa.system_memory_pool())
    settings = load()
    wanted = list(Caution) if fills == ALL else [Caution(fills)]
    models = {
        caution.value if fills == ALL else "": msgspec.structs.replace(
            FILL_MODELS[caution], seed=seed
        )
        for caution in wanted
    }
    collectors = {name: Collector() for name in models} if out is not None else {}
    with click.progressbar(length=100, label="backtest", file=sys.stderr) as bar:
        results = run_backtests(
            tape, settings, models, lambda share: bar.update(int(100 * share) - bar.pos), collectors
        )
    if out is not None:
        _write(out, tape, settings, results, collectors)
    if as_json:
        said = {name: result.to_json() for name, result in results.items()}
        click.echo(json.dumps(said if fills == ALL else said[""]))
    else:
        shown = results.get(Caution.REALISTIC.value) or results[""]
        parts = [shown.to_text(), scoreboard([tape], shown.windows)]
        click.echo("\n\n".join([*parts, *([side_by_side(results)] if fills == ALL else [])]))
    if any(result.differences for result in results.values()):
        sys.exit(EXIT_DIFFERS)


def _write(
    out: Path,
    tape: Path,
    settings: Settings,
    results: Mapping[str, BacktestResult],
    collectors: Mapping[str, Collector],
) -> None:
    # Statistics of forecasts: not for those who only want the figures.
    from core.research.report_scores import market_scores  # noqa: PLC0415
    from core.research.report_sources import facts_of  # noqa: PLC0415

    scores = market_scores(tape)
    facts = {
        name: facts_of(collectors[name], result, settings, scores)
        for name, result in results.items()
    }
    write_results(out, results, facts)


def side_by_side(results: Mapping[str, BacktestResult]) -> str:
    """What the same decisions bring, by how kindly orders are filled."""
    head = ("fills", "orders", "trades", "refused", "fees $", "P&L $")
    rows = [
        (
            name,
            f"{result.orders:,}",
            f"{result.trades:,}",
            f"{sum(result.refusals.values()):,}",
            f"{dollars(result.ours.fees):,.2f}",
            f"{dollars(result.ours.pnl):,.2f}",
        )
        for name, result in results.items()
    ]
    return "\n".join(
        f"{row[0]:12}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in (head, *rows)
    )
