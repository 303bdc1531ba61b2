"""Rows about the market: window, book, chart lines, results.

Prices are dollars, quantities contracts, times RFC 3339 in UTC; points of a chart carry epoch
milliseconds. None where a number is not known: nothing is shown as zero that is not zero.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Part

Side = Literal["yes", "no"]
PricedLevel = tuple[float, float]
"""Price in dollars, contracts."""


class MarketRow(Part, frozen=True, kw_only=True):
    """The current window of one series, and where the settlement stands."""

    series: str
    ticker: str
    status: str
    phase: str
    """before, open, final_minute, closed."""
    open_at: str
    close_at: str
    seconds_left: float
    """Until the close, at `at`; negative after it."""
    strike: float | None
    index: float | None
    index_source: Literal["index", "composite"] | None
    index_at: str | None
    distance: float | None
    """Index minus strike."""
    distance_bps: float | None
    ahead: Side | None
    """Which side would be paid if nothing moved any more."""
    known: int
    """Settlement prints already published, of 60."""
    known_mean: float | None
    needed_mean: float | None
    """Mean that the remaining prints must reach for YES; None before the first is known."""
    sigma_bps: float | None
    """One-minute standard deviation of the log return, in basis points."""
    regime: str | None
    warm: bool
    warm_in: float | None
    """Seconds of prices still wanted until `warm`, 0 once it is; None before anything is known."""
    cone: tuple[tuple[int, float, float], ...]
    """One standard deviation around the index to the close: epoch ms, low, high."""
    result: Side | None
    settlement: float | None
    digits: int
    """Decimals that matter in index values."""
    at: str


class BookRow(Part, frozen=True, kw_only=True):
    """The top of one market's book in YES prices."""

    series: str
    ticker: str
    bids: tuple[PricedLevel, ...]
    """Best first."""
    asks: tuple[PricedLevel, ...]
    """Best first."""
    bids_no: tuple[float, ...]
    """The price of NO at each bid: what buying NO from it costs."""
    asks_no: tuple[float, ...]
    """The price of NO at each ask."""
    bid: float | None
    ask: float | None
    mid: float | None
    spread: float | None
    fresh: bool
    book_at: str | None
    at: str


class Line(Part, frozen=True, kw_only=True):
    """New points of one line of a chart."""

    line: str
    """`SERIES:name`."""
    points: tuple[tuple[float | None, ...], ...]
    """Epoch milliseconds first, then the values of the line."""


class PrintRow(Part, frozen=True, kw_only=True):
    """A public trade."""

    trade_id: str
    ticker: str
    price: float
    """YES price."""
    quantity: float
    taker_side: Side
    """What the taker bought."""
    at: str


class WindowRow(Part, frozen=True, kw_only=True):
    """A window that has a result."""

    ticker: str
    result: Side
    strike: float | None
    settlement: float | None
    position: float
    """Contracts held to the end: + YES, - NO."""
    payout: float
    fees: float
    pnl: float
    orders: int
    at: str
