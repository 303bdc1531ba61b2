"""Whether and how much of a holding may be sold before its window ends.

An order that closes takes risk away, so it is not asked for what limits new risk: edge, stake,
exposure, number of positions, the day's loss, locks. It is asked for everything that says whether
we know what we are doing: trading state, freshness of what it was decided on, orders in motion, the
rate of orders. It is reduce-only and immediate or cancel, never for more than is held by our own
books, and one at a time in a market; so it cannot begin a position on the other side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain import caps, rules
from core.domain.caps import MOST_FILLS, Sized
from core.domain.fees import trade_fee
from core.domain.permission import LEASED
from core.domain.rules import Denial
from core.units import ONE_CONTRACT, SECOND, Money, Quantity, complement, dollars, notional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.domain.holdings import Holdings
    from core.domain.ledger import Ledger
    from core.domain.rules import Answer, Facts
    from core.messages import Signal
    from core.messages.data import Held


def sellable(signal: Signal, holdings: Holdings, ledger: Ledger) -> Held | None:
    """What a signal that closes may sell: by its strategy's share, and by the ledger's whole."""
    if not signal.closes:
        return None
    held = holdings.of(signal.strategy, signal.ticker)
    whole = ledger.position(signal.ticker)
    if held is None or whole.outcome is not held.outcome or held.outcome is signal.outcome:
        return None
    least = Quantity(min(held.quantity, abs(whole.quantity)))
    return msgspec.structs.replace(held, quantity=least) if least else None


def may_reduce(facts: Facts) -> Denial | None:
    """`not_trading`: a pause still lets go of what is held; a stop and a halt do not."""
    return None if facts.state in LEASED else rules.trading_state(facts)


def still_open(facts: Facts) -> Denial | None:
    """`outside_window`: the market trades no more, or not yet."""
    left = (facts.market.close_ns - facts.now) / SECOND
    if left > 0 and facts.market.open_ns <= facts.now:
        return None
    return Denial(code="outside_window", limit=0, value=left)


def something_held(facts: Facts) -> Denial | None:
    """`nothing_held`: whoever wants to sell has nothing of it there."""
    return None if facts.held is not None else Denial(code="nothing_held", limit=0, value=0)


GATES: Final = (
    may_reduce,
    rules.own_breach,
    rules.signal_fresh,
    still_open,
    rules.index_fresh,
    rules.book_fresh,
    rules.outcome_known,
    rules.books_agree,
    rules.one_intent,
    something_held,
    rules.price_collar,
    rules.order_rate,
)
OPINIONS: Final = frozenset({rules.index_fresh})
"""Gates that only ask whoever has an opinion on the outcome: the index is behind that, no price."""


def asked(facts: Facts) -> Iterator[Answer]:
    """The gates of an order that sells what is held."""
    return rules.answers(GATES, OPINIONS, facts)


def size(facts: Facts) -> Sized:
    """What is held, as far as the book takes it at the price, and cash can bear the fee.

    Not in whole contracts: what is left of one must be sellable too.
    """
    held = Quantity(0) if facts.held is None else facts.held.quantity
    by_depth = caps.within(facts)
    quantity = Quantity(min(held, by_depth))
    if reserve(facts, quantity) > max(0, facts.ledger.free_cash):
        cash = facts.ledger.free_cash
        return Sized(quantity=Quantity(0), binding="cash", limit=dollars(cash))
    binding, limit = ("depth", by_depth) if by_depth < held else ("held", held)
    return Sized(quantity=quantity, binding=binding, limit=limit / ONE_CONTRACT)


def reserve(facts: Facts, quantity: Quantity) -> Money:
    """The worst fee, less the least that the sale brings: nothing but for a handful of cents.

    A better price brings more than its fee grows, so the limit is the worst of all; every fill may
    be rounded up twice. Of an order that is partly filled the same is left in its proportion.
    """
    terms, price = facts.fees, facts.signal.price
    fee = trade_fee(terms, price, quantity, is_taker=True)
    rounding = min(quantity, MOST_FILLS) * (terms.trade_unit + terms.account_unit)
    return Money(max(0, fee + rounding - notional(complement(price), quantity)))
