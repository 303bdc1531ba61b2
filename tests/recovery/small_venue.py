"""The smallest exchange that can mislead a trader: one market, one account, no clock of its own.

It takes orders once by client id, fills and ends them when it is told to, and answers questions
with the truth of that moment. What it says is handed out; when it is heard is the search's choice.
It does not know reduce-only: our own books must keep an exit from beginning a position.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from core import messages as m
from core.exchange.records import Fill, Order, OrderRequest, OrderStatus, Position, Side
from core.units import DOLLAR_PRICE, Money, Nanos, Quantity, complement, notional, seconds
from tests.builders import NOW, TICKER, account, money, venue_fill, venue_order

_CASH = money(10_000)
_FEE = money(0.01)
_MARGIN = seconds(2.0)
"""As `DeskTerms.proof_margin`."""


class SmallVenue:
    """`now` is set by whoever drives it; every change of the books takes a nanosecond."""

    def __init__(self) -> None:
        self.now = NOW
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.arrivals = Counter[str]()

    def _changed(self) -> Nanos:
        self.now = Nanos(self.now + 1)
        return self.now

    # --- what happens there ----------------------------------------------------------------------

    def create(self, request: OrderRequest, taken: int) -> tuple[list[m.Message], m.Message]:
        """Frames and answer of an order that arrives; `taken` halves of it fill at once."""
        order_id, now = request.client_order_id, self._changed()
        self.arrivals[order_id] += 1
        if order_id in self.orders:
            code = "order_already_exists"
            return [], m.PlaceAmbiguous(order_id=order_id, reason=code, ts_recv=now)
        self.orders[order_id] = msgspec.structs.replace(
            venue_order(order_id),
            order_id=f"v{len(self.orders) + 1}",
            side=request.side,
            price=request.price,
            status=OrderStatus.RESTING,
            initial=request.quantity,
            filled=Quantity(0),
            remaining=request.quantity,
            created=now,
            updated=now,
        )
        frames = [self._frame(order_id)] if request.post_only else []
        for _ in range(taken):
            frames += self.fill(order_id)
        if not request.post_only and self.orders[order_id].remaining:
            frames += self.end(order_id)
        order = self.orders[order_id]
        return frames, m.PlaceAccepted(
            order_id=order_id,
            venue_order_id=order.order_id,
            filled=order.filled,
            remaining=order.remaining,
            ts_event=now,
            ts_recv=now,
        )

    def fill(self, order_id: str) -> list[m.Message]:
        """Half of the order trades, or the rest of it."""
        order, now = self.orders[order_id], self._changed()
        quantity = Quantity(min(order.remaining, (order.initial + 1) // 2))
        filled, left = Quantity(order.filled + quantity), Quantity(order.remaining - quantity)
        self.orders[order_id] = msgspec.structs.replace(
            order,
            filled=filled,
            remaining=left,
            status=OrderStatus.RESTING if left else OrderStatus.EXECUTED,
            updated=now,
        )
        fill = venue_fill(
            f"f{len(self.fills) + 1}",
            order.order_id,
            side=order.side,
            price=order.price,
            quantity=quantity,
            fee=_FEE,
            ts=now,
        )
        self.fills.append(fill)
        told = m.FillReport(fill=fill, order_id="", ts_recv=now)
        return [told, self._frame(order_id)]

    def end(self, order_id: str) -> list[m.Message]:
        """What rests of the order leaves the book."""
        self.orders[order_id] = msgspec.structs.replace(
            self.orders[order_id],
            remaining=Quantity(0),
            status=OrderStatus.CANCELED,
            updated=self._changed(),
        )
        return [self._frame(order_id)]

    def _frame(self, order_id: str) -> m.Message:
        return m.OrderReport(order=self.orders[order_id], ts_recv=self.now)

    @property
    def resting(self) -> list[str]:
        """Our ids of what rests."""
        return [i for i, order in self.orders.items() if order.status is OrderStatus.RESTING]

    # --- what it says ----------------------------------------------------------------------------

    def cancel(self, wanted: m.CancelOrder) -> tuple[list[m.Message], m.Message]:
        """Frames of a cancel and its answer."""
        order_id = wanted.order_id
        if order_id not in self.resting:
            return [], m.CancelRefused(order_id=order_id, code="not_found", ts_recv=self.now)
        reduced = self.orders[order_id].remaining
        frames = self.end(order_id)
        return frames, m.CancelAccepted(
            order_id=order_id, reduced_by=reduced, ts_event=self.now, ts_recv=self.now
        )

    def look(self, query: m.QueryOrder) -> m.Message:
        """The order as it is; absence is proof when nothing can be on its way any more."""
        order = self.orders.get(query.order_id)
        return m.OrderLookup(
            order_id=query.order_id,
            order=order,
            fills=tuple(f for f in self.fills if order and f.order_id == order.order_id),
            complete=self.now > query.since + _MARGIN,
            ts_recv=self.now,
        )

    def report(self) -> m.AccountReport:
        """The whole account."""
        held = self.position
        row = Position(
            ticker=TICKER,
            quantity=held,
            cost=Money(0),
            realized=Money(0),
            fees=Money(0),
            traded=Money(0),
            updated=self.now,
            shard=2,
        )
        return account(
            cash=Money(self.cash - self._locked()),
            orders=tuple(self.orders.values()),
            fills=tuple(self.fills),
            positions=(row,) if held else (),
            as_of=self.now,
            ts_recv=self.now,
        )

    @property
    def position(self) -> Quantity:
        """Signed contracts."""
        return Quantity(sum(f.quantity if f.side is Side.BID else -f.quantity for f in self.fills))

    @property
    def cash(self) -> Money:
        """Cash, with what resting orders lock: a pair of both legs is a dollar, and comes back."""
        spent = sum(notional(_leg(f.side, f.price), f.quantity) + f.fee for f in self.fills)
        bids = sum(f.quantity for f in self.fills if f.side is Side.BID)
        asks = sum(f.quantity for f in self.fills if f.side is Side.ASK)
        pairs = notional(DOLLAR_PRICE, Quantity(min(bids, asks)))
        return Money(_CASH - spent + pairs)

    def _locked(self) -> Money:
        rows = [self.orders[order_id] for order_id in self.resting]
        return Money(sum(notional(_leg(row.side, row.price), row.remaining) for row in rows))


def _leg(side: Side, price: int) -> int:
    return price if side is Side.BID else complement(price)  # type: ignore[arg-type]
