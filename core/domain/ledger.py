"""The books: cash, reservations, positions, realised profit and fees, as a fold over events.

`apply` takes each event once: it knows trades by trade id, orders by order id, settlements by
market and number. Every change builds the new balance, checks it, then assigns it, so that a
refused event changes nothing. Costs are average costs of the own leg; a market has one signed
position (+ YES, - NO), and opposite fills net against it as they do at the exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.exchange.records import Outcome, Side
from core.units import DOLLAR_PRICE, Money, Price, Quantity, complement, notional

if TYPE_CHECKING:
    from core.messages import Message


_PAYOUTS_KEPT: Final = 200


class LedgerError(Exception):
    """An event contradicts the books: a defect or a damaged journal."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One market's position. `cost` is what the open contracts cost, without fees."""

    ticker: str
    quantity: Quantity = Quantity(0)
    cost: Money = Money(0)
    realized: Money = Money(0)
    fees: Money = Money(0)

    @property
    def outcome(self) -> Outcome:
        """The leg that is held; YES when flat."""
        return Outcome.YES if self.quantity >= 0 else Outcome.NO


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Money kept for an order that may still cost it."""

    ticker: str
    side: Side
    price: Price
    quantity: Quantity
    """Not yet filled."""
    amount: Money


def own_leg(side: Side, price: Price) -> Price:
    """What a fill at this YES price costs per contract when it opens: NO legs cost the rest."""
    return price if side is Side.BID else complement(price)


class Ledger:
    """Cash and positions. Belongs to the risk role, its only writer."""

    def __init__(self) -> None:
        self.cash: Money | None = None
        """None until the capital is known; reservations are not taken off."""
        self.positions: dict[str, Position] = {}
        """Open positions and those of windows that still wait for their result."""
        self.reservations: dict[str, Reservation] = {}
        self.realized = Money(0)
        self.fees = Money(0)
        self.capital = Money(0)
        self.day = ""
        self.day_open = Money(0)
        self.peak = Money(0)
        self.approvals = 0
        """Orders ever approved: the counter behind derived order ids."""
        self.fills = 0
        self.settled = 0
        self.payouts: dict[str, m.PositionSettled] = {}
        """The newest settlements by market, bounded: the exchange may pay a little later."""
        self._trades: set[str] = set()
        self._approved: set[str] = set()
        self._settlements: dict[str, int] = {}

    # --- questions -------------------------------------------------------------------------

    @property
    def reserved(self) -> Money:
        """Sum of all reservations."""
        return Money(sum(reservation.amount for reservation in self.reservations.values()))

    @property
    def free_cash(self) -> Money:
        """Cash that an order may use; 0 before the capital is known."""
        return Money((self.cash or 0) - self.reserved)

    @property
    def exposure(self) -> Money:
        """Cost of what is open plus what is reserved: the most that can be lost."""
        return Money(sum(p.cost for p in self.positions.values()) + self.reserved)

    def position(self, ticker: str) -> Position:
        """The position of a market, flat where there is none."""
        return self.positions.get(ticker) or Position(ticker=ticker)

    def open_orders(self, ticker: str) -> list[Reservation]:
        """Reservations in a market."""
        return [r for r in self.reservations.values() if r.ticker == ticker]

    def settlements(self, ticker: str) -> int:
        """How often a position in this market has been settled: 1 unless a fill came late."""
        return self._settlements.get(ticker, 0)

    # --- the fold ----------------------------------------------------------------------------

    def apply(self, event: Message) -> bool:
        """Take an event; False when it was known already or is none of the books' business."""
        match event:
            case m.CapitalSet():
                return self._set_capital(event)
            case m.OrderApproved():
                return self._reserve(event)
            case m.OrderFilled():
                return self._fill(event)
            case m.OrderRejected() | m.OrderClosed():
                return self.reservations.pop(event.order_id, None) is not None
            case m.PositionSettled():
                return self._settle(event)
            case m.DayOpened():
                self.day, self.day_open = event.day, event.equity
                return True
            case m.PeakRaised():
                self.peak = max(self.peak, event.equity)
                return True
            case _:
                return False

    def _set_capital(self, event: m.CapitalSet) -> bool:
        if self.cash is not None:
            return False
        self.cash = self.capital = self.peak = event.cash
        return True

    def _reserve(self, event: m.OrderApproved) -> bool:
        request = event.request
        if request.client_order_id in self._approved:
            return False
        self._approved.add(request.client_order_id)
        self.approvals += 1
        self.reservations[request.client_order_id] = Reservation(
            ticker=request.ticker,
            side=request.side,
            price=request.price,
            quantity=request.quantity,
            amount=event.reserve,
        )
        return True

    def _fill(self, event: m.OrderFilled) -> bool:
        if event.trade_id in self._trades:
            return False
        if self.cash is None:
            msg = f"fill {event.trade_id} before any capital was set"
            raise LedgerError(msg)
        if event.quantity <= 0:
            msg = f"fill {event.trade_id} of {event.quantity} contracts"
            raise LedgerError(msg)
        before = self.position(event.ticker)
        after, flow = book_fill(before, event)
        self._trades.add(event.trade_id)
        self.fills += 1
        self.cash = Money(self.cash + flow)
        self.realized = Money(self.realized + after.realized - before.realized)
        self.fees = Money(self.fees + event.fee)
        self.positions[event.ticker] = after
        self._use_reservation(event)
        return True

    def _use_reservation(self, event: m.OrderFilled) -> None:
        held = self.reservations.get(event.order_id)
        if held is None:
            return
        left = max(0, held.quantity - event.quantity)
        amount = -(-held.amount * left // held.quantity) if held.quantity else 0
        self.reservations[event.order_id] = msgspec.structs.replace(
            held, quantity=Quantity(left), amount=Money(amount)
        )

    def _settle(self, event: m.PositionSettled) -> bool:
        done = self._settlements.get(event.ticker, 0)
        if event.number != done:
            return False
        held = self.position(event.ticker)
        if self.cash is None or held.quantity != event.quantity:
            msg = f"{event.ticker} settles {event.quantity}, the books have {held.quantity}"
            raise LedgerError(msg)
        self._settlements[event.ticker] = done + 1
        self.settled += 1
        self.cash = Money(self.cash + event.payout)
        self.realized = Money(self.realized + event.payout - held.cost)
        del self.positions[event.ticker]
        self.payouts[event.ticker] = event
        if len(self.payouts) > _PAYOUTS_KEPT:
            del self.payouts[next(iter(self.payouts))]
        return True


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
    )
    return after, Money(proceeds - paid - fill.fee)


def payout(quantity: Quantity, result: Outcome) -> Money:
    """What a signed position pays when its window ends with `result`: $1 a winning contract."""
    wins = quantity > 0 if result is Outcome.YES else quantity < 0
    return notional(DOLLAR_PRICE, Quantity(abs(quantity))) if wins else Money(0)
