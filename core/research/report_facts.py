"""What happened, from wherever it was written down: the facts under every report.

A journal, the decisions recorded beside a tape, and a backtest tell the same messages; `Collector`
turns them into bets, refusals and results, so a report of the past month and one of a backtest are
made by the same code. A bet is one fill, held until its window ends: buying YES, or selling it,
which is buying NO at the rest of the dollar. Results so counted add up to the ledger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.fees import FeeTerms, fill_fee
from core.domain.fold import StateFolded
from core.domain.windows import window_of
from core.exchange.records import Outcome
from core.research.report_scores import MarketScore
from core.units import (
    DOLLAR_PRICE,
    ONE_CONTRACT,
    SECOND,
    Money,
    Nanos,
    Price,
    Quantity,
    complement,
    dollars,
    price_dollars,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

FACTS_FORMAT: Final = "quarterhour facts 1"
"""First entry of a file of facts: what tells it from others."""


class Bet(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, with what was thought when it was ordered. Money in dollars."""

    ts: Nanos
    ticker: str
    closes: Nanos
    strategy: str
    outcome: Outcome
    contracts: float
    price: float
    """Paid per contract, in the outcome's own dollars."""
    limit: float | None
    """The most that the order would have paid; None for an order that is not ours to know."""
    fee: float
    is_taker: bool
    probability: float | None
    edge: float | None
    result: Outcome | None
    pnl: float | None
    """After the fee; None while the window has no result."""
    exit: bool = False
    """It sold the other outcome, which was held."""

    @property
    def minutes_left(self) -> float:
        """To the close, when it was filled."""
        return (self.closes - self.ts) / SECOND / 60

    @property
    def won(self) -> bool | None:
        """None while there is no result."""
        return None if self.result is None else self.result is self.outcome


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that was not traded, and what one contract of it would have brought."""

    ts: Nanos
    ticker: str
    closes: Nanos
    strategy: str
    outcome: Outcome
    price: float
    edge: float
    code: str
    limit: float
    value: float
    probability: float | None
    result: Outcome | None
    counterfactual: float | None
    """Dollars per contract after the taker's fee, at the price of the signal."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """A signal's probability of YES, and what the price said."""

    ticker: str
    model: float
    market: float
    result: Outcome


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report is made of."""

    format: str = FACTS_FORMAT
    source: str
    """What it was collected from, for the title."""
    kind: str
    """backtest, journal or tape."""
    capital: float
    bets: tuple[Bet, ...]
    refusals: tuple[Refusal, ...]
    forecasts: tuple[Forecast, ...]
    """Of signals in windows with a result."""
    signals: int
    orders: int
    states: tuple[m.TradingStateChanged, ...]
    notes: tuple[str, ...] = ()
    scores: tuple[MarketScore, ...] = ()
    """Of the tape's markets; none for a journal."""

    def file_bytes(self) -> bytes:
        """The facts for a later report; equal for equal runs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @property
    def settled(self) -> tuple[Bet, ...]:
        """Bets whose result is known, in order of closing and filling."""
        done = [bet for bet in self.bets if bet.pnl is not None]
        return tuple(sorted(done, key=lambda bet: (bet.closes, bet.ts)))


class Collector:
    """Hears messages in order and gives the facts. Not thread-safe."""

    def __init__(self) -> None:
        self._fills: list[m.OrderFilled] = []
        self._approved: dict[str, m.OrderApproved] = {}
        self._signals: dict[str, m.Signal] = {}
        self._denied: list[tuple[m.OrderDenied, Nanos]] = []
        self._rejected: list[m.OrderRejected] = []
        self._results: dict[str, Outcome] = {}
        self._states: list[m.TradingStateChanged] = []
        self._orders = 0
        self._capital: Money | None = None
        self._missing = False

    def hear(self, message: m.Message, now: Nanos) -> None:
        """Take one message; those that no report needs are left aside."""
        match message:
            case m.OrderFilled():
                self._fills.append(message)
            case m.OrderApproved():
                self._approved[message.request.client_order_id] = message
            case m.Signal():
                self._signals[message.signal_id] = message
            case m.OrderDenied():
                self._denied.append((message, now))
            case m.OrderRejected():
                self._rejected.append(message)
            case m.MarketDetermined() | m.PositionSettled():
                self._results[message.ticker] = message.result
            case _:
                self._hear_rest(message)

    def _hear_rest(self, message: m.Message) -> None:
        match message:
            case m.OrderSubmitting():
                self._orders += 1
            case m.TradingStateChanged():
                self._states.append(message)
            case m.CapitalSet():
                before = message.cash if self._capital is None else self._capital
                self._capital = Money(before + message.moved)
            case StateFolded():
                self._missing = True
            case _:
                pass

    def facts(self, source: str, kind: str, capital: Money | None = None) -> Facts:
        """Everything heard so far. `capital` where no message told it."""
        notes = []
        if self._missing:
            notes.append("the journal's beginning was folded away: earlier trades are not in here")
        if kind == "journal" and not self._denied:
            notes.append("a journal keeps no refusals; report the session's tape to see them")
        known = self._capital if self._capital is not None else capital
        return Facts(
            source=source,
            kind=kind,
            capital=dollars(known or Money(0)),
            bets=tuple(self._bet(fill) for fill in self._fills),
            refusals=tuple(self._refusals()),
            forecasts=tuple(self._forecasts()),
            signals=len(self._signals),
            orders=self._orders,
            states=tuple(self._states),
            notes=tuple(notes),
        )

    def _bet(self, fill: m.OrderFilled) -> Bet:
        outcome = fill.side.buys
        order = self._approved.get(fill.order_id)
        result = self._results.get(fill.ticker)
        return Bet(
            ts=fill.ts,
            ticker=fill.ticker,
            closes=_close(fill.ticker, fill.ts),
            strategy=order.strategy if order else "",
            outcome=outcome,
            contracts=fill.quantity / ONE_CONTRACT,
            price=price_dollars(_leg(fill.price, outcome)),
            limit=None if order is None else price_dollars(_leg(order.request.price, outcome)),
            fee=dollars(fill.fee),
            is_taker=fill.is_taker,
            probability=order.probability if order else None,
            edge=order.edge if order else None,
            result=result,
            pnl=None if result is None else dollars(_gain(fill, outcome, result)),
            exit=order is not None and order.request.reduce_only,
        )

    def _refusals(self) -> Iterable[Refusal]:
        for denied, now in self._denied:
            signal = self._signals.get(denied.signal_id)
            yield _refusal(denied, now, signal, self._results.get(denied.ticker))
        for rejected in self._rejected:
            order = self._approved.get(rejected.order_id)
            if order is not None:
                denied = m.OrderDenied(
                    signal_id=order.signal_id,
                    strategy=order.strategy,
                    ticker=order.request.ticker,
                    outcome=order.outcome,
                    price=_leg(order.request.price, order.outcome),
                    edge=order.edge,
                    code=rejected.code,
                    limit=0.0,
                    value=0.0,
                    created=rejected.ts,
                )
                signal = self._signals.get(order.signal_id)
                result = self._results.get(order.request.ticker)
                yield _refusal(denied, rejected.ts, signal, result)

    def _forecasts(self) -> Iterable[Forecast]:
        for signal in self._signals.values():
            result = self._results.get(signal.ticker)
            if result is not None:
                is_yes = signal.outcome is Outcome.YES
                price = price_dollars(signal.price)
                yield Forecast(
                    ticker=signal.ticker,
                    model=signal.probability if is_yes else 1 - signal.probability,
                    market=price if is_yes else 1 - price,
                    result=result,
                )


def _refusal(
    denied: m.OrderDenied, now: Nanos, signal: m.Signal | None, result: Outcome | None
) -> Refusal:
    return Refusal(
        ts=now,
        ticker=denied.ticker,
        closes=_close(denied.ticker, now),
        strategy=denied.strategy,
        outcome=denied.outcome,
        price=price_dollars(denied.price),
        edge=denied.edge,
        code=denied.code,
        limit=denied.limit,
        value=denied.value,
        probability=signal.probability if signal else None,
        result=result,
        counterfactual=None if result is None else _would(denied, result),
    )


def _would(denied: m.OrderDenied, result: Outcome) -> float:
    """One contract bought at the signal's price, with the usual fee of a taker."""
    fee = fill_fee(FeeTerms(), denied.price, Quantity(ONE_CONTRACT), is_taker=True)
    worth = DOLLAR_PRICE if result is denied.outcome else 0
    return price_dollars(Price(worth - denied.price)) - dollars(fee)


def _gain(fill: m.OrderFilled, outcome: Outcome, result: Outcome) -> Money:
    """What the fill's contracts were worth in the end, less what they cost."""
    worth = DOLLAR_PRICE if result is outcome else 0
    return Money((worth - _leg(fill.price, outcome)) * fill.quantity - fill.fee)


def _leg(yes: Price, outcome: Outcome) -> Price:
    return yes if outcome is Outcome.YES else complement(yes)


def _close(ticker: str, near: Nanos) -> Nanos:
    return window_of(ticker, near).close_ns
