"""What each strategy holds in each market: a fold of approvals and fills.

The exchange knows one signed position of a market, and so does the ledger; several strategies may
stand behind it. What one of them may sell is what it bought and has not sold, at most what is left
of the whole: opposite holdings of two strategies have netted, and are there no more.

What an operator sells belongs to no strategy of its own: it is taken from those that hold it, in
the order in which they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.fold import StateFolded
from core.domain.recent import Newest, Recent
from core.exchange.records import Outcome, Side
from core.messages.data import Held
from core.units import Nanos, Quantity

if TYPE_CHECKING:
    from core.exchange.records import OrderRequest
    from core.messages import Message


class _Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose an order is, and whether it may take from others."""

    strategy: str
    takes: bool


class Holdings:
    """Mutable, inside a role. Knows each trade once, and forgets as the books do."""

    def __init__(self) -> None:
        self._owners: Recent[_Owner] = Recent()
        self._trades: Recent[None] = Recent()
        self._shares: Newest[dict[str, int]] = Newest()
        """Of each market, signed contracts by strategy: + YES, - NO."""

    def of(self, strategy: str, ticker: str) -> Held | None:
        """What `strategy` may sell there; the operator may sell all. None where that is nothing."""
        shares = self._shares.get(ticker)
        if not shares:
            return None
        whole = sum(shares.values())
        own = whole if strategy == m.MANUAL else shares.get(strategy, 0)
        if own * whole <= 0:
            return None
        outcome = Outcome.YES if own > 0 else Outcome.NO
        return Held(outcome=outcome, quantity=Quantity(min(abs(own), abs(whole))))

    def apply(self, event: Message) -> None:
        """Fold one event; those that are none of its business change nothing."""
        match event:
            case StateFolded():
                self._load(event)
            case m.OrderApproved():
                self._own(event.request, event.strategy, event.created)
            case m.OrderAdopted():
                self._own(event.request, event.strategy, event.ts)
            case m.OrderFilled():
                self._filled(event)
            case m.PositionSettled():
                self._shares.pop(event.ticker, None)
            case _:
                pass

    def _load(self, state: StateFolded) -> None:
        """From orders that were folded away, in the order in which they were approved."""
        self._owners, self._trades, self._shares = Recent(), Recent(), Newest()
        for order in state.orders.orders:
            self._own(order.request, order.strategy, order.submitted)
            self._book(order.request.ticker, order.request.side, order.filled, order.order_id)
        for trade_id, _ in state.orders.trades:
            self._trades.put(trade_id, None, state.orders.seen)

    def _own(self, request: OrderRequest, strategy: str, ts: Nanos) -> None:
        takes = request.reduce_only and strategy == m.MANUAL
        self._owners.put(request.client_order_id, _Owner(strategy=strategy, takes=takes), ts)

    def _filled(self, fill: m.OrderFilled) -> None:
        if fill.trade_id in self._trades:
            return
        self._trades.put(fill.trade_id, None, fill.ts)
        self._book(fill.ticker, fill.side, fill.quantity, fill.order_id)

    def _book(self, ticker: str, side: Side, quantity: Quantity, order_id: str) -> None:
        if not quantity:
            return
        sign = 1 if side is Side.BID else -1
        shares = self._shares.get(ticker)
        if shares is None:
            shares = self._shares[ticker] = {}
        owner = self._owners.get(order_id, _Owner(strategy="", takes=False))
        left = int(quantity)
        for name, held in list(shares.items()) if owner.takes else ():
            taken = min(left, max(0, -sign * held))
            shares[name] = held + sign * taken
            left -= taken
        if left:
            shares[owner.strategy] = shares.get(owner.strategy, 0) + sign * left
