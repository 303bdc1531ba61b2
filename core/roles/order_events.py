"""From what the exchange said of an order to what execution writes down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.positions import own_leg
from core.exchange.records import OrderRequest, OrderStatus, TimeInForce
from core.units import Quantity, notional

if TYPE_CHECKING:
    from core.domain.orders import OrderRecord
    from core.exchange.records import Fill, Order
    from core.units import Nanos

_ID_PARTS = 4
"""Of an order's id: instance, number, strategy, ticker (which has dashes of its own)."""


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


def order_number(instance: str, order_id: str) -> int | None:
    """The counter in an id that this journal derived; None for ids of others."""
    prefix, _, rest = order_id.partition("-")
    number = rest.partition("-")[0]
    ours = bool(instance) and prefix == instance
    return int(number) if ours and number.isascii() and number.isdigit() else None


def adoption(instance: str, report: Order, now: Nanos) -> m.OrderAdopted:
    """An order of ours that the journal does not know, as far as the exchange tells it.

    What may still fill is reserved at the order's price; its fee is not known beforehand.
    """
    number = order_number(instance, report.client_order_id)
    assert number is not None
    parts = report.client_order_id.split("-", _ID_PARTS - 1)
    resting = report.status is OrderStatus.RESTING
    request = OrderRequest(
        ticker=report.ticker,
        client_order_id=report.client_order_id,
        side=report.side,
        quantity=report.initial,
        price=report.price,
        time_in_force=TimeInForce.GTC if resting else TimeInForce.IOC,
        expires=report.expires,
        shard=report.shard,
    )
    return m.OrderAdopted(
        request=request,
        venue_order_id=report.order_id,
        strategy=parts[2] if len(parts) == _ID_PARTS else "",
        number=number,
        reserve=notional(own_leg(report.side, report.price), report.remaining),
        ts=now,
    )
