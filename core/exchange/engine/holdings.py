"""One account's position in one market: signed, netted, at average cost."""

from __future__ import annotations

import copy

from core.exchange.records import Outcome, Position, Settlement, Side
from core.units import DOLLAR_PRICE, Money, Nanos, Price, Quantity, complement


class Holding:
    """Signed position (+ YES, - NO) with its cost, realised P&L and fees (kalshi.md 6).

    Buying one leg while holding the other closes: each netted pair is worth $1. Cost is the average
    cost of what is open, fees apart. A part's share of it is rounded down to $0.000001 and the last
    part takes the rest, so cost and realised P&L always add up to the money moved.
    """

    __slots__ = (
        "cost",
        "fees",
        "position_fees",
        "quantity",
        "realized",
        "ticker",
        "traded",
        "updated",
        "volume",
    )

    def __init__(self, ticker: str) -> None:
        self.ticker = ticker
        self.quantity = 0
        self.cost = 0
        self.realized = 0
        self.fees = 0
        self.position_fees = 0
        self.traded = 0
        self.volume = 0
        self.updated = Nanos(0)

    def apply(self, side: Side, price: Price, quantity: int, fee: int) -> int:
        """Book a fill; returns the change of cash."""
        own_leg = price if side is Side.BID else complement(price)
        closing = min(quantity, self.closable(side))
        opening = quantity - closing
        cash = -fee
        if closing:
            proceeds = closing * (DOLLAR_PRICE - own_leg)
            cost = self._release(closing)
            self.realized += proceeds - cost
            cash += proceeds
        if opening:
            spent = opening * own_leg
            self.cost += spent
            self.traded += spent
            self.position_fees += fee * opening // quantity
            cash -= spent
        self.fees += fee
        self.volume += quantity
        self.quantity += quantity if side is Side.BID else -quantity
        return cash

    def regain(self, row: Position) -> None:
        """Be what the row says, also where nothing is held any more."""
        self.quantity, self.cost = row.quantity, row.cost
        self.realized, self.traded = row.realized, row.traded
        self.fees = self.position_fees = row.fees
        self.volume, self.updated = max(1, abs(row.quantity)), row.updated

    def closable(self, side: Side) -> int:
        """How much an order of this side can close."""
        return max(0, -self.quantity if side is Side.BID else self.quantity)

    def settle(self, result: Outcome, shard: int, now: Nanos) -> Settlement:
        """Book the payout: $1 for each contract of the winning leg. Nothing is held afterwards."""
        held, cost = abs(self.quantity), self.cost
        is_yes = self.quantity > 0
        won = is_yes == (result is Outcome.YES)
        revenue = held * DOLLAR_PRICE if won else 0
        self.realized += revenue - cost
        self.quantity = self.cost = self.position_fees = 0
        self.updated = now
        return Settlement(
            ticker=self.ticker,
            result=result,
            yes_quantity=Quantity(held if is_yes else 0),
            no_quantity=Quantity(0 if is_yes else held),
            yes_cost=Money(cost if is_yes else 0),
            no_cost=Money(0 if is_yes else cost),
            revenue=Money(revenue),
            fees=Money(self.fees),
            settled=now,
            shard=shard,
        )

    def row(self, shard: int) -> Position:
        """A picture of it now."""
        return Position(
            ticker=self.ticker,
            quantity=Quantity(self.quantity),
            cost=Money(self.cost),
            realized=Money(self.realized),
            fees=Money(self.fees),
            traded=Money(self.traded),
            updated=self.updated,
            shard=shard,
        )

    def copy(self) -> Holding:
        """An independent copy, to try fills on."""
        return copy.copy(self)

    def _release(self, closing: int) -> int:
        held = abs(self.quantity)
        cost = self.cost * closing // held
        self.cost -= cost
        self.position_fees -= self.position_fees * closing // held
        return cost
