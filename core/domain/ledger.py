"""The books: cash, reservations, positions, realised profit and fees, as a fold over events.

`apply` takes each event once: it knows trades by trade id, orders by order id, settlements by
market and number. Every change builds the new balance, checks it, then assigns it, so that a
refused event changes nothing. What can no longer come again is forgotten (`core.domain.recent`),
so books that run for a year are no larger than those of two days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from core import messages as m
from core.domain.positions import Position, Reservation, book_fill
from core.domain.recent import Recent
from core.messages.base import Part
from core.units import Money, Nanos, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.records import OrderRequest
    from core.messages import Message


_PAYOUTS_KEPT: Final = 200


class LedgerError(Exception):
    """An event contradicts the books: a defect or a damaged journal."""


class LedgerState(Part, frozen=True, kw_only=True):
    """Everything that a ledger knows, for a snapshot of the journal."""

    cash: Money | None
    positions: tuple[Position, ...]
    reservations: tuple[tuple[str, Reservation], ...]
    realized: Money
    fees: Money
    capital: Money
    since: Nanos
    day: str
    day_open: Money
    peak: Money
    approvals: int
    fills: int
    settled: int
    payouts: tuple[m.PositionSettled, ...]
    trades: tuple[tuple[str, None, Nanos], ...]
    approved: tuple[tuple[str, None, Nanos], ...]
    settlements: tuple[tuple[str, int, Nanos], ...]
    newest: Nanos = Nanos(0)
    moved: Nanos = Nanos(0)


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
        self.since = Nanos(0)
        """When the capital was set: the beginning of these books."""
        self.newest = Nanos(0)
        """The exchange's time of the newest fill: a report of before it knows less than we do."""
        self.moved = Nanos(0)
        """When money last came in or went out beside the trading."""
        self._takes: dict[type[Message], Callable[[Any], bool]] = {
            m.CapitalSet: self._set_capital,
            m.OrderApproved: self._approve,
            m.OrderAdopted: self._adopt,
            m.OrderAccepted: self._shrink,
            m.OrderFilled: self._fill,
            m.OrderRejected: self._release,
            m.OrderClosed: self._release,
            m.PositionSettled: self._settle,
            m.DayOpened: self._open_day,
            m.PeakRaised: self._raise_peak,
        }
        self._trades: Recent[None] = Recent()
        self._approved: Recent[None] = Recent()
        self._settlements: Recent[int] = Recent()

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

    def settlements(self, ticker: str) -> int:
        """How often a position in this market has been settled: 1 unless a fill came late."""
        return self._settlements.get(ticker, 0)

    # --- snapshots ---------------------------------------------------------------------------

    def dump(self) -> LedgerState:
        """Everything that the fold has come to."""
        return LedgerState(
            cash=self.cash,
            positions=tuple(self.positions.values()),
            reservations=tuple(self.reservations.items()),
            realized=self.realized,
            fees=self.fees,
            capital=self.capital,
            since=self.since,
            day=self.day,
            day_open=self.day_open,
            peak=self.peak,
            approvals=self.approvals,
            fills=self.fills,
            settled=self.settled,
            payouts=tuple(self.payouts.values()),
            trades=self._trades.dump(),
            approved=self._approved.dump(),
            settlements=self._settlements.dump(),
            newest=self.newest,
            moved=self.moved,
        )

    def load(self, state: LedgerState) -> None:
        """The inverse of `dump`, in place of what was here."""
        self.cash, self.capital, self.since = state.cash, state.capital, state.since
        self.positions = {held.ticker: held for held in state.positions}
        self.reservations = dict(state.reservations)
        self.realized, self.fees = state.realized, state.fees
        self.day, self.day_open, self.peak = state.day, state.day_open, state.peak
        self.approvals, self.fills, self.settled = state.approvals, state.fills, state.settled
        self.payouts = {payout.ticker: payout for payout in state.payouts}
        self._trades.load(state.trades)
        self._approved.load(state.approved)
        self._settlements.load(state.settlements)
        self.newest, self.moved = state.newest, state.moved

    # --- the fold ----------------------------------------------------------------------------

    def apply(self, event: Message) -> bool:
        """Take an event; False when it was known already or is none of the books' business."""
        take = self._takes.get(type(event))
        return take(event) if take else False

    def _set_capital(self, event: m.CapitalSet) -> bool:
        if self.cash is not None:
            return self._move(event)
        self.cash = self.capital = self.peak = event.cash
        self.since = event.ts
        return True

    def _move(self, event: m.CapitalSet) -> bool:
        """Not earned and not lost: the day's opening and the peak move with it."""
        if self.cash is None or event.ts <= max(self.since, self.moved):
            return False
        self.moved = event.ts
        self.cash = Money(self.cash + event.moved)
        self.capital = Money(self.capital + event.moved)
        self.day_open = Money(self.day_open + event.moved)
        self.peak = Money(self.peak + event.moved)
        return True

    def _approve(self, event: m.OrderApproved) -> bool:
        return self._reserve(event.request, event.reserve, event.created)

    def _adopt(self, event: m.OrderAdopted) -> bool:
        self.approvals = max(self.approvals, event.number - 1)
        return self._reserve(event.request, event.reserve, event.ts)

    def _release(self, event: m.OrderRejected | m.OrderClosed) -> bool:
        return self.reservations.pop(event.order_id, None) is not None

    def _open_day(self, event: m.DayOpened) -> bool:
        self.day, self.day_open = event.day, event.equity
        return True

    def _raise_peak(self, event: m.PeakRaised) -> bool:
        self.peak = max(self.peak, event.equity)
        return True

    def _reserve(self, request: OrderRequest, amount: Money, ts: Nanos) -> bool:
        if request.client_order_id in self._approved:
            return False
        self._approved.put(request.client_order_id, None, ts)
        self.approvals += 1
        self.reservations[request.client_order_id] = Reservation(
            ticker=request.ticker,
            side=request.side,
            price=request.price,
            quantity=request.quantity,
            amount=amount,
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
        self._trades.put(event.trade_id, None, event.ts)
        self.fills += 1
        self.newest = max(self.newest, event.ts_event)
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
        booked = Quantity(held.booked + event.quantity)
        self.reservations[event.order_id] = msgspec.structs.replace(held, booked=booked)
        self._keep(event.order_id, max(0, held.quantity - event.quantity))

    def _shrink(self, event: m.OrderAccepted) -> bool:
        """The exchange says what may still fill: that, and fills it has told that are on their way.

        It only ever gets less: an older report that comes late says nothing new.
        """
        held = self.reservations.get(event.order_id)
        if held is None:
            return False
        left = event.remaining + max(0, event.filled - held.booked)
        if left >= held.quantity:
            return False
        self._keep(event.order_id, left)
        return True

    def _keep(self, order_id: str, left: int) -> None:
        """Keep money for so many contracts of an order, rounded up."""
        held = self.reservations[order_id]
        amount = -(-held.amount * left // held.quantity) if held.quantity else 0
        self.reservations[order_id] = msgspec.structs.replace(
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
        self._settlements.put(event.ticker, done + 1, event.ts)
        self.settled += 1
        self.cash = Money(self.cash + event.payout)
        self.realized = Money(self.realized + event.payout - held.cost)
        del self.positions[event.ticker]
        self.payouts[event.ticker] = event
        if len(self.payouts) > _PAYOUTS_KEPT:
            del self.payouts[next(iter(self.payouts))]
        return True
