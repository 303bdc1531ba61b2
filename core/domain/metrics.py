"""How well it went: win rate, expectancy, Sharpe ratio, drawdown, slippage, adverse selection.

Money stays in integers as long as it is added; a statistic is a float. Where too little is known
for a statistic the answer is None, never a zero that looks like one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from core.units import DOLLAR_PRICE, Money, Price, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Score(msgspec.Struct, kw_only=True):
    """Running result of finished trades, exact and of constant size.

    A trade wins when it brought more than it cost, fees included; one that brought exactly nothing
    has not won. Belongs to whoever made it; not thread-safe.
    """

    trades: int = 0
    wins: int = 0
    pnl: Money = Money(0)

    def add(self, pnl: Money) -> None:
        """Count a finished trade."""
        self.trades += 1
        self.wins += pnl > 0
        self.pnl = Money(self.pnl + pnl)

    def remove(self, pnl: Money) -> None:
        """Take back a trade whose result was corrected."""
        self.trades -= 1
        self.wins -= pnl > 0
        self.pnl = Money(self.pnl - pnl)

    def merge(self, other: Score) -> None:
        """Add everything that `other` has counted."""
        self.trades += other.trades
        self.wins += other.wins
        self.pnl = Money(self.pnl + other.pnl)

    @property
    def win_rate(self) -> float | None:
        """Share of winning trades, 0..1."""
        return self.wins / self.trades if self.trades else None

    @property
    def expectancy(self) -> float | None:
        """Mean result of a trade in dollars, fees included."""
        return dollars(self.pnl) / self.trades if self.trades else None


def average_edge(edges: Sequence[float]) -> float | None:
    """Mean edge in dollars per contract that was expected when the trades were made."""
    return math.fsum(edges) / len(edges) if edges else None


def sharpe_ratio(returns: Sequence[float], per_year: float) -> float | None:
    """Mean over sample standard deviation of `returns`, scaled to a year (Sharpe 1994).

    `returns` are excess returns of equal periods, of which a year has `per_year`. None for fewer
    than two or when they do not vary.
    """
    count = len(returns)
    if count < 2:  # noqa: PLR2004 - a deviation needs two
        return None
    mean = math.fsum(returns) / count
    variance = math.fsum((value - mean) ** 2 for value in returns) / (count - 1)
    # Rounding leaves a trace of variance in constant returns: as good as none.
    if variance <= (1e-12 * max(1e-300, abs(mean))) ** 2:
        return None
    return mean / math.sqrt(variance) * math.sqrt(per_year)


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall of an equity curve from a peak before it."""

    amount: Money = Money(0)
    share: float = 0.0
    """Of that peak; the deepest share need not be the deepest amount."""


def max_drawdown(equity: Iterable[Money]) -> Drawdown:
    """The deepest fall by amount and, apart from that, by share; zero for a curve that only rises.

    A peak that is not positive has no share.
    """
    peak: Money | None = None
    amount, share = Money(0), 0.0
    for value in equity:
        if peak is None or value > peak:
            peak = value
        fall = Money(peak - value)
        amount = max(amount, fall)
        if peak > 0:
            share = max(share, fall / peak)
    return Drawdown(amount=amount, share=share)


def slippage(expected: Price, cost: Money, quantity: int) -> float | None:
    """Dollars per contract paid above `expected`; negative where the fill was better.

    All in the acquired leg's own price; `cost` without fees, `quantity` in 1/100 contracts.
    """
    if quantity <= 0:
        return None
    return (cost / quantity - expected) / DOLLAR_PRICE


def adverse_selection(paid: Price, mid_after: Price) -> float:
    """Dollars per contract by which the market moved against a fill some seconds after it.

    Positive: the leg is worth less than was paid. Both prices are of the acquired leg.
    """
    return (paid - mid_after) / DOLLAR_PRICE
