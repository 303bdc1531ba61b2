"""Rows about forecasts and results: fair value, the final mean, edges, performance, replays.

Prices and money are dollars, probabilities shares of 1, times RFC 3339 in UTC; points of a chart
carry epoch milliseconds. None where a number is not known.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Part
from core.screen.market_rows import Side
from core.screen.trading_rows import DecisionRow, FillRow, TradeRow


class OfferRow(Part, frozen=True, kw_only=True):
    """What buying one side would cost now, and what it is worth."""

    side: Side
    probability: float
    """Of this side, by the model."""
    price: float
    """Of the own leg: the limit that the judged size needs."""
    quantity: float
    fee: float
    """Dollars per contract."""
    edge: float
    """After fees, from the worse end of the probability's range: what strategies compare."""
    raw_edge: float
    """After fees, from the probability itself."""
    kelly: float
    """Full Kelly share of the bankroll."""
    stake: float | None
    """Dollars at the usual share of Kelly, before the caps of risk."""


class FairRow(Part, frozen=True, kw_only=True):
    """Model against market in the open window of a series, once a second."""

    series: str
    ticker: str
    gate: str
    """Why there is no fair value; empty where there is one."""
    fair: float | None
    low: float | None
    """Lower end of the range for a misjudged volatility."""
    high: float | None
    mid: float | None
    offers: tuple[OfferRow, ...]
    best: float | None
    """The larger edge of the two sides."""
    threshold: float
    """Least edge at which a strategy may act."""
    seconds_left: float
    at: str


class QuantRow(Part, frozen=True, kw_only=True):
    """The final mean of the open window as drawn and as computed, every few seconds."""

    series: str
    ticker: str
    gate: str
    paths: int
    drawn: float | None
    """P(YES) as a share of the drawn paths."""
    standard_error: float | None
    fat: float | None
    """P(YES) in closed form with fat tails: what strategies use."""
    normal: float | None
    """The same with normal tails."""
    plain: float | None
    """The plain digital on the last price, for comparison: not this contract."""
    strike: float | None
    low: float | None
    """Left end of the first bar, dollars."""
    step: float
    """Width of a bar, dollars."""
    shares: tuple[float, ...]
    """Share of the paths in each bar."""
    sigma_bps: float | None
    """One-minute standard deviation, basis points."""
    regime: str
    known: int
    coming: int
    effective_seconds: float | None
    """Diffusion left in the final mean."""
    degrees: int
    kelly_share: float
    """Stake as a share of full Kelly."""
    bankroll: float | None
    digits: int
    at: str


class EdgeRow(Part, frozen=True, kw_only=True):
    """The larger edge of one window by minutes left: one line of the heat map."""

    ticker: str
    series: str
    close_at: str
    cells: tuple[float | None, ...]
    """Mean over each minute; place k holds k to k + 1 minutes left."""


class EstimateRow(Part, frozen=True, kw_only=True):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class BinRow(Part, frozen=True, kw_only=True):
    """Forecasts that said about the same, and how often YES came."""

    low: float
    high: float
    count: int
    """Windows, which are what is independent."""
    forecast: float
    observed: EstimateRow


class StrategyResultRow(Part, frozen=True, kw_only=True):
    """What one strategy brought, over the orders that are remembered."""

    strategy: str
    trades: int
    wins: int
    win_rate: float | None
    pnl: float
    fees: float
    per_trade: float | None
    best: float | None
    worst: float | None


class DayRow(Part, frozen=True, kw_only=True):
    """One strategy's result of one day of New York."""

    day: str
    strategy: str
    trades: int
    pnl: float
    fees: float


class ExitsRow(Part, frozen=True, kw_only=True):
    """Sales before settlement against holding on, in windows with a result."""

    exits: int
    contracts: float
    brought: float
    """After fees."""
    held_to_settlement: float
    """What the same contracts would have paid."""
    gained: float
    """The difference: negative where holding on would have been better."""


class SelectionRow(Part, frozen=True, kw_only=True):
    """How the middle of the book moved after our fills; negative is against us."""

    seconds: int
    cents: float | None
    """Mean per contract."""
    fills: int


class ReliabilityRow(Part, frozen=True, kw_only=True):
    """What model and market said and what came, at the end of every minute of each window.

    For the eye, over the windows since the dashboard began; scores are in `calibration`.
    """

    forecasts: int
    windows: int
    model_bins: tuple[BinRow, ...]
    market_bins: tuple[BinRow, ...]


class PerformanceRow(Part, frozen=True, kw_only=True):
    """How it went, after all fees, over what is remembered. The verdict is in `calibration`."""

    trades: int
    wins: int
    windows: int
    win_rate: float | None
    pnl: float
    fees: float
    per_trade: float | None
    max_drawdown: float
    """Share of the peak, since the dashboard began."""
    strategies: tuple[StrategyResultRow, ...]
    days: tuple[DayRow, ...]
    exits: ExitsRow
    selection: tuple[SelectionRow, ...]
    reliability: ReliabilityRow | None
    """None before the first window that was forecast has a result."""
    covers_from: str | None
    at: str


class MomentRow(Part, frozen=True, kw_only=True):
    """One second of a window, as it was known then."""

    at: int
    """Epoch milliseconds."""
    index: float | None
    bid: float | None
    ask: float | None
    fair: float | None
    low: float | None
    high: float | None
    known: int
    bids: tuple[float, ...]
    """Price, contracts, price, contracts, ... best first."""
    asks: tuple[float, ...]


class ReplayRow(Part, frozen=True, kw_only=True):
    """A window from its opening to its result, for the scrubber."""

    ticker: str
    series: str
    open_at: str
    close_at: str
    strike: float | None
    digits: int
    result: Side | None
    settlement: float | None
    complete: bool
    """False while the window still runs."""
    moments: tuple[MomentRow, ...]
    decisions: tuple[DecisionRow, ...]
    orders: tuple[TradeRow, ...]
    fills: tuple[FillRow, ...]
    events: tuple[tuple[str, str], ...]
    """Changes of the trading state in it: time, words."""
    at: str


Horizon = Literal[1, 5, 30]
