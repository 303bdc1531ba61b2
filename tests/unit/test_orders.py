"""The order table: every transition, and nothing outside of it."""

from __future__ import annotations

import pytest

from core import messages as m
from core.domain.order_book import OrderBook
from core.domain.orders import TRANSITIONS, OrderState
from core.units import Quantity
from tests.builders import NOW, approved, contracts, filled


def accepted(filled: float = 0, remaining: float = 25) -> m.OrderAccepted:
    return m.OrderAccepted(
        order_id="t-1",
        venue_order_id="v-1",
        filled=contracts(filled),
        remaining=contracts(remaining),
        ts=NOW,
    )


EVENTS: dict[type[m.Message], m.Message] = {
    m.OrderSubmitting: m.OrderSubmitting(order_id="t-1", ts=NOW),
    m.OrderAccepted: accepted(),
    m.OrderRejected: m.OrderRejected(order_id="t-1", code="x", text="", ts=NOW),
    m.OrderUnknown: m.OrderUnknown(order_id="t-1", reason="x", ts=NOW),
    m.OrderFilled: filled(),
    m.OrderClosed: m.OrderClosed(order_id="t-1", reason="x", filled=Quantity(0), ts=NOW),
}
PATHS: dict[OrderState, tuple[m.Message, ...]] = {
    OrderState.APPROVED: (),
    OrderState.SUBMITTING: (EVENTS[m.OrderSubmitting],),
    OrderState.UNKNOWN: (EVENTS[m.OrderSubmitting], EVENTS[m.OrderUnknown]),
    OrderState.LIVE: (EVENTS[m.OrderSubmitting], EVENTS[m.OrderAccepted]),
    OrderState.CLOSED: (
        EVENTS[m.OrderSubmitting],
        EVENTS[m.OrderAccepted],
        EVENTS[m.OrderClosed],
    ),
    OrderState.REJECTED: (EVENTS[m.OrderRejected],),
}


def book_in(state: OrderState) -> OrderBook:
    book = OrderBook()
    for event in (approved(), *PATHS[state]):
        book.apply(event)
    return book


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("kind", EVENTS)
def test_every_pair_of_state_and_event_follows_the_table(
    state: OrderState, kind: type[m.Message]
) -> None:
    book = book_in(state)
    book.apply(EVENTS[kind])
    order = book.get("t-1")
    assert order is not None
    assert order.state is TRANSITIONS.get((state, kind), state)


def test_an_approval_twice_is_one_order() -> None:
    book = book_in(OrderState.LIVE)
    assert not book.apply(approved())
    assert book.orders["t-1"].state is OrderState.LIVE


def test_a_report_that_was_overtaken_does_not_revive_an_order() -> None:
    book = book_in(OrderState.SUBMITTING)
    book.apply(accepted(filled=18, remaining=0))
    book.apply(accepted(filled=0, remaining=25))
    assert book.orders["t-1"].resting == 0
    assert book.orders["t-1"].told == contracts(18)


def test_a_fill_is_counted_once() -> None:
    book = book_in(OrderState.LIVE)
    book.apply(filled(quantity=contracts(5)))
    book.apply(filled(quantity=contracts(5)))
    assert book.orders["t-1"].filled == contracts(5)


def test_a_fill_after_the_end_is_still_the_truth() -> None:
    book = book_in(OrderState.CLOSED)
    assert book.apply(filled("late", quantity=contracts(5)))
    assert book.orders["t-1"].filled == contracts(5)


def test_an_order_is_found_by_either_id() -> None:
    book = book_in(OrderState.LIVE)
    assert book.find("", "v-1") is book.find("t-1", "")
    assert book.find("", "someone-else") is None


def test_events_of_orders_that_are_not_ours_change_nothing() -> None:
    assert not OrderBook().apply(filled())
