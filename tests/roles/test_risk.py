"""The risk role: what it approves, refuses, books, marks and compares."""

from __future__ import annotations

from typing import TypeVar

import pytest
from msgspec.structs import replace

from core import messages as m
from core.exchange.listing import FeeType
from core.exchange.records import Outcome, Position, Settlement, Side, TimeInForce
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.topology import RISK, Routing
from core.units import Money, Nanos, Price, Quantity, seconds
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    account,
    approved,
    capital,
    contracts,
    filled,
    limits,
    money,
    permit,
    request,
    signal,
    terms,
    view,
)

M = TypeVar("M", bound=m.Message)


class Office:
    """A risk role on a runner with a journal, with capital and a permit unless told otherwise."""

    def __init__(self, *events: m.Message, ready: bool = True, **changes: object) -> None:
        self.journal = MemoryJournal(events=events)
        self.role = Risk(limits(**changes), "abc123")
        names = (RISK, "execution", "supervision", "dashboard", "operator")
        self.runner = Runner({RISK: self.role}, Routing(names), self.journal)
        self.runner.recover()
        if ready:
            self.tell(compared(), permit(), view())

    def tell(self, *messages: m.Message, at: Nanos = NOW) -> list[m.Message]:
        """What leaves because of these messages, each once."""
        left: dict[int, m.Message] = {}
        for message in messages:
            for _, answer in self.runner.run(RISK, message, at):
                left[id(answer)] = answer
        return list(left.values())


def of(messages: list[m.Message], kind: type[M]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]


def compared(open_orders: int = 0, foreign: int = 0, **changes: object) -> m.AccountBooked:
    return m.AccountBooked(report=account(**changes), foreign=foreign, open_orders=open_orders)


def test_a_good_signal_becomes_an_order_with_its_money_reserved() -> None:
    office = Office()
    (order,) = of(office.tell(signal()), m.OrderApproved)
    assert order.request.side is Side.BID
    assert order.request.price == Price(4800)
    assert order.request.time_in_force is TimeInForce.IOC
    assert order.request.shard == 2
    assert order.epoch == 2
    assert office.role.ledger.reserved == order.reserve
    assert order.reserve >= order.request.price * order.request.quantity


def test_a_wish_for_no_is_an_ask_at_the_yes_price() -> None:
    wish = signal(outcome=Outcome.NO, price=Price(5400), probability=0.63, edge=0.07)
    (order,) = of(Office().tell(wish), m.OrderApproved)
    assert (order.request.side, order.request.price) == (Side.ASK, Price(4600))


def test_order_ids_are_derived_and_never_repeat_across_a_restart() -> None:
    office = Office()
    (first,) = of(office.tell(signal()), m.OrderApproved)
    again = Office(*office.journal.events)
    again.tell(
        m.OrderClosed(
            order_id=first.request.client_order_id, reason="x", filled=Quantity(0), ts=NOW
        )
    )
    (second,) = of(again.tell(signal(signal_id="kelly_volatility:2")), m.OrderApproved)
    assert first.request.client_order_id == f"abc123-1-kelly_volatility-{TICKER}"
    assert second.request.client_order_id == f"abc123-2-kelly_volatility-{TICKER}"
    assert len(second.request.client_order_id) <= 64


def test_a_resting_order_dies_before_its_window() -> None:
    late = Nanos(CLOSE - seconds(35))
    office = Office()
    office.tell(view(ts_book=late, ts_index=late), permit(expires=CLOSE), at=late)
    wish = signal(style="make", created=late, expires=Nanos(late + seconds(2)), price=Price(4600))
    (order,) = of(office.tell(wish, at=late), m.OrderApproved)
    assert order.request.post_only
    assert order.request.expires == Nanos(late + seconds(20))
    assert order.request.expires <= Nanos(CLOSE - seconds(2))


STALE = Nanos(NOW - seconds(11))
REFUSALS = [
    ("not_trading_reducing", {}, [permit(state="REDUCING")]),
    ("signal_expired", {"expires": NOW}, []),
    ("strike_unknown", {}, [view(market=terms(strike=None))]),
    ("index_stale", {}, [view(ts_index=Nanos(NOW - seconds(4)))]),
    ("book_stale", {}, [view(book_fresh=False)]),
    ("book_stale", {}, [view(ts_book=STALE)]),
    ("min_edge", {"edge": 0.0299}, []),
    ("min_confidence", {"confidence": 0.49}, []),
    ("no_room_kelly", {"probability": 0.40}, []),
    ("no_room_depth", {"price": Price(4700)}, []),
    ("market_unknown", {"ticker": "KXSOL15M-26NOV221030-30"}, []),
]


