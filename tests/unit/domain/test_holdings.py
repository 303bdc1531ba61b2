"""Shares of strategies in the one position of a market."""

from __future__ import annotations

from msgspec.structs import replace

from core import messages as m
from core.domain.fold import folded
from core.domain.holdings import Holdings
from core.exchange.records import Outcome, Side
from core.messages.data import Held
from core.units import Quantity
from tests.builders import NOW, TICKER, approved, capital, contracts, filled


def order(
    number: int, strategy: str, side: Side, size: float, **request: object
) -> m.OrderApproved:
    made = approved(f"t-{number}", side=side, quantity=contracts(size), strategy=strategy)
    return replace(made, request=replace(made.request, **request))


def trade(number: int, side: Side, size: float, trade_id: str = "") -> m.OrderFilled:
    return filled(trade_id or f"f{number}", f"t-{number}", side=side, quantity=contracts(size))


def held(outcome: Outcome, size: float) -> Held:
    return Held(outcome=outcome, quantity=contracts(size))


def fold(*events: m.Message) -> Holdings:
    found = Holdings()
    for event in events:
        found.apply(event)
    return found


def bought(number: int, strategy: str, side: Side, size: float) -> list[m.Message]:
    return [order(number, strategy, side, size), trade(number, side, size)]


def test_each_strategy_holds_what_it_bought() -> None:
    books = fold(*bought(1, "a", Side.BID, 10), *bought(2, "b", Side.BID, 5))
    assert books.of("a", TICKER) == held(Outcome.YES, 10)
    assert books.of("b", TICKER) == held(Outcome.YES, 5)
    assert books.of(m.MANUAL, TICKER) == held(Outcome.YES, 15)
    assert books.of("c", TICKER) is None
    assert books.of("a", "KXSOL15M-26NOV221030-30") is None


def test_what_has_netted_against_another_strategy_is_there_no_more() -> None:
    books = fold(*bought(1, "a", Side.BID, 10), *bought(2, "b", Side.ASK, 4))
    assert books.of("a", TICKER) == held(Outcome.YES, 6)
    assert books.of("b", TICKER) is None
    whole = fold(*bought(1, "a", Side.BID, 10), *bought(2, "b", Side.ASK, 10))
    assert whole.of("a", TICKER) is whole.of(m.MANUAL, TICKER) is None


def test_a_fill_counts_once_by_whatever_road_it_came() -> None:
    books = fold(*bought(1, "a", Side.ASK, 10), trade(1, Side.ASK, 10))
    assert books.of("a", TICKER) == held(Outcome.NO, 10)


def test_what_an_operator_sells_is_taken_from_those_that_hold_it() -> None:
    books = fold(
        *bought(1, "a", Side.BID, 10),
        *bought(2, "b", Side.BID, 5),
        order(3, m.MANUAL, Side.ASK, 12, reduce_only=True),
        trade(3, Side.ASK, 12),
    )
    assert books.of("a", TICKER) is None
    assert books.of("b", TICKER) == held(Outcome.YES, 3)
    assert books.of(m.MANUAL, TICKER) == held(Outcome.YES, 3)


def test_a_settled_market_holds_nothing() -> None:
    settled = m.PositionSettled(
        ticker=TICKER,
        number=0,
        result=Outcome.YES,
        quantity=contracts(10),
        payout=approved().reserve,
        ts=NOW,
    )
    assert fold(*bought(1, "a", Side.BID, 10), settled).of("a", TICKER) is None


def test_a_snapshot_of_the_journal_gives_the_same_shares() -> None:
    events = [
        capital(),
        *bought(1, "a", Side.BID, 10),
        *bought(2, "b", Side.ASK, 3),
        order(3, m.MANUAL, Side.ASK, 2, reduce_only=True),
        m.OrderSubmitting(order_id="t-3", ts=NOW),
        trade(3, Side.ASK, 2),
    ]
    # Orders are sent before they fill: the journal's fold knows no fill of one that was not.
    sent = [m.OrderSubmitting(order_id=f"t-{number}", ts=NOW) for number in (1, 2)]
    written = [*events[:2], sent[0], events[2], events[3], sent[1], *events[4:]]
    live, restarted = fold(*written), fold(folded(written).state(len(written), NOW))
    for name in ("a", "b", m.MANUAL):
        assert live.of(name, TICKER) == restarted.of(name, TICKER)
    assert restarted.of("a", TICKER) == held(Outcome.YES, 5)
    restarted.apply(trade(3, Side.ASK, 2))
    assert restarted.of("a", TICKER) == held(Outcome.YES, 5)


def test_parts_of_contracts_are_kept() -> None:
    books = fold(order(1, "a", Side.BID, 1), trade(1, Side.BID, 0.37))
    assert books.of("a", TICKER) == Held(outcome=Outcome.YES, quantity=Quantity(37))
