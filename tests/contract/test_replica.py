"""Portfolio reads that are behind the stream: all of them are of one and the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.port import Rejected
from core.exchange.records import OrderStatus, Side, TimeInForce
from core.exchange.wire.private_frames import FillFrame, UserOrder
from core.units import SECOND, Nanos, Quantity
from tests.contract.follower import follow
from tests.contract.test_faults import inject
from tests.contract.venue import CASH, CLOSES, OPENS, TICKER, Venue, order, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IOC = TimeInForce.IOC


@pytest.fixture
def lagging(tmp_path: Path) -> Iterator[Venue]:
    """Reads are two seconds behind."""
    made = served_venue(tmp_path, lag_seconds=2.0)
    made.at(Nanos(OPENS + 60 * SECOND))
    yield made
    assert made.running is not None
    made.exchange.close()  # type: ignore[attr-defined]
    made.running.stop()


def test_the_stream_is_ahead_of_the_reads_and_the_timestamp_says_by_how_much(
    lagging: Venue,
) -> None:
    follower = follow(lagging)
    follower.subscribe("fill", "user_orders")
    lagging.quote(Side.ASK, "0.50", "5")
    placed = lagging.exchange.create_order(order("l1", Side.BID, "0.50", "5", time_in_force=IOC))
    follower.settle()
    assert [f.msg.order_id for f in follower.of(FillFrame)] == [placed.order_id]
    assert [o.msg.status for o in follower.of(UserOrder)] == ["executed"]
    follower.close()
    exchange = lagging.exchange
    assert exchange.user_data_timestamp() == lagging.clock.now() - 2 * SECOND
    assert exchange.fills() == exchange.orders() == exchange.positions() == ()
    assert exchange.balance().on_shard(2) == CASH
    with pytest.raises(Rejected) as caught:
        exchange.order(placed.order_id)
    assert caught.value.status == 404
    lagging.later(2.0)
    assert [row.order_id for row in exchange.fills()] == [placed.order_id]
    assert exchange.order(placed.order_id).status is OrderStatus.EXECUTED
    assert [row.quantity for row in exchange.positions()] == [Quantity(500)]
    assert exchange.balance().on_shard(2) < CASH


def test_an_order_is_shown_as_it_was(lagging: Venue) -> None:
    placed = lagging.exchange.create_order(order("l2", Side.BID, "0.40", "10"))
    lagging.later(5.0)
    lagging.outsider(Side.ASK, "0.40", "4")
    row = lagging.exchange.order(placed.order_id)
    assert (row.status, row.remaining) == (OrderStatus.RESTING, Quantity(1000))
    lagging.later(2.0)
    row = lagging.exchange.order(placed.order_id)
    assert (row.filled, row.remaining) == (Quantity(400), Quantity(600))
    resting = lagging.exchange.orders(status=OrderStatus.RESTING)
    assert [each.order_id for each in resting] == [placed.order_id]


def test_a_cancelled_order_still_rests_in_the_list_for_a_while(lagging: Venue) -> None:
    lagging.exchange.create_order(order("l3", Side.BID, "0.40", "10"))
    lagging.later(5.0)
    lagging.exchange.cancel_all_orders()
    assert len(lagging.exchange.orders(status=OrderStatus.RESTING)) == 1
    lagging.later(2.0)
    assert lagging.exchange.orders(status=OrderStatus.RESTING) == ()


def test_payout_position_and_cash_arrive_together(lagging: Venue) -> None:
    lagging.quote(Side.ASK, "0.50", "10")
    lagging.exchange.create_order(order("l4", Side.BID, "0.50", "10", time_in_force=IOC))
    seen = []
    for at in (8, 9):
        lagging.at(Nanos(CLOSES + at * SECOND))
        exchange = lagging.exchange
        paid = exchange.balance().on_shard(2) > CASH
        seen.append((len(exchange.positions()), len(exchange.settlements()), paid))
    assert seen == [(1, 0, False), (0, 1, True)]


def test_a_lag_can_begin_and_end_as_a_fault(served: Venue) -> None:
    inject(served, "portfolio_lag", seconds=3.0)
    served.exchange.create_order(order("l5", Side.BID, "0.40", "10"))
    assert served.exchange.orders(ticker=TICKER) == ()
    inject(served, "portfolio_lag", seconds=0.0)
    assert len(served.exchange.orders(ticker=TICKER)) == 1
