"""The execution role: one submission per intent, unknown is a state, fills once by any road."""

from __future__ import annotations

from typing import TypeVar

import pytest
from msgspec.structs import replace

from core import messages as m
from core.domain.orders import OrderState
from core.exchange.records import OrderStatus
from core.journal import MemoryJournal
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.runner import Runner
from core.topology import EXECUTION, Routing
from core.units import Nanos, Quantity, seconds
from tests.builders import (
    NOW,
    TICKER,
    account,
    approved,
    contracts,
    permit,
    venue_fill,
    venue_order,
)

M = TypeVar("M", bound=m.Message)


class Desk:
    """An execution role on a runner with a journal, and what left it."""

    def __init__(self, *events: m.Message, instance: str = "") -> None:
        self.journal = MemoryJournal(events=events)
        self.role = Execution(ExecutionTerms(instance=instance))
        names = (EXECUTION, "risk", "exchange", "dashboard", "supervision")
        self.runner = Runner({EXECUTION: self.role}, Routing(names), self.journal)
        self.runner.recover()
        self.sent: list[m.Message] = []

    def tell(self, *messages: m.Message, at: Nanos = NOW) -> list[m.Message]:
        """What leaves because of these messages, each once."""
        left: dict[int, m.Message] = {}
        for message in messages:
            for _, answer in self.runner.run(EXECUTION, message, at):
                left[id(answer)] = answer
        self.sent += left.values()
        return list(left.values())

    def state(self, order_id: str = "t-1") -> OrderState:
        """State of an order."""
        return self.role.book.orders[order_id].state

    def events(self, kind: type[M]) -> list[M]:
        """Journalled events of a kind."""
        return [event for event in self.journal.events if isinstance(event, kind)]


def only(messages: list[m.Message], kind: type[M]) -> M:
    """The one message of a kind."""
    found = [message for message in messages if isinstance(message, kind)]
    assert len(found) == 1, messages
    return found[0]


def placed(filled: float = 25, remaining: float = 0) -> m.PlaceAccepted:
    return m.PlaceAccepted(
        order_id="t-1",
        venue_order_id="v-1",
        filled=contracts(filled),
        remaining=contracts(remaining),
        ts_event=NOW,
        ts_recv=NOW,
    )


def lookup(*, order: bool, fills: bool = False, complete: bool = True) -> m.OrderLookup:
    return m.OrderLookup(
        order_id="t-1",
        order=venue_order() if order else None,
        fills=(venue_fill(),) if fills else (),
        complete=complete,
        ts_recv=NOW,
    )


def fill_report(trade_id: str = "f1", order_id: str = "t-1", **changes: object) -> m.FillReport:
    return m.FillReport(fill=venue_fill(trade_id, **changes), order_id=order_id, ts_recv=NOW)


LOST = m.PlaceAmbiguous(order_id="t-1", reason="time-out", ts_recv=NOW)


def submitted() -> Desk:
    desk = Desk(approved())
    desk.tell(permit(), approved())
    return desk


def test_an_approved_order_is_written_before_it_leaves() -> None:
    desk = Desk()
    left = desk.tell(permit(), approved())
    assert only(left, m.PlaceOrder).request == approved().request
    assert desk.events(m.OrderSubmitting)
    assert desk.state() is OrderState.SUBMITTING


def test_the_same_approval_twice_is_sent_once() -> None:
    desk = submitted()
    assert desk.tell(approved()) == []


@pytest.mark.parametrize(
    ("granted", "at", "code"),
    [
        (None, NOW, "no_permit"),
        (permit(expires=NOW), NOW, "no_permit"),
        (permit(state="REDUCING"), NOW, "no_permit"),
        (permit(epoch=3), NOW, "stale_epoch"),
        (permit(expires=Nanos(NOW + seconds(9))), Nanos(NOW + seconds(2)), "intent_expired"),
    ],
)
def test_without_a_valid_permit_and_a_fresh_intent_nothing_leaves(
    granted: m.Permit | None, at: Nanos, code: str
) -> None:
    desk = Desk()
    if granted:
        desk.tell(granted)
    left = desk.tell(approved(), at=at)
    assert only(left, m.OrderRejected).code == code
    assert not [message for message in left if isinstance(message, m.PlaceOrder)]


