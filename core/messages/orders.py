"""The life of an order: effects to the exchange, its answers, and the journalled events.

Answers (`Place...`, `Cancel...`, reports) are what the exchange said; events (`Order...`) are what
execution concluded and wrote down. Only events change the books.

`order_id` is always ours (the `client_order_id`); the exchange's own id is `venue_order_id`.
"""

from __future__ import annotations

from core.exchange.records import Fill, Order, OrderRequest, Position, Settlement, Side
from core.messages.base import Message, Part
from core.units import Money, Nanos, Price, Quantity

# --- effects: asked of the exchange -----------------------------------------------------------


class PlaceOrder(Message, frozen=True, kw_only=True):
    """Submit an order. Carries the permit under which it was released."""

    request: OrderRequest
    epoch: int
    deadline: Nanos
    """Not to be sent after this."""


class CancelOrder(Message, frozen=True, kw_only=True):
    """Cancel one order."""

    order_id: str
    venue_order_id: str
    ticker: str
    shard: int


class CancelAllOrders(Message, frozen=True, kw_only=True):
    """Cancel everything that rests, one by one, and look again until nothing does."""

    reason: str
    epoch: int = 0
    """Orders of an earlier epoch may leave no more; the answer carries it back."""


class QueryOrder(Message, frozen=True, kw_only=True):
    """Ask what became of an order whose outcome is unknown."""

    order_id: str
    venue_order_id: str
    """Empty where the exchange never told it."""
    ticker: str
    since: Nanos
    """When it was sent: the answer must be newer than this to prove absence."""


class QueryAccount(Message, frozen=True, kw_only=True):
    """Ask for the whole account: orders, fills, positions, cash, settlements."""

    since: Nanos


# --- answers of the exchange --------------------------------------------------------------------


class PlaceAccepted(Message, frozen=True, kw_only=True):
    """The exchange took the order. `filled` may still be unbooked: fills come on their own."""

    order_id: str
    venue_order_id: str
    filled: Quantity
    remaining: Quantity
    ts_event: Nanos
    ts_recv: Nanos


class PlaceRejected(Message, frozen=True, kw_only=True):
    """The exchange refused, or the order was never sent: it does not exist there."""

    order_id: str
    code: str
    text: str
    ts_recv: Nanos


class PlaceAmbiguous(Message, frozen=True, kw_only=True):
    """Nobody knows whether the order exists."""

    order_id: str
    reason: str
    ts_recv: Nanos


class CancelAccepted(Message, frozen=True, kw_only=True):
    """The rest of an order was cancelled."""

    order_id: str
    reduced_by: Quantity
    ts_event: Nanos
    ts_recv: Nanos


class CancelRefused(Message, frozen=True, kw_only=True):
    """A cancel did not work: gone already, market closed, or unknown. Look before concluding."""

    order_id: str
    code: str
    ts_recv: Nanos


class CancelAllDone(Message, frozen=True, kw_only=True):
    """The proof of a stop: how many were cancelled, and what still rests."""

    cancelled: int
    resting: int
    reason: str
    epoch: int = 0
    """Of the request: an answer to an earlier one proves nothing of a later one."""
    ts_recv: Nanos


class OrderReport(Message, frozen=True, kw_only=True):
    """An order's state as the exchange sees it, from the stream or from a query."""

    order: Order
    ts_recv: Nanos


class FillReport(Message, frozen=True, kw_only=True):
    """One fill as the exchange reports it, from the stream or from a query."""

    fill: Fill
    order_id: str
    """Empty where the source does not say it: join on the exchange's id then."""
    ts_recv: Nanos


class OrderLookup(Message, frozen=True, kw_only=True):
    """The answer to `QueryOrder`."""

    order_id: str
    order: Order | None
    """None: not in the exchange's list."""
    fills: tuple[Fill, ...]
    complete: bool
    """The exchange's data reach beyond the time of sending, so that absence is proof."""
    ts_recv: Nanos


