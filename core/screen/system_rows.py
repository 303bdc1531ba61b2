"""Rows about the system itself: state, risk, actors, streams, alerts.

Money and prices are dollars, quantities contracts, times RFC 3339 in UTC. None where a number is
not known: nothing is shown as zero that is not zero.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Part
from core.messages.control import TradingState

Mode = Literal["local", "paper", "live"]


class AlertRow(Part, frozen=True, kw_only=True):
    """Something a person should know."""

    id: str
    level: Literal["info", "warning", "critical"]
    code: str
    text: str
    source: str
    count: int
    at: str


class LockRow(Part, frozen=True, kw_only=True):
    """A pause that a protection imposes."""

    name: str
    """What it is cleared by."""
    protection: str
    scope: str
    """A series, or `all`."""
    reason: str
    limit: float
    value: float
    set_at: str
    until: str
    active: bool
    ended: str
    """How it ended before its time, or that it ran out; empty while it holds."""


class HealthRow(Part, frozen=True, kw_only=True):
    """One actor on the health board."""

    actor: str
    state: str
    generation: int
    restarts: int
    depth: int
    handled: int
    rate: float | None
    """Messages per second of the machine between the last two rows."""
    age: float
    """Seconds of the machine since the last sign of life."""
    wait_ms: float
    """Longest wait of a message in its mailbox between the last two signs of life."""
    p50_ms: float
    """Time from taking a message to being done with it, since this generation began."""
    p99_ms: float
    error: str
    """Of its last failure; empty where it never failed."""
    at: str


class FeedRow(Part, frozen=True, kw_only=True):
    """One stream on the health board."""

    stream: str
    state: str
    conn: int
    gaps: int
    skipped: int
    reconnects: int
    age: float
    """Age in seconds of the newest data by their own time."""
    stale: bool
    """Open, and yet nothing new came for longer than a book counts as fresh."""
    reason: str
    at: str


class LimitRow(Part, frozen=True, kw_only=True):
    """One token bucket of the account at the venue."""

    bucket: str
    """read, balance, write, or write:2 of a shard; public where nothing is counted."""
    tokens: int
    capacity: int
    refill: int
    """Per second of the venue."""
    paused: float
    """Seconds of the venue for which nothing leaves, after a 429; 0 usually."""
    tier: str
    waiting: int
    """Requests that have not left, of all buckets."""
    refused: int
    """429 answers since the start, of all buckets."""
    at: str


class DurationRow(Part, frozen=True, kw_only=True):
    """Durations of one kind since the process began, counted by bucket."""

    name: str
    """tick_to_order: arrival of the frame to the journalled order; order_to_ack: from there to
    the exchange's answer."""
    bounds: tuple[float, ...]
    """Upper ends of the buckets, seconds of the machine, ascending."""
    counts: tuple[int, ...]
    """One more than bounds: the last takes what is longer."""
    sum: float
    """Seconds."""


class MetersRow(Part, frozen=True, kw_only=True):
    """What has happened since the process began; counts only grow."""

    counts: dict[str, int]
    denials: dict[str, int]
    """Refusals of risk by code."""
    passes: dict[str, int]
    """Decisions of strategies not to trade, by the first gate that failed."""
    contracts_filled: float
    differences: int
    """Between our books and the exchange's, when they were last compared."""
    durations: tuple[DurationRow, ...]
    at: str


class CollectionsRow(Part, frozen=True, kw_only=True):
    """Collections of garbage of one generation since the daemon has started."""

    generation: int
    times: int
    seconds: float
    """All of them together; every thread of the daemon stands still meanwhile."""
    longest_seconds: float


class MachineRow(Part, frozen=True, kw_only=True):
    """What the process and its disk have left; megabytes are millions of bytes."""

    memory_megabytes: float
    disk_free_megabytes: float
    threads: int
    collections: tuple[CollectionsRow, ...]
    """Youngest generation first."""
    at: str


class RiskMetrics(Part, frozen=True, kw_only=True):
    """Risk in the words of existing clients."""

    total_positions: int
    open_orders_count: int
    total_exposure: float
    daily_pnl: float
    daily_loss: float
    unrealized_pnl: float
    realized_pnl: float
    max_drawdown: float
    """Deepest since the dashboard began, share of the peak."""
    current_drawdown: float
    win_rate: float | None
    ev_per_trade: float | None
    circuit_breaker_triggered: bool
    circuit_breaker_reason: str | None
    exposure_per_market: dict[str, float]
    last_updated: str | None


class OrderSummary(Part, frozen=True, kw_only=True):
    """Orders by what became of them, among those still remembered."""

    total: int
    open: int
    filled: int
    cancelled: int
    rejected: int
    unknown: int


class PositionSummary(Part, frozen=True, kw_only=True):
    """Open positions together."""

    count: int
    contracts: float
    cost: float
    value: float
    pnl_now: float


class ClientHealth(Part, frozen=True, kw_only=True):
    """Connections and actors in one word each."""

    healthy: bool
    streams: dict[str, str]
    actors: dict[str, str]


class Freshness(Part, frozen=True, kw_only=True):
    """Ages in seconds of the engine's clock beyond which a number is old."""

    index: float
    book: float
    frame: float


class StatusRow(Part, frozen=True, kw_only=True):
    """The whole system in one row; sent every second."""

    running: bool
    dry_run: bool
    mode: Mode
    state: TradingState
    state_code: str
    state_reason: str
    state_by: str
    state_since: str | None
    epoch: int
    speed: float
    """Seconds of the engine's clock per second."""
    enabled_strategies: tuple[str, ...]
    risk_metrics: RiskMetrics
    order_summary: OrderSummary
    position_summary: PositionSummary
    client_health: ClientHealth
    freshness: Freshness
    proof: str
    """What the exchange said after the last stop; empty before the first."""
    timestamp: str
