"""What a run counts, however long it lasts."""

from __future__ import annotations

from actors.session import Session
from core import messages as m
from core.domain.recent import MARKETS
from core.exchange.records import Outcome
from tests.builders import NOW


def determined(ticker: str) -> m.MarketDetermined:
    return m.MarketDetermined(
        ticker=ticker, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
    )


def finalized(ticker: str) -> m.MarketFinalized:
    return m.MarketFinalized(ticker=ticker, ts_event=NOW, ts_recv=NOW)


def test_a_window_counts_once_and_when_both_are_known_in_either_order() -> None:
    session = Session(windows=2)
    for message in (determined("a"), determined("a"), finalized("b")):
        session.take(message)
    assert session.tally().windows == 0
    assert not session.closed.is_set()
    session.take(determined("b"))
    assert session.tally().windows == 1
    assert session.closed.is_set()
    assert not session.paid.is_set()
    session.take(finalized("a"))
    session.take(finalized("a"))
    assert session.tally().windows == 2
    assert session.paid.is_set()


def test_windows_of_many_weeks_are_counted_and_not_kept() -> None:
    session, many = Session(), 3 * MARKETS
    for number in range(many):
        session.take(determined(f"t{number}"))
        session.take(finalized(f"t{number}"))
    assert session.tally().windows == many
    kept = [len(box) for box in vars(session).values() if isinstance(box, dict)]
    assert max(kept) <= MARKETS
