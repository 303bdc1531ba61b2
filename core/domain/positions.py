"""Positions and reservations, and what fills and results do to them: pure arithmetic.

Costs are average costs of the own leg; a market has one signed position (+ YES, - NO), and
opposite fills net against it as they do at the exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.records import Outcome, Side
from core.messages.base import Part
from core.units import DOLLAR_PRICE, Money, Price, Quantity, complement, notional

if TYPE_CHECKING:
    from core import messages as m


class Position(Part, frozen=True, kw_only=True):
    """One market's position. `cost` is what the open contracts cost, without fees."""

    ticker: str
    quantity: Quantity = Quantity(0)
    cost: Money = Money(0)
    realized: Money = Money(0)
    """Profit of what was closed, without fees."""
    fees: Money = Money(0)
    """Of all fills in this market."""
    bought: Money = Money(0)
    """What every contract cost that was ever opened here, sold since or not, without fees."""

    @property
    def outcome(self) -> Outcome:
        """The leg that is held; YES when flat."""
        return Outcome.YES if self.quantity >= 0 else Outcome.NO


class Reservation(Part, frozen=True, kw_only=True):
    """Money kept for an order that may still cost it."""

    ticker: str
    side: Side
    price: Price
    quantity: Quantity
    """Not yet filled."""
    amount: Money
    booked: Quantity = Quantity(0)
    """Filled and booked."""


def own_leg(side: Side, price: Price) -> Price:
    """What a fill at this YES price costs per contract when it opens: NO legs cost the rest."""
    return price if side is Side.BID else complement(price)


def book_fill(before: Position, fill: m.OrderFilled) -> tuple[Position, Money]:
    """Book a fill on a position: the position after it, and the change of cash (fee included).

    The part that goes against the position closes it at its average cost; the rest opens. Selling
    YES at p and buying NO at 1 - p are the same trade: closing pays p, opening costs 1 - p.
    """
    signed = fill.quantity if fill.side is Side.BID else -fill.quantity
    opposite = before.quantity * signed < 0
    closing = min(abs(before.quantity), fill.quantity) if opposite else 0
    opening = fill.quantity - closing
    cost_per = own_leg(fill.side, fill.price)
    proceeds = notional(complement(cost_per), Quantity(closing))
    released = before.cost * closing // abs(before.quantity) if closing else 0
    paid = notional(cost_per, Quantity(opening))
    after = Position(
        ticker=fill.ticker,
        quantity=Quantity(before.quantity + signed),
        cost=Money(before.cost - released + paid),
        realized=Money(before.realized + proceeds - released),
        fees=Money(before.fees + fill.fee),
        bought=Money(before.bought + paid),
    )
    return after, Money(proceeds - paid - fill.fee)


def payout(quantity: Quantity, result: Outcome) -> Money:
    """What a signed position pays when its window ends with `result`: $1 a winning contract."""
    wins = quantity > 0 if result is Outcome.YES else quantity < 0
    return notional(DOLLAR_PRICE, Quantity(abs(quantity))) if wins else Money(0)
