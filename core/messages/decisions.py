"""From an opinion to a permission: signals, passes, approvals, denials, and the money picture."""

from __future__ import annotations

from typing import Literal

from core.exchange.records import OrderRequest, Outcome
from core.messages.base import Message, Part
from core.units import Money, Nanos, Price, Quantity

Style = Literal["take", "make"]
"""`take` crosses the spread at once or not at all; `make` rests at its price."""
Values = tuple[tuple[str, float], ...]
"""Named numbers behind a decision, in the order in which a reader wants them."""


class Signal(Message, frozen=True, kw_only=True):
    """A strategy wants to hold `outcome` of a market, at `price` or better.

    Or, where it `closes`, to be rid of what it holds of the other outcome: buying NO at 0.40 is
    selling YES at 0.60.
    """

    signal_id: str
    """Derived: strategy, ticker, counter. Stable over a replay."""
    strategy: str
    ticker: str
    outcome: Outcome
    probability: float
    """Of that outcome."""
    price: Price
    """The most to pay per contract, in the outcome's own dollars."""
    edge: float
    """Dollars per contract after fees, at `price`."""
    confidence: float
    kelly_fraction: float
    """Share of full Kelly that the strategy asks for."""
    style: Style
    reason: str
    values: Values
    created: Nanos
    expires: Nanos
    ts_event: Nanos
    """Event time of the market data behind it."""
    ts_recv: Nanos
    closes: bool = False
    """It only ends a holding of the other outcome, and never begins one of this."""


class Pass(Message, frozen=True, kw_only=True):
    """A strategy looked and did not want: the first gate that failed, with its numbers."""

    strategy: str
    ticker: str
    code: str
    values: Values
    created: Nanos


class OrderApproved(Message, frozen=True, kw_only=True):
    """Risk allows an order and has reserved the money for it. Journalled by risk."""

    request: OrderRequest
    """Its `client_order_id` is derived, so that a retry carries the same."""
    signal_id: str
    strategy: str
    outcome: Outcome
    probability: float
    edge: float
    confidence: float
    kelly_fraction: float
    reserve: Money
    """Cost at the worst price plus the worst fee."""
    epoch: int
    created: Nanos
    expires: Nanos
    """Not to be submitted after this."""


class OrderDenied(Message, frozen=True, kw_only=True):
    """Risk refuses: the rule's code, its limit and the value that broke it."""

    signal_id: str
    strategy: str
    ticker: str
    outcome: Outcome
    price: Price
    edge: float
    code: str
    limit: float
    value: float
    created: Nanos


class PositionLine(Part, frozen=True, kw_only=True):
    """One open position."""

    ticker: str
    quantity: Quantity
    """Positive: YES contracts, negative: NO contracts."""
    cost: Money
    """What the open contracts cost, without fees."""
    fees: Money
    realized: Money
    value: Money
    """At the price that could be had now."""
    bid: Price
    """The own leg's best bid behind `value`; 0 where there is none."""


class LedgerMarked(Message, frozen=True, kw_only=True):
    """The money picture: at every change, and each second while something is open."""

    cash: Money
    """Free cash plus reservations."""
    reserved: Money
    positions: tuple[PositionLine, ...]
    exposure: Money
    """Cost of open positions plus reservations."""
    equity: Money
    """Cash plus the value of the positions."""
    realized: Money
    """Since the journal began, without fees."""
    fees: Money
    """Since the journal began."""
    unrealized: Money
    day_pnl: Money
    """Equity against the opening of the New York day."""
    day_open: Money
    peak: Money
    drawdown: float
    """Share of the peak, 0..1."""
    settled: int
    """Windows settled with a position."""
    capital: Money = Money(0)
    """Cash that was there without having been traded for."""
    since: Nanos = Nanos(0)
    """When it was set: the beginning of the books."""
    ts: Nanos


class BreachDetected(Message, frozen=True, kw_only=True):
    """Something that must stop trading was seen."""

    code: str
    limit: float
    value: float
    detail: str
    source: str
    ts: Nanos


class PositionSettled(Message, frozen=True, kw_only=True):
    """A position ended with its window. Journalled by risk."""

    ticker: str
    number: int
    """0 for the first settlement in this market, 1 after a fill that came late, ..."""
    result: Outcome
    quantity: Quantity
    payout: Money
    fees: Money = Money(0)
    """What its fills were charged."""
    ts: Nanos


class DayOpened(Message, frozen=True, kw_only=True):
    """A New York trading day began with this equity. Journalled by risk."""

    day: str
    """ISO date in New York."""
    equity: Money
    ts: Nanos


class CapitalSet(Message, frozen=True, kw_only=True):
    """Cash that is there without having been traded for: the bankroll. Journalled by risk.

    First what an account begins with, then each deposit and withdrawal that the operator explains.
    """

    cash: Money
    """All that is there now."""
    source: str
    ts: Nanos
    moved: Money = Money(0)
    """What came in, or went out, since the books began; 0 at their beginning."""
    reason: str = ""


class PeakRaised(Message, frozen=True, kw_only=True):
    """Equity reached a new high. Journalled by risk, at most once a minute."""

    equity: Money
    ts: Nanos
