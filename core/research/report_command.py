"""The command `report` of `run.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.refusal import refusing
from config.settings import Settings, SettingsError, load
from core.domain.series import UnknownSeriesError
from core.domain.windows import TickerError
from core.exchange.fills import FILL_MODELS, Caution
from core.journal import JournalError
from core.journal_tools import newest_journal
from core.research.result_files import RESULT_FILE
from core.research.tape import TapeError
from core.strategies import StrategyError

if TYPE_CHECKING:
    from core.research.report_facts import Facts

_FAULTS: Final = (
    *(SettingsError, StrategyError, UnknownSeriesError, TapeError, JournalError, TickerError),
)


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder; else var/reports/NAME.")
@click.option(
    "--replay", is_flag=True, help="Backtest a tape even where it holds a session's decisions."
)
@click.option(
    "--fills",
    default="realistic",
    type=click.Choice([c.value for c in Caution]),
    help="Fill model.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def report(
    *, source: Path | None, out: Path | None, replay: bool, fills: str, as_json: bool
) -> None:
    """One HTML page, with its tables as CSV, of what was traded or searched.

    SOURCE is a journal, a tape (with the decisions recorded beside it, or backtested), the folder
    that `backtest --out` wrote, the result.json of a sweep or the facts.json of a report. Without
    it: this mode's newest journal.
    """
    # Charts, statistics and roles: not for those who only ask for help.
    from core.research.report_facts import Facts  # noqa: PLC0415
    from core.research.report_html import report_page  # noqa: PLC0415
    from core.research.report_sources import (  # noqa: PLC0415
        ReportError,
        load_result,
        results_folder,
    )
    from core.research.report_sweep import sweep_page  # noqa: PLC0415

    settings = load()
    path = source or newest_journal(settings.mode_dir)
    if not path.exists():
        raise SettingsError([f"{path}: no such file; give a journal, a tape or a result"])
    try:
        results = results_folder(path, fills) if path.is_dir() else None
        kept = path if results is None else results / RESULT_FILE
        found = load_result(kept) if kept.suffix == ".json" else None
    except ReportError as error:
        raise SettingsError([str(error)]) from error
    folder = out or settings.state_dir / "reports" / _name(path)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    if found is not None and not isinstance(found, Facts):
        page.write_text(sweep_page(found), encoding="utf-8")
        said: dict[str, object] = {"report": str(page), "verdict": found.verdict}
    else:
        facts = found or _facts(path, settings, Caution(fills), replay=replay)
        page.write_text(report_page(facts), encoding="utf-8")
        said = _written(facts, folder, page)
    if as_json:
        click.echo(json.dumps(said))
    else:
        for name, value in said.items():
            click.echo(f"{name:9} {value}")


def _name(path: Path) -> str:
    """What a source is called: a result by its folder, for all of them have the same name."""
    return path.resolve().parent.name if path.suffix == ".json" else path.stem


def _facts(path: Path, settings: Settings, caution: Caution, *, replay: bool) -> Facts:
    from core.research.report_sources import (  # noqa: PLC0415 - see above
        JOURNAL_SUFFIX,
        backtest_facts,
        journal_facts,
        session_facts,
    )

    if path.suffix == JOURNAL_SUFFIX:
        return journal_facts(path)
    if path.is_dir() and not replay:
        found = session_facts(path, settings)
        if found is not None:
            return found
    with click.progressbar(length=100, label="backtest", file=sys.stderr) as bar:
        return backtest_facts(
            path,
            settings,
            FILL_MODELS[caution],
            lambda share: bar.update(int(100 * share) - bar.pos),
        )


def _written(facts: Facts, folder: Path, page: Path) -> dict[str, object]:
    from core.research.report_csv import write_csv  # noqa: PLC0415 - see above
    from core.research.report_tables import summary, verdict  # noqa: PLC0415

    kept = folder / "facts.json"
    kept.write_bytes(facts.file_bytes())
    tables = write_csv(facts, folder)
    total = summary(facts)
    return {
        "report": str(page),
        "facts": str(kept),
        "tables": [str(table) for table in tables],
        "bets": total.bets,
        "pnl": round(total.pnl, 6),
        "fees": round(total.fees, 6),
        "verdict": verdict(facts).sentence,
    }
