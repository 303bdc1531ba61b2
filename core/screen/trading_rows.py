"""Rows about decisions, orders and money.

Money and prices are dollars, quantities contracts, times RFC 3339 in UTC. None where a number is
not known: nothing is shown as zero that is not zero.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Part
from core.screen.market_rows import Side


class PositionRow(Part, frozen=True, kw_only=True):
    """One open position and what it would bring. All P&L after the fees charged so far."""

    ticker: str
    side: Side
    contracts: float
    cost: float
    fees: float
    realized: float
    """From contracts of this window already closed, before fees."""
    average_price: float
    value: float
    """At the price that could be had now, before the fee of selling."""
    bid: float | None
    pnl_now: float
    pnl_if_yes: float
    pnl_if_no: float
    break_even: float | None
    """Price of the own leg at which selling all would bring the window's P&L to nothing, before the
    fee of selling; None where no price does."""


class GaugeRow(Part, frozen=True, kw_only=True):
    """A limit and how much of it is used."""

    name: str
    kind: Literal["limit", "breaker"]
    unit: Literal["dollars", "share", "count"]
    used: float
    limit: float
    share: float
    """used / limit, 1 at the limit."""


class AccountRow(Part, frozen=True, kw_only=True):
    """Money: cash, equity, profit and loss, open positions, limits."""

    cash: float
    reserved: float
    exposure: float
    equity: float
    realized_pnl: float
    """After all fees."""
    unrealized_pnl: float
    fees: float
    daily_pnl: float
    day_open: float
    peak: float
    drawdown: float
    bankroll: float
    """What stakes are computed from: the equity, at most `bankroll_limit`."""
    bankroll_limit: float
    settled_windows: int
    positions: tuple[PositionRow, ...]
    gauges: tuple[GaugeRow, ...]
    at: str


class TradeRow(Part, frozen=True, kw_only=True):
    """One order through its whole life, under the names that existing clients use."""

    trade_id: str
    """Our id: the client order id."""
    order_id: str | None
    """The exchange's id; None until it is told."""
    ticker: str
    side: Side
    order_type: str
    """`ioc` takes at once what there is; `limit` rests."""
    quantity: float
    price: float
    """Limit in dollars of the own leg."""
    status: str
    """pending, submitted, open, partially_filled, filled, cancelled, rejected, unknown."""
    filled_quantity: float
    remaining_quantity: float
    """What may still fill: less than the rest once it was made smaller, 0 when it is over."""
    queue_position: float | None
    """Contracts that trade before it at its price, at the exchange's last word; None where nothing
    of it rests or nothing was told."""
    queue_at: str | None
    """When that was told."""
    average_fill_price: float | None
    cost: float
    fees: float
    pnl: float | None
    """After fees, once the window's result is known: of an exit `brought - held_to_settlement`."""
    closes: bool
    """An exit: it only sells what was held. Its `side` is the leg that it buys back."""
    brought: float | None
    """By an exit's fills, after its fees."""
    held_to_settlement: float | None
    """What the contracts that an exit sold would have paid, once the result is known."""
    strategy_name: str
    edge: float
    confidence: float
    kelly_fraction: float
    dry_run: bool
    created_at: str
    submitted_at: str | None
    filled_at: str | None
    """When the last fill came."""
    cancelled_at: str | None
    notes: str


class FillRow(Part, frozen=True, kw_only=True):
    """One execution."""

    fill_id: str
    trade_id: str
    ticker: str
    side: Side
    price: float
    """Dollars of the own leg."""
    yes_price: float
    """The same trade on the YES book."""
    quantity: float
    fee: float
    liquidity: Literal["taker", "maker"]
    strategy_name: str | None
    filled_at: str


class SignalRow(Part, frozen=True, kw_only=True):
    """A strategy's wish, as existing clients listen for it."""

    signal_id: str
    strategy_name: str
    ticker: str
    side: Side
    probability: float
    price: float
    edge: float
    confidence: float
    kelly_fraction: float
    reason: str
    created_at: str


class NumberRow(Part, frozen=True, kw_only=True):
    """A named number behind a decision."""

    name: str
    value: float | None


class DecisionRow(Part, frozen=True, kw_only=True):
    """Why or why not. Passes of one strategy, window and gate share a row and are counted."""

    id: str
    kind: Literal["signal", "pass", "approved", "denied"]
    strategy: str
    ticker: str
    side: Side | None
    gate: str
    """The gate that refused, or what was decided."""
    text: str
    price: float | None
    quantity: float | None
    probability: float | None
    edge: float | None
    limit: float | None
    value: float | None
    values: tuple[NumberRow, ...]
    count: int
    at: str
    last_at: str


class StrategyRow(Part, frozen=True, kw_only=True):
    """One strategy: switched on or off, what it last said, how it did since the journal began."""

    name: str
    enabled: bool
    last_kind: str | None
    last_gate: str | None
    last_at: str | None
    signals: int
    approved: int
    denied: int
    trades: int
    """Orders with a fill whose window has a result."""
    wins: int
    pnl: float


class ParameterRow(Part, frozen=True, kw_only=True):
    """One parameter of a strategy."""

    name: str
    value: bool | float | str | None
    default: bool | float | str | None
    source: Literal["default", "settings", "operator"]
    kind: Literal["number", "integer", "boolean", "text"]
    low: float | None
    """Least value that is allowed, or the one above which it must be."""
    high: float | None
    text: str
    """What it means, and its unit."""


class ParametersRow(Part, frozen=True, kw_only=True):
    """A strategy's parameters as they are in force."""

    name: str
    parameters: tuple[ParameterRow, ...]
    changed_by: str
    """Who changed them last while the daemon ran; empty where nobody did."""
    changed_at: str | None