@pytest.mark.parametrize(("code", "changes", "before"), REFUSALS)
def test_each_gate_refuses_with_its_code(
    code: str, changes: dict[str, object], before: list[m.Message]
) -> None:
    office = Office()
    office.tell(*before)
    left = office.tell(signal(**changes))
    assert [denial.code for denial in of(left, m.OrderDenied)] == [code]
    assert of(left, m.OrderApproved) == []


@pytest.mark.parametrize(
    ("left", "allowed"), [(29.9, False), (30, True), (870, True), (871, False)]
)
def test_the_window_is_open_only_between_its_limits(left: float, allowed: bool) -> None:
    at = Nanos(CLOSE - seconds(left))
    office = Office()
    office.tell(view(ts_book=at, ts_index=at), permit(expires=CLOSE), at=at)
    answer = office.tell(signal(expires=Nanos(at + 1)), at=at)
    assert len(of(answer, m.OrderApproved)) == allowed


def test_one_order_at_a_time_in_a_market() -> None:
    office = Office()
    office.tell(signal())
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "open_intent"


def test_an_unknown_order_blocks_its_market_until_it_is_clear() -> None:
    office = Office()
    (order,) = of(office.tell(signal()), m.OrderApproved)
    order_id = order.request.client_order_id
    office.tell(m.OrderUnknown(order_id=order_id, reason="x", ts=NOW))
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "order_unknown"
    office.tell(m.OrderRejected(order_id=order_id, code="not_found", text="", ts=NOW))
    assert of(office.tell(signal(signal_id="kelly_volatility:2")), m.OrderApproved)


def test_one_reading_of_the_market_is_acted_on_once_also_after_a_restart() -> None:
    office = Office()
    (order,) = of(office.tell(signal()), m.OrderApproved)
    order_id = order.request.client_order_id
    office.tell(m.OrderClosed(order_id=order_id, reason="x", filled=Quantity(0), ts=NOW))
    again = Office(*office.journal.events)
    again.tell(m.OrderClosed(order_id=order_id, reason="x", filled=Quantity(0), ts=NOW))
    for place in (office, again):
        (denial,) = of(place.tell(signal()), m.OrderDenied)
        assert denial.code == "signal_repeated"
        assert of(place.tell(signal(signal_id="kelly_volatility:2")), m.OrderApproved)


def test_position_exposure_and_cash_bound_the_size() -> None:
    sizes = [
        of(Office(**{name: money(10)}).tell(signal()), m.OrderApproved)[0].reserve
        for name in ("max_position", "max_exposure")
    ]
    assert all(reserve <= money(10) for reserve in sizes)


def test_money_that_is_reserved_elsewhere_is_not_spent_again() -> None:
    elsewhere = request("o", ticker="KXSOL15M-26NOV221000-00")
    taken = approved("o", request=elsewhere, reserve=money(9_990))
    busy = Office(capital(), taken, max_exposure=money(50_000))
    (order,) = of(busy.tell(signal()), m.OrderApproved)
    assert order.reserve <= money(10)


def test_what_is_held_already_counts_against_the_limit_of_the_bet() -> None:
    office = Office(max_position=money(12))
    office.tell(filled())
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "no_room_max_position_size"


def test_too_many_markets_at_once_are_refused() -> None:
    office = Office(max_concurrent=1)
    office.tell(filled(ticker="KXSOL15M-26NOV221000-00"))
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "concurrent_positions"


def test_the_daily_limit_stops_new_risk_without_a_halt() -> None:
    office = Office(max_daily_loss=money(5))
    loser = m.MarketDetermined(
        ticker=TICKER, result=Outcome.NO, value=None, ts_event=NOW, ts_recv=NOW
    )
    left = office.tell(filled(), loser, view())
    assert of(left, m.BreachDetected) == []
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "daily_loss"


def test_marks_use_the_price_that_could_be_had() -> None:
    office = Office()
    (picture,) = of(office.tell(filled(quantity=contracts(400))), m.LedgerMarked)
    assert picture.positions[0].value == money(300 * 0.46 + 100 * 0.45)
    assert picture.equity == picture.cash + picture.positions[0].value


def test_an_empty_book_keeps_the_last_mark() -> None:
    office = Office()
    office.tell(filled(), view(bids=()))
    (picture,) = of(office.tell(m.Tick(due=NOW)), m.LedgerMarked)
    assert picture.positions[0].bid == Price(4600)


