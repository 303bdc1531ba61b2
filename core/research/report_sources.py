"""Where a report's facts come from: a journal, a recorded session, a backtest, or a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from core.journal_reader import JournalReader
from core.messages import MarketDetermined
from core.research.backtest import run_backtests
from core.research.report_facts import FACTS_FORMAT, Collector, Facts
from core.research.report_scores import MarketScore, market_scores
from core.research.result_files import FACTS_FILE, RESULT_FILE, RESULT_FORMAT
from core.research.sweep_results import SWEEP_FORMAT, SweepResult
from core.research.tape import read
from core.research.tape_own import read_own
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings import Settings
    from core.exchange.fills import FillModel
    from core.research.results import BacktestResult

    Progress = Callable[[float], None]

JOURNAL_SUFFIX: Final = ".sqlite"


class ReportError(ValueError):
    """Something of which no report can be made; says what can."""


class _Format(msgspec.Struct):
    format: str = ""


def load_result(path: Path) -> Facts | SweepResult:
    """A file that a sweep, a backtest or a report wrote. Raises ReportError."""
    try:
        text = path.read_bytes()
        kind = msgspec.json.decode(text, type=_Format).format
        if kind == FACTS_FORMAT:
            return msgspec.json.decode(text, type=Facts)
        if kind == SWEEP_FORMAT:
            return msgspec.json.decode(text, type=SweepResult)
        if kind == RESULT_FORMAT:
            beside = path.with_name(FACTS_FILE)
            if not beside.is_file():
                raise _incomplete(path.parent)
            return load_result(beside)
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"{path}: cannot be read as a result ({error})"
        raise ReportError(msg) from error
    msg = (
        f"{path}: not a result: give the result.json of `run.py sweep`, the folder of `run.py "
        "backtest --out`, the facts.json of `run.py report`, a journal or a tape"
    )
    raise ReportError(msg)


def journal_facts(path: Path) -> Facts:
    """Everything that a journal holds, archived entries too. Raises JournalError."""
    collector = Collector()
    with closing(JournalReader(path)) as reader:
        snapshot = reader.snapshot()
        first = True
        for entry in reader.entries():
            if first and entry.seq > 1 and snapshot is not None:
                collector.hear(snapshot, snapshot.ts)
            first = False
            collector.hear(entry.event, Nanos(entry.ts))
    return collector.facts(path.name, "journal")


def session_facts(tape: Path, settings: Settings) -> Facts | None:
    """What was decided while a tape was recorded; None where nobody traded. Raises TapeError."""
    collector = Collector()
    count = 0
    for at, message in read_own(tape):
        collector.hear(message, at)
        count += 1
    if not count:
        return None
    for record in read(tape):
        if isinstance(record, MarketDetermined):
            collector.hear(record, record.ts_recv)
    return collector.facts(tape.name, "tape", settings.bankroll)


def backtest_facts(tape: Path, settings: Settings, fills: FillModel, progress: Progress) -> Facts:
    """Play a tape through the daemon's roles and keep what they say. Raises TapeError."""
    collector = Collector()
    found = run_backtests(tape, settings, {"": fills}, progress, {"": collector})[""]
    return facts_of(collector, found, settings, market_scores(tape))


def facts_of(
    collector: Collector,
    found: BacktestResult,
    settings: Settings,
    scores: tuple[MarketScore, ...],
) -> Facts:
    """What a collector heard of a backtest, with that backtest's notes."""
    facts = collector.facts(Path(found.tape).name, "backtest", settings.bankroll)
    return msgspec.structs.replace(facts, notes=(*found.notes, *facts.notes), scores=scores)


def results_folder(path: Path, fills: str) -> Path | None:
    """Where `path` is what `run.py backtest --out` wrote, the folder of one fill model in it;
    None where it is something else. Raises ReportError for results without what a report needs.
    """
    for folder in (path, path / fills):
        if (folder / RESULT_FILE).is_file():
            if not (folder / FACTS_FILE).is_file():
                raise _incomplete(folder)
            return folder
    others = sorted(found.parent.name for found in path.glob(f"*/{RESULT_FILE}"))
    if not others:
        return None
    msg = f"{path}: no results with fills {fills!r}, only {', '.join(others)}: choose with --fills"
    raise ReportError(msg)


def _incomplete(folder: Path) -> ReportError:
    return ReportError(
        f"{folder}: no {FACTS_FILE} beside its {RESULT_FILE}: run the backtest again with --out"
    )