def test_a_halt_ends_the_permit_at_once() -> None:
    desk = Desk()
    halt = m.TradingStateChanged(state="HALTED", epoch=3, code="x", reason="x", by="x", ts=NOW)
    left = desk.tell(permit(), halt, approved())
    assert only(left, m.OrderRejected).code == "no_permit"


def test_an_order_closes_when_every_told_fill_is_booked() -> None:
    desk = submitted()
    desk.tell(placed(filled=25))
    assert desk.state() is OrderState.LIVE
    left = desk.tell(fill_report())
    assert only(left, m.OrderFilled).trade_id == "f1"
    assert only(left, m.OrderClosed).reason == "executed"
    assert desk.state() is OrderState.CLOSED


def test_an_unfilled_immediate_order_closes_at_once() -> None:
    desk = submitted()
    left = desk.tell(placed(filled=0, remaining=0))
    assert only(left, m.OrderClosed).filled == 0


def test_a_fill_before_the_answer_is_booked_and_waits_for_the_answer() -> None:
    desk = submitted()
    left = desk.tell(fill_report())
    assert only(left, m.OrderFilled)
    assert desk.state() is OrderState.LIVE
    desk.tell(placed(filled=25))
    assert desk.state() is OrderState.CLOSED


def test_a_fill_that_names_only_the_exchange_id_waits_for_that_id() -> None:
    desk = submitted()
    assert desk.tell(fill_report(order_id="")) == []
    left = desk.tell(placed(filled=25))
    assert only(left, m.OrderFilled)
    assert desk.state() is OrderState.CLOSED


def test_the_same_fill_by_stream_and_by_question_is_booked_once() -> None:
    desk = submitted()
    desk.tell(
        placed(filled=25), fill_report(), fill_report(order_id=""), lookup(order=True, fills=True)
    )
    assert len(desk.events(m.OrderFilled)) == 1


def test_an_unknown_outcome_is_asked_about_and_found() -> None:
    desk = submitted()
    left = desk.tell(LOST)
    assert only(left, m.QueryOrder).order_id == "t-1"
    assert desk.state() is OrderState.UNKNOWN
    desk.tell(lookup(order=True, fills=True))
    assert desk.state() is OrderState.CLOSED
    assert len(desk.events(m.OrderFilled)) == 1


def test_absence_is_proof_only_when_the_answer_reaches_beyond_the_sending() -> None:
    desk = submitted()
    desk.tell(LOST, lookup(order=False, complete=False))
    assert desk.state() is OrderState.UNKNOWN
    desk.tell(lookup(order=False, complete=True))
    assert desk.state() is OrderState.REJECTED


def test_an_unknown_order_is_asked_about_again_and_again() -> None:
    desk = submitted()
    desk.tell(LOST)
    soon, later = Nanos(NOW + seconds(0.5)), Nanos(NOW + seconds(1.5))
    assert not any(isinstance(x, m.QueryOrder) for x in desk.tell(m.Tick(due=soon), at=soon))
    assert only(desk.tell(m.Tick(due=later), at=later), m.QueryOrder)


def test_an_order_without_an_answer_becomes_unknown() -> None:
    desk = submitted()
    late = Nanos(NOW + seconds(11))
    left = desk.tell(m.Tick(due=late), at=late)
    assert only(left, m.OrderUnknown)
    assert only(left, m.QueryOrder)


def test_told_fills_that_do_not_come_are_asked_for() -> None:
    desk = submitted()
    desk.tell(placed(filled=25))
    late = Nanos(NOW + seconds(3))
    assert only(desk.tell(m.Tick(due=late), at=late), m.QueryOrder)


def test_a_rejection_releases_the_order() -> None:
    desk = submitted()
    left = desk.tell(
        m.PlaceRejected(order_id="t-1", code="insufficient_balance", text="", ts_recv=NOW)
    )
    assert only(left, m.OrderRejected).code == "insufficient_balance"


def test_a_rejection_after_a_fill_is_not_believed() -> None:
    desk = submitted()
    desk.tell(fill_report())
    left = desk.tell(m.PlaceRejected(order_id="t-1", code="x", text="", ts_recv=NOW))
    assert only(left, m.QueryOrder)
    assert desk.state() is OrderState.LIVE


def test_a_resting_order_ends_with_the_report_of_its_cancel() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25), fill_report(quantity=contracts(18)))
    gone = venue_order(status=OrderStatus.CANCELED, filled=contracts(18), remaining=Quantity(0))
    left = desk.tell(m.OrderReport(order=gone, ts_recv=NOW))
    assert only(left, m.OrderClosed).reason == "canceled"