class AccountReport(Message, frozen=True, kw_only=True):
    """The answer to `QueryAccount`."""

    cash: Money
    """Spendable on the shard of the series: what resting orders reserve is not in it."""
    orders: tuple[Order, ...]
    """Those that rest, and those made since the time asked for."""
    fills: tuple[Fill, ...]
    """Since the time asked for."""
    positions: tuple[Position, ...]
    settlements: tuple[Settlement, ...]
    as_of: Nanos
    ts_recv: Nanos


class QueryFailed(Message, frozen=True, kw_only=True):
    """A question could not be asked or answered; the asker decides when to ask again."""

    what: str
    key: str
    reason: str
    ts_recv: Nanos


# --- events: concluded by execution, journalled -----------------------------------------------


class OrderAdopted(Message, frozen=True, kw_only=True):
    """The exchange has an order under an id of ours that the journal does not know. Journalled.

    A power cut took its entries; nobody else makes ids that begin with this journal's instance.
    """

    request: OrderRequest
    """As far as the exchange tells it."""
    venue_order_id: str
    strategy: str
    number: int
    """The counter in its id: the next order's must be higher."""
    reserve: Money
    ts: Nanos

    @property
    def order_id(self) -> str:
        """Our id."""
        return self.request.client_order_id


class OrderSubmitting(Message, frozen=True, kw_only=True):
    """Written before the order leaves. Journalled."""

    order_id: str
    ts: Nanos


class OrderAccepted(Message, frozen=True, kw_only=True):
    """The order exists at the exchange. Journalled."""

    order_id: str
    venue_order_id: str
    filled: Quantity
    """What the exchange says is filled so far."""
    remaining: Quantity
    ts: Nanos


class OrderRejected(Message, frozen=True, kw_only=True):
    """The order does not exist and never will. Journalled."""

    order_id: str
    code: str
    text: str
    ts: Nanos


class OrderUnknown(Message, frozen=True, kw_only=True):
    """The order may exist. Its market is blocked until the exchange has been asked. Journalled."""

    order_id: str
    reason: str
    ts: Nanos


class OrderFilled(Message, frozen=True, kw_only=True):
    """A fill, booked once per trade id. Journalled."""

    trade_id: str
    order_id: str
    ticker: str
    side: Side
    price: Price
    """YES price."""
    quantity: Quantity
    fee: Money
    is_taker: bool
    ts_event: Nanos
    ts: Nanos


class OrderClosed(Message, frozen=True, kw_only=True):
    """Nothing more can happen to the order and every fill of it is booked. Journalled."""

    order_id: str
    reason: str
    """executed, canceled, expired, ..."""
    filled: Quantity
    ts: Nanos


class Difference(Part, frozen=True, kw_only=True):
    """Two books that disagree: what we have, what the exchange has."""

    what: str
    """cash, position, order, fill, settlement."""
    key: str
    ours: str
    theirs: str


class AccountBooked(Message, frozen=True, kw_only=True):
    """Execution has booked every own fill of a report: now the books can be compared."""

    report: AccountReport
    foreign: int
    """Orders and fills at the exchange that are not ours: left alone."""
    open_orders: int
    """Own orders that are not closed, and markets with fills that may be ours or not: while there
    are any, cash is in motion."""
    open_markets: tuple[str, ...] = ()
    """Markets of those: while there are any, the position there is in motion."""
    foreign_positions: tuple[tuple[str, Quantity], ...] = ()
    """What others traded on this account, signed, by market."""


class Reconciled(Message, frozen=True, kw_only=True):
    """Our books were held against the exchange's."""

    complete: bool
    """False where orders in motion kept cash and positions from being compared."""
    differences: tuple[Difference, ...]
    foreign: int
    """Orders, fills and positions at the exchange that are not ours: left alone."""
    ts: Nanos
