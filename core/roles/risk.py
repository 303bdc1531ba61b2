"""The role `risk`: the one writer of money.

It turns signals into approved orders or denials, reserves what an order may cost, books fills and
settlements, marks equity, and reports breaches. The books are `core.domain.ledger`, folded from
the journal; the questions before an order are `core.domain.rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain import caps, charges, marks, picture, rules
from core.domain.fold import StateFolded
from core.domain.ledger import Ledger
from core.domain.positions import payout
from core.domain.reconciliation import account_differences, blocked_markets, same_gap
from core.domain.rules import Denial, Facts, RiskLimits
from core.domain.windows import trading_day
from core.exchange.records import OrderRequest, Outcome, Side, TimeInForce
from core.roles.base import HandlingRole
from core.topology import RISK
from core.units import MINUTE, Money, Nanos, Quantity, complement, seconds

if TYPE_CHECKING:
    from core.messages import Message, TradingState

EXPIRY_MARGIN = seconds(2.0)
"""A resting order dies this long before its window's close, whatever happens to us."""


class Risk(HandlingRole):
    """Decides on money and keeps its books. `instance` prefixes every order id."""

    def __init__(self, limits: RiskLimits, instance: str, name: str = RISK) -> None:
        super().__init__(
            name,
            {
                m.Signal: self._signal,
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
        self.ledger = Ledger()
        self._limits = limits
        self._instance = instance
        self._state: TradingState = "STARTING"
        self._epoch = 0
        self._views: dict[str, m.MarketView] = {}
        self._marks: dict[str, marks.Mark] = {}
        self._results: dict[str, Outcome] = {}
        self._unknown: set[str] = set()
        self._suspected: frozenset[tuple[str, str, str]] = frozenset()
        self._differing: frozenset[str] = frozenset()
        self._peak_written = Nanos(0)
        self._dirty = True

    def apply(self, event: Message) -> None:
        """Fold one journalled event into the books."""
        self.ledger.apply(event)
        match event:
            case StateFolded():
                self.ledger.load(event.ledger)
                self._unknown = {order.order_id for order in event.orders.unknown()}
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
            return [self._denied(signal, Denial(code=code, limit=1, value=0), now)]
        facts = self._facts(signal, view, now)
        denial = rules.first_denial(facts)
        if denial is not None:
            return [self._denied(signal, denial, now)]
        sized = caps.size(facts)
        if sized.quantity <= 0:
            refusal = Denial(code=f"no_room_{sized.binding}", limit=sized.limit, value=0)
            return [self._denied(signal, refusal, now)]
        return [self._approved(facts, sized.quantity)]

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
        )

    def _unknown_markets(self) -> set[str]:
        held = self.ledger.reservations
        return {held[order_id].ticker for order_id in self._unknown if order_id in held}

    def _approved(self, facts: Facts, quantity: Quantity) -> m.OrderApproved:
        signal, limits = facts.signal, self._limits
        return m.OrderApproved(
            request=self._request(facts, quantity),
            signal_id=signal.signal_id,
            strategy=signal.strategy,
            outcome=signal.outcome,
            probability=signal.probability,
            edge=signal.edge,
            confidence=signal.confidence,
            kelly_fraction=signal.kelly_fraction,
            reserve=caps.reserve(facts, quantity),
            epoch=self._epoch,
            created=facts.now,
            expires=Nanos(facts.now + limits.intent_ttl),
        )

    def _request(self, facts: Facts, quantity: Quantity) -> OrderRequest:
        signal, market = facts.signal, facts.market
        resting = signal.style == "make"
        latest = Nanos(market.close_ns - EXPIRY_MARGIN)
        expires = min(latest, Nanos(facts.now + self._limits.resting_ttl)) if resting else None
        price = signal.price if facts.side is Side.BID else complement(signal.price)
        counter = self.ledger.approvals + 1
        return OrderRequest(
            ticker=signal.ticker,
            client_order_id=f"{self._instance}-{counter}-{signal.strategy[:16]}-{signal.ticker}",
            side=facts.side,
            quantity=quantity,
            price=price,
            time_in_force=TimeInForce.GTC if resting else TimeInForce.IOC,
            post_only=resting,
            cancel_on_pause=True,
            expires=expires,
            shard=market.shard,
        )

    def _denied(self, signal: m.Signal, denial: Denial, now: Nanos) -> m.OrderDenied:
        return m.OrderDenied(
            signal_id=signal.signal_id,
            strategy=signal.strategy,
            ticker=signal.ticker,
            outcome=signal.outcome,
            price=signal.price,
            edge=signal.edge,
            code=denial.code,
            limit=denial.limit,
            value=denial.value,
            created=now,
        )

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
        # A report is read in several requests, so a difference counts when it is seen twice.
        lasting = tuple(d for d in found if same_gap(d) in self._suspected)
        self._suspected = frozenset(map(same_gap, found))
        self._differing = blocked_markets(lasting)
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
