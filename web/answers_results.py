"""The answers about what came of it: chart lines, profit, performance, windows, calibration."""

from __future__ import annotations

from typing import Literal

from core.screen import analysis_rows, market_rows, score_rows, trading_rows
from web.schema import Strict, row_model

_ExitsRow = row_model(analysis_rows.ExitsRow)
_VerdictRow = row_model(score_rows.VerdictRow)


class Point(Strict):
    """Values of a line at one time: a price, or bid, ask and the model's probability of YES."""

    at: str
    values: list[float | None]


class PriceLine(Strict):
    """One line of a chart, oldest point first."""

    line: str
    points: list[Point]


class PriceHistory(Strict):
    """Lines of all series or of one."""

    lines: list[PriceLine]
    total: int


class Profit(Strict):
    """Result of the windows that were determined in one period of New York time."""

    period: str
    """First day of the period."""
    windows: int
    orders: int
    wins: int
    fees: float
    pnl: float
    """After fees."""


class Profits(Strict):
    """Periods, newest first, over the windows that are remembered."""

    by: Literal["day", "week", "month"]
    profit: list[Profit]
    total: int
    covers_from: str | None
    """Time of the oldest window in it."""


class Performance(Strict):
    """How a strategy did since the journal began, fees included."""

    strategy_name: str
    trades: int
    wins: int
    win_rate: float | None
    pnl: float
    ev_per_trade: float | None


class EquityPoint(Strict):
    """Equity and cash at the end of a stretch of time."""

    at: str
    equity: float
    cash: float


class DayResult(Strict):
    """Orders with a result on one New York day."""

    day: str
    trades: int
    wins: int
    fees: float
    cost: float
    pnl: float
    """After fees."""


class StrategyDay(DayResult):
    """The same of one strategy."""

    strategy_name: str


class Performances(Strict):
    """All strategies, the equity, and every day that is remembered."""

    performance: list[Performance]
    total: int
    equity: list[EquityPoint]
    days: list[DayResult]
    by_strategy: list[StrategyDay]
    fees: float
    pnl: float
    """Of all days that are told, after fees."""
    exits: _ExitsRow | None  # type: ignore[valid-type] # made at import
    """Sales before settlement against holding on, over the orders that the dashboard remembers;
    null before its first look at results."""
    verdict: _VerdictRow | None  # type: ignore[valid-type] # made at import
    """What the settled trades say of an edge; null before the first scoreboard."""


WindowRow = row_model(market_rows.WindowRow)
_DecisionRow = row_model(trading_rows.DecisionRow)
_TradeRow = row_model(trading_rows.TradeRow)
_FillRow = row_model(trading_rows.FillRow)


class WindowReplay(Strict):
    """A past window and everything needed to play it again."""

    window: WindowRow  # type: ignore[valid-type] # made at import
    complete: bool
    """False where the daemon did not run through it: then the lists are empty or begin late."""
    lines: list[PriceLine]
    decisions: list[_DecisionRow]  # type: ignore[valid-type] # made at import
    trades: list[_TradeRow]  # type: ignore[valid-type] # made at import
    fills: list[_FillRow]  # type: ignore[valid-type] # made at import


class Share(Strict):
    """An estimate and its 95 % interval of Wilson."""

    value: float
    low: float
    high: float


class Bin(Strict):
    """Approved orders whose side was given about the same probability, and how often it won."""

    low: float
    high: float
    count: int
    forecast: float
    observed: Share


_ScoreRow = row_model(score_rows.ScoreRow)


class Calibration(Strict):
    """The live scoreboard, and forecasts behind approved orders that are remembered."""

    verdict: _VerdictRow | None  # type: ignore[valid-type] # made at import
    """What the settled trades say of an edge; null before the first scoreboard."""
    series: list[_ScoreRow]  # type: ignore[valid-type] # made at import
    """Model against market, by series, over every window scored so far."""
    orders: int
    windows: int
    """Orders of one window share their result: this is the number of independent results."""
    brier: float | None
    log_loss: float | None
    calibration: list[Bin]