def test_a_cancel_that_failed_is_looked_into() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    left = desk.tell(m.CancelRefused(order_id="t-1", code="not_found", ts_recv=NOW))
    assert only(left, m.QueryOrder)


def test_after_a_restart_every_open_order_is_asked_about() -> None:
    """Also one that was only approved: a power cut may have taken the entry that it left."""
    sent = m.OrderSubmitting(order_id="t-2", ts=NOW)
    desk = Desk(approved("t-1"), approved("t-2"), sent)
    left = desk.tell(m.Begin(recovered=3))
    assert only(left, m.OrderUnknown).order_id == "t-1"
    assert {ask.order_id for ask in left if isinstance(ask, m.QueryOrder)} == {"t-1", "t-2"}
    assert only(left, m.QueryAccount).since < NOW
    assert desk.tell(permit(), approved("t-1")) == []


def test_an_approved_order_that_never_left_is_rejected_once_its_absence_is_proven() -> None:
    desk = Desk(approved())
    desk.tell(m.Begin(recovered=1), lookup(order=False, complete=False))
    assert desk.state() is OrderState.UNKNOWN
    left = desk.tell(lookup(order=False))
    assert only(left, m.OrderRejected).code == "not_found"


def test_an_approved_order_that_had_left_is_found() -> None:
    desk = Desk(approved())
    desk.tell(m.Begin(recovered=1), lookup(order=True, fills=True))
    assert desk.state() is OrderState.CLOSED
    assert len(desk.events(m.OrderFilled)) == 1


def test_a_start_asks_back_to_the_last_news_of_the_journal() -> None:
    old = Nanos(NOW - seconds(7 * 24 * 3600))
    gone = m.OrderRejected(order_id="t-1", code="x", text="", ts=old)
    desk = Desk(approved(created=old), gone)
    assert only(desk.tell(m.Begin(recovered=2)), m.QueryAccount).since < old


LOST_ORDER = venue_order("abc123-7-kelly_volatility-KXSOL15M-26NOV221015-15")


def adopted() -> Desk:
    """The exchange tells of an order of ours that a power cut has taken from the journal."""
    desk = Desk(instance="abc123")
    desk.tell(account(orders=(LOST_ORDER,), fills=(venue_fill(),)))
    return desk


def test_an_order_of_ours_that_the_journal_lost_is_adopted_and_asked_about() -> None:
    desk = adopted()
    (event,) = desk.events(m.OrderAdopted)
    assert (event.number, event.strategy) == (7, "kelly_volatility")
    assert event.order_id == LOST_ORDER.client_order_id
    assert only(desk.sent, m.QueryOrder).order_id == LOST_ORDER.client_order_id
    assert only(desk.sent, m.QueryAccount)
    assert not [sent for sent in desk.sent if isinstance(sent, m.AccountBooked)]


def test_an_adopted_order_is_booked_like_any_other() -> None:
    desk = adopted()
    answer = replace(
        lookup(order=True, fills=True), order_id=LOST_ORDER.client_order_id, order=LOST_ORDER
    )
    desk.tell(answer)
    assert desk.state(LOST_ORDER.client_order_id) is OrderState.CLOSED
    left = desk.tell(account(orders=(LOST_ORDER,), fills=(venue_fill(),)))
    compare = only(left, m.AccountBooked)
    assert (compare.foreign, compare.open_orders) == (0, 0)
    assert len(desk.events(m.OrderFilled)) == 1


def test_orders_of_another_journal_are_not_adopted() -> None:
    desk = Desk(instance="ffffff")
    left = desk.tell(account(orders=(replace(LOST_ORDER, status=OrderStatus.RESTING),)))
    assert desk.events(m.OrderAdopted) == []
    assert only(left, m.AccountBooked).foreign == 1


def test_an_order_that_was_thought_absent_is_taken_back() -> None:
    desk = submitted()
    desk.tell(LOST, lookup(order=False))
    assert desk.state() is OrderState.REJECTED
    desk.tell(placed(filled=0, remaining=25))
    assert desk.state() is OrderState.LIVE
    assert desk.role.book.orders["t-1"].resting == contracts(25)


