"""All orders of one journal: the fold of their events, by our ids and by the exchange's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.orders import TERMINAL, OrderRecord, OrderState, advance
from core.domain.recent import Recent
from core.messages.base import Part
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages import Message


class OrdersState(Part, frozen=True, kw_only=True):
    """Everything that an order book knows, for a snapshot of the journal."""

    orders: tuple[OrderRecord, ...]
    trades: tuple[tuple[str, str], ...]
    """Trade id and the order it belongs to."""
    ended: tuple[tuple[str, None, Nanos], ...]
    seen: Nanos

    def unknown(self) -> Iterator[OrderRecord]:
        """Orders whose outcome nobody knows."""
        return (order for order in self.orders if order.state is OrderState.UNKNOWN)


class OrderBook:
    """Belongs to the execution role, its only writer. Orders long ended are forgotten whole.

    A fill of a forgotten order would be taken for somebody else's: shown, and not booked twice.
    """

    def __init__(self) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self.seen = Nanos(0)
        """Time of the newest event."""
        self._open: dict[str, None] = {}
        self._by_venue_id: dict[str, str] = {}
        self._trades: dict[str, str] = {}
        self._trades_of: dict[str, list[str]] = {}
        self._ended: Recent[None] = Recent()

    # --- questions -------------------------------------------------------------------------------

    def get(self, order_id: str) -> OrderRecord | None:
        """The order with our id, if it is ours."""
        return self.orders.get(order_id)

    def find(self, order_id: str, venue_order_id: str) -> OrderRecord | None:
        """The order by our id, or by the exchange's: ours may not be told, or have been changed.

        Whoever amends an order beside us can give it another id; its fills are ours all the same.
        """
        return self.orders.get(order_id) or self.orders.get(
            self._by_venue_id.get(venue_order_id, "")
        )

    def knows_trade(self, trade_id: str) -> bool:
        """Whether this fill is booked already."""
        return trade_id in self._trades

    def open(self) -> Iterator[OrderRecord]:
        """Orders that are neither closed nor rejected."""
        return (self.orders[order_id] for order_id in self._open)

    def is_open(self, order_id: str) -> bool:
        """Whether an order of ours is neither closed nor rejected."""
        return order_id in self._open

    # --- the fold --------------------------------------------------------------------------------

    def apply(self, event: Message) -> bool:
        """Fold one event; False when it changes nothing."""
        match event:
            case m.OrderApproved():
                return self._start(
                    OrderRecord(
                        request=event.request,
                        strategy=event.strategy,
                        state=OrderState.APPROVED,
                        submitted=event.created,
                    )
                )
            case m.OrderAdopted():
                return self._start(
                    OrderRecord(
                        request=event.request,
                        strategy=event.strategy,
                        state=OrderState.UNKNOWN,
                        venue_order_id=event.venue_order_id,
                        resting=event.request.quantity,
                        submitted=event.ts,
                    )
                )
            case _:
                return self._advance(event)

    def _start(self, order: OrderRecord) -> bool:
        if order.order_id in self.orders:
            return False
        self._keep(order, order.submitted)
        return True

    def _advance(self, event: Message) -> bool:
        order_id = getattr(event, "order_id", None)
        order = self.orders.get(order_id) if isinstance(order_id, str) else None
        if order is None or (isinstance(event, m.OrderFilled) and event.trade_id in self._trades):
            return False
        after = advance(order, event)
        if after is order:
            return False
        if isinstance(event, m.OrderFilled):
            self._note_trade(event.trade_id, order.order_id)
        ts: Nanos = event.ts  # type: ignore[attr-defined] # every event of an order has its time
        self._keep(after, ts)
        return True

    def _keep(self, order: OrderRecord, ts: Nanos) -> None:
        order_id = order.order_id
        self.orders[order_id] = order
        self.seen = max(self.seen, ts)
        if order.venue_order_id:
            self._by_venue_id[order.venue_order_id] = order_id
        if order.state in TERMINAL:
            self._open.pop(order_id, None)
            self._forget(self._ended.put(order_id, None, ts))
        else:
            self._open[order_id] = None

    def _note_trade(self, trade_id: str, order_id: str) -> None:
        self._trades[trade_id] = order_id
        self._trades_of.setdefault(order_id, []).append(trade_id)

    def _forget(self, gone: list[str]) -> None:
        """Forget orders that ended long ago, unless a late fill has revived them."""
        for order_id in gone:
            if order_id in self._open:
                continue
            order = self.orders.pop(order_id)
            self._by_venue_id.pop(order.venue_order_id, None)
            for trade_id in self._trades_of.pop(order_id, ()):
                del self._trades[trade_id]

    # --- snapshots -------------------------------------------------------------------------------

    def dump(self) -> OrdersState:
        """Everything that the fold has come to."""
        return OrdersState(
            orders=tuple(self.orders.values()),
            trades=tuple(self._trades.items()),
            ended=self._ended.dump(),
            seen=self.seen,
        )

    def load(self, state: OrdersState) -> None:
        """The inverse of `dump`, in place of what was here."""
        self.orders = {order.order_id: order for order in state.orders}
        self.seen = state.seen
        self._open = {o.order_id: None for o in state.orders if o.state not in TERMINAL}
        self._by_venue_id = {o.venue_order_id: o.order_id for o in state.orders if o.venue_order_id}
        self._trades, self._trades_of = {}, {}
        for trade_id, order_id in state.trades:
            self._note_trade(trade_id, order_id)
        self._ended.load(state.ended)
