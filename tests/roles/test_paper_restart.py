"""A paper account outlives the process: cash, positions, and what rested, from the journal."""

from __future__ import annotations

import pytest

from core import messages as m
from core.domain.fold import folded
from core.exchange.fills import NO_LATENCY, FillModel
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.research.backtest_loop import Loop
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.roles.paper import Paper, PaperTerms
from core.roles.risk import Risk
from core.topology import EXECUTION, PAPER, RISK
from core.units import Nanos, Price, seconds
from tests.builders import (
    CLOSE,
    NOW,
    OPEN,
    TICKER,
    contracts,
    limits,
    money,
    permit,
    signal,
    terms,
    view,
)

CASH = money(1_000)


class Process:
    """Risk, execution and the paper venue on one journal, from a start to a kill."""

    def __init__(self, journal: MemoryJournal, at: Nanos) -> None:
        self.journal = journal
        model = PaperTerms(cash=CASH, fills=FillModel(latency=NO_LATENCY))
        self.paper = Paper(model, past=lambda: folded(journal.replay()))
        self.risk = Risk(limits(bankroll=CASH), "abc123")
        self.execution = Execution(ExecutionTerms(instance="abc123"))
        roles = {PAPER: self.paper, RISK: self.risk, EXECUTION: self.execution}
        self.loop = Loop(roles, journal, at)
        self.loop.begin()

    @property
    def now(self) -> Nanos:
        return self.loop.clock.now()

    def show(self, seq: int = 1) -> None:
        """The market, its book, and leave to trade."""
        now = self.now
        take = self.loop.take
        take(m.MarketListed(market=terms(), ts_recv=now), now)
        book = m.BookSnapshot(
            ticker=TICKER,
            yes=((Price(4600), contracts(300)),),
            no=((Price(5200), contracts(200)),),
            conn=1,
            sid=1,
            seq=seq,
            ts_event=now,
            ts_recv=now,
        )
        take(book, now)
        self.loop.send(RISK, view(ts_book=now, ts_index=now, ts_event=now, ts_recv=now))
        for name in (RISK, EXECUTION):
            self.loop.send(name, permit(expires=Nanos(now + seconds(3600))))

    def wish(self, signal_id: str, **changes: object) -> None:
        now = self.now
        times = {"created": now, "ts_event": now, "ts_recv": now}
        wish = signal(signal_id=signal_id, expires=Nanos(now + seconds(2)), **{**times, **changes})
        self.loop.send(RISK, wish)

    def pass_time(self, duration: float) -> None:
        self.loop.run_until(Nanos(self.now + seconds(duration)))

    def again(self, after: float) -> Process:
        """A new process on the same journal."""
        return Process(self.journal, Nanos(self.now + seconds(after)))

    def agreed(self) -> None:
        """Both sides have the same books, and nothing is open."""
        ledger, theirs = self.risk.ledger, self.paper.books()
        assert ledger.cash == theirs.cash
        assert ledger.fees == theirs.fees
        assert ledger.realized - ledger.fees == theirs.pnl
        held = {t: p.quantity for t, p in ledger.positions.items() if p.quantity}
        assert held == dict(theirs.positions)
        assert ledger.reservations == {}
        assert list(self.execution.book.open()) == []

    def settle(self, result: Outcome) -> None:
        now = self.now
        self.loop.take(m.MarketListed(market=terms(), ts_recv=now), now)
        told = m.MarketDetermined(
            ticker=TICKER, result=result, value=None, ts_event=now, ts_recv=now
        )
        self.loop.take(told, now)


@pytest.fixture
def bought() -> Process:
    """A process that has bought some YES."""
    process = Process(MemoryJournal("abc123"), OPEN)
    process.loop.run_until(NOW)
    process.pass_time(1)
    process.show()
    process.wish("s1")
    process.pass_time(1)
    assert process.risk.ledger.position(TICKER).quantity > 0
    process.agreed()
    return process


def test_cash_and_positions_are_there_again(bought: Process) -> None:
    again = bought.again(5)
    again.pass_time(5)
    again.agreed()
    assert again.paper.books() == bought.paper.books()
    assert again.paper.books().deposits == CASH


def test_the_next_fill_in_the_same_market_nets_and_is_no_duplicate(bought: Process) -> None:
    """Its trade id is none that the journal knows, though the venue's seed is the same."""
    before = bought.risk.ledger.position(TICKER).quantity
    again = bought.again(5)
    again.show(2)
    again.pass_time(1)
    again.wish("s2", outcome=Outcome.NO, price=Price(5400), probability=0.7)
    again.pass_time(1)
    assert again.risk.ledger.fills == 2
    assert again.risk.ledger.position(TICKER).quantity < before
    again.agreed()


def test_a_window_that_ended_meanwhile_is_asked_for_and_pays(bought: Process) -> None:
    again = bought.again(2 * 3600)
    asked = again.paper.handle(m.Tick(due=again.now), again.now)
    assert asked == [m.QueryMarkets(series="KXSOL15M", tickers=(TICKER,))]
    cost = again.risk.ledger.cash
    again.settle(Outcome.YES)
    again.pass_time(120)
    again.agreed()
    assert cost is not None
    assert again.risk.ledger.cash == cost + bought.risk.ledger.position(TICKER).quantity * 10_000
    assert again.paper.handle(m.Tick(due=again.now), Nanos(again.now + seconds(60))) == []


def test_a_window_that_goes_on_pays_at_its_end(bought: Process) -> None:
    again = bought.again(5)
    again.show(2)
    again.loop.run_until(Nanos(CLOSE + seconds(30)))
    again.settle(Outcome.NO)
    again.pass_time(120)
    again.agreed()
    assert again.risk.ledger.positions == {}


def test_what_rested_is_cancelled_and_its_money_free(bought: Process) -> None:
    bought.wish("s2", style="make", price=Price(4600), probability=0.7)
    bought.pass_time(0.1)
    assert [order.resting > 0 for order in bought.execution.book.open()] == [True]
    again = bought.again(2)
    again.pass_time(5)
    again.agreed()


def test_an_account_without_a_past_is_new() -> None:
    process = Process(MemoryJournal("abc123"), OPEN)
    process.pass_time(5)
    assert process.paper.books().cash == CASH
    process.agreed()
