"""Where a report's facts come from: a journal, a recorded session, a backtest, or a file."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from core.journal import MemoryJournal
from core.journal_reader import JournalReader
from core.messages import MarketDetermined
from core.research.backtest import World, assemble, fit, play
from core.research.report_facts import FACTS_FORMAT, Collector, Facts
from core.research.report_scores import market_scores
from core.research.sweep_results import SWEEP_FORMAT, SweepResult
from core.research.tape import TapeError, info, read
from core.research.tape_own import read_own
from core.topology import DASHBOARD
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from config.settings import Settings
    from core.exchange.fills import FillModel
    from core.messages import Message
    from core.roles.base import HandlingRole

    Progress = Callable[[float], None]

JOURNAL_SUFFIX: Final = ".sqlite"


class ReportError(ValueError):
    """Something of which no report can be made; says what can."""


class _Format(msgspec.Struct):
    format: str = ""


def load_result(path: Path) -> Facts | SweepResult:
    """A file that a sweep or a report wrote. Raises ReportError."""
    try:
        text = path.read_bytes()
        kind = msgspec.json.decode(text, type=_Format).format
        if kind == FACTS_FORMAT:
            return msgspec.json.decode(text, type=Facts)
        if kind == SWEEP_FORMAT:
            return msgspec.json.decode(text, type=SweepResult)
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"{path}: cannot be read as a result ({error})"
        raise ReportError(msg) from error
    msg = (
        f"{path}: not a result: give the result.json of `run.py sweep`, the facts.json of "
        "`run.py report`, a journal or a tape"
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
    found = info(tape)
    if not found.records:
        msg = f"tape {tape}: holds no records; record or import it again"
        raise TapeError(msg)
    fitted, notes = fit(settings, found)
    journal = MemoryJournal()
    cast = assemble(fitted, journal.instance, fills)
    collector = Collector()
    cast.roles[DASHBOARD] = _Listener(cast.tally, collector)
    world = World(cast, journal, found.first)
    play(tape, [world], found, progress)
    world.end()
    facts = collector.facts(tape.name, "backtest", fitted.bankroll)
    return msgspec.structs.replace(facts, notes=(*notes, *facts.notes), scores=market_scores(tape))


class _Listener:
    """In the dashboard's place: hears what it would hear, and passes it on to the tally."""

    def __init__(self, tally: HandlingRole, collector: Collector) -> None:
        self.name = tally.name
        self._tally = tally
        self._collector = collector

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        self._collector.hear(message, now)
        return self._tally.handle(message, now)

    def apply(self, event: Message) -> None:
        self._tally.apply(event)
