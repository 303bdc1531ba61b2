"""The figures of a backtest, counted while it runs.

`Tally` stands where the dashboard stands in the daemon: it hears the same messages and answers
none. A window's P&L is counted from its fills and its result alone, so it can be held against the
ledger's and the venue's books.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.exits import ExitTotals, brought, held
from core.exchange.records import Outcome, Side
from core.roles.base import HandlingRole
from core.topology import DASHBOARD
from core.units import DOLLAR_PRICE, IndexValue, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message


class WindowRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in one window."""

    ticker: str
    opens: Nanos
    closes: Nanos
    strike: IndexValue | None
    value: IndexValue | None
    result: Outcome | None
    """None: the tape does not say how it ended, so what was held there stays open."""
    signals: int
    passes: int
    denied: int
    orders: int
    fills: int
    contracts: Quantity
    """Traded, both legs."""
    position: Quantity
    """At the close: + YES, - NO."""
    fees: Money
    pnl: Money | None
    """After fees; None while a position has no result."""


class _Window:
    """A window while it runs."""

    def __init__(self, market: m.MarketTerms) -> None:
        self.market = market
        self.strike = market.strike
        self.value: IndexValue | None = None
        self.result: Outcome | None = None
        self.counts: Counter[type[Message]] = Counter()
        self.fills: list[m.OrderFilled] = []

    def row(self) -> WindowRow:
        counts, fills = self.counts, self.fills
        signed = [fill.quantity if fill.side is Side.BID else -fill.quantity for fill in fills]
        return WindowRow(
            ticker=self.market.ticker,
            opens=self.market.open_ns,
            closes=self.market.close_ns,
            strike=self.strike,
            value=self.value,
            result=self.result,
            signals=counts[m.Signal],
            passes=counts[m.Pass],
            denied=counts[m.OrderDenied],
            orders=counts[m.OrderSubmitting],
            fills=len(fills),
            contracts=Quantity(sum(fill.quantity for fill in fills)),
            position=Quantity(sum(signed)),
            fees=Money(sum(fill.fee for fill in fills)),
            pnl=self._pnl(),
        )

    def _pnl(self) -> Money | None:
        """Each fill bought at its price what its result was worth, or sold it."""
        if self.result is None and self.fills:
            return None
        worth = DOLLAR_PRICE if self.result is Outcome.YES else Price(0)
        gained = 0
        for fill in self.fills:
            gain = (worth - fill.price) * fill.quantity
            gained += (gain if fill.side is Side.BID else -gain) - fill.fee
        return Money(gained)


class Tally(HandlingRole):
    """Counts; see the module."""

    def __init__(self, name: str = DASHBOARD) -> None:
        super().__init__(
            name,
            {
                m.MarketListed: self._listed,
                m.StrikePublished: self._struck,
                m.MarketDetermined: self._determined,
                m.Signal: self._counted,
                m.Pass: self._passed,
                m.OrderDenied: self._denied,
                m.OrderSubmitting: self._submitted,
                m.OrderApproved: self._approved,
                m.OrderRejected: self._rejected,
                m.OrderFilled: self._filled,
                m.TradingStateChanged: self._state_changed,
            },
        )
        self.refusals: Counter[str] = Counter()
        """Signals and orders refused by risk, execution or the venue, by code."""
        self.passes: Counter[str] = Counter()
        """Strategies' own reasons for wanting nothing, by code."""
        self.states: list[m.TradingStateChanged] = []
        self.fills: list[m.OrderFilled] = []
        self._windows: dict[str, _Window] = {}
        self._tickers: dict[str, str] = {}
        """Order id -> ticker."""
        self._closing: set[str] = set()
        """Orders that sell what was held."""

    def exits(self) -> ExitTotals:
        """What sales before settlement brought, in windows with a result."""
        total = ExitTotals(orders=len({fill.order_id for fill in self._exits()}))
        for fill in self._exits():
            result = self._windows[fill.ticker].result
            assert result is not None
            one = ExitTotals(
                quantity=fill.quantity,
                brought=brought(fill.side, fill.price, fill.quantity, fill.fee),
                held=held(fill.side, fill.quantity, result),
            )
            total = total.plus(one)
        return total

    def _exits(self) -> list[m.OrderFilled]:
        windows, closing = self._windows, self._closing
        return [f for f in self.fills if f.order_id in closing and windows[f.ticker].result]

    def rows(self) -> tuple[WindowRow, ...]:
        """The windows, in order of closing."""
        windows = sorted(self._windows.values(), key=lambda window: window.market.close_ns)
        return tuple(window.row() for window in windows)

    # --- markets

    def _listed(self, listed: m.MarketListed, now: Nanos) -> Sequence[Message]:
        del now
        market = listed.market
        window = self._windows.setdefault(market.ticker, _Window(market))
        window.strike = window.strike or market.strike
        return ()

    def _struck(self, struck: m.StrikePublished, now: Nanos) -> Sequence[Message]:
        del now
        if struck.ticker in self._windows:
            self._windows[struck.ticker].strike = struck.strike
        return ()

    def _determined(self, result: m.MarketDetermined, now: Nanos) -> Sequence[Message]:
        del now
        window = self._windows.get(result.ticker)
        if window is not None:
            window.result, window.value = result.result, result.value
        return ()

    # --- decisions and orders

    def _count(self, ticker: str, message: Message) -> None:
        if ticker in self._windows:
            self._windows[ticker].counts[type(message)] += 1

    def _counted(self, signal: m.Signal, now: Nanos) -> Sequence[Message]:
        del now
        self._count(signal.ticker, signal)
        return ()

    def _passed(self, passed: m.Pass, now: Nanos) -> Sequence[Message]:
        del now
        self.passes[passed.code] += 1
        self._count(passed.ticker, passed)
        return ()

    def _denied(self, denied: m.OrderDenied, now: Nanos) -> Sequence[Message]:
        del now
        self.refusals[denied.code] += 1
        self._count(denied.ticker, denied)
        return ()

    def _approved(self, approved: m.OrderApproved, now: Nanos) -> Sequence[Message]:
        del now
        self._tickers[approved.request.client_order_id] = approved.request.ticker
        if approved.request.reduce_only:
            self._closing.add(approved.request.client_order_id)
        return ()

    def _submitted(self, order: m.OrderSubmitting, now: Nanos) -> Sequence[Message]:
        del now
        self._count(self._tickers.get(order.order_id, ""), order)
        return ()

    def _rejected(self, rejected: m.OrderRejected, now: Nanos) -> Sequence[Message]:
        del now
        self.refusals[rejected.code] += 1
        return ()

    def _filled(self, fill: m.OrderFilled, now: Nanos) -> Sequence[Message]:
        del now
        self.fills.append(fill)
        self._windows[fill.ticker].fills.append(fill)
        return ()

    def _state_changed(self, change: m.TradingStateChanged, now: Nanos) -> Sequence[Message]:
        del now
        self.states.append(change)
        return ()
