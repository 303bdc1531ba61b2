"""Plausible journals of any length: orders that fill, windows that settle, days that pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from core import messages as m
from core.domain.positions import payout
from core.exchange.records import Outcome
from core.units import Money, Nanos, Quantity, seconds
from tests.builders import NOW, approved, capital, contracts, filled, money

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOW = seconds(900)


def history(entries: int) -> list[m.Message]:
    """The first `entries` events of a trader who makes four orders in every window."""
    events: list[m.Message] = [
        capital(1_000_000),
        m.TradingStateChanged(state="ACTIVE", epoch=1, code="x", reason="x", by="x", ts=NOW),
    ]
    window = 0
    while len(events) < entries:
        events += _window(window)
        window += 1
    return events[:entries]


def _window(number: int) -> Iterator[m.Message]:
    start = Nanos(NOW + number * _WINDOW)
    ticker = f"KXSOL15M-{number:06d}"
    for part in range(4):
        ts = Nanos(start + part * seconds(200))
        order_id = f"abc123-{number * 4 + part + 1}-kelly_volatility-{ticker}"
        yield from _order(order_id, ticker, ts)
    end = Nanos(start + _WINDOW)
    result = Outcome.YES if number % 2 else Outcome.NO
    yield m.PositionSettled(
        ticker=ticker,
        number=0,
        result=result,
        quantity=contracts(4),
        payout=payout(contracts(4), result),
        ts=end,
    )
    if number % 96 == 95:
        yield m.DayOpened(day=f"day-{number // 96}", equity=money(1_000_000), ts=end)


def _order(order_id: str, ticker: str, ts: Nanos) -> Iterator[m.Message]:
    wish = approved(order_id, created=ts, reserve=Money(600_000))
    request = replace(wish.request, ticker=ticker, quantity=contracts(1))
    yield replace(wish, request=request)
    yield m.OrderSubmitting(order_id=order_id, ts=ts)
    yield m.OrderAccepted(
        order_id=order_id,
        venue_order_id=f"v-{order_id}",
        filled=contracts(1),
        remaining=Quantity(0),
        ts=ts,
    )
    yield filled(
        f"f-{order_id}", order_id, ticker=ticker, quantity=contracts(1), fee=Money(17_500), ts=ts
    )
    yield m.OrderClosed(order_id=order_id, reason="executed", filled=contracts(1), ts=ts)
