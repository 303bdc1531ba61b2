"""Own data on the stream: fills, orders, positions; none of it sequenced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.records import CancelRequest, Side, TimeInForce
from core.exchange.wire.control_frames import Ok
from core.exchange.wire.market_frames import (
    Ticker,
)
from core.exchange.wire.private_frames import FillFrame, MarketPosition, UserOrder
from core.units import SECOND, Nanos
from tests.contract.venue import CLOSES, NEXT, TICKER, Venue, order

if TYPE_CHECKING:
    from tests.contract.follower import Follower

IOC = TimeInForce.IOC


def test_s08_a_fill_is_told_to_its_owner_with_the_position_after_it(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("fill", "user_orders", "market_positions")
    served.quote(Side.ASK, "0.47", "18")
    placed = served.exchange.create_order(order("s08", Side.BID, "0.47", "25", time_in_force=IOC))
    follower.settle()
    (fill,) = [frame.msg for frame in follower.of(FillFrame)]
    (rest,) = served.exchange.fills()
    last_order = follower.of(UserOrder)[-1].msg
    position = follower.of(MarketPosition)[-1].msg
    assert (fill.order_id, fill.client_order_id, fill.trade_id) == (
        placed.order_id,
        "s08",
        rest.trade_id,
    )
    assert (fill.post_position_fp, fill.count_fp, fill.yes_price_dollars) == (
        "18.00",
        "18.00",
        "0.4700",
    )
    assert (fill.is_taker, fill.outcome_side, fill.exchange_index) == (True, "yes", 2)
    assert (last_order.status, last_order.fill_count_fp, last_order.remaining_count_fp) == (
        "canceled",
        "18.00",
        "0.00",
    )
    assert (position.position_fp, position.position_cost_dollars) == ("18.00", "8.460000")


def test_s09_own_channels_have_no_seq(served: Venue, follower: Follower) -> None:
    follower.subscribe("fill", "user_orders", "market_positions")
    follower.subscribe("ticker", market_tickers=[TICKER])
    served.quote(Side.ASK, "0.47", "18")
    served.exchange.create_order(order("s09", Side.BID, "0.47", "1", time_in_force=IOC))
    follower.command(
        id=4,
        cmd="update_subscription",
        params={"sids": [4], "action": "add_markets", "market_tickers": [NEXT.market_ticker]},
    )
    follower.settle()
    kinds = (FillFrame, UserOrder, MarketPosition, Ticker, Ok)
    assert all(follower.of(kind) for kind in kinds)
    assert {frame.seq for frame in follower.frames} == {0}


def test_s10_a_cancel_by_its_owner_has_no_reason_and_an_expiry_has(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("user_orders")
    placed = served.exchange.create_order(order("s10a", Side.BID, "0.40", "1"))
    served.exchange.cancel_order(CancelRequest(order_id=placed.order_id, ticker=TICKER, shard=2))
    expires = Nanos(served.clock.now() + 5 * SECOND)
    served.exchange.create_order(order("s10b", Side.BID, "0.40", "1", expires=expires))
    served.later(6)
    follower.settle()
    told = [
        (o.msg.client_order_id, o.msg.status, o.msg.last_update_reason)
        for o in follower.of(UserOrder)
    ]
    assert told == [
        ("s10a", "resting", None),
        ("s10a", "canceled", None),
        ("s10b", "resting", None),
        ("s10b", "canceled", "ExpiryCancel"),
    ]


def test_s11_a_settlement_is_told_as_a_position(served: Venue, follower: Follower) -> None:
    served.quote(Side.ASK, "0.50", "10")
    served.exchange.create_order(order("s11", Side.BID, "0.50", "10", time_in_force=IOC))
    follower.subscribe("market_positions")
    served.at(Nanos(CLOSES + 8 * SECOND))
    follower.settle()
    last = follower.of(MarketPosition)[-1].msg
    assert (last.position_fp, last.realized_pnl_dollars) == ("0.00", "5.000000")