def test_a_late_rejection_of_a_live_order_is_not_believed() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    left = desk.tell(m.PlaceRejected(order_id="t-1", code="x", text="", ts_recv=NOW))
    assert only(left, m.QueryOrder)
    assert desk.events(m.OrderRejected) == []


def test_a_lost_answer_of_a_live_order_is_no_unknown_outcome() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    left = desk.tell(LOST)
    assert only(left, m.QueryOrder)
    assert desk.events(m.OrderUnknown) == []


def test_a_cancel_that_adds_up_ends_the_order() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25), fill_report(quantity=contracts(18)))
    done = m.CancelAccepted(order_id="t-1", reduced_by=contracts(7), ts_event=NOW, ts_recv=NOW)
    assert only(desk.tell(done), m.OrderClosed).reason == "canceled"


def test_a_cancel_that_does_not_add_up_is_looked_into() -> None:
    """Its fills are under way, or the exchange took a part of the order for reasons of its own."""
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    done = m.CancelAccepted(order_id="t-1", reduced_by=contracts(7), ts_event=NOW, ts_recv=NOW)
    assert only(desk.tell(done), m.QueryOrder)
    cut = venue_order(status=OrderStatus.CANCELED, filled=Quantity(0), remaining=Quantity(0))
    desk.tell(replace(lookup(order=True), order=cut))
    assert desk.state() is OrderState.CLOSED


def test_a_question_about_the_account_that_failed_is_asked_again_soon() -> None:
    desk = Desk()
    desk.tell(m.Begin(recovered=0))
    failed = m.QueryFailed(what="account", key="", reason="503", ts_recv=NOW)
    assert desk.tell(failed) == []
    soon = Nanos(NOW + seconds(2))
    assert only(desk.tell(m.Tick(due=soon), at=soon), m.QueryAccount)


def test_a_question_about_the_account_that_nobody_answers_is_asked_again() -> None:
    desk = Desk()
    desk.tell(m.Begin(recovered=0))
    late = Nanos(NOW + seconds(10))
    assert only(desk.tell(m.Tick(due=late), at=late), m.QueryAccount)
    answered = Desk()
    answered.tell(m.Begin(recovered=0), account())
    assert answered.tell(m.Tick(due=late), at=late) == []


def test_books_that_differ_are_looked_at_again_soon_and_further_back() -> None:
    desk = Desk()
    before = only(desk.tell(m.Tick(due=NOW)), m.QueryAccount)
    difference = m.Difference(what="position", key="x", ours="1", theirs="2")
    differs = m.Reconciled(complete=True, differences=(difference,), foreign=0, ts=NOW)
    later = Nanos(NOW + seconds(11))
    desk.tell(differs)
    again = only(desk.tell(m.Tick(due=later), at=later), m.QueryAccount)
    assert again.since < before.since


def test_a_stream_that_came_back_is_backfilled() -> None:
    desk = Desk()
    opened = m.StreamChanged(stream="market", conn=2, state="open", reason="", ts_recv=NOW)
    assert only(desk.tell(opened), m.QueryAccount)


def test_a_spot_venue_that_came_back_is_no_reason_to_ask_for_the_account() -> None:
    desk = Desk()
    opened = m.StreamChanged(stream="spot:kraken", conn=2, state="open", reason="", ts_recv=NOW)
    assert list(desk.tell(opened)) == []


def test_an_account_report_books_all_fills_of_an_order_and_closes_it() -> None:
    desk = submitted()
    desk.tell(placed(filled=25))
    fills = (venue_fill("f1", quantity=contracts(20)), venue_fill("f2", quantity=contracts(5)))
    left = desk.tell(account(fills=fills))
    assert only(left, m.OrderClosed).filled == contracts(25)
    assert only(left, m.AccountBooked).open_orders == 0


def test_orders_and_fills_of_others_are_left_alone_and_counted() -> None:
    desk = Desk()
    foreign = replace(venue_order("somebody", status=OrderStatus.RESTING), order_id="v-9")
    desk.tell(account(fills=(venue_fill("f9", "v-9"),), orders=(foreign,)))
    late = Nanos(NOW + seconds(61))
    desk.tell(m.Tick(due=late), at=late)
    left = desk.tell(account(orders=(foreign,)), at=late)
    assert only(left, m.AccountBooked).foreign == 2
    assert desk.events(m.OrderFilled) == []