@pytest.mark.parametrize(
    ("breaker", "code"),
    [
        ({"breaker_loss": 0.001}, "daily_loss_breaker"),
        ({"breaker_drawdown": 0.001}, "drawdown_breaker"),
    ],
)
def test_a_breach_is_reported_with_limit_and_value(breaker: dict[str, float], code: str) -> None:
    office = Office(**breaker)
    dear = filled(quantity=contracts(400), fee=money(6.9888))
    (breach,) = of(office.tell(dear), m.BreachDetected)
    assert breach.code == code
    assert breach.value >= breach.limit == 0.001


def test_a_window_that_ends_pays_its_position_once() -> None:
    office = Office()
    won = m.MarketDetermined(
        ticker=TICKER, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
    )
    left = office.tell(filled(), won, won)
    assert [event.payout for event in of(left, m.PositionSettled)] == [money(25)]
    assert office.role.ledger.cash == money(10_000 - 12 - 0.4368 + 25)


def test_the_first_report_of_an_empty_journal_is_the_capital() -> None:
    office = Office(ready=False)
    left = office.tell(compared())
    assert of(left, m.CapitalSet)[0].cash == money(10_000)
    assert of(left, m.Reconciled)[0].complete
    assert office.role.ledger.day == "2026-11-22"


def test_a_difference_counts_when_it_is_seen_twice() -> None:
    office = Office(capital())
    first = of(office.tell(compared(cash=money(9_990))), m.Reconciled)[0]
    assert (first.complete, first.differences) == (False, ())
    second = of(office.tell(compared(cash=money(9_990))), m.Reconciled)[0]
    assert second.differences[0].what == "cash"
    assert second.differences[0].ours == "10000.000000"
    assert second.differences[0].theirs == "9990.000000"


def test_nothing_is_compared_while_orders_are_open() -> None:
    office = Office(capital())
    for _ in range(2):
        result = of(office.tell(compared(1, cash=money(9_990))), m.Reconciled)[0]
        assert not result.complete
        assert result.differences == ()


SETTLED = Settlement(
    ticker=TICKER,
    result=Outcome.YES,
    yes_quantity=contracts(25),
    no_quantity=Quantity(0),
    yes_cost=money(12),
    no_cost=Money(0),
    revenue=money(25),
    fees=money(0.4368),
    settled=NOW,
    shard=2,
)


def held(quantity: Quantity) -> Position:
    return Position(
        ticker=TICKER,
        quantity=quantity,
        cost=money(12),
        realized=Money(0),
        fees=Money(0),
        traded=money(12),
        updated=NOW,
        shard=2,
    )


def test_a_position_that_differs_is_named() -> None:
    office = Office(capital(), filled())
    report = compared(cash=money(10_000 - 12 - 0.4368), positions=(held(contracts(20)),))
    office.tell(report)
    (difference,) = of(office.tell(report), m.Reconciled)[0].differences
    assert (difference.what, difference.ours, difference.theirs) == ("position", "25.00", "20.00")


def test_a_payout_that_is_not_booked_yet_is_no_difference() -> None:
    office = Office(capital(), filled())
    won = m.MarketDetermined(
        ticker=TICKER, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
    )
    office.tell(won)
    before_payout = compared(cash=money(10_000 - 12 - 0.4368), positions=(held(contracts(25)),))
    assert of(office.tell(before_payout), m.Reconciled)[0].complete


def test_a_position_that_differs_stops_its_market_and_no_other_until_both_agree() -> None:
    office = Office(capital(), filled())
    report = compared(cash=money(10_000 - 12 - 0.4368), positions=(held(contracts(20)),))
    office.tell(report, report)
    (denial,) = of(office.tell(signal()), m.OrderDenied)
    assert denial.code == "books_differ"
    other = "KXSOL15M-26NOV221030-30"
    office.tell(view(market=terms(ticker=other)))
    assert of(office.tell(signal(ticker=other)), m.OrderApproved)
    agreed = compared(cash=money(10_000 - 12 - 0.4368), positions=(held(contracts(25)),))
    office.tell(agreed)
    assert of(office.tell(signal()), m.OrderApproved)


def test_positions_are_compared_while_orders_are_open_elsewhere() -> None:
    office = Office(capital(), filled(), filled("f2", "o", ticker="OTHER"))
    moving = m.AccountBooked(
        report=account(positions=(held(contracts(20)),)),
        foreign=0,
        open_orders=1,
        open_markets=("OTHER",),
    )
    office.tell(moving)
    (result,) = of(office.tell(moving), m.Reconciled)
    assert not result.complete
    assert [difference.key for difference in result.differences] == [TICKER]


def test_what_others_hold_in_our_market_is_theirs() -> None:
    office = Office(capital(), filled())
    shared = m.AccountBooked(
        report=account(positions=(held(contracts(20)),), cash=money(1)),
        foreign=1,
        open_orders=0,
        foreign_positions=((TICKER, Quantity(-contracts(5))),),
    )
    office.tell(shared)
    (result,) = of(office.tell(shared), m.Reconciled)
    assert (result.complete, result.differences) == (True, ())


