"""The orders of one strategy that rest, or will: a fold of their events.

What a strategy sees of a book must not be its own order, or it would outbid itself. Where the
venue's book shows that order, it is taken out again; so a strategy sees the same on every venue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.orders import TERMINAL
from core.exchange.records import Outcome, Side, TimeInForce
from core.messages.data import OwnOrder
from core.units import Nanos, Price, Quantity, complement

if TYPE_CHECKING:
    from core.domain.book import Level
    from core.domain.fold import StateFolded
    from core.exchange.records import OrderRequest
    from core.messages import Message
    from core.roles.strategy import StrategyTerms

_ENDED: Final = 256
"""Orders remembered after their end: an older word of them may still come."""


class Quote:
    """One such order. Mutable, inside the role alone."""

    def __init__(self, request: OrderRequest, *, rests: bool = False) -> None:
        self.order_id = request.client_order_id
        self.ticker = request.ticker
        self.side = request.side
        self.yes_price = request.price
        self.left = request.quantity
        """What may still fill."""
        self.rests = rests
        """The exchange has told that it stands in the book."""
        self.kept = Nanos(0)
        """When execution was told last that it is wanted."""
        self.left_at: Nanos | None = None
        """When execution was told last that it is not."""
        self.trades: set[str] = set()

    @property
    def own(self) -> OwnOrder:
        """As a strategy knows it."""
        is_yes = self.side is Side.BID
        return OwnOrder(
            outcome=Outcome.YES if is_yes else Outcome.NO,
            price=self.yes_price if is_yes else complement(self.yes_price),
            quantity=self.left,
        )


class OwnQuotes:
    """Orders of `strategy` with a time in force beyond the moment, until they end."""

    def __init__(self, strategy: str, terms: StrategyTerms) -> None:
        self._strategy = strategy
        self._terms = terms
        self._quotes: dict[str, Quote] = {}
        self._ended: dict[str, None] = {}

    def of(self, ticker: str) -> Quote | None:
        """The one of a market: risk allows no second."""
        for quote in self._quotes.values():
            if quote.ticker == ticker:
                return quote
        return None

    def without(self, view: m.MarketView, quote: Quote) -> m.MarketView:
        """The picture with what rests named, and the book as others make it."""
        bids, asks = view.bids, view.asks
        if self._terms.own_shown and quote.rests:
            if quote.side is Side.BID:
                bids = _less(bids, quote.yes_price, quote.left)
            else:
                asks = _less(asks, quote.yes_price, quote.left)
        return msgspec.structs.replace(view, bids=bids, asks=asks, own=quote.own)

    # --- what execution is told ------------------------------------------------------------------

    def kept(self, quote: Quote, now: Nanos) -> list[Message]:
        """It may go on resting, told now and then; what was given up is not wanted again."""
        if quote.left_at is not None or now - quote.kept < self._terms.repeat_quote:
            return []
        quote.kept = now
        expires = Nanos(now + self._terms.quote_lease)
        return [m.KeepOrder(order_id=quote.order_id, expires=expires)]

    def withdrawn(self, quote: Quote, code: str, now: Nanos) -> list[Message]:
        """It shall leave the book, told until it has."""
        if quote.left_at is not None and now - quote.left_at < self._terms.repeat_quote:
            return []
        quote.left_at = now
        withdraw = m.WithdrawOrder(
            order_id=quote.order_id,
            strategy=self._strategy,
            ticker=quote.ticker,
            code=code,
            created=now,
        )
        return [withdraw]

    def all_withdrawn(self, code: str, now: Nanos) -> list[Message]:
        """The same of every one."""
        return [one for q in self._quotes.values() for one in self.withdrawn(q, code, now)]

    # --- the fold --------------------------------------------------------------------------------

    def load(self, state: StateFolded) -> None:
        """Take up what was folded away."""
        for order in state.orders.orders:
            if order.strategy == self._strategy and order.state not in TERMINAL:
                self._begin(order.request, rests=order.rests)

    def apply(self, event: Message) -> Quote | None:
        """Fold one event; the order that ended by it, if one did."""
        match event:
            case m.OrderApproved() if event.strategy == self._strategy:
                self._begin(event.request)
            case m.OrderAccepted():
                quote = self._quotes.get(event.order_id)
                if quote is not None:
                    quote.rests = event.remaining > 0
                    quote.left = Quantity(min(quote.left, event.remaining))
            case m.OrderFilled():
                quote = self._quotes.get(event.order_id)
                if quote is not None and event.trade_id not in quote.trades:
                    quote.trades.add(event.trade_id)
                    quote.left = Quantity(max(0, quote.left - event.quantity))
            case m.OrderClosed() | m.OrderRejected():
                return self._end(event.order_id)
            case _:
                pass
        return None

    def _begin(self, request: OrderRequest, *, rests: bool = False) -> None:
        order_id = request.client_order_id
        known = order_id in self._quotes or order_id in self._ended
        if request.time_in_force is TimeInForce.GTC and not known:
            self._quotes[order_id] = Quote(request, rests=rests)

    def _end(self, order_id: str) -> Quote | None:
        quote = self._quotes.pop(order_id, None)
        if quote is not None:
            self._ended[order_id] = None
            if len(self._ended) > _ENDED:
                del self._ended[next(iter(self._ended))]
        return quote


def _less(levels: tuple[Level, ...], price: Price, quantity: Quantity) -> tuple[Level, ...]:
    """The levels without so much of one of them."""
    kept = ((at, Quantity(size - quantity) if at == price else size) for at, size in levels)
    return tuple(level for level in kept if level[1] > 0)
