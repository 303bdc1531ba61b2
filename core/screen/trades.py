"""The trades panel: orders, fills, and the result of each window, from journalled events alone."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.metrics import Score
from core.domain.orders import EXECUTED
from core.screen.market_rows import WindowRow
from core.screen.scale import cents, index_dollars, per_contract, rfc3339
from core.screen.topics import TOPICS
from core.screen.trade import Trade, leg_of, leg_price
from core.screen.trading_rows import FillRow, TradeRow
from core.units import Money, Quantity, contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.records import Outcome
    from core.screen.panel import Change, Facts, Listeners
    from core.units import IndexValue, Nanos

_TRADES: Final = TOPICS["order"].keep
_FILLS: Final = TOPICS["trade_execution"].keep
_WINDOWS: Final = TOPICS["window"].keep
_FILL_IDS: Final = 20_000
"""Trade ids remembered: a fill told twice is booked once."""
_NOTES: Final = 6


class Result:
    """A window's result and what it brought. Mutable, inside this panel only."""

    def __init__(self, ticker: str, outcome: Outcome, ts: Nanos) -> None:
        self.ticker = ticker
        self.outcome = outcome
        self.ts = ts
        self.value: IndexValue | None = None
        self.position: Quantity | None = None
        self.payout = Money(0)
        self.settlements: set[int] = set()


