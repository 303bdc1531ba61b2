"""Risk rules: gates that refuse a signal.

Each gate is one small function of the facts; the first in `GATES` that fails decides, so the order
of the tuple is the order of the questions. How much is then allowed is the business of `caps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.fees import FeeTerms
from core.domain.ledger import Ledger
from core.exchange.records import Outcome, Side
from core.messages import MarketTerms, MarketView, Signal, TradingState
from core.units import SECOND, Money, Nanos, dollars

if TYPE_CHECKING:
    from collections.abc import Callable


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of the user, in fixed-point units. Ages are in the clock's own time."""

    bankroll: Money
    max_position: Money
    max_concurrent: int
    max_exposure: Money
    max_daily_loss: Money
    breaker_loss: float
    breaker_drawdown: float
    min_edge: float
    min_confidence: float
    kelly_fraction: float
    min_seconds_left: float
    max_seconds_left: float
    index_fresh: Nanos
    book_fresh: Nanos
    intent_ttl: Nanos
    resting_ttl: Nanos


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a rule may look at."""

    signal: Signal
    view: MarketView
    state: TradingState
    ledger: Ledger
    unknown: frozenset[str]
    """Markets with an order whose outcome nobody knows."""
    differing: frozenset[str] = frozenset()
    """Markets in which our position is not the exchange's."""
    equity: Money
    day_pnl: Money
    limits: RiskLimits
    now: Nanos
    has_opinion: bool = True
    """A probability stands behind the wish: edge, confidence and Kelly's stake mean something."""
    replaced: str = ""
    """An open order that would be cancelled first."""

    @property
    def market(self) -> MarketTerms:
        """Terms of the market in question."""
        return self.view.market

    @property
    def side(self) -> Side:
        """The order's side on the YES book."""
        return Side.BID if self.signal.outcome is Outcome.YES else Side.ASK

    @property
    def fees(self) -> FeeTerms:
        """Fee terms of the market."""
        return fee_terms(self.market)


def fee_terms(market: MarketTerms) -> FeeTerms:
    """What decides a fee in this market."""
    return FeeTerms(fee_type=market.fee_type, multiplier_bps=market.fee_multiplier_bps)


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """Why not: a documented code, the limit and the value that broke it."""

    code: str
    limit: float
    value: float


def trading_state(facts: Facts) -> Denial | None:
    """`not_trading`: only ACTIVE takes new risk."""
    if facts.state == "ACTIVE":
        return None
    return Denial(code=f"not_trading_{facts.state.lower()}", limit=1, value=0)


def signal_fresh(facts: Facts) -> Denial | None:
    """`signal_expired`: decided on a picture that is too old."""
    if facts.now < facts.signal.expires:
        return None
    late = (facts.now - facts.signal.expires) / SECOND
    return Denial(code="signal_expired", limit=0, value=late)


def window_open(facts: Facts) -> Denial | None:
    """`outside_window`: too near to the close or to the open, or not open at all."""
    left = (facts.market.close_ns - facts.now) / SECOND
    low, high = facts.limits.min_seconds_left, facts.limits.max_seconds_left
    if low <= left <= high and facts.market.open_ns <= facts.now:
        return None
    return Denial(code="outside_window", limit=low if left < low else high, value=left)


def strike_known(facts: Facts) -> Denial | None:
    """`strike_unknown`: the price to beat is not published yet."""
    return (
        None if facts.market.strike is not None else Denial(code="strike_unknown", limit=1, value=0)
    )


def index_fresh(facts: Facts) -> Denial | None:
    """`index_stale`: the newest print, by its own time, is too old."""
    age = facts.now - facts.view.ts_index
    if age <= facts.limits.index_fresh:
        return None
    return Denial(code="index_stale", limit=facts.limits.index_fresh / SECOND, value=age / SECOND)


def book_fresh(facts: Facts) -> Denial | None:
    """`book_stale`: the book waits for a snapshot, its stream is down, or it is too old."""
    age = facts.now - facts.view.ts_book
    if facts.view.book_fresh and age <= facts.limits.book_fresh:
        return None
    return Denial(code="book_stale", limit=facts.limits.book_fresh / SECOND, value=age / SECOND)


def outcome_known(facts: Facts) -> Denial | None:
    """`order_unknown`: an order of this market may or may not exist; wait until that is clear."""
    if facts.market.ticker not in facts.unknown:
        return None
    return Denial(code="order_unknown", limit=0, value=1)


def books_agree(facts: Facts) -> Denial | None:
    """`books_differ`: the exchange has another position in this market than we have."""
    if facts.market.ticker not in facts.differing:
        return None
    return Denial(code="books_differ", limit=0, value=1)


def one_intent(facts: Facts) -> Denial | None:
    """`open_intent`: one order at a time in a market."""
    held = facts.ledger.reservations.items()
    ticker = facts.market.ticker
    pending = sum(r.ticker == ticker for order_id, r in held if order_id != facts.replaced)
    return Denial(code="open_intent", limit=1, value=pending) if pending else None


def enough_edge(facts: Facts) -> Denial | None:
    """`min_edge`: dollars per contract after fees."""
    if facts.signal.edge >= facts.limits.min_edge:
        return None
    return Denial(code="min_edge", limit=facts.limits.min_edge, value=facts.signal.edge)


def enough_confidence(facts: Facts) -> Denial | None:
    """`min_confidence`: the strategy's own."""
    if facts.signal.confidence >= facts.limits.min_confidence:
        return None
    limit, value = facts.limits.min_confidence, facts.signal.confidence
    return Denial(code="min_confidence", limit=limit, value=value)


def few_positions(facts: Facts) -> Denial | None:
    """`concurrent_positions`: markets held or wanted at once, this one included."""
    held = {ticker for ticker, p in facts.ledger.positions.items() if p.quantity}
    held |= {reservation.ticker for reservation in facts.ledger.reservations.values()}
    after = len(held | {facts.market.ticker})
    if after <= facts.limits.max_concurrent:
        return None
    return Denial(code="concurrent_positions", limit=facts.limits.max_concurrent, value=after)


def daily_loss(facts: Facts) -> Denial | None:
    """`daily_loss`: no new risk until the New York day rolls."""
    loss = -facts.day_pnl
    if loss < facts.limits.max_daily_loss:
        return None
    limit = dollars(facts.limits.max_daily_loss)
    return Denial(code="daily_loss", limit=limit, value=dollars(Money(loss)))


GATES: Final = (
    trading_state,
    signal_fresh,
    strike_known,
    window_open,
    index_fresh,
    book_fresh,
    outcome_known,
    books_agree,
    one_intent,
    enough_edge,
    enough_confidence,
    few_positions,
    daily_loss,
)


OPINIONS: Final = frozenset({enough_edge, enough_confidence})
"""Gates that only ask whoever has an opinion on the outcome."""


def concerns(gate: Callable[[Facts], Denial | None], facts: Facts) -> bool:
    """Whether this gate is asked at all."""
    return facts.has_opinion or gate not in OPINIONS


def first_denial(facts: Facts) -> Denial | None:
    """The first gate that refuses, or None."""
    for gate in GATES:
        denial = gate(facts) if concerns(gate, facts) else None
        if denial is not None:
            return denial
    return None
