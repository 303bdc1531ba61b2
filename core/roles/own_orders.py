"""What the operator asks of one of our own orders: to cancel it, or to leave less of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.orders import OrderRecord, OrderState
from core.roles.quotes import cancel_of
from core.units import ONE_CONTRACT

if TYPE_CHECKING:
    from core.messages import Message
    from core.roles.order_news import OrderNews
    from core.units import Nanos


def cancel(news: OrderNews, command: m.CancelOwn, _: Nanos) -> list[Message]:
    """The cancel, and that it is on its way; what becomes of it is told by the order's events."""
    order = news.book.get(command.order_id)
    refusal = _refusal(order)
    if refusal or order is None:
        return [_refused(command, refusal)]
    return [
        cancel_of(order),
        m.CommandAnswered(command_id=command.command_id, order_id=order.order_id),
    ]


def decrease(news: OrderNews, command: m.DecreaseOwn, _: Nanos) -> list[Message]:
    """The decrease, and that it is on its way. More than what rests is new risk, so refused."""
    order = news.book.get(command.order_id)
    refusal = _refusal(order)
    if refusal or order is None:
        return [_refused(command, refusal)]
    if not 0 < command.remaining < order.resting:
        text = f"{order.resting / ONE_CONTRACT:g} contracts rest: ask for fewer, or cancel"
        return [_refused(command, "not_smaller", text)]
    effect = m.DecreaseOrder(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        ticker=order.request.ticker,
        shard=order.request.shard or 0,
        remaining=command.remaining,
    )
    return [effect, m.CommandAnswered(command_id=command.command_id, order_id=order.order_id)]


def decreased(news: OrderNews, answer: m.DecreaseAccepted, now: Nanos) -> list[Message]:
    """Less rests now; fills on their way are not touched by that."""
    order = news.book.get(answer.order_id)
    if order is None:
        return []
    smaller = m.OrderAccepted(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        filled=max(order.told, order.filled),
        remaining=answer.remaining,
        ts=now,
    )
    return news.conclude(order, [smaller], now)


def _refusal(order: OrderRecord | None) -> str:
    if order is None:
        return "not_found"
    if order.state is OrderState.UNKNOWN:
        return "order_unknown"
    return "" if order.rests else "order_not_open"


def _refused(
    command: m.CancelOwn | m.DecreaseOwn, refusal: str, text: str = ""
) -> m.CommandAnswered:
    return m.CommandAnswered(
        command_id=command.command_id, refusal=refusal, text=text, order_id=command.order_id
    )