class TradesPanel:
    """Rows `order`, `trade_execution` and `window`; scores of the strategies."""

    def __init__(self, *, dry_run: bool) -> None:
        self.trades: dict[str, Trade] = {}
        self.scores: dict[str, Score] = {}
        self._dry_run = dry_run
        self._results: dict[str, Result] = {}
        self._strikes: dict[str, IndexValue] = {}
        self._fill_ids: dict[str, None] = {}
        self._fills: deque[FillRow] = deque(maxlen=_FILLS)
        self._dirty_trades: dict[str, None] = {}
        self._dirty_windows: dict[str, None] = {}
        self.facts: Facts = {
            m.OrderApproved: self._approved,
            m.OrderSubmitting: self._submitting,
            m.OrderAccepted: self._accepted,
            m.OrderRejected: self._rejected,
            m.OrderUnknown: self._unknown,
            m.OrderFilled: self._filled,
            m.OrderClosed: self._closed,
            m.PositionSettled: self._settled,
        }
        self.listeners: Listeners = {
            m.MarketDetermined: self._determined,
            m.StrikePublished: self._strike,
            m.MarketListed: self._listed,
            m.PlacesTold: self._placed,
            m.WithdrawOrder: self._withdrawn,
        }

    @property
    def total(self) -> Score:
        """All strategies together."""
        total = Score()
        for score in self.scores.values():
            total.merge(score)
        return total

    def row(self, trade: Trade) -> TradeRow:
        """An order as clients know it."""
        return trade.row(dry_run=self._dry_run)

    def result_at(self, ticker: str) -> Nanos | None:
        """When a window's result came; None before, or when it is forgotten."""
        result = self._results.get(ticker)
        return None if result is None else result.ts

    def open_trades(self) -> list[Trade]:
        """Orders to which more can happen."""
        return [trade for trade in self.trades.values() if trade.is_open]

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Orders that changed, then their fills, then windows."""
        del now
        for trade_id in self._dirty_trades:
            trade = self.trades.get(trade_id)
            if trade is not None:
                yield "order", self.row(trade)
        for fill in self._fills:
            yield "trade_execution", fill
        for ticker in self._dirty_windows:
            result = self._results.get(ticker)
            if result is not None:
                yield "window", self._window_row(result)
        self._dirty_trades.clear()
        self._fills.clear()
        self._dirty_windows.clear()

    # --- orders ----------------------------------------------------------------------------

    def _approved(self, event: m.OrderApproved) -> None:
        order_id = event.request.client_order_id
        if order_id in self.trades:
            return
        self.trades[order_id] = Trade(event)
        self._dirty_trades[order_id] = None
        if len(self.trades) > _TRADES:
            done = (key for key, trade in self.trades.items() if not trade.is_open)
            del self.trades[next(done, next(iter(self.trades)))]

    def _touch(self, order_id: str) -> Trade | None:
        trade = self.trades.get(order_id)
        if trade is not None:
            self._dirty_trades[order_id] = None
        return trade

    def _submitting(self, event: m.OrderSubmitting) -> None:
        trade = self._touch(event.order_id)
        if trade is not None and trade.submitted is None:
            trade.submitted = event.ts

    def _accepted(self, event: m.OrderAccepted) -> None:
        trade = self._touch(event.order_id)
        if trade is not None:
            trade.venue_order_id = event.venue_order_id
            trade.accepted, trade.unknown = True, False
            late = max(0, event.filled - trade.filled)
            trade.resting = Quantity(min(trade.resting, event.remaining + late))

    def _rejected(self, event: m.OrderRejected) -> None:
        trade = self._touch(event.order_id)
        if trade is not None and not trade.rejected:
            trade.rejected, trade.unknown = True, False
            _note(trade, f"rejected: {event.code} {event.text}".rstrip())

    def _unknown(self, event: m.OrderUnknown) -> None:
        trade = self._touch(event.order_id)
        if trade is not None:
            trade.unknown = True
            _note(trade, f"outcome unknown: {event.reason}")

    def _closed(self, event: m.OrderClosed) -> None:
        trade = self._touch(event.order_id)
        if trade is not None and trade.closed is None:
            trade.closed, trade.unknown = event.ts, False
            trade.executed = event.reason == EXECUTED
            _note(trade, f"closed: {event.reason}")

    def _filled(self, event: m.OrderFilled) -> None:
        if event.trade_id in self._fill_ids:
            return
        self._fill_ids[event.trade_id] = None
        if len(self._fill_ids) > _FILL_IDS:
            del self._fill_ids[next(iter(self._fill_ids))]
        trade = self._touch(event.order_id)
        self._fills.append(fill_row(event, trade))
        if trade is None:
            return
        trade.book(event)
        result = self._results.get(event.ticker)
        if result is not None:
            self._score(trade, result.outcome)
            self._dirty_windows[event.ticker] = None

    def _placed(self, told: m.PlacesTold, now: Nanos) -> None:
        """Places in queues; an order that is not told of was not resting when that was asked."""
        del now
        ahead = {place.venue_order_id: place.ahead for place in told.places}
        for trade in self.open_trades():
            place = ahead.get(trade.venue_order_id or "")
            if place is not None and trade.stands(place, told.ts_recv):
                self._dirty_trades[trade.trade_id] = None

    def _withdrawn(self, wish: m.WithdrawOrder, now: Nanos) -> None:
        del now
        trade = self._touch(wish.order_id)
        if trade is not None:
            _note(trade, f"withdrawn: {wish.code}")

    # --- results ---------------------------------------------------------------------------

    def _listed(self, listed: m.MarketListed, now: Nanos) -> None:
        del now
        if listed.market.strike is not None:
            self._keep_strike(listed.market.ticker, listed.market.strike)

    def _strike(self, published: m.StrikePublished, now: Nanos) -> None:
        del now
        self._keep_strike(published.ticker, published.strike)

    def _keep_strike(self, ticker: str, strike: IndexValue) -> None:
        self._strikes[ticker] = strike
        while len(self._strikes) > _WINDOWS:
            del self._strikes[next(iter(self._strikes))]

    def _determined(self, event: m.MarketDetermined, now: Nanos) -> None:
        result = self._result(event.ticker, event.result, now)
        result.value = event.value

    def _settled(self, event: m.PositionSettled) -> None:
        result = self._result(event.ticker, event.result, event.ts)
        if event.number in result.settlements:
            return
        result.settlements.add(event.number)
        result.position = event.quantity
        result.payout = Money(result.payout + event.payout)

    def _result(self, ticker: str, outcome: Outcome, ts: Nanos) -> Result:
        result = self._results.get(ticker)
        if result is None:
            result = self._results[ticker] = Result(ticker, outcome, ts)
            while len(self._results) > _WINDOWS:
                del self._results[next(iter(self._results))]
            for trade in self.trades.values():
                if trade.ticker == ticker and trade.filled:
                    self._score(trade, outcome)
                    self._dirty_trades[trade.trade_id] = None
        self._dirty_windows[ticker] = None
        return result

    def _score(self, trade: Trade, outcome: Outcome) -> None:
        score = self.scores.setdefault(trade.approved.strategy, Score())
        if trade.pnl is not None:
            score.remove(trade.pnl)
        trade.settle(outcome)
        if trade.pnl is not None:
            score.add(trade.pnl)

    def _window_row(self, result: Result) -> WindowRow:
        own = [trade for trade in self.trades.values() if trade.ticker == result.ticker]
        strike = self._strikes.get(result.ticker)
        return WindowRow(
            ticker=result.ticker,
            result="yes" if result.outcome.value == "yes" else "no",
            strike=None if strike is None else index_dollars(strike),
            settlement=None if result.value is None else index_dollars(result.value),
            position=contracts(result.position) if result.position is not None else 0.0,
            payout=cents(result.payout),
            fees=cents(Money(sum(trade.fees for trade in own))),
            pnl=cents(Money(sum(trade.pnl or 0 for trade in own))),
            orders=len(own),
            at=rfc3339(result.ts),
        )


def _note(trade: Trade, text: str) -> None:
    if text not in trade.notes:
        trade.notes = [*trade.notes, text][-_NOTES:]


def fill_row(event: m.OrderFilled, trade: Trade | None) -> FillRow:
    """The row of a fill, with what is known of its order."""
    return FillRow(
        fill_id=event.trade_id,
        trade_id=event.order_id,
        ticker=event.ticker,
        side=leg_of(event.side),
        price=per_contract(leg_price(event.side, event.price)),
        yes_price=per_contract(event.price),
        quantity=contracts(event.quantity),
        fee=cents(event.fee),
        liquidity="taker" if event.is_taker else "maker",
        strategy_name=trade.approved.strategy if trade is not None else None,
        filled_at=rfc3339(event.ts),
    )
