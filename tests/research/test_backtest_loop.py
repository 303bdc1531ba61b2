"""Virtual time: what is due when, in which order, and what a silent tape does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.exchange.listing import MarketStatus
from core.journal import MemoryJournal
from core.research.backtest_loop import SILENCE, Loop
from core.topology import EXECUTION, FEED, PAPER, SUPERVISION
from core.units import SECOND, IndexValue, Nanos, seconds
from tests.builders import NOW, TICKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message
    from core.runner import Role


class Scribe:
    """A role that writes down what it gets, and answers what it is told to answer."""

    def __init__(
        self,
        name: str,
        log: list[tuple[str, str, float]],
        answers: dict[type[Message], Message] | None = None,
    ) -> None:
        self.name = name
        self._log = log
        self._answers = answers or {}

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        self._log.append((self.name, type(message).__name__, (now - NOW) / SECOND))
        answer = self._answers.get(type(message))
        return () if answer is None else (answer,)

    def apply(self, event: Message) -> None:
        """Nothing is journalled here."""


def struck(after: float) -> m.StrikePublished:
    at = Nanos(NOW + seconds(after))
    return m.StrikePublished(ticker=TICKER, strike=IndexValue(1), ts_event=at, ts_recv=at)


def played(answers: dict[type[Message], Message], *times: float) -> list[tuple[str, str, float]]:
    """The log of a feed and a paper venue that get a record at each of `times`."""
    log: list[tuple[str, str, float]] = []
    roles: dict[str, Role] = {
        FEED: Scribe(FEED, log, answers),
        PAPER: Scribe(PAPER, log),
    }
    loop = Loop(roles, MemoryJournal(), NOW)
    loop.begin()
    for time in times:
        record = struck(time)
        loop.take(record, record.ts_recv)
    return log


def test_roles_begin_supervision_first_then_sinks_before_sources() -> None:
    log: list[tuple[str, str, float]] = []
    names = (FEED, EXECUTION, PAPER, SUPERVISION)
    roles: dict[str, Role] = {name: Scribe(name, log) for name in names}

    Loop(roles, MemoryJournal(), NOW).begin()

    assert [name for name, _, _ in log] == [SUPERVISION, PAPER, EXECUTION, FEED]


def test_what_is_due_at_the_time_of_a_record_goes_before_it() -> None:
    log = played({}, 1.0)

    assert log[2:] == [
        (PAPER, "Tick", 1.0),
        (FEED, "Tick", 1.0),
        (FEED, "StrikePublished", 1.0),
        (PAPER, "StrikePublished", 1.0),
    ]


def test_everybody_has_a_record_before_anybody_has_what_follows_from_it() -> None:
    follows = m.MarketStatusChanged(
        ticker=TICKER, status=MarketStatus.ACTIVE, ts_event=NOW, ts_recv=NOW
    )

    log = played({m.StrikePublished: follows}, 0.5)

    assert log[2:] == [
        (FEED, "StrikePublished", 0.5),
        (PAPER, "StrikePublished", 0.5),
        (FEED, "MarketStatusChanged", 0.5),
        (PAPER, "MarketStatusChanged", 0.5),
    ]


def test_what_a_role_schedules_comes_at_its_time_and_no_earlier() -> None:
    later = m.Scheduled(due=Nanos(NOW + seconds(0.7)), to=PAPER, message=struck(9))

    log = played({m.StrikePublished: later}, 0.5, 0.6, 0.8)

    times = [at for name, kind, at in log if (name, kind) == (PAPER, "StrikePublished")]
    assert times == [0.5, 0.6, 0.7, 0.7, 0.8]


def test_what_is_overdue_when_it_is_scheduled_comes_next() -> None:
    past = m.Scheduled(due=Nanos(NOW - SECOND), to=PAPER, message=m.Tick(due=NOW))

    log = played({m.StrikePublished: past}, 0.5, 0.6)

    assert log[4:5] == [(PAPER, "Tick", 0.5)]


def test_messages_for_nobody_on_board_are_dropped() -> None:
    lost = m.Scheduled(due=Nanos(NOW + SECOND // 2), to="nobody", message=m.Tick(due=NOW))
    outside = m.OpenStream(stream="market", conn=1, delay=Nanos(0))

    assert len(played({m.StrikePublished: lost}, 0.1, 0.9)) == 6
    assert len(played({m.StrikePublished: outside}, 0.1, 0.9)) == 6


def test_ticks_keep_their_rhythm() -> None:
    log = played({}, 3.5)

    assert [at for name, kind, at in log if (name, kind) == (FEED, "Tick")] == [1.0, 2.0, 3.0]


def test_ticks_rest_in_a_gap_of_the_recording_and_are_back_before_its_end() -> None:
    log = played({}, 0.5, 3600.5)

    ticks = [at for name, kind, at in log if (name, kind) == (PAPER, "Tick")]
    assert ticks == [*(float(at) for at in range(1, 61)), *(float(at) for at in range(3591, 3601))]


def test_a_gap_delays_nothing_that_was_scheduled() -> None:
    later = m.Scheduled(due=Nanos(NOW + seconds(1800)), to=PAPER, message=struck(9))

    log = played({m.StrikePublished: later}, 0.5, 3600.5)

    assert (PAPER, "StrikePublished", 1800.0) in log


def test_a_pause_is_no_gap() -> None:
    length = SILENCE / SECOND
    log = played({}, 0.5, length)

    ticks = [at for name, kind, at in log if (name, kind) == (PAPER, "Tick")]
    assert len(ticks) == length
