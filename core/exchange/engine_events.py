"""What the simulated exchange says happened, in the order in which it happened.

Every call that changes something appends events; `SimulatedExchange.drain` hands them over. A
server turns them into frames, the paper venue into reports, a backtest into messages. Order inside
one match: `BookChanged`, `Traded`, `Filled` (maker, then taker) for each execution, then for each
order and account touched `OrderChanged`, `PositionChanged`, `BalanceChanged`. `ts` is the engine's
time of the change, which is the scheduled time for what happens by the clock.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from core.exchange.engine_types import MarketRow, OrderGroupRow, OrderRow, TrailingMean
from core.exchange.listing import ExchangeStatus, Trade
from core.exchange.records import Balance, Fill, Outcome, Position
from core.units import IndexValue, Money, Nanos, Price, Quantity


class UpdateReason(StrEnum):
    """Why an order row changed (kalshi.md 4.7); a new resting order has none."""

    DECREASE = "Decrease"
    AMEND = "Amend"
    CANCEL = "Cancel"
    """Cancelled by its owner: the venue's list has no word for it, frames carry none."""
    MARGIN_CANCEL = "MarginCancel"
    SELF_TRADE_CANCEL = "SelfTradeCancel"
    EXPIRY_CANCEL = "ExpiryCancel"
    CLOSE_CANCEL = "CloseCancel"
    HALT_CANCEL = "HaltCancel"
    TRADE = "Trade"
    POST_ONLY_CROSS_CANCEL = "PostOnlyCrossCancel"
    REDUCE_ONLY_CANCEL = "ReduceOnlyCancel"


class MarketEvent(StrEnum):
    """A step in a market's life. `OPENED` and `CLOSED` have no frame on the wire (kalshi.md 4.8):
    clients run their own clock; `ACTIVATED` and `DEACTIVATED` are the end and start of a pause.
    """

    CREATED = "created"
    OPENED = "opened"
    METADATA_UPDATED = "metadata_updated"
    """The strike is published."""
    DEACTIVATED = "deactivated"
    ACTIVATED = "activated"
    CLOSED = "closed"
    GRID_CHANGED = "price_level_structure_updated"
    """Other prices are valid from now on; what rests stays where it is."""
    DETERMINED = "determined"
    SETTLED = "settled"


class EngineEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of all events."""

    ts: Nanos


class BookChanged(EngineEvent, frozen=True, kw_only=True):
    """A level of one leg's bids changed by `delta`, in that leg's own price.

    A YES ask at p is a NO bid at 1 - p. `account` and `client_order_id` name the own order that
    triggered the change, by resting, leaving or taking; empty for outside liquidity.
    """

    ticker: str
    leg: Outcome
    price: Price
    delta: Quantity
    clock: int
    account: str = ""
    client_order_id: str = ""


class BookCleared(EngineEvent, frozen=True, kw_only=True):
    """The whole book of a closed market is gone; clients get an empty snapshot."""

    ticker: str
    clock: int


class Traded(EngineEvent, frozen=True, kw_only=True):
    """A public trade. Several executions of one incoming order are several trades."""

    trade: Trade


class Filled(EngineEvent, frozen=True, kw_only=True):
    """One side of a trade, for its owner. A bid acquires YES, an ask NO."""

    account: str
    fill: Fill
    client_order_id: str
    post_position: Quantity
    """Signed position after this fill."""

    @property
    def outcome(self) -> Outcome:
        """The leg acquired."""
        return Outcome.YES if self.fill.side == "bid" else Outcome.NO


class OrderChanged(EngineEvent, frozen=True, kw_only=True):
    """An order's row after a change; `reason` is None when it has just come to rest."""

    account: str
    order: OrderRow
    reason: UpdateReason | None


class PositionChanged(EngineEvent, frozen=True, kw_only=True):
    """A position after a trade or a settlement."""

    account: str
    position: Position
    position_fees: Money
    """Fees of what is open now; `position.fees` are those of the market's whole life."""
    volume: Quantity
    """Contracts traded by this account in this market."""


class GroupEvent(StrEnum):
    """What happened to an order group (kalshi.md 4.8)."""

    CREATED = "created"
    TRIGGERED = "triggered"
    RESET = "reset"
    DELETED = "deleted"
    LIMIT_UPDATED = "limit_updated"


class GroupChanged(EngineEvent, frozen=True, kw_only=True):
    """An order group took a step; `group` is its row afterwards."""

    account: str
    kind: GroupEvent
    group: OrderGroupRow


class BalanceChanged(EngineEvent, frozen=True, kw_only=True):
    """An account's spendable cash changed."""

    account: str
    balance: Balance


class MarketChanged(EngineEvent, frozen=True, kw_only=True):
    """A market took a step; `market` is its row afterwards."""

    kind: MarketEvent
    market: MarketRow


class StatusChanged(EngineEvent, frozen=True, kw_only=True):
    """The venue or a shard was paused or resumed."""

    status: ExchangeStatus


class IndexPublished(EngineEvent, frozen=True, kw_only=True):
    """An index value. Whole-second stamps go to the 1 Hz and the 5 Hz stream, others to the latter.

    The means are those of the 1 Hz frame (kalshi.md 4.9), None between whole seconds;
    `final_minute` is the one over (T-60 s, T] of the running quarter hour, which is not the
    settlement mean, and None outside that minute.
    """

    index_id: str
    value: IndexValue
    stamp: Nanos
    average_60s: TrailingMean | None
    final_minute: TrailingMean | None
