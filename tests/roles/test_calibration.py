"""The role of calibration: fair looks, one score a window, and credits that reach the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from core import messages as m
from core.domain.blend import settings_of_trust
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.roles.calibration import Calibration, CalibrationTerms
from core.runner import Runner
from core.strategies.judgement import Judgement, judge
from core.strategies.kelly_volatility import KellyVolatilityParams
from core.topology import CALIBRATION, DASHBOARD, FEED, Routing
from core.units import SECOND, Nanos, seconds
from tests.builders import CLOSE, NOW, TICKER, terms, view

if TYPE_CHECKING:
    from core.messages import Message

SERIES = "KXSOL15M"
TERMS = CalibrationTerms(series=(SERIES,), blend=settings_of_trust(0.8))


class Desk:
    """The role under a runner and a journal; what it tells others."""

    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.runner = Runner(
            {CALIBRATION: Calibration(TERMS)}, Routing((CALIBRATION, FEED, DASHBOARD)), self.journal
        )
        self.runner.recover()

    def tell(self, message: Message, now: Nanos) -> list[Message]:
        """What leaves for the feed."""
        left = self.runner.run(CALIBRATION, message, now)
        return [sent for to, sent in left if to == FEED]

    def board(self, now: Nanos = NOW) -> m.SeriesStanding:
        (told,) = self.tell(m.Begin(recovered=0), now)
        assert isinstance(told, m.ScoreboardTold)
        (standing,) = told.series
        return standing

    def window(self, number: int, result: Outcome, **changes: object) -> list[Message]:
        """A window watched for twenty seconds, and its result. Price and book as in `view`."""
        ticker = f"{TICKER}#{number}"
        for left in (600, 595, 590, 580):
            self.tell(picture(left, ticker, **changes), Nanos(CLOSE - left * SECOND))
        return self.tell(determined(ticker, result), CLOSE)


def picture(left: float, ticker: str = TICKER, **changes: object) -> m.MarketView:
    now = Nanos(CLOSE - round(left * SECOND))
    made = view(market=terms(ticker=ticker), ts_book=now, ts_index=now, ts_event=now, ts_recv=now)
    return msgspec.structs.replace(made, **changes)


def determined(ticker: str, result: Outcome) -> m.MarketDetermined:
    return m.MarketDetermined(
        ticker=ticker, result=result, value=None, ts_event=CLOSE, ts_recv=CLOSE
    )


def test_a_window_is_scored_when_its_result_is_known_and_journalled() -> None:
    desk = Desk()

    (told,) = desk.window(1, Outcome.YES)

    (event,) = desk.journal.events
    assert isinstance(event, m.WindowScored)
    assert (event.ticker, event.yes) == (f"{TICKER}#1", True)
    assert [(score.span, score.looks) for score in event.spans] == [(2, 3)]
    assert isinstance(told, m.ScoreboardTold)
    assert told.series[0].credits == event.credits


def test_the_model_is_scored_unshrunk_against_the_middle_of_the_book() -> None:
    """Bid 46, ask 48: 0.47. The model's own word does not depend on the credits in a picture."""
    desk, lean = Desk(), Desk()
    desk.window(1, Outcome.YES)
    lean.window(1, Outcome.YES, credits=((1.0, 0.0, 0.0, 0.0, 0.0),) * 3)

    market, model, _ = desk.board().brier
    assert market == pytest.approx(0.53**2)
    assert model < market
    assert lean.board() == desk.board()


@pytest.mark.parametrize(
    "changes",
    [
        {"ts_index": Nanos(NOW - seconds(60))},
        {"ts_book": Nanos(NOW - seconds(60))},
        {"book_fresh": False},
        {"bids": ()},
        {"warm": False},
        {"market": terms(strike=None)},
    ],
)
def test_nothing_is_noted_of_a_picture_without_both_opinions(changes: dict[str, object]) -> None:
    desk = Desk()

    assert desk.window(1, Outcome.YES, **changes) == []
    assert desk.journal.events == []


def test_a_result_told_twice_is_scored_once() -> None:
    desk = Desk()
    desk.window(1, Outcome.YES)

    assert desk.tell(determined(f"{TICKER}#1", Outcome.YES), CLOSE) == []
    assert len(desk.journal.events) == 1


def test_a_restart_regains_everything_that_was_scored() -> None:
    desk = Desk()
    for number in range(5):
        desk.window(number, Outcome.NO)

    again = Desk(MemoryJournal(events=desk.journal.events))

    assert again.board() == desk.board()
    assert again.window(3, Outcome.NO) == []


def test_the_board_is_told_again_for_those_who_start_later() -> None:
    desk = Desk()
    desk.tell(m.Begin(recovered=0), NOW)

    assert desk.tell(m.Tick(due=NOW), Nanos(NOW + seconds(1))) == []
    assert len(desk.tell(m.Tick(due=NOW), Nanos(NOW + seconds(5)))) == 1


def test_lost_windows_move_what_is_traded_to_the_market() -> None:
    """The price is above the strike and the model sure of YES; the market says 0.47."""
    desk, fairs = Desk(), []
    for number in range(60):
        judged = judge(picture(600, credits=desk.board().credits), NOW, KellyVolatilityParams())
        assert isinstance(judged, Judgement)
        fairs.append(judged.fair.yes)
        desk.window(number, Outcome.NO)

    assert judged.model > 0.55
    assert fairs[0] > 0.5
    assert fairs == sorted(fairs, reverse=True)
    assert fairs[-1] == pytest.approx(0.47, abs=0.02)
    assert dict(judged.values)["model"] == judged.model
