"""Parity: what is the same counts as the same, and every difference is found and has a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from config.settings import Settings
from core import messages as m
from core.exchange.fills import FillModel, LatencyModel
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.research.backtest import World, assemble, fit, play
from core.research.parity import Terms, compare
from core.research.parity_decisions import Decision, Witness, decisions, round_trip
from core.research.parity_replay import parity_of
from core.research.tape import info, read
from core.research.tape_recorder import RecorderTerms, TapeRecorder
from core.units import MILLISECOND, Money, Nanos, Price, Quantity, seconds
from tests.builders import NOW
from tests.research.deltas import SERIES, MadeUpBooks

if TYPE_CHECKING:
    from pathlib import Path

    from core.messages import Message

Own = list[tuple[Nanos, "Message"]]
LATENCY = Nanos(40 * MILLISECOND)
TERMS = Terms(start=NOW, starting=seconds(5), near=seconds(1), latency=LATENCY)


def eager() -> Settings:
    return Settings(
        min_edge=0.0,
        min_confidence=0.0,
        signal_cooldown_seconds=2.0,
        strategy={"kelly_volatility": {"min_edge": 0.0}},
    )


def session(root: Path) -> Own:
    """A tape and what the roles decide on it, as a daemon with this latency would record it."""
    recorder = TapeRecorder(RecorderTerms(root=root, series=(SERIES,), about={}))
    records = list(MadeUpBooks(5, 3_000).records())
    recorder.add((record.ts_recv, record) for record in records)  # type: ignore[attr-defined]
    recorder.flush()
    found = info(root)
    latency = LatencyModel(feed=LATENCY, entry=LATENCY, response=LATENCY, spread=0.0)
    journal, witness = MemoryJournal("live"), Witness()
    cast = assemble(fit(eager(), found)[0], "live", FillModel(latency=latency), witness)
    world = World(cast, journal, found.first)
    play(root, [world], found, lambda _: None)
    world.end()
    return witness.own


def record_own(root: Path, own: Own) -> None:
    recorder = TapeRecorder(RecorderTerms(root=root, series=(SERIES,), about={}))
    recorder.add(own)
    recorder.flush()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Own]:
    root = tmp_path_factory.mktemp("session")
    return root, session(root)


def test_a_session_without_chance_is_the_same_to_the_contract(
    played: tuple[Path, Own], tmp_path: Path
) -> None:
    root, own = played
    copy(root, tmp_path)
    record_own(tmp_path, own)

    found = parity_of(tmp_path, eager())

    assert found.live == found.replayed == found.same > 10
    assert found.score == 1.0
    assert found.differences == ()
    assert found.latency == 2 * LATENCY


def copy(root: Path, to: Path) -> None:
    recorder = TapeRecorder(RecorderTerms(root=to, series=(SERIES,), about={}))
    recorder.add((record.ts_recv, record) for record in read(root))  # type: ignore[attr-defined]
    recorder.flush()


def test_one_decision_that_was_not_recorded_is_found(
    played: tuple[Path, Own], tmp_path: Path
) -> None:
    root, own = played
    signals = [message for _, message in own if isinstance(message, m.Signal)]
    hidden = signals[len(signals) // 2]
    copy(root, tmp_path)
    record_own(tmp_path, [(at, message) for at, message in own if message is not hidden])

    found = parity_of(tmp_path, eager())

    assert found.live == found.replayed - 1
    assert len(found.differences) == found.unexplained == 1
    assert found.differences[0].what.startswith("only the backtest wanted")
    assert found.differences[0].at == hidden.ts_recv


def decision(after: float, **changes: object) -> Decision:
    made = Decision(
        strategy="s",
        ticker="KX-1",
        at=Nanos(NOW + seconds(after)),
        outcome="yes",
        limit=Price(5_000),
        answer="approved",
        quantity=Quantity(1_000),
        filled=Quantity(1_000),
        paid=Money(5_000_000),
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("then", "again", "reason", "words"),
    [
        ([decision(60)], [decision(60, paid=Money(5_100_000))], "latency", "at 0.5000 against"),
        ([decision(60)], [decision(60.3, limit=Price(5_100))], "latency", "+300.0 ms apart"),
        ([decision(60)], [], "unexplained", "only the daemon wanted yes"),
        ([], [decision(60)], "unexplained", "only the backtest"),
        ([decision(60)], [decision(60, outcome="no")], "unexplained", "yes against no"),
        ([decision(60)], [decision(60, answer="no_room_cash")], "unexplained", "approved against"),
        ([decision(2)], [], "start", "only the daemon"),
    ],
)
def test_a_difference_has_its_reason(
    then: list[Decision], again: list[Decision], reason: str, words: str
) -> None:
    found = compare(then, again, TERMS)

    assert [difference.reason for difference in found.differences] == [reason]
    assert words in found.differences[0].what
    assert words in found.to_text()
    assert found.score == 0.0


def test_what_comes_after_a_difference_follows_from_it() -> None:
    found = compare([decision(60), decision(90)], [decision(60, outcome="no")], TERMS)

    assert [difference.reason for difference in found.differences] == ["unexplained", "follows"]


def test_decisions_too_far_apart_are_two() -> None:
    found = compare([decision(60)], [decision(62)], TERMS)

    assert (found.live, found.replayed, found.agreed) == (1, 1, 0)
    assert len(found.differences) == 2


def test_a_session_without_decisions_is_the_same() -> None:
    assert compare([], [], TERMS).score == 1.0


def test_a_decision_is_its_signal_answer_and_fills(played: tuple[Path, Own]) -> None:
    _, own = played
    found = decisions(own)

    filled = sum(message.quantity for _, message in own if isinstance(message, m.OrderFilled))
    assert sum(decision.filled for decision in found) == filled > 0
    assert {decision.outcome for decision in found} <= {outcome.value for outcome in Outcome}
    assert round_trip(own) == 2 * LATENCY
