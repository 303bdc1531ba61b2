"""A paper account after a restart: what the journal says it was when the process ended.

The paper venue keeps nothing on disk. Its only customer does: the journal's fold has the cash, the
positions and every order. So the account is taken up from there. What rested is cancelled, as if
the venue had been closed meanwhile; what was on its way never arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.orders import OrderState
from core.domain.positions import own_leg
from core.exchange.engine_types import AccountPast
from core.exchange.records import Order, OrderStatus, Position
from core.units import Money, Nanos, Quantity, notional, seconds

if TYPE_CHECKING:
    from core.domain.fold import Fold
    from core.domain.orders import OrderRecord
    from core.domain.positions import Position as Held

ASK_EVERY: Final = seconds(30.0)


class PaperPast(msgspec.Struct, frozen=True, kw_only=True):
    """The account, and what is told of orders that the old venue had."""

    account: AccountPast
    orders: tuple[Order, ...]


def past_of(fold: Fold, shard: int, now: Nanos) -> PaperPast | None:
    """What a journal's fold says of the paper account; None before any capital was set."""
    ledger = fold.ledger
    if ledger.cash is None:
        return None
    account = AccountPast(
        cash=ledger.cash,
        deposits=ledger.capital,
        fees=ledger.fees,
        positions=tuple(_position(held, shard, now) for held in ledger.positions.values()),
        shard=shard,
    )
    known = (order for order in fold.orders.open() if _was_there(order))
    return PaperPast(account=account, orders=tuple(_ended(o, now) for o in known))


def _was_there(order: OrderRecord) -> bool:
    """Whether the old venue had it for sure; of others absence is the answer."""
    return order.state is OrderState.LIVE or order.filled > 0


def _position(held: Held, shard: int, now: Nanos) -> Position:
    return Position(
        ticker=held.ticker,
        quantity=held.quantity,
        cost=held.cost,
        realized=held.realized,
        fees=held.fees,
        traded=held.cost,
        updated=now,
        shard=shard,
    )


def _ended(order: OrderRecord, now: Nanos) -> Order:
    request = order.request
    cost = notional(own_leg(request.side, request.price), order.filled)
    return Order(
        order_id=order.venue_order_id or f"before {order.order_id}",
        client_order_id=order.order_id,
        ticker=request.ticker,
        side=request.side,
        price=request.price,
        status=OrderStatus.CANCELED,
        initial=request.quantity,
        filled=order.filled,
        remaining=Quantity(0),
        taker_cost=cost,
        maker_cost=Money(0),
        taker_fees=Money(0),
        maker_fees=Money(0),
        created=order.submitted,
        updated=now,
        expires=request.expires,
        shard=request.shard or 0,
    )


class Awaited:
    """Markets in which the account held something when the process ended: their results are asked.

    The stream tells only of markets that end while somebody listens.
    """

    def __init__(self) -> None:
        self._tickers: dict[str, None] = {}
        self._asked: Nanos | None = None

    def expect(self, past: AccountPast) -> None:
        """Wait for these."""
        self._tickers = {row.ticker: None for row in past.positions}

    def heard(self, ticker: str) -> None:
        """A result has come."""
        self._tickers.pop(ticker, None)

    def questions(self, now: Nanos) -> list[m.Message]:
        """By series, every half minute until all are known."""
        if not self._tickers or (self._asked is not None and now - self._asked < ASK_EVERY):
            return []
        self._asked = now
        by_series: dict[str, list[str]] = {}
        for ticker in self._tickers:
            by_series.setdefault(ticker.partition("-")[0], []).append(ticker)
        return [
            m.QueryMarkets(series=series, tickers=tuple(tickers))
            for series, tickers in by_series.items()
        ]
