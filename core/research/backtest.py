"""The backtest: the roles of the daemon, every one of them, over a tape, in virtual time.

Records come in the order in which they arrived (`ts_recv`), so nobody sees what was not there yet.
The same settings, tape and seed give the same result, whenever and wherever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.assembly import Assembly, Surroundings, role_names
from core.clock import SystemClock
from core.domain.deltas import DeltaRows
from core.exchange.books import Books, differences
from core.exchange.fills import FillModel
from core.journal import MemoryJournal
from core.research.backtest_loop import Loop
from core.research.backtest_rows import RowReader
from core.research.listener import Listener
from core.research.lookahead import LookAhead
from core.research.results import BacktestResult
from core.research.tally import Tally
from core.research.tape import TapeError, TapeInfo, info
from core.research.tape_runs import runs
from core.roles.paper import Paper, PaperTerms
from core.roles.risk import Risk
from core.runner import Role
from core.topology import DASHBOARD, PAPER, RISK, SUPERVISION
from core.units import SECOND, Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from config.settings import Settings
    from core.messages import Message
    from core.research.report_facts import Collector

    Progress = Callable[[float], None]

AFTERWARDS: Final = Nanos(30 * SECOND)
"""Time that passes after the last record: answers come back, payouts are booked."""
_PROGRESS_EVERY: Final = 16_384
_FRESH_KEY: Final = "index_fresh_seconds"


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """The roles of one backtest, with those that are asked at its end by name."""

    roles: dict[str, Role]
    risk: Risk
    paper: Paper
    tally: Tally


def run_backtest(
    tape: Path,
    settings: Settings,
    progress: Progress | None = None,
    fills: FillModel | None = None,
) -> BacktestResult:
    """Play a tape; `progress` is told the share done, 0 to 1, now and then.

    The series are those of the tape. Raises TapeError (LookAheadError for a tape that tells the
    future), and what Assembly raises for settings that the parts cannot take.
    """
    return run_backtests(tape, settings, {"": fills or FillModel()}, progress)[""]


def run_backtests(
    tape: Path,
    settings: Settings,
    models: Mapping[str, FillModel],
    progress: Progress | None = None,
    collectors: Mapping[str, Collector] | None = None,
) -> dict[str, BacktestResult]:
    """Play a tape once to several worlds that differ in how orders are filled; each as alone.

    A collector of a model's name hears what is decided in its world.
    """
    began = SystemClock().now()
    found = info(tape)
    if not found.records:
        msg = f"tape {tape}: holds no records; record or import it again"
        raise TapeError(msg)
    fitted, notes = fit(settings, found)
    worlds = {}
    for name, model in models.items():
        journal = MemoryJournal()
        cast = assemble(fitted, journal.instance, model)
        if collectors and name in collectors:
            cast.roles[DASHBOARD] = Listener(cast.tally, collectors[name])
        worlds[name] = World(cast, journal, found.first)
    play(tape, list(worlds.values()), found, progress or _silent)
    for world in worlds.values():
        world.end()
    seconds = (SystemClock().now() - began) / SECOND
    return {
        name: _result(str(tape), world.loop.delivered, world.cast, notes, seconds)
        for name, world in worlds.items()
    }


class World:
    """Every role of one backtest on a loop of its own."""

    def __init__(self, cast: Cast, journal: MemoryJournal, start: Nanos) -> None:
        self.journal = journal
        self.cast = cast
        self.loop = Loop(cast.roles, journal, start)
        self._reader = RowReader(self.loop, cast.roles)
        self.loop.begin()

    def take(self, record: Message | DeltaRows) -> None:
        """The next record of the tape, or the next of its runs."""
        if isinstance(record, DeltaRows):
            self._reader.take_rows(record)
        else:
            self._reader.take(record, record.ts_recv)  # type: ignore[attr-defined]

    def end(self) -> None:
        """The tape is over: let answers come back and payouts be booked."""
        self._reader.show()
        self.loop.run_until(Nanos(self.loop.clock.now() + AFTERWARDS))


def fit(settings: Settings, found: TapeInfo) -> tuple[Settings, tuple[str, ...]]:
    """The settings for a tape, and what was changed in them: its series, and how old a price may be
    where the tape says that its prices came late.
    """
    changes: dict[str, object] = {"series": found.series}
    notes = []
    wanted = float(found.about.get(_FRESH_KEY, 0.0))
    if wanted > settings.index_fresh_seconds:
        changes[_FRESH_KEY] = wanted
        notes.append(
            f"the tape's spot prices came late: {_FRESH_KEY} is {wanted:g} here, "
            f"not {settings.index_fresh_seconds:g}"
        )
    return settings.model_copy(update=changes), tuple(notes)


def assemble(
    settings: Settings,
    instance: str,
    fills: FillModel,
    tally: Tally | None = None,
    speed: float = 1.0,
) -> Cast:
    """The daemon's roles, with the paper venue for the exchange and a tally for the dashboard.

    `speed` is that of the clock under which a tape was recorded: patience is the machine's.
    """
    around = Surroundings(mode="backtest", seed=fills.seed, speed=speed)
    assembly = Assembly(settings, around)
    names = [name for name in role_names(settings) if name not in (DASHBOARD, RISK)]
    tally = tally or Tally()
    paper = Paper(PaperTerms(cash=settings.bankroll, fills=fills))
    risk = Risk(assembly.limits(), instance)
    roles: dict[str, Role] = {DASHBOARD: tally, RISK: risk, PAPER: paper}
    roles |= {name: assembly.make(name, instance) for name in (*names, SUPERVISION)}
    return Cast(roles=roles, risk=risk, paper=paper, tally=tally)


def play(tape: Path, worlds: Sequence[World], found: TapeInfo, progress: Progress) -> None:
    """Show every record of a tape to all worlds. Raises TapeError."""
    look, told, loop = LookAhead(tape), 0, worlds[0].loop
    for record in runs(tape, look.batch):
        if not isinstance(record, DeltaRows):
            look.record(record)
        for world in worlds:
            world.take(record)
        if loop.delivered - told >= _PROGRESS_EVERY:
            told = loop.delivered
            progress(told / found.records)
    progress(1.0)


def _silent(share: float) -> None:
    del share


def _result(
    tape: str, events: int, cast: Cast, notes: tuple[str, ...], seconds: float
) -> BacktestResult:
    tally = cast.tally
    rows = tally.rows()
    ours, theirs = _our_books(cast.risk), _their_books(cast.paper)
    result = BacktestResult(
        tape=tape,
        windows=rows,
        events=events,
        signals=sum(row.signals for row in rows),
        passes=dict(tally.passes),
        refusals=dict(tally.refusals),
        orders=sum(row.orders for row in rows),
        fills=tuple(tally.fills),
        exits=tally.exits(),
        ours=ours,
        theirs=theirs,
        differences=tuple(differences(ours, theirs)),
        states=tuple(tally.states),
        notes=notes,
        seconds=seconds,
    )
    if not result.unsettled:
        return result
    open_note = (
        "the tape has no result for "
        f"{', '.join(result.unsettled)}: what is held there counts at its cost"
    )
    return msgspec.structs.replace(result, notes=(*notes, open_note))


def _our_books(risk: Risk) -> Books:
    ledger = risk.ledger
    return Books(
        cash=ledger.cash or Money(0),
        fees=ledger.fees,
        pnl=Money(ledger.realized - ledger.fees),
        positions={p.ticker: p.quantity for p in ledger.positions.values() if p.quantity},
    )


def _their_books(paper: Paper) -> Books:
    books = paper.books()
    return Books(cash=books.cash, fees=books.fees, pnl=books.pnl, positions=dict(books.positions))
