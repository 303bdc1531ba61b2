"""How much to bet on a binary contract: fractional Kelly after fees, over a real book.

A contract that costs c (fee included) and pays $1 with probability p grows wealth fastest if the
share (p - c) / (1 - c) of the bankroll is spent on it (Kelly 1956, for odds (1 - c) / c). The share
is zero where p does not exceed c; nothing here ever rounds it up to a minimum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.book import Level, Sweep, sweep
from core.domain.fees import FeeTerms, fill_fee
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, ONE_CONTRACT, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

COIN_CORRELATION: Final = 0.77
"""Of the outcomes of different coins in one window (kalshi.md 8.5)."""
_NEVER: Final = Money(1 << 62)


class Bet(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered, and what we think of it. Prices are those of the outcome to be bought."""

    probability: float
    """Of that outcome."""
    ladder: tuple[Level, ...]
    """Where it can be bought, best first; see `book.ladder`."""
    fees: FeeTerms
    limit: Price = Price(DOLLAR_PRICE - 1)
    """The most to pay for a contract, before fees."""


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent: Kelly's share of the bankroll, times `fraction`, and never above a cap."""

    bankroll: Money
    fraction: float
    """Share of full Kelly, 0..1."""
    shrink: float = 1.0
    """For bets that are placed at the same time; see `correlated_shrink`."""
    crowd: float = 0.0
    """Share of the bankroll that open bets take away; see `crowding`."""
    most_money: Money = _NEVER
    most_share: float = 1.0
    """Of the bankroll."""

    def room(self, full_kelly: float) -> Money:
        """Money for a bet whose full Kelly share is given."""
        wanted = max(0.0, full_kelly * self.fraction * self.shrink - self.crowd)
        return Money(min(int(self.bankroll * min(wanted, self.most_share)), self.most_money))


class SizedBet(msgspec.Struct, frozen=True, kw_only=True):
    """The purchase to make; without contracts, none. `outlay` is what leaves the account."""

    purchase: Sweep
    fees: Money
    kelly: float
    """Full Kelly share at this purchase's average cost."""

    @property
    def outlay(self) -> Money:
        """Cost and fees."""
        return Money(self.purchase.cost + self.fees)


def kelly_fraction(probability: float, cost: float) -> float:
    """Share of the bankroll to spend on a contract that costs `cost` dollars, fee included.

    0 where the probability does not exceed the cost, which is then to be rejected.
    """
    if probability <= cost or cost >= 1.0:
        return 0.0
    return (probability - max(cost, 0.0)) / (1.0 - max(cost, 0.0))


def correlated_shrink(bets: int, correlation: float = COIN_CORRELATION) -> float:
    """Factor for the stake of each of several equal bets that are open at the same time.

    For small edges the best common stake of n bets with pairwise correlation r is 1/(1 + (n - 1) r)
    of the stake alone: the variance of their sum is that much larger than n independent parts. Six
    coins together deserve 1.24 times one bet. Bets on one coin in one window are one bet: count
    them once and share its stake.
    """
    return 1.0 / (1.0 + max(bets - 1, 0) * correlation)


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """A bet that is open, or wanted. Bets on one coin in one window are one bet."""

    series: str
    close_ns: Nanos
    """The window's close, which tells windows of one time apart from others."""
    outcome: Outcome
    cost: float
    """Dollars per contract, fee included, above 0 and below 1."""
    share: float = 0.0
    """Of the bankroll, spent on it."""


def crowding(wanted: Exposure, held: Iterable[Exposure]) -> float:
    """Share of the bankroll that open bets take away from the stake of one that is wanted.

    A share f spent at cost c returns f (X / c - 1), of variance f^2 (1 - c) / c. Kelly's stakes of
    small edges minimise variance against drift, so beside bets that cannot be changed the best
    stake is the stake alone less, for each of them, its correlation r with the wanted one times

        f_held sqrt((1 - c_held) / c_held) / sqrt((1 - c) / c)

    Outcomes in one window correlate by 1 for one coin and by `COIN_CORRELATION` for two; YES
    against NO counts negative; windows that close at other times are independent. Hedges never
    raise a stake: the answer is at least 0.
    """
    own = _spread(wanted.cost)
    taken = sum(correlation(wanted, other) * other.share * _spread(other.cost) for other in held)
    return max(0.0, taken / own)


def _spread(cost: float) -> float:
    """Standard deviation of the return of a bet, per unit spent."""
    return math.sqrt((1.0 - cost) / cost)


def correlation(one: Exposure, other: Exposure) -> float:
    """Of what two bets pay: 1 for the same bet, -1 for its opposite, 0 in other windows."""
    if one.close_ns != other.close_ns:
        return 0.0
    same = 1.0 if one.series == other.series else COIN_CORRELATION
    return same if one.outcome is other.outcome else -same


def size_bet(bet: Bet, stake: Stake) -> SizedBet:
    """The largest whole number of contracts whose outlay the stake allows.

    Each size is judged by its own average cost after walking the ladder and paying a fee for each
    level, so depth and price impact are part of the answer. More contracts never cost less each
    (but for the rounding of fees, below $0.0001), so the largest size is found by halving.
    """
    deepest = sum(size for price, size in bet.ladder if price <= bet.limit)
    low, high = 0, int(deepest // ONE_CONTRACT)
    while low < high:
        middle = (low + high + 1) // 2
        if _allowed(_purchase(bet, middle), stake):
            low = middle
        else:
            high = middle - 1
    return _purchase(bet, low)


def _purchase(bet: Bet, contracts: int) -> SizedBet:
    bought = sweep(bet.ladder, Quantity(contracts * ONE_CONTRACT), bet.limit)
    fees = sum(fill_fee(bet.fees, price, size, is_taker=True) for price, size in bought.fills)
    average = (bought.cost + fees) / (bought.quantity * DOLLAR_PRICE) if contracts else 1.0
    return SizedBet(
        purchase=bought, fees=Money(fees), kelly=kelly_fraction(bet.probability, average)
    )


def _allowed(candidate: SizedBet, stake: Stake) -> bool:
    return candidate.outlay <= stake.room(candidate.kelly)
