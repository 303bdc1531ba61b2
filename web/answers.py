"""The answers of the API in pydantic: what a client may rely on, and what `/openapi.json` tells.

Lists carry rows of `core.screen`, whose models come from `web.schema.row_model`. Money is dollars,
times are RFC 3339 in UTC, None stands where a number is not known.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import create_model

from core.messages import ControlAnswer, Part
from core.screen import analysis_rows, market_rows, system_rows, trading_rows
from web.promotion import Check
from web.schema import Strict, row_model


class ErrorBody(Strict):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any]


class Failure(Strict):
    """The one shape of every error."""

    error: ErrorBody


class Health(Strict):
    """The daemon's picture is the present."""

    status: Literal["ok"]


class Balance(Strict):
    """Money, as the newest mark of the ledger has it."""

    balance: float
    reserved: float
    exposure: float
    equity: float
    updated_at: str


class Bankroll(Strict):
    """What sizes are computed from, and how far it is below its peak."""

    bankroll: float
    bankroll_limit: float
    """What was set: the equity counts while it is lower."""
    day_open: float
    peak: float
    drawdown: float
    daily_pnl: float
    updated_at: str


CheckRow = row_model(Check)


class Mode(Strict):
    """Where orders go, and whether any are sent."""

    mode: system_rows.Mode
    dry_run: bool
    state: str
    epoch: int
    speed: float
    promotion: list[CheckRow]  # type: ignore[valid-type] # made at import
    """What must hold before real money is traded, as far as this run can tell."""


LockRow = row_model(system_rows.LockRow)


class Locks(Strict):
    """Locks in force."""

    locks: list[LockRow]  # type: ignore[valid-type] # made at import
    total: int


class Metrics(Strict):
    """Counters of the process in one flat object."""

    frames_published: int
    actors: int
    actors_running: int
    messages_handled: int
    mailbox_depth: int
    restarts: int
    streams: int
    streams_open: int
    stream_gaps: int
    frames_skipped: int
    reconnects: int
    requests_refused: int
    orders_total: int
    orders_open: int
    picture_age_seconds: float


class LogLines(Strict):
    """The newest lines of the log, oldest first, with secrets hidden."""

    lines: list[str]
    total: int


class Setting(Strict):
    """One effective setting and where it came from; secrets are hidden."""

    name: str
    value: str
    source: str
    unit: str
    help: str


class Configuration(Strict):
    """All settings."""

    config: list[Setting]
    total: int


_HealthRow = row_model(system_rows.HealthRow)
_FeedRow = row_model(system_rows.FeedRow)
_LimitRow = row_model(system_rows.LimitRow)


class SystemHealth(Strict):
    """The health board."""

    status: Literal["ok", "degraded"]
    healthy: bool
    actors: list[_HealthRow]  # type: ignore[valid-type] # made at import
    streams: list[_FeedRow]  # type: ignore[valid-type] # made at import
    limits: list[_LimitRow]  # type: ignore[valid-type] # made at import
    picture_age_seconds: float


class AuditLine(Strict):
    """One command, who gave it, from where, and what became of it."""

    at: str
    command: str
    by: str
    reason: str
    command_id: str
    outcome: str
    state: str
    message: str


class AuditList(Strict):
    """Commands, newest first."""

    audit: list[AuditLine]
    total: int


def listing(name: str, row: type[Part]) -> type[Strict]:
    """A list of rows under `name`, newest first, and how many there are without the limit."""
    fields: dict[str, Any] = {name: (list[row_model(row)], ...), "total": (int, ...)}  # type: ignore[misc]
    title = "".join(part.title() for part in name.split("_"))
    return create_model(f"{title}List", __base__=Strict, __module__=__name__, **fields)


Status = row_model(system_rows.StatusRow)
Answer = row_model(ControlAnswer)
Parameters = row_model(trading_rows.ParametersRow)
Trades = listing("trades", trading_rows.TradeRow)
Orders = listing("orders", trading_rows.TradeRow)


class QueuePlace(Strict):
    """Where an open order of ours stands."""

    trade_id: str
    order_id: str
    ticker: str
    side: Literal["yes", "no"]
    price: float
    remaining_quantity: float
    queue_position: float
    """Contracts that trade before it at its price."""
    queue_at: str


class QueuePositions(Strict):
    """Orders that rest and whose place the exchange has told; newest first."""

    queue_positions: list[QueuePlace]
    total: int


Positions = listing("positions", trading_rows.PositionRow)
Fills = listing("fills", trading_rows.FillRow)
Decisions = listing("decisions", trading_rows.DecisionRow)
Strategies = listing("strategies", trading_rows.StrategyRow)
Windows = listing("windows", market_rows.WindowRow)
Settlements = listing("settlements", market_rows.WindowRow)
Actors = listing("actors", system_rows.HealthRow)
Replay = row_model(analysis_rows.ReplayRow)


class Replays(Strict):
    """Windows that can be replayed."""

    replays: list[str]
    """Tickers, newest first."""
    total: int
