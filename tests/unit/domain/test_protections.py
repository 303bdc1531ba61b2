"""Protections: each just under its limit, at it and over it; look-back, lock, clearing, restart."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from core import messages as m
from core.domain.fold import Fold
from core.domain.ledger import Ledger
from core.domain.protections import Protection, Protections, ProtectionTerms, holding, minutes
from core.domain.windows import market_ticker
from core.exchange.records import Outcome, Side
from core.units import Money, Nanos, Price, Quantity
from tests.builders import CLOSE, NOW, capital, contracts, filled, money

WINDOW: Final = minutes(15)
RULE: Final = Protection(trades=3, look_back=minutes(60), lock=minutes(30))


class Bench:
    """Books and protections side by side, one settled market after the other."""

    def __init__(self, terms: ProtectionTerms) -> None:
        self.terms = terms
        self.ledger = Ledger()
        self.protections = Protections()
        self.events: list[m.Message] = []
        self.now = NOW
        self.tell(capital())

    def tell(self, event: m.Message) -> None:
        self.events.append(event)
        self.protections.apply(event, self.ledger)
        self.ledger.apply(event)

    def settle(self, profits: str, series: str = "KXSOL15M") -> None:
        """Markets one after the other: w wins, l loses all, p loses a part."""
        for profit in profits:
            number = len(self.events)
            close = Nanos(CLOSE + number * WINDOW)
            ticker = market_ticker(series, close)
            self.now = close
            self.tell(filled(f"f{number}", ticker=ticker, ts=close, quantity=contracts(10)))
            held = self.ledger.position(ticker)
            payout = {"w": money(10), "l": Money(0), "p": Money(held.cost // 2)}[profit]
            self.tell(
                m.PositionSettled(
                    ticker=ticker,
                    number=0,
                    result=Outcome.YES,
                    quantity=held.quantity,
                    payout=payout,
                    fees=held.fees,
                    ts=close,
                )
            )

    def sell(self, prices: str) -> None:
        """Markets left early: bought at 0.48; all sold at 0.02 (c), or most at 0.30 (d)."""
        for price in prices:
            number = len(self.events)
            close = Nanos(CLOSE + number * WINDOW)
            ticker = market_ticker("KXSOL15M", close)
            self.now = close
            self.tell(filled(f"f{number}", ticker=ticker, ts=close, quantity=contracts(10)))
            sold = filled(f"s{number}", ticker=ticker, ts=close, side=Side.ASK)
            less = {"c": (10, 200), "d": (9, 3_000)}[price]
            self.tell(
                msgspec.structs.replace(sold, quantity=contracts(less[0]), price=Price(less[1]))
            )
            held = self.ledger.position(ticker)
            self.tell(
                m.PositionSettled(
                    ticker=ticker,
                    number=0,
                    result=Outcome.NO,
                    quantity=held.quantity,
                    payout=Money(0),
                    fees=held.fees,
                    ts=close,
                )
            )

    def due(self) -> list[str]:
        return [lock.name for lock in self.protections.due(self.terms, self.now)]

    def lock(self) -> m.LockSet:
        (lock,) = self.protections.due(self.terms, self.now)
        self.tell(lock)
        return lock


BURST: Final = ProtectionTerms(loss_burst=msgspec.structs.replace(RULE, look_back=minutes(1_000)))
STOPS: Final = ProtectionTerms(
    stop_guard=msgspec.structs.replace(RULE, look_back=minutes(1_000)), stop_share=0.9
)


@pytest.mark.parametrize(
    ("prices", "wanted"), [("cc", []), ("ccc", ["stop_guard:KXSOL15M"]), ("ddd", [])]
)
def test_what_was_sold_early_counts_by_all_that_it_cost(prices: str, wanted: list[str]) -> None:
    bench = Bench(STOPS)
    bench.sell(prices)
    assert bench.due() == wanted


@pytest.mark.parametrize(
    ("profits", "wanted"),
    [
        ("ll", []),
        ("lll", ["loss_burst:all"]),
        ("llll", ["loss_burst:all"]),
        ("lwll", []),
        ("wlpl", ["loss_burst:all"]),
        ("lllw", []),
    ],
)
def test_a_burst_of_losses_locks_everything(profits: str, wanted: list[str]) -> None:
    bench = Bench(BURST)
    bench.settle(profits)
    assert bench.due() == wanted


@pytest.mark.parametrize(
    ("profits", "wanted"),
    [
        ("ll", []),
        ("lll", ["stop_guard:KXSOL15M"]),
        ("lwlwl", ["stop_guard:KXSOL15M"]),
        ("llp", []),
        ("ppp", []),
    ],
)
def test_stops_lock_their_series(profits: str, wanted: list[str]) -> None:
    bench = Bench(STOPS)
    bench.settle(profits)
    assert bench.due() == wanted


@pytest.mark.parametrize(
    ("least", "wanted"),
    [
        (-0.5001, []),
        (-0.48, ["low_profit:KXSOL15M"]),
        (0.0, ["low_profit:KXSOL15M"]),
    ],
)
def test_a_low_profit_locks_its_series(least: float, wanted: list[str]) -> None:
    """Three markets that lost half and a little fee: -54.55 % of their cost."""
    rule = msgspec.structs.replace(RULE, look_back=minutes(1_000))
    bench = Bench(ProtectionTerms(low_profit=rule, least_profit=least - 0.0909))
    bench.settle("ppp")
    assert bench.due() == wanted


def test_two_markets_say_nothing_of_a_profit_that_three_would() -> None:
    rule = msgspec.structs.replace(RULE, look_back=minutes(1_000))
    bench = Bench(ProtectionTerms(low_profit=rule))
    bench.settle("ll")
    assert bench.due() == []


def test_series_are_judged_apart_and_a_burst_together() -> None:
    bench = Bench(STOPS)
    bench.settle("ll")
    bench.settle("ll", "KXBTC15M")
    assert bench.due() == []
    bench.terms = BURST
    assert bench.due() == ["loss_burst:all"]


@pytest.mark.parametrize(("after", "wanted"), [(-1, 1), (0, 1), (1, 0)])
def test_what_is_older_than_the_look_back_does_not_count(after: int, wanted: int) -> None:
    bench = Bench(ProtectionTerms(loss_burst=msgspec.structs.replace(RULE, look_back=minutes(90))))
    bench.settle("lll")
    first = next(e.ts for e in bench.events if isinstance(e, m.PositionSettled))
    bench.now = Nanos(first + minutes(90) + after)
    assert len(bench.due()) == wanted


def test_off_means_off() -> None:
    bench = Bench(ProtectionTerms())
    bench.settle("llllllll")
    assert bench.due() == []


# --- locks


def test_a_lock_lasts_its_time_and_does_not_come_back_by_itself() -> None:
    bench = Bench(BURST)
    bench.settle("lll")
    lock = bench.lock()
    assert lock.until == bench.now + minutes(30)
    assert bench.protections.active(Nanos(lock.until - 1)) == (lock,)
    assert bench.protections.active(lock.until) == ()
    bench.now = lock.until
    assert bench.due() == []
    bench.settle("ll")
    assert bench.due() == []
    bench.settle("l")
    assert bench.due() == ["loss_burst:all"]


def test_a_cleared_lock_is_over_and_what_was_before_counts_no_more() -> None:
    bench = Bench(BURST)
    bench.settle("lll")
    lock = bench.lock()
    bench.tell(m.LockCleared(name=lock.name, by="ann", reason="looked", ts=bench.now))
    assert bench.protections.active(bench.now) == ()
    assert bench.due() == []


def test_a_settlement_told_twice_counts_once() -> None:
    bench = Bench(BURST)
    bench.settle("ll")
    bench.tell(bench.events[-1])
    assert bench.due() == []


def test_locks_and_counts_survive_a_restart_and_a_snapshot() -> None:
    bench = Bench(BURST)
    bench.settle("lll")
    lock = bench.lock()
    bench.settle("ll")
    fold = Fold()
    for event in bench.events:
        fold.apply(event)
    whole = fold.state(len(bench.events), bench.now)
    again = msgspec.json.decode(msgspec.json.encode(whole), type=type(whole))
    assert again.protections == bench.protections.dump()
    restored = Fold()
    restored.apply(again)
    assert restored.protections.active(Nanos(lock.until - 1)) == (lock,)
    assert restored.protections.dump() == bench.protections.dump()


def test_the_lock_that_lasts_longest_is_the_one_that_is_named() -> None:
    bench = Bench(BURST)
    bench.settle("lll")
    short = bench.lock()
    long = msgspec.structs.replace(short, scope="KXSOL15M", until=Nanos(short.until + 1))
    assert holding((short, long), "KXSOL15M") is long
    assert holding((long,), "KXBTC15M") is None
    assert holding((), "KXSOL15M") is None


def test_profit_counts_fees() -> None:
    """Bought ten at 0.48 for a fee of 0.4368: paid back 4.80, it lost the fee."""
    bench = Bench(BURST)
    ticker = market_ticker("KXSOL15M", CLOSE)
    bench.tell(filled(ticker=ticker, quantity=Quantity(1_000)))
    held = bench.ledger.position(ticker)
    settled = m.PositionSettled(
        ticker=ticker,
        number=0,
        result=Outcome.YES,
        quantity=held.quantity,
        payout=money(4.80),
        fees=held.fees,
        ts=NOW,
    )
    bench.tell(settled)
    (closed,) = bench.protections.dump().closed
    assert closed.profit == -money(0.4368)
