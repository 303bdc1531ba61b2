"""What the local exchange publishes to an account's owner, as bodies of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine_events import GroupEvent, UpdateReason
from core.exchange.records import Outcome
from core.exchange.wire import scalars as s
from core.exchange.wire.account import NO_USER, action_of
from core.exchange.wire.private_frames import (
    FillBody,
    GroupBody,
    MarketPositionBody,
    UserOrderBody,
)
from core.units import format_money, format_price, format_quantity

if TYPE_CHECKING:
    from core.exchange.engine_events import Filled, GroupChanged, OrderChanged, PositionChanged


def fill_body(event: Filled) -> FillBody:
    """An own execution."""
    fill = event.fill
    leg = fill.side.buys
    return FillBody(
        trade_id=fill.trade_id,
        order_id=fill.order_id,
        client_order_id=event.client_order_id,
        market_ticker=fill.ticker,
        exchange_index=fill.shard,
        is_taker=fill.is_taker,
        outcome_side=leg,
        book_side=fill.side,
        yes_price_dollars=format_price(fill.price),
        count_fp=format_quantity(fill.quantity),
        fee_cost=format_money(fill.fee),
        post_position_fp=format_quantity(event.post_position),
        side=leg,
        action=action_of(fill.side),
        purchased_side=leg,
        ts_ms=s.to_ms(fill.ts),
        ts=s.to_seconds(fill.ts),
        subaccount=0,
    )


def user_order_body(event: OrderChanged) -> UserOrderBody:
    """An own order after a change. The venue has no word for a cancel by its owner."""
    order = event.order
    said = event.reason not in (None, UpdateReason.CANCEL)
    return UserOrderBody(
        order_id=order.order_id,
        user_id=NO_USER,
        ticker=order.ticker,
        exchange_index=order.shard,
        status=order.status,
        outcome_side=order.side.buys,
        book_side=order.side,
        side=Outcome.YES,
        is_yes=True,
        yes_price_dollars=format_price(order.price),
        initial_count_fp=format_quantity(order.initial),
        fill_count_fp=format_quantity(order.filled),
        remaining_count_fp=format_quantity(order.remaining),
        taker_fill_cost_dollars=format_money(order.taker_cost),
        maker_fill_cost_dollars=format_money(order.maker_cost),
        taker_fees_dollars=format_money(order.taker_fees),
        maker_fees_dollars=format_money(order.maker_fees),
        client_order_id=order.client_order_id,
        order_group_id=order.group,
        self_trade_prevention_type=order.self_trade_prevention,
        created_ts_ms=s.to_ms(order.created),
        last_updated_ts_ms=s.to_ms(order.updated),
        last_update_reason=event.reason if said else None,
        expiration_ts_ms=None if order.expires is None else s.to_ms(order.expires),
        created_time=s.format_rfc3339(order.created),
        subaccount_number=0,
    )


def group_body(event: GroupChanged) -> GroupBody:
    """An own order group after a step; the limit only where it is news."""
    told = event.kind in (GroupEvent.CREATED, GroupEvent.LIMIT_UPDATED)
    return GroupBody(
        event_type=event.kind,
        order_group_id=event.group.group_id,
        contracts_limit_fp=format_quantity(event.group.limit) if told else None,
        ts_ms=s.to_ms(event.ts),
    )


def position_body(event: PositionChanged) -> MarketPositionBody:
    """An own position after a change."""
    position = event.position
    return MarketPositionBody(
        user_id=NO_USER,
        market_ticker=position.ticker,
        position_fp=format_quantity(position.quantity),
        position_cost_dollars=format_money(position.cost),
        realized_pnl_dollars=format_money(position.realized),
        fees_paid_dollars=format_money(position.fees),
        position_fee_cost_dollars=format_money(event.position_fees),
        volume_fp=format_quantity(event.volume),
        subaccount=0,
    )