def test_nothing_is_compared_where_nobody_knows_yet_whose_a_fill_is() -> None:
    """Who trades by hand on the account must not find it halted within the minute."""
    desk = Desk()
    theirs = venue_fill("f9", "v-9", quantity=contracts(5))
    desk.tell(m.FillReport(fill=theirs, order_id="", ts_recv=NOW))
    soon, late = Nanos(NOW + seconds(2)), Nanos(NOW + seconds(61))
    booked = only(desk.tell(account(fills=(theirs,)), at=soon), m.AccountBooked)
    assert (booked.foreign, booked.open_orders, booked.open_markets) == (0, 1, (TICKER,))
    desk.tell(m.Tick(due=late), at=late)
    booked = only(desk.tell(account(fills=(theirs,)), at=late), m.AccountBooked)
    assert (booked.foreign, booked.open_orders, booked.open_markets) == (1, 0, ())


@pytest.mark.parametrize("quantity", [0, -500])
def test_a_fill_of_nothing_is_not_written_down(quantity: int) -> None:
    """The ledger refuses it, and would at every start: it must not come into the journal."""
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    nothing = venue_fill(quantity=Quantity(quantity))
    desk.tell(m.FillReport(fill=nothing, order_id="", ts_recv=NOW))
    desk.tell(replace(lookup(order=True, fills=True), fills=(nothing,)))
    assert desk.events(m.OrderFilled) == []


def test_a_fill_of_an_order_whose_id_was_changed_beside_us_is_ours() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25))
    desk.tell(m.FillReport(fill=venue_fill(quantity=contracts(5)), order_id="new", ts_recv=NOW))
    assert only(desk.events(m.OrderFilled), m.OrderFilled).quantity == contracts(5)


def test_the_fold_of_the_journal_is_the_state_before_the_crash() -> None:
    desk = submitted()
    desk.tell(placed(filled=25), fill_report(quantity=contracts(20)))
    again = Desk(*desk.journal.events)
    assert again.role.book.orders == desk.role.book.orders


def smaller(remaining: float) -> m.DecreaseAccepted:
    return m.DecreaseAccepted(
        order_id="t-1", remaining=contracts(remaining), ts_event=NOW, ts_recv=NOW
    )


def test_an_order_that_was_made_smaller_ends_executed_when_it_fills() -> None:
    desk = submitted()
    desk.tell(placed(filled=5, remaining=20), fill_report(quantity=contracts(5)))
    desk.tell(smaller(10))
    left = desk.tell(
        fill_report("f2", quantity=contracts(10)),
        m.OrderReport(order=venue_order(filled=contracts(15), initial=contracts(25)), ts_recv=NOW),
    )
    assert only(left, m.OrderClosed).reason == "executed"


def test_a_decrease_that_overtook_a_fill_is_put_right_by_the_next_report() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25), smaller(10))
    desk.tell(
        m.OrderReport(
            order=venue_order(
                status=OrderStatus.RESTING, filled=contracts(5), remaining=contracts(10)
            ),
            ts_recv=NOW,
        )
    )
    assert desk.role.book.orders["t-1"].size == contracts(15)


def test_a_smaller_order_that_is_cancelled_needs_no_question() -> None:
    desk = submitted()
    desk.tell(placed(filled=0, remaining=25), smaller(10))
    gone = m.CancelAccepted(order_id="t-1", reduced_by=contracts(10), ts_event=NOW, ts_recv=NOW)
    assert only(desk.tell(gone), m.OrderClosed).reason == "canceled"


def places_asked(left: list[m.Message]) -> list[tuple[str, ...]]:
    return [message.tickers for message in left if isinstance(message, m.QueryPlaces)]


def test_places_in_queues_are_asked_now_and_then_while_something_rests() -> None:
    desk = submitted()
    assert not places_asked(desk.tell(m.Tick(due=NOW)))
    desk.tell(placed(filled=0, remaining=25))
    assert places_asked(desk.tell(m.Tick(due=NOW))) == [(TICKER,)]
    soon, later = Nanos(NOW + seconds(4)), Nanos(NOW + seconds(5))
    assert not places_asked(desk.tell(m.Tick(due=soon), at=soon))
    assert places_asked(desk.tell(m.Tick(due=later), at=later)) == [(TICKER,)]


def test_an_order_that_is_over_has_no_place_to_ask_for() -> None:
    desk = submitted()
    desk.tell(placed(filled=25, remaining=0), fill_report())
    assert not places_asked(desk.tell(m.Tick(due=NOW)))
