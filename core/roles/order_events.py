"""From what the exchange said of an order to what execution writes down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.exchange.records import OrderStatus
from core.units import Quantity

if TYPE_CHECKING:
    from core.domain.orders import OrderRecord
    from core.exchange.records import Fill, Order
    from core.units import Nanos


def booking(order: OrderRecord, fill: Fill, now: Nanos) -> m.OrderFilled:
    """The booking of a fill of this order."""
    return m.OrderFilled(
        trade_id=fill.trade_id,
        order_id=order.order_id,
        ticker=fill.ticker,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        is_taker=fill.is_taker,
        ts_event=fill.ts,
        ts=now,
    )


def told(order: OrderRecord, report: Order, now: Nanos) -> m.OrderAccepted:
    """What an exchange's report says of the order, as an event."""
    resting = report.remaining if report.status is OrderStatus.RESTING else Quantity(0)
    return m.OrderAccepted(
        order_id=order.order_id,
        venue_order_id=report.order_id,
        filled=report.filled,
        remaining=resting,
        ts=now,
    )


def rejection(order: OrderRecord, code: str, now: Nanos, text: str = "") -> m.OrderRejected:
    """The end of an order that does not exist at the exchange."""
    return m.OrderRejected(order_id=order.order_id, code=code, text=text, ts=now)
