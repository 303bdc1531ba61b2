"""One order through its life, as the trades table tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain import exits
from core.domain.exits import ExitTotals
from core.exchange.records import Outcome, Side, TimeInForce
from core.screen.scale import cents, maybe_rfc3339, per_contract, rfc3339
from core.screen.trading_rows import TradeRow
from core.units import (
    DOLLAR_PRICE,
    Money,
    Nanos,
    Price,
    Quantity,
    complement,
    contracts,
    notional,
)

if TYPE_CHECKING:
    from core import messages as m
    from core.screen.market_rows import Side as Leg

OPEN: Final = frozenset({"pending", "submitted", "open", "partially_filled", "unknown"})
"""States in which more can happen to an order."""


def leg_of(side: Side) -> Leg:
    """The leg that an order on this side of the YES book acquires."""
    return "yes" if side is Side.BID else "no"


def leg_price(side: Side, price: Price) -> Price:
    """A YES price in the dollars of the acquired leg."""
    return price if side is Side.BID else complement(price)


class Trade:
    """A fold of one order's events. Mutable, inside the trades panel only."""

    def __init__(self, approved: m.OrderApproved) -> None:
        self.approved = approved
        self.venue_order_id: str | None = None
        self.submitted: Nanos | None = None
        self.accepted = False
        self.unknown = False
        self.rejected = False
        self.closed: Nanos | None = None
        self.executed = False
        """It ended because nothing of it was left to fill, smaller than asked for or not."""
        self.filled = Quantity(0)
        self.resting = approved.request.quantity
        """What may still fill, by the exchange's last word and the fills booked since."""
        self.ahead: Quantity | None = None
        """What trades before it, and since when that is known."""
        self.ahead_at: Nanos | None = None
        self.last_fill: Nanos | None = None
        self.cost = Money(0)
        self.fees = Money(0)
        self.pnl: Money | None = None
        self.held: Money | None = None
        """What the contracts that it sold would have paid; None before the result."""
        self.notes: list[str] = [approved.request.time_in_force.value]

    @property
    def trade_id(self) -> str:
        """Our order id."""
        return self.approved.request.client_order_id

    @property
    def ticker(self) -> str:
        """Its market."""
        return self.approved.request.ticker

    @property
    def status(self) -> str:
        """Where the order is now; fills speak louder than answers."""
        if self.filled >= self.approved.request.quantity or self.executed:
            return "filled"
        if self.rejected:
            return "rejected"
        if self.closed is not None:
            return "cancelled"
        if self.unknown:
            return "unknown"
        if self.filled:
            return "partially_filled"
        if self.accepted:
            return "open"
        return "submitted" if self.submitted else "pending"

    @property
    def is_open(self) -> bool:
        """More can happen to it."""
        return self.status in OPEN

    @property
    def remaining(self) -> Quantity:
        """Contracts that may still fill; 0 once it is over."""
        return self.resting if self.is_open else Quantity(0)

    def book(self, fill: m.OrderFilled) -> None:
        """Add a fill; the caller has seen to it that it is a new one."""
        price = leg_price(fill.side, fill.price)
        self.filled = Quantity(self.filled + fill.quantity)
        self.resting = Quantity(max(0, self.resting - fill.quantity))
        self.cost = Money(self.cost + notional(price, fill.quantity))
        self.fees = Money(self.fees + fill.fee)
        self.last_fill = fill.ts

    def stands(self, ahead: Quantity, at: Nanos) -> bool:
        """Its place in the queue; False where that is no news of an order that rests."""
        told = self.remaining > 0 and (self.ahead_at is None or at > self.ahead_at)
        if told:
            self.ahead, self.ahead_at = ahead, at
        return told

    @property
    def closes(self) -> bool:
        """It only sells what was held."""
        return self.approved.request.reduce_only

    @property
    def exit(self) -> ExitTotals | None:
        """What it brought against holding on; None for an order that buys, or before the result."""
        if not self.closes or self.held is None:
            return None
        return ExitTotals(orders=1, quantity=self.filled, brought=self.brought, held=self.held)

    @property
    def brought(self) -> Money:
        """By its fills, where it sells what was held: a dollar a pair, less the other leg."""
        return Money(notional(DOLLAR_PRICE, self.filled) - self.cost - self.fees)

    def settle(self, result: Outcome) -> None:
        """Fix the P&L: a winning contract pays a dollar, whatever netted on the way.

        Fills of opposite legs that closed each other in between add up to the same sum. So the
        P&L of an exit is what it brought more than holding on would have.
        """
        if self.closes:
            self.held = exits.held(self.approved.request.side, self.filled, result)
        wins = leg_of(self.approved.request.side) == result.value
        payout = notional(DOLLAR_PRICE, self.filled) if wins else Money(0)
        self.pnl = Money(payout - self.cost - self.fees)

    def row(self, *, dry_run: bool) -> TradeRow:
        """The row as clients know it."""
        approved, request = self.approved, self.approved.request
        average = self.cost / self.filled if self.filled else None
        ahead = self.ahead if self.remaining else None
        closed_short = self.closed if self.status == "cancelled" else None
        return TradeRow(
            trade_id=self.trade_id,
            order_id=self.venue_order_id,
            ticker=request.ticker,
            side=leg_of(request.side),
            order_type="ioc" if request.time_in_force is TimeInForce.IOC else "limit",
            quantity=contracts(request.quantity),
            price=per_contract(leg_price(request.side, request.price)),
            status=self.status,
            filled_quantity=contracts(self.filled),
            remaining_quantity=contracts(self.remaining),
            queue_position=None if ahead is None else contracts(ahead),
            queue_at=None if ahead is None else maybe_rfc3339(self.ahead_at),
            average_fill_price=None if average is None else round(average / DOLLAR_PRICE, 6),
            cost=cents(self.cost),
            fees=cents(self.fees),
            pnl=None if self.pnl is None else cents(self.pnl),
            closes=self.closes,
            brought=cents(self.brought) if self.closes and self.filled else None,
            held_to_settlement=None if self.held is None else cents(self.held),
            strategy_name=approved.strategy,
            edge=approved.edge,
            confidence=approved.confidence,
            kelly_fraction=approved.kelly_fraction,
            dry_run=dry_run,
            created_at=rfc3339(approved.created),
            submitted_at=maybe_rfc3339(self.submitted),
            filled_at=maybe_rfc3339(self.last_fill),
            cancelled_at=maybe_rfc3339(closed_short),
            notes="; ".join(self.notes),
        )
