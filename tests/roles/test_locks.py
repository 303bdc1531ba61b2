"""Locks, from the settlement to the screen: risk sets, refuses and clears; the board shows."""

from __future__ import annotations

import msgspec

from core import messages as m
from core.domain.protections import Protection, ProtectionTerms, minutes
from core.domain.windows import market_ticker
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.screen.locks import LockPanel
from core.topology import DASHBOARD, EXECUTION, OPERATOR, RISK, Routing
from core.units import Nanos
from tests.builders import CLOSE, NOW, capital, filled, limits, signal, view

TERMS = ProtectionTerms(
    loss_burst=Protection(trades=2, look_back=minutes(60), lock=minutes(30)),
)
OTHERS = [market_ticker("KXBTC15M", Nanos(CLOSE + n * minutes(15))) for n in range(4)]


class Bench:
    """Risk with a short temper, and whoever hears of it."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        risk = Risk(limits(protections=TERMS), "test01")
        self.runner = Runner({RISK: risk}, Routing((RISK, EXECUTION, DASHBOARD, OPERATOR)), journal)
        self.runner.recover()
        self.now = NOW
        change = m.TradingStateChanged(
            state="ACTIVE", epoch=2, code="command", reason="go", by="test", ts=NOW
        )
        self.tell(change)
        self.tell(view())

    def tell(self, message: m.Message) -> list[m.Message]:
        return [told for _, told in self.runner.run(RISK, message, self.now)]

    def lose(self, ticker: str) -> list[m.Message]:
        event = filled(f"f-{ticker}", ticker=ticker)
        self.journal.append((event,), self.now)
        self.runner.roles[RISK].apply(event)
        self.tell(event)
        told = self.tell(
            m.MarketDetermined(
                ticker=ticker, result=Outcome.NO, value=None, ts_event=self.now, ts_recv=self.now
            )
        )
        return [*told, *self.tell(m.Tick(due=self.now))]

    def wish(self, number: int) -> set[str]:
        told = self.tell(signal(signal_id=f"s:{number}"))
        return {one.code for one in told if isinstance(one, m.OrderDenied)}

    def clear(self, name: str) -> m.CommandAnswered:
        told = self.tell(m.ClearLock(command_id="c1", name=name, by="ann", reason="looked"))
        return next(one for one in told if isinstance(one, m.CommandAnswered))


def locks(told: list[m.Message]) -> list[str]:
    return [one.name for one in told if isinstance(one, m.LockSet)]


def test_losses_lock_and_an_operator_clears() -> None:
    bench = Bench(MemoryJournal(events=(capital(),)))
    assert locks(bench.lose(OTHERS[0])) == []
    assert bench.wish(1) == set()
    assert locks(bench.lose(OTHERS[1])) == ["loss_burst:all"]
    assert bench.wish(2) == {"locked_loss_burst"}
    assert bench.clear("stop_guard:all").refusal == "no_lock"
    assert bench.clear("loss_burst:all").refusal == ""
    assert "locked_loss_burst" not in bench.wish(3)
    assert bench.clear("loss_burst:all").refusal == "no_lock"


def test_a_lock_survives_a_restart() -> None:
    bench = Bench(MemoryJournal(events=(capital(),)))
    for ticker in OTHERS[:2]:
        bench.lose(ticker)
    again = Bench(bench.journal)
    assert again.wish(1) == {"locked_loss_burst"}
    assert locks(again.tell(m.Tick(due=NOW))) == []
    again.now = Nanos(NOW + minutes(30))
    assert "locked_loss_burst" not in again.wish(2)


def test_the_board_shows_what_holds_and_how_it_ended() -> None:
    lock = m.LockSet(
        protection="loss_burst",
        scope="all",
        until=Nanos(NOW + minutes(30)),
        limit=2,
        value=2,
        reason="2 markets in a row lost money",
        ts=NOW,
    )
    panel = LockPanel()
    panel.facts[m.LockSet](lock)
    ((topic, row),) = panel.drain(NOW)
    assert (topic, row.name, row.active, row.ended) == ("lock", "loss_burst:all", True, "")
    assert list(panel.drain(NOW)) == []
    ((_, row),) = panel.drain(lock.until)
    assert (row.active, row.ended) == (False, "ran out")
    panel.facts[m.LockSet](msgspec.structs.replace(lock, until=Nanos(lock.until + 1)))
    panel.facts[m.LockCleared](
        m.LockCleared(name=lock.name, by="ann", reason="looked", ts=Nanos(NOW + 1))
    )
    ((_, row),) = panel.drain(NOW)
    assert (row.active, row.ended) == (False, "cleared by ann: looked")
