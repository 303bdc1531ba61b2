"""Risk rules: gates that refuse a signal.

Each gate is one small function of the facts; the first in `GATES` that fails decides, so the order
of the tuple is the order of the questions. How much is then allowed is the business of `caps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.fees import FeeTerms, fee_terms
from core.domain.ledger import Ledger
from core.domain.protections import ProtectionTerms, holding
from core.exchange.records import Outcome, Side
from core.messages import LockSet, MarketTerms, MarketView, Signal, TradingState
from core.messages.data import Held
from core.units import DOLLAR_PRICE, SECOND, Money, Nanos, Price, complement, dollars

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    Gate = Callable[["Facts"], "Denial | None"]
    Answer = tuple[str, "Denial | None"]


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
    max_correlated: Money | None = None
    """Of bets that win and lose together; None: no limit beside the others."""
    price_collar: Price = DOLLAR_PRICE
    orders_per_minute: int | None = None
    protections: ProtectionTerms = ProtectionTerms()


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
    locks: tuple[LockSet, ...] = ()
    """Locks of the protections that hold now."""
    recent_orders: int = 0
    """Approved within the last minute of the market."""
    replaced: str = ""
    """An open order that would be cancelled first."""
    held: Held | None = None
    """What whoever wants to close may sell in this market."""

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


def own_breach(facts: Facts) -> Denial | None:
    """`daily_loss_breaker`, `drawdown_breaker`: refused here, before anybody has halted trading."""
    opened, peak = facts.ledger.day_open, max(facts.ledger.peak, facts.equity)
    loss = -facts.day_pnl / opened if opened > 0 else 0.0
    if loss >= facts.limits.breaker_loss:
        return Denial(code="daily_loss_breaker", limit=facts.limits.breaker_loss, value=loss)
    fall = (peak - facts.equity) / peak if peak > 0 else 0.0
    if fall >= facts.limits.breaker_drawdown:
        return Denial(code="drawdown_breaker", limit=facts.limits.breaker_drawdown, value=fall)
    return None


def unlocked(facts: Facts) -> Denial | None:
    """`locked_*`: a protection pauses this series, or everything; `value` is the seconds left."""
    lock = holding(facts.locks, facts.market.series)
    if lock is None:
        return None
    left = (lock.until - facts.now) / SECOND
    return Denial(code=f"locked_{lock.protection}", limit=0, value=left)


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


def price_collar(facts: Facts) -> Denial | None:
    """`price_collar`: pays far more than anybody asks; against the best bid where nobody does."""
    best = best_price(facts)
    if best is None:
        return None  # nothing to take, and nobody whom a bid could be far from
    over = facts.signal.price - best
    if over <= facts.limits.price_collar:
        return None
    limit, value = facts.limits.price_collar / DOLLAR_PRICE, over / DOLLAR_PRICE
    return Denial(code="price_collar", limit=limit, value=value)


def best_price(facts: Facts) -> int | None:
    """The lowest ask of the outcome, else its highest bid, in its own price; None without both."""
    asks, bids = facts.view.asks, facts.view.bids
    if facts.side is Side.ASK:
        asks, bids = bids, asks
    found = asks[0][0] if asks else bids[0][0] if bids else None
    if found is None:
        return None
    return found if facts.side is Side.BID else complement(found)


def order_rate(facts: Facts) -> Denial | None:
    """`order_rate`: so many orders within a minute of the market are a defect, not a plan."""
    most = facts.limits.orders_per_minute
    if most is None or facts.recent_orders < most:
        return None
    return Denial(code="order_rate", limit=most, value=facts.recent_orders)


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
    own_breach,
    unlocked,
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
    price_collar,
    order_rate,
    few_positions,
    daily_loss,
)


OPINIONS: Final = frozenset({enough_edge, enough_confidence})
"""Gates that only ask whoever has an opinion on the outcome."""


def asked(facts: Facts) -> Iterator[Answer]:
    """The gates of an order that may add risk."""
    return answers(GATES, OPINIONS, facts)


def answers(gates: Iterable[Gate], opinions: Collection[Gate], facts: Facts) -> Iterator[Answer]:
    """Name and answer of each gate, in order; `opinions` are only asked where there is one."""
    for gate in gates:
        if facts.has_opinion or gate not in opinions:
            yield gate.__name__, gate(facts)


def first_denial(facts: Facts, asked: Callable[[Facts], Iterator[Answer]] = asked) -> Denial | None:
    """The first of the gates that are `asked` which refuses, or None; no later one is asked."""
    return next((denial for _, denial in asked(facts) if denial is not None), None)
