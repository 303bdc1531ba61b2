"""Frames about the own account as messages: fills and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.records import Fill, Order, OrderStatus
from core.exchange.wire import scalars as s
from core.exchange.wire.private_frames import FillFrame, MarketPosition, UserOrder
from core.messages import FillReport, Message, OrderReport

if TYPE_CHECKING:
    from core.exchange.wire.frames import Origin


def account_messages(
    frame: FillFrame | UserOrder | MarketPosition, origin: Origin
) -> tuple[Message, ...]:
    """What a frame about the own account says."""
    match frame:
        case FillFrame():
            return (_fill(frame, origin),)
        case UserOrder() if frame.msg.status in set(OrderStatus):
            return (_order(frame, origin),)
        case _:
            return ()  # positions follow from fills; an order of "unknown" status says nothing


def _fill(frame: FillFrame, origin: Origin) -> FillReport:
    body = frame.msg
    return FillReport(
        fill=Fill(
            trade_id=body.trade_id,
            order_id=body.order_id,
            ticker=body.market_ticker,
            side=body.book_side,
            price=s.price(body.yes_price_dollars),
            quantity=s.quantity(body.count_fp),
            fee=s.money(body.fee_cost),
            is_taker=body.is_taker,
            ts=s.from_ms(body.ts_ms),
            shard=body.exchange_index or 0,
        ),
        order_id=body.client_order_id,
        ts_recv=origin.ts_recv,
    )


def _order(frame: UserOrder, origin: Origin) -> OrderReport:
    body = frame.msg
    expires = body.expiration_ts_ms
    return OrderReport(
        order=Order(
            order_id=body.order_id,
            client_order_id=body.client_order_id,
            ticker=body.ticker,
            side=body.book_side,
            price=s.price(body.yes_price_dollars),
            status=OrderStatus(body.status),
            initial=s.quantity(body.initial_count_fp),
            filled=s.quantity(body.fill_count_fp),
            remaining=s.quantity(body.remaining_count_fp),
            taker_cost=s.money(body.taker_fill_cost_dollars),
            maker_cost=s.money(body.maker_fill_cost_dollars),
            taker_fees=s.money(body.taker_fees_dollars),
            maker_fees=s.money(body.maker_fees_dollars),
            created=s.from_ms(body.created_ts_ms or body.last_updated_ts_ms),
            updated=s.from_ms(body.last_updated_ts_ms or body.created_ts_ms or 0),
            expires=None if expires is None else s.from_ms(expires),
            shard=body.exchange_index or 0,
        ),
        ts_recv=origin.ts_recv,
    )
