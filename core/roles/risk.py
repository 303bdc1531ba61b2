"""The role `risk`: the one writer of money.

It turns signals into approved orders or denials, reserves what an order may cost, books fills and
settlements, marks equity, and reports breaches. The books are `core.domain.ledger`, folded from
the journal; the questions before an order are `core.domain.rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain import approvals, caps, charges, closing, marks, picture, rules
from core.domain.fold import StateFolded
from core.domain.holdings import Holdings
from core.domain.ledger import Ledger
from core.domain.positions import payout
from core.domain.recent import Newest
from core.domain.reconciliation import Doubts, account_differences, blocked_markets, cash_gap
from core.domain.rules import Denial, Facts, RiskLimits
from core.domain.windows import trading_day
from core.roles import cash_moves
from core.roles.base import HandlingRole
from core.roles.brakes import Brakes
from core.roles.operator_orders import OperatorOrders
from core.topology import RISK
from core.units import MINUTE, Money, Nanos, Quantity

if TYPE_CHECKING:
    from core.exchange.records import Outcome
    from core.messages import Message, TradingState


class Risk(HandlingRole):
    """Decides on money and keeps its books. `instance` prefixes every order id."""

    def __init__(self, limits: RiskLimits, instance: str, name: str = RISK) -> None:
        self.ledger = Ledger()
        self._holdings = Holdings()
        self._views: Newest[m.MarketView] = Newest()
        self._brakes = Brakes(limits.protections)
        self._operator = OperatorOrders(
            self._views,
            (self.ledger, self._holdings),
            limits.price_collar,
            (self._facts, self._approved),
        )
        super().__init__(
            name,
            {
                m.Signal: self._signal,
                m.PlaceManually: self._operator.place,
                m.ClosePosition: self._operator.close,
                m.SetBankroll: self._bankroll,
                m.BookCash: self._book_cash,
                m.ClearLock: self._brakes.clear,
                m.MarketView: self._viewed,
                m.MarketDetermined: self._determined,
                m.OrderFilled: self._changed,
                m.OrderRejected: self._resolved,
                m.OrderClosed: self._resolved,
                m.OrderAccepted: self._resolved,
                m.AccountBooked: self._compare,
                m.TradingStateChanged: self._state_changed,
                m.Permit: self._permitted,
                m.Tick: self._tick,
            },
        )
        self._limits = limits
        self._instance = instance
        self._state: TradingState = "STARTING"
        self._epoch = 0
        self._marks: dict[str, marks.Mark] = {}
        self._results: Newest[Outcome] = Newest()
        self._unknown: set[str] = set()
        self._doubts = Doubts()
        self._differing: frozenset[str] = frozenset()
        self._gap: Money | None = None
        """By how much cash differs, when last looked at."""
        self._peak_written = Nanos(0)
        self._dirty = True

    def apply(self, event: Message) -> None:
        """Fold one journalled event into the books."""
        self._brakes.apply(event, self.ledger)
        self._holdings.apply(event)
        self.ledger.apply(event)
        match event:
            case StateFolded():
                self.ledger.load(event.ledger)
                self._unknown = {order.order_id for order in event.orders.unknown()}
                if event.bankroll is not None:
                    self.apply(event.bankroll)
            case m.CapitalSet():
                self._gap = None
            case m.BankrollSet():
                self._limits = msgspec.structs.replace(self._limits, bankroll=event.bankroll)
            case m.OrderApproved():
                self._operator.apply(event)
            case m.OrderUnknown() | m.OrderAdopted():
                self._unknown.add(event.order_id)
            case m.OrderAccepted() | m.OrderRejected() | m.OrderClosed():
                self._unknown.discard(event.order_id)
            case _:
                pass

    # --- deciding ----------------------------------------------------------------------------

    def _signal(self, signal: m.Signal, now: Nanos) -> list[Message]:
        view = self._views.get(signal.ticker)
        if view is None or self.ledger.cash is None:
            code = "market_unknown" if view is None else "capital_unknown"
            return [approvals.denied(signal, Denial(code=code, limit=1, value=0), now)]
        facts = self._facts(signal, view, now)
        asked, cap = (closing.asked, closing) if signal.closes else (rules.asked, caps)
        denial = rules.first_denial(facts, asked) or self._brakes.repeated(signal)
        if denial is not None:
            return [approvals.denied(signal, denial, now)]
        sized = cap.size(facts)
        if sized.quantity <= 0:
            refusal = Denial(code=f"no_room_{sized.binding}", limit=sized.limit, value=0)
            return [approvals.denied(signal, refusal, now)]
        return [self._approved(facts, sized.quantity)]

    def _approved(self, facts: Facts, quantity: Quantity) -> m.OrderApproved:
        return approvals.approved(facts, quantity, self._epoch, self._instance)

    def _facts(self, signal: m.Signal, view: m.MarketView, now: Nanos) -> Facts:
        equity = picture.equity(self.ledger, self._marks)
        return Facts(
            signal=signal,
            view=view,
            state=self._state,
            ledger=self.ledger,
            unknown=frozenset(self._unknown_markets()),
            differing=self._differing,
            equity=equity,
            day_pnl=Money(equity - self.ledger.day_open),
            limits=self._limits,
            now=now,
            locks=self._brakes.locks(now),
            recent_orders=self._brakes.recent(now),
            held=closing.sellable(signal, self._holdings, self.ledger),
        )

    def _unknown_markets(self) -> set[str]:
        held = self.ledger.reservations
        return {held[order_id].ticker for order_id in self._unknown if order_id in held}

    def _bankroll(self, command: m.SetBankroll, now: Nanos) -> list[Message]:
        """Stakes are computed from this at most, from the next signal on."""
        done = m.CommandAnswered(command_id=command.command_id)
        if command.bankroll == self._limits.bankroll:
            return [done]
        changed = m.BankrollSet(
            bankroll=command.bankroll, by=command.by, reason=command.reason, ts=now
        )
        return [changed, done]

    def _book_cash(self, command: m.BookCash, now: Nanos) -> list[Message]:
        booked = cash_moves.booked(command, self._gap, self.ledger, now)
        return booked + self._look_again(now)

    # --- following ---------------------------------------------------------------------------

    def _viewed(self, view: m.MarketView, now: Nanos) -> list[Message]:
        del now
        ticker = view.market.ticker
        self._views[ticker] = view
        if ticker in self.ledger.positions:
            before = self._marks.get(ticker, marks.Mark())
            self._marks[ticker] = marks.updated(before, view)
            self._dirty = True
        return []

    def _determined(self, result: m.MarketDetermined, now: Nanos) -> list[Message]:
        self._results[result.ticker] = result.result
        self._views.pop(result.ticker, None)
        settled = self._settle(result.ticker, now)
        return [*settled, *self._look_again(now)] if settled else []

    def _look_again(self, now: Nanos) -> list[Message]:
        """The picture after these events: they are applied only when this handler is done."""
        self._dirty = True
        return [m.Scheduled(due=now, to=self.name, message=m.Tick(due=now))]

    def _settle(self, ticker: str, now: Nanos) -> list[Message]:
        held = self.ledger.positions.get(ticker)
        result = self._results.get(ticker)
        if held is None or result is None:
            return []
        self._marks.pop(ticker, None)
        return [
            m.PositionSettled(
                ticker=ticker,
                number=self.ledger.settlements(ticker),
                result=result,
                quantity=held.quantity,
                payout=payout(held.quantity, result),
                fees=held.fees,
                ts=now,
            )
        ]

    def _changed(self, fill: m.OrderFilled, now: Nanos) -> list[Message]:
        view = self._views.get(fill.ticker)
        if view is not None:
            self._marks[fill.ticker] = marks.updated(
                self._marks.get(fill.ticker, marks.Mark()), view
            )
        late = self._settle(fill.ticker, now)
        then = [*late, *self._look_again(now)] if late else self._picture(now)
        return [*charges.breaches(fill, view, self.name), *then]

    def _resolved(self, event: Message, now: Nanos) -> list[Message]:
        del event, now
        self._dirty = True
        return []

    def _state_changed(self, change: m.TradingStateChanged, now: Nanos) -> list[Message]:
        del now
        self._state, self._epoch = change.state, change.epoch
        return []

    def _permitted(self, permit: m.Permit, now: Nanos) -> list[Message]:
        """A restarted host learns the state from the next permit."""
        del now
        if permit.epoch >= self._epoch:
            self._state, self._epoch = permit.state, permit.epoch
        return []

    # --- the picture -------------------------------------------------------------------------

    def _tick(self, tick: m.Tick, now: Nanos) -> list[Message]:
        del tick
        out: list[Message] = []
        if self.ledger.cash is None:
            return out
        equity = picture.equity(self.ledger, self._marks)
        today = trading_day(now).isoformat()
        if today != self.ledger.day:
            out.append(m.DayOpened(day=today, equity=equity, ts=now))
        if equity > self.ledger.peak and now - self._peak_written >= MINUTE:
            self._peak_written = now
            out.append(m.PeakRaised(equity=equity, ts=now))
        out += self._brakes.due(now)
        return out + self._picture(now) if self._dirty else out

    def _picture(self, now: Nanos) -> list[Message]:
        """The money picture, and the breaches in it."""
        self._dirty = False
        marked = picture.marked(self.ledger, self._marks, now)
        return [marked, *picture.breaches(marked, self._limits, self.name)]

    # --- comparing ---------------------------------------------------------------------------

    def _compare(self, booked: m.AccountBooked, now: Nanos) -> list[Message]:
        """Hold our books against the exchange's, unless its report is older than they are."""
        report = booked.report
        if self.ledger.cash is None:
            capital = m.CapitalSet(cash=report.cash, source="exchange", ts=now)
            opened = m.DayOpened(day=trading_day(now).isoformat(), equity=report.cash, ts=now)
            return [capital, opened, _reconciled(booked, (), now)]
        settled = self._settled_meanwhile(report, now)
        if settled or report.as_of < self.ledger.newest:
            return [*settled, _reconciled(booked, (), now, complete=False)]
        found = account_differences(self.ledger, booked)
        lasting = self._doubts.lasting(found, report.as_of, now)
        self._differing, self._gap = blocked_markets(lasting), cash_gap(lasting)
        still = not booked.open_orders and not self.ledger.reservations
        complete = still and (not found or bool(lasting))
        return [_reconciled(booked, lasting, now, complete=complete)]

    def _settled_meanwhile(self, report: m.AccountReport, now: Nanos) -> list[Message]:
        """Windows that ended while nobody here was looking."""
        for row in report.settlements:
            if row.result is not None and row.ticker in self.ledger.positions:
                self._results[row.ticker] = row.result
        return [
            event for ticker in list(self.ledger.positions) for event in self._settle(ticker, now)
        ]


def _reconciled(
    booked: m.AccountBooked,
    differences: tuple[m.Difference, ...],
    now: Nanos,
    *,
    complete: bool = True,
) -> m.Reconciled:
    return m.Reconciled(complete=complete, differences=differences, foreign=booked.foreign, ts=now)
