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
    from collections.abc import Callable
    from pathlib import Path

    from config.settings import Settings

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

    The series are those of the tape. Raises TapeError, and what Assembly raises for settings that
    the parts cannot take.
    """
    began = SystemClock().now()
    found = info(tape)
    if not found.records:
        msg = f"tape {tape}: holds no records; record or import it again"
        raise TapeError(msg)
    fitted, notes = fit(settings, found)
    journal = MemoryJournal()
    cast = assemble(fitted, journal.instance, fills or FillModel())
    loop = Loop(cast.roles, journal, found.first)
    loop.begin()
    _play(tape, loop, found, progress or _silent)
    loop.run_until(Nanos(loop.clock.now() + AFTERWARDS))
    seconds = (SystemClock().now() - began) / SECOND
    return _result(str(tape), loop.delivered, cast, notes, seconds)


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


def assemble(settings: Settings, instance: str, fills: FillModel) -> Cast:
    """The daemon's roles, with the paper venue for the exchange and a tally for the dashboard."""
    assembly = Assembly(settings, Surroundings(mode="backtest", seed=fills.seed))
    names = [name for name in role_names(settings) if name not in (DASHBOARD, RISK)]
    tally = Tally()
    paper = Paper(PaperTerms(cash=settings.bankroll, fills=fills))
    risk = Risk(assembly.limits(), instance)
    roles: dict[str, Role] = {DASHBOARD: tally, RISK: risk, PAPER: paper}
    roles |= {name: assembly.make(name, instance) for name in (*names, SUPERVISION)}
    return Cast(roles=roles, risk=risk, paper=paper, tally=tally)


def _play(tape: Path, loop: Loop, found: TapeInfo, progress: Progress) -> None:
    reader = RowReader(loop, loop.roles)
    told = 0
    for record in runs(tape):
        if isinstance(record, DeltaRows):
            reader.take_rows(record)
        else:
            reader.take(record, record.ts_recv)  # type: ignore[attr-defined]
        if loop.delivered - told >= _PROGRESS_EVERY:
            told = loop.delivered
            progress(told / found.records)
    reader.show()
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
