"""An order inside the engine: the mutable original of which rows are pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine.queues import Chunk
from core.exchange.engine_types import OrderRow
from core.exchange.records import OrderStatus, Side
from core.units import Money, Nanos, Price, Quantity, complement

if TYPE_CHECKING:
    from core.exchange.engine.groups import OrderGroup
    from core.exchange.records import OrderRequest


class LiveOrder(Chunk):
    """An order of an account. While it rests it is a chunk of its level's queue."""

    __slots__ = (
        "account",
        "client_order_id",
        "created",
        "expires",
        "filled",
        "group",
        "initial",
        "maker_cost",
        "maker_fees",
        "number",
        "order_id",
        "price",
        "request",
        "shard",
        "status",
        "taker_cost",
        "taker_fees",
        "updated",
    )

    def __init__(self, account: str, request: OrderRequest, order_id: str, now: Nanos) -> None:
        super().__init__(request.quantity)
        self.account = account
        self.request = request
        self.order_id = order_id
        self.client_order_id = request.client_order_id
        self.number = 0
        """Grows with every order of the venue."""
        self.shard = 0
        self.group: OrderGroup | None = None
        self.price = request.price
        self.initial = request.quantity
        self.filled = Quantity(0)
        self.expires = request.expires
        self.status = OrderStatus.RESTING
        self.taker_cost = self.maker_cost = Money(0)
        self.taker_fees = self.maker_fees = Money(0)
        self.created = self.updated = now

    @property
    def ticker(self) -> str:
        """Its market."""
        return self.request.ticker

    @property
    def side(self) -> Side:
        """Its side on the YES book."""
        return self.request.side

    @property
    def own_leg(self) -> Price:
        """Its limit as the price of the leg that it acquires."""
        return self.price if self.side is Side.BID else complement(self.price)

    def book_fill(self, cost: int, fee: Money, *, is_taker: bool) -> None:
        """Add a fill's cost on the leg acquired and its fee; `filled` is the matcher's business."""
        if is_taker:
            self.taker_cost = Money(self.taker_cost + cost)
            self.taker_fees = Money(self.taker_fees + fee)
        else:
            self.maker_cost = Money(self.maker_cost + cost)
            self.maker_fees = Money(self.maker_fees + fee)

    def row(self) -> OrderRow:
        """A picture of it now."""
        request = self.request
        resting = self.status is OrderStatus.RESTING
        return OrderRow(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            ticker=request.ticker,
            side=request.side,
            price=self.price,
            status=self.status,
            initial=self.initial,
            filled=self.filled,
            remaining=self.remaining if resting else Quantity(0),
            taker_cost=self.taker_cost,
            maker_cost=self.maker_cost,
            taker_fees=self.taker_fees,
            maker_fees=self.maker_fees,
            created=self.created,
            updated=self.updated,
            expires=self.expires,
            shard=self.shard,
            account=self.account,
            time_in_force=request.time_in_force,
            self_trade_prevention=request.self_trade_prevention,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            cancel_on_pause=request.cancel_on_pause,
            group="" if self.group is None else self.group.group_id,
        )
