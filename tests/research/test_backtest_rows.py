"""In columns or record by record: a backtest is the same to the last journalled event."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from config.settings import Settings
from core import messages as m
from core.domain.deltas import DeltaRows
from core.exchange.fills import FILL_MODELS, Caution, FillModel
from core.journal import MemoryJournal
from core.research.backtest import AFTERWARDS, Cast, assemble, fit
from core.research.backtest_loop import Loop
from core.research.backtest_rows import RowReader
from core.research.importers import import_recorded
from core.research.tape import TapeWriter, info, read
from core.research.tape_runs import message, runs
from core.units import Nanos
from tests.research.deltas import MadeUpBooks

if TYPE_CHECKING:
    from pathlib import Path

    from core.messages import Message

EAGER = {
    "min_edge": 0.0,
    "min_confidence": 0.0,
    "signal_cooldown_seconds": 2.0,
    "strategy": {"kelly_volatility": {"min_edge": 0.0}},
}
CALM = {"enabled_strategies": ("kelly_volatility", "mean_reversion", "high_confidence")}
MAKING = {"style": "make", "min_edge": 0.0, "max_behind": 0.5}
MAKER = {**EAGER, "strategy": {"kelly_volatility": MAKING, "mean_reversion": MAKING}}
LEAVER = {"min_edge": 0.05, "exit_gain": 0.0}
LEAVING = {**EAGER, "strategy": {"kelly_volatility": LEAVER, "mean_reversion": LEAVER}}
RECORDS = 250_000


class Played:
    """A tape played to all roles, one way or the other."""

    def __init__(self, tape: Path, fills: FillModel, chosen: dict[str, Any]) -> None:
        self.settings = fit(Settings(**chosen), info(tape))[0]
        self.journal = MemoryJournal("same")
        self.cast: Cast = assemble(self.settings, self.journal.instance, fills)
        self.loop = Loop(self.cast.roles, self.journal, info(tape).first)
        self.loop.begin()

    def end(self) -> list[Message]:
        self.loop.run_until(Nanos(self.loop.clock.now() + AFTERWARDS))
        return list(self.journal.events)


def record_by_record(
    tape: Path, fills: FillModel, chosen: dict[str, Any]
) -> tuple[Played, list[Message]]:
    played = Played(tape, fills, chosen)
    for record in read(tape):
        played.loop.take(record, record.ts_recv)  # type: ignore[attr-defined]
    return played, played.end()


def in_columns(
    tape: Path, fills: FillModel, chosen: dict[str, Any]
) -> tuple[Played, list[Message]]:
    played = Played(tape, fills, chosen)
    reader = RowReader(played.loop, played.cast.roles)
    for record in runs(tape):
        if isinstance(record, DeltaRows):
            reader.take_rows(record)
        else:
            reader.take(record, record.ts_recv)  # type: ignore[attr-defined]
    reader.show()
    return played, played.end()


def written(path: Path, seed: int, deltas: int = 4_000) -> Path:
    with TapeWriter(path) as tape:
        for record in MadeUpBooks(seed, deltas).records():
            tape.write(record)
    return path


def assert_the_same(
    tape: Path, fills: FillModel, chosen: dict[str, Any] = EAGER
) -> tuple[Played, list[Message]]:
    slow, expected = record_by_record(tape, fills, chosen)
    fast, events = in_columns(tape, fills, chosen)
    assert events == expected
    assert fast.loop.delivered == slow.loop.delivered == info(tape).records
    assert fast.cast.tally.passes == slow.cast.tally.passes
    assert fast.cast.tally.refusals == slow.cast.tally.refusals
    assert fast.cast.tally.rows() == slow.cast.tally.rows()
    assert fast.cast.paper.books() == slow.cast.paper.books()
    return slow, events


@pytest.mark.parametrize("seed", range(3))
def test_made_up_books_play_the_same(tmp_path: Path, seed: int) -> None:
    slow, events = assert_the_same(written(tmp_path / "a.parquet", seed), FillModel())

    assert sum(isinstance(event, m.OrderFilled) for event in events) > 5
    passes = slow.cast.tally.passes
    assert passes["index_stale"] > 5, "the silence of prices is part of the test"
    assert passes["book_stale"] > 0, "so are doubtful books"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exits_play_the_same(tmp_path: Path, seed: int) -> None:
    """What a backtest leaves out is nothing on which anybody would have sold."""
    slow, events = assert_the_same(written(tmp_path / "a.parquet", seed), FillModel(), LEAVING)
    exits = [e for e in events if isinstance(e, m.OrderApproved) and e.request.reduce_only]
    assert exits
    assert dict(slow.cast.paper.books().positions) == {
        held.ticker: held.quantity
        for held in slow.cast.risk.ledger.positions.values()
        if held.quantity
    }


def test_orders_that_rest_play_the_same(tmp_path: Path) -> None:
    slow, events = assert_the_same(written(tmp_path / "a.parquet", 4), FillModel(), MAKER)

    fills = [event for event in events if isinstance(event, m.OrderFilled)]
    assert fills
    assert not any(fill.is_taker for fill in fills)
    assert slow.cast.tally.refusals["open_intent"] > 0, "another strategy's wish beside it"


@pytest.mark.parametrize("caution", list(Caution))
def test_under_every_fill_model(tmp_path: Path, caution: Caution) -> None:
    assert_the_same(written(tmp_path / "a.parquet", 9), FILL_MODELS[caution])


@pytest.mark.parametrize("chosen", [{}, CALM])
@pytest.mark.parametrize("seed", [20, 21])
def test_whoever_is_harder_to_move_plays_the_same(
    tmp_path: Path, seed: int, chosen: dict[str, Any]
) -> None:
    slow, _ = assert_the_same(written(tmp_path / "a.parquet", seed), FillModel(), chosen)

    assert slow.cast.tally.passes["edge"] > 5


def test_recorded_books_play_the_same(recorded: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    import_recorded(recorded, "KXBTC15M", whole, "books")
    with TapeWriter(part, info(whole).about) as tape:
        for record in islice(read(whole), RECORDS):
            tape.write(record)

    for chosen in (EAGER, {}):
        _, events = assert_the_same(part, FillModel(), chosen)
        assert any(isinstance(event, m.OrderFilled) for event in events)


def test_runs_hold_the_records_of_the_tape(tmp_path: Path) -> None:
    tape = written(tmp_path / "a.parquet", 1)
    found: list[Message] = []
    for record in runs(tape):
        if isinstance(record, DeltaRows):
            found += [message(record, row) for row in range(record.start, record.stop)]
        else:
            found.append(record)

    assert found == list(read(tape))
    assert sum(isinstance(record, DeltaRows) for record in runs(tape)) > 50