def test_a_report_that_is_older_than_our_books_proves_nothing() -> None:
    office = Office(capital(), filled())
    old = compared(as_of=Nanos(NOW - 1))
    for _ in range(3):
        (result,) = of(office.tell(old), m.Reconciled)
        assert (result.complete, result.differences) == (False, ())


def test_two_reports_of_one_lagging_replica_are_one_finding() -> None:
    """Both were read before what our books know by their streams, so neither confirms the other."""
    office = Office(capital())
    later = Nanos(NOW + seconds(2))
    lagging, newer = compared(cash=money(9_990)), compared(cash=money(9_990), as_of=later)
    for _ in range(3):
        (result,) = of(office.tell(lagging, at=Nanos(NOW + seconds(1))), m.Reconciled)
        assert (result.complete, result.differences) == (False, ())
    (result,) = of(office.tell(newer, at=later), m.Reconciled)
    assert [difference.what for difference in result.differences] == ["cash"]


def test_a_gap_that_stays_counts_even_while_both_sides_move() -> None:
    office = Office(capital())
    office.tell(compared(cash=money(9_990)), filled())
    moved = compared(
        cash=money(9_990 - 12 - 0.4368), positions=(held(contracts(25)),), settlements=()
    )
    (result,) = of(office.tell(moved), m.Reconciled)
    assert [difference.what for difference in result.differences] == ["cash"]


@pytest.mark.parametrize(
    ("changes", "what", "theirs"),
    [
        ({"result": Outcome.NO, "revenue": Money(0)}, "settlement", "no"),
        ({"revenue": money(24)}, "settlement", "24.000000"),
        ({"fees": money(0.5)}, "fees", "0.500000"),
    ],
)
def test_a_settlement_that_differs_is_named_with_both_sides(
    changes: dict[str, object], what: str, theirs: str
) -> None:
    office = Office(capital(), filled())
    won = m.MarketDetermined(
        ticker=TICKER, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
    )
    office.tell(won)
    row = replace(SETTLED, **changes)
    report = compared(cash=money(10_000 - 12 - 0.4368 + 25), settlements=(row,))
    office.tell(report)
    (difference,) = of(office.tell(report), m.Reconciled)[0].differences
    assert (difference.what, difference.key, difference.theirs) == (what, TICKER, theirs)


@pytest.mark.parametrize(("fee", "differs"), [(0.4368, False), (0.4468, False), (0.4469, True)])
def test_a_fee_that_no_rounding_explains_is_a_breach(fee: float, differs: bool) -> None:
    office = Office()
    found = of(office.tell(filled(fee=money(fee))), m.BreachDetected)
    assert [breach.code for breach in found] == ["fee_differs"] * differs


def test_a_fee_that_no_formula_explains_is_a_breach_and_no_end_of_the_books() -> None:
    office = Office()
    office.tell(view(market=terms(fee_type=FeeType.FLAT)))
    (breach,) = of(office.tell(filled()), m.BreachDetected)
    assert (breach.code, breach.value) == ("fee_differs", 0.4368)


def test_a_window_that_ended_unseen_is_settled_from_the_account() -> None:
    office = Office(capital(), filled())
    row = SETTLED
    left = office.tell(compared(cash=money(10_000 - 12 - 0.4368 + 25), settlements=(row,)))
    assert of(left, m.PositionSettled)[0].payout == money(25)
    assert not of(left, m.Reconciled)[0].complete
    again = office.tell(compared(cash=money(10_000 - 12 - 0.4368 + 25), settlements=(row,)))
    assert of(again, m.Reconciled)[0].complete


def test_the_trading_day_rolls_at_midnight_in_new_york() -> None:
    office = Office()
    before = Nanos(CLOSE + seconds(13.7 * 3600))
    after = Nanos(CLOSE + seconds(13.8 * 3600))
    assert of(office.tell(m.Tick(due=before), at=before), m.DayOpened) == []
    assert [day.day for day in of(office.tell(m.Tick(due=after), at=after), m.DayOpened)] == [
        "2026-11-23"
    ]


def test_the_fold_of_the_journal_is_the_books_before_the_crash() -> None:
    office = Office()
    office.tell(signal(), filled(order_id=f"abc123-1-kelly_volatility-{TICKER}"))
    again = Office(*office.journal.events, filled(order_id="x"), ready=False)
    assert again.role.ledger.cash == office.role.ledger.cash
    assert again.role.ledger.positions == office.role.ledger.positions
