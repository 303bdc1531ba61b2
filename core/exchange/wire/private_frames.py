"""Frames about the own account: fills, orders, positions. None of them is sequenced."""

from __future__ import annotations

from core.exchange.records import Side
from core.exchange.wire.market_frames import Body, Frame
from core.exchange.wire.scalars import Fixed


class FillBody(Body, frozen=True, kw_only=True):
    """An own execution. `post_position_fp` is the signed position after it."""

    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    book_side: Side
    yes_price_dollars: Fixed
    count_fp: Fixed
    fee_cost: Fixed
    ts_ms: int
    client_order_id: str = ""
    exchange_index: int | None = None
    outcome_side: str = ""
    post_position_fp: Fixed | None = None
    side: str = ""
    action: str = ""
    purchased_side: str = ""
    ts: int = 0
    subaccount: int | None = None


class FillFrame(Frame, frozen=True, kw_only=True, tag="fill"):
    """May arrive before the answer to the order that it fills."""

    msg: FillBody


class UserOrderBody(Body, frozen=True, kw_only=True):
    """An own order after a change; the market is called `ticker` here."""

    order_id: str
    ticker: str
    status: str
    book_side: Side
    yes_price_dollars: Fixed
    initial_count_fp: Fixed
    fill_count_fp: Fixed
    remaining_count_fp: Fixed
    created_ts_ms: int | None
    user_id: str = ""
    client_order_id: str = ""
    exchange_index: int | None = None
    outcome_side: str = ""
    side: str = ""
    is_yes: bool | None = None
    taker_fill_cost_dollars: Fixed = "0"
    maker_fill_cost_dollars: Fixed = "0"
    taker_fees_dollars: Fixed = "0"
    maker_fees_dollars: Fixed = "0"
    order_group_id: str | None = None
    self_trade_prevention_type: str | None = None
    last_updated_ts_ms: int = 0
    last_update_reason: str | None = None
    expiration_ts_ms: int | None = None
    created_time: str = ""
    subaccount_number: int | None = None


class UserOrder(Frame, frozen=True, kw_only=True, tag="user_order"):
    """The channel is `user_orders`, the type is singular."""

    msg: UserOrderBody


class MarketPositionBody(Body, frozen=True, kw_only=True):
    """An own position after a trade or a settlement."""

    market_ticker: str
    position_fp: Fixed
    position_cost_dollars: Fixed
    realized_pnl_dollars: Fixed
    fees_paid_dollars: Fixed
    user_id: str = ""
    position_fee_cost_dollars: Fixed = "0"
    volume_fp: Fixed = "0"
    subaccount: int | None = None


class MarketPosition(Frame, frozen=True, kw_only=True, tag="market_position"):
    """The channel is `market_positions`, the type is singular."""

    msg: MarketPositionBody


class GroupBody(Body, frozen=True, kw_only=True):
    """A step of an own order group."""

    event_type: str
    order_group_id: str
    contracts_limit_fp: Fixed | None = None
    ts_ms: int = 0


class GroupFrame(Frame, frozen=True, kw_only=True, tag="order_group_updates"):
    """Sequenced, unlike everything else about an account."""

    msg: GroupBody
