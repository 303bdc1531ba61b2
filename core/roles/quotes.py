"""How long an order of a strategy may rest: while the strategy says so and trading is allowed.

A wish to keep it is a lease. A strategy that has fallen silent, that was switched off or whose feed
has died, renews nothing, and its orders leave the book by no code of its own. What a person lets
rest is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.exchange.records import TimeInForce
from core.units import Nanos

if TYPE_CHECKING:
    from core.domain.order_book import OrderBook
    from core.domain.orders import OrderRecord
    from core.messages import Message
    from core.roles.execution_terms import ExecutionTerms


def cancel_of(order: OrderRecord) -> m.CancelOrder:
    """The cancel of an order that rests."""
    return m.CancelOrder(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        ticker=order.request.ticker,
        shard=order.request.shard or 0,
    )


class Quotes:
    """Leases of resting orders. Belongs to the execution role."""

    def __init__(self, book: OrderBook, terms: ExecutionTerms) -> None:
        self._book = book
        self._terms = terms
        self._until: dict[str, Nanos] = {}
        self._unwanted: set[str] = set()
        self._cancelled: dict[str, Nanos] = {}
        self._allowed = Nanos(0)
        """When trading was allowed, or we began: an order waits so long for the next permit."""

    def begin(self, now: Nanos) -> None:
        """Nobody has had the time to renew anything."""
        self._allowed = now
        for order in self._book.open():
            self._until[order.order_id] = Nanos(now + self._terms.quote_lease)

    def keep(self, wish: m.KeepOrder, now: Nanos) -> list[Message]:
        """It may rest for longer, unless it was given up before."""
        del now
        if self._book.is_open(wish.order_id):
            known = self._until.get(wish.order_id, Nanos(0))
            self._until[wish.order_id] = max(known, wish.expires)
        return []

    def withdraw(self, wish: m.WithdrawOrder, now: Nanos) -> list[Message]:
        """Cancel it; what does not rest yet is cancelled as soon as it does."""
        order = self._book.get(wish.order_id)
        if order is None or not self._book.is_open(wish.order_id):
            return []
        self._unwanted.add(wish.order_id)
        return self._cancel(order, now)

    def forbidden(self) -> None:
        """Trading has ended: whatever rests for a strategy leaves with the next tick."""
        self._allowed = Nanos(-self._terms.quote_lease)

    def due(self, now: Nanos, *, allowed: bool) -> list[Message]:
        """Cancels of what nobody wants to rest any more."""
        if allowed:
            self._allowed = now
        forbidden = now - self._allowed >= self._terms.quote_lease
        out: list[Message] = []
        for order in self._book.open():
            if _is_quote(order) and (forbidden or self._is_over(order, now)):
                out += self._cancel(order, now)
        self._forget()
        return out

    def _is_over(self, order: OrderRecord, now: Nanos) -> bool:
        first = Nanos(order.submitted + self._terms.quote_lease)
        until = self._until.get(order.order_id, first)
        return order.order_id in self._unwanted or now >= until

    def _cancel(self, order: OrderRecord, now: Nanos) -> list[Message]:
        """Once in a while: an answer may be lost."""
        asked = self._cancelled.get(order.order_id)
        soon = asked is not None and now - asked < self._terms.ask_again
        if not order.rests or soon:
            return []
        self._cancelled[order.order_id] = now
        return [cancel_of(order)]

    def _forget(self) -> None:
        """Orders end; what is known of their leases must too."""
        is_open = self._book.is_open
        self._until = {i: until for i, until in self._until.items() if is_open(i)}
        self._cancelled = {i: at for i, at in self._cancelled.items() if is_open(i)}
        self._unwanted = {i for i in self._unwanted if is_open(i)}


def _is_quote(order: OrderRecord) -> bool:
    return order.request.time_in_force is TimeInForce.GTC and order.strategy != m.MANUAL
