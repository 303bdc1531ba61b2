"""What an exchange is asked and what it answers about an account, in fixed-point units.

These structs are the vocabulary of `core.exchange.port.Exchange`. They know nothing of JSON: the
spelling of one venue is the business of `core.exchange.wire`. Prices are YES prices unless the
field says otherwise; quantities of positions are signed (+ YES, - NO); times are UTC nanoseconds.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from core.units import Money, Nanos, Price, Quantity


class Side(StrEnum):
    """Side on the one YES book: bid buys YES (sells NO), ask sells YES (buys NO)."""

    BID = "bid"
    ASK = "ask"

    @property
    def buys(self) -> Outcome:
        """The leg that it acquires: a bid YES, an ask NO."""
        return Outcome.YES if self is Side.BID else Outcome.NO


class Outcome(StrEnum):
    """A leg of a binary contract, or the way it was settled."""

    YES = "yes"
    NO = "no"

    @property
    def other(self) -> Outcome:
        """The leg that is bought where this one is sold."""
        return Outcome.NO if self is Outcome.YES else Outcome.YES


class TimeInForce(StrEnum):
    """How long an order may live; good-till-time is `GTC` with `expires`."""

    GTC = "good_till_canceled"
    IOC = "immediate_or_cancel"
    FOK = "fill_or_kill"


class SelfTradePrevention(StrEnum):
    """Which of two own orders goes when they meet."""

    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class OrderStatus(StrEnum):
    """The exchange's three states of an order; partly filled and cancelled is `CANCELED`."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new limit order. `shard` None lets the exchange route by ticker; `expires` needs GTC."""

    ticker: str
    client_order_id: str
    side: Side
    quantity: Quantity
    price: Price
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    expires: Nanos | None = None
    shard: int | None = None
    group: str = ""
    """Id of an order group; it must be on the market's shard."""


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel one order; without ticker and shard a sharded exchange looks in shard 0 only."""

    order_id: str
    ticker: str | None = None
    shard: int | None = None


class AmendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Change price or size of a resting order.

    `total` is what is already filled plus what shall remain. `expires` 0 removes the expiry.
    """

    order_id: str
    ticker: str
    side: Side
    price: Price
    total: Quantity
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expires: Nanos | None = None
    shard: int | None = None


class DecreaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Make a resting order smaller, by or to a quantity: exactly one of the two."""

    order_id: str
    ticker: str | None = None
    reduce_by: Quantity | None = None
    reduce_to: Quantity | None = None
    shard: int | None = None


class OrderGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker on what its orders match within 15 seconds. `orders` are the exchange's ids.

    Once triggered it takes no order until it is reset.
    """

    group_id: str
    shard: int
    limit: Quantity
    is_triggered: bool
    orders: tuple[str, ...]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange took the order: what filled at once and what rests now.

    An IOC that filled nothing is also `Placed`, with both quantities 0. Averages are absent when
    nothing filled; `average_fee` is per contract.
    """

    order_id: str
    client_order_id: str
    filled: Quantity
    remaining: Quantity
    average_price: Price | None
    average_fee: Money | None
    ts: Nanos


class Canceled(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange took `reduced_by` contracts off the book."""

    order_id: str
    client_order_id: str
    reduced_by: Quantity
    ts: Nanos


class Reduced(msgspec.Struct, frozen=True, kw_only=True):
    """A decrease was taken; `remaining` rests now."""

    order_id: str
    client_order_id: str
    remaining: Quantity
    ts: Nanos


class Amended(msgspec.Struct, frozen=True, kw_only=True):
    """An amend was taken; quantities are absent when the exchange did not say them."""

    order_id: str
    client_order_id: str
    filled: Quantity | None
    remaining: Quantity | None
    ts: Nanos


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the exchange's books have it now.

    Costs are of the leg acquired (an ask at YES 0.21 costs 0.79 each), fees apart.
    """

    order_id: str
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    status: OrderStatus
    initial: Quantity
    filled: Quantity
    remaining: Quantity
    taker_cost: Money
    maker_cost: Money
    taker_fees: Money
    maker_fees: Money
    created: Nanos
    updated: Nanos
    expires: Nanos | None
    shard: int


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an own order; `trade_id` is its natural key."""

    trade_id: str
    order_id: str
    ticker: str
    side: Side
    price: Price
    quantity: Quantity
    fee: Money
    is_taker: bool
    ts: Nanos
    shard: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The one signed position of a market. `cost` is the cost of what is open, without fees."""

    ticker: str
    quantity: Quantity
    cost: Money
    realized: Money
    fees: Money
    traded: Money
    updated: Nanos
    shard: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What a settled market paid. `fees` are the trading fees of the position, again."""

    ticker: str
    result: Outcome | None
    yes_quantity: Quantity
    no_quantity: Quantity
    yes_cost: Money
    no_cost: Money
    revenue: Money
    fees: Money
    settled: Nanos
    shard: int


class ShardBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Spendable cash on one exchange shard, without what resting orders reserve."""

    shard: int
    cash: Money


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Cash of the account: the total, and the split that decides what an order can use."""

    cash: Money
    portfolio_value: Money
    shards: tuple[ShardBalance, ...]
    updated: Nanos

    def on_shard(self, shard: int) -> Money:
        """Spendable cash on a shard; the total where the venue does not split."""
        if not self.shards:
            return self.cash
        return Money(sum(part.cash for part in self.shards if part.shard == shard))
