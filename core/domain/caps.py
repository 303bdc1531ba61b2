"""Risk caps: how many contracts an allowed signal may buy.

Each cap leaves some money or some contracts; the smallest decides, and where it leaves less than
one contract its name is the refusal. Nothing is rounded up to a minimum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.fees import fee_bound
from core.domain.sizing import kelly_fraction
from core.exchange.records import Side
from core.units import (
    ONE_CONTRACT,
    Money,
    Price,
    Quantity,
    complement,
    dollars,
    notional,
    price_dollars,
)

if TYPE_CHECKING:
    from core.domain.rules import Facts

MOST_FILLS: Final = 40
"""Fills that one order may plausibly break into: bounds the rounding in the reserved fee."""


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts may be bought, and the rule that decided it."""

    quantity: Quantity
    binding: str
    limit: float
    """What that rule allows, in dollars or contracts."""


def size(facts: Facts) -> Sized:
    """The smallest of all caps, in whole contracts."""
    caps = (
        ("kelly", kelly_room(facts)),
        ("max_position_size", position_room(facts)),
        ("total_exposure", Money(facts.limits.max_exposure - facts.ledger.exposure)),
        ("cash", facts.ledger.free_cash),
    )
    code, room = min(caps, key=lambda cap: cap[1])
    by_money = affordable(facts, Money(max(0, room)))
    by_depth = depth(facts)
    if by_depth < by_money:
        return Sized(quantity=by_depth, binding="depth", limit=by_depth / ONE_CONTRACT)
    return Sized(quantity=by_money, binding=code, limit=dollars(Money(max(0, room))))


def held_cost(facts: Facts) -> Money:
    """What the same outcome of this market has cost already."""
    position = facts.ledger.position(facts.market.ticker)
    same = position.quantity != 0 and position.outcome is facts.signal.outcome
    return position.cost if same else Money(0)


def kelly_room(facts: Facts) -> Money:
    """Fractional Kelly of the equity, less what this bet has cost already."""
    signal = facts.signal
    full = kelly_fraction(signal.probability, price_dollars(signal.price) + fee_share(facts))
    share = full * min(signal.kelly_fraction, facts.limits.kelly_fraction)
    bankroll = min(facts.equity, facts.limits.bankroll)
    return Money(int(share * bankroll) - held_cost(facts))


def fee_share(facts: Facts) -> float:
    """Fee per contract at the signal's price, in dollars."""
    return dollars(fee_bound(facts.fees, facts.signal.price, ONE_CONTRACT, fills=1))


def position_room(facts: Facts) -> Money:
    """What the position limit leaves for this outcome of this market."""
    return Money(facts.limits.max_position - held_cost(facts))


def reserve(facts: Facts, quantity: Quantity) -> Money:
    """Cost at the worst price plus the worst fee."""
    worst = fee_bound(facts.fees, facts.signal.price, quantity, fills=MOST_FILLS)
    return Money(notional(facts.signal.price, quantity) + worst)


def affordable(facts: Facts, room: Money) -> Quantity:
    """Whole contracts whose reserve fits into `room`."""
    per_contract = notional(facts.signal.price, ONE_CONTRACT)
    if per_contract <= 0:
        return Quantity(0)
    count = room // per_contract
    while count > 0 and reserve(facts, Quantity(count * ONE_CONTRACT)) > room:
        excess = reserve(facts, Quantity(count * ONE_CONTRACT)) - room
        count -= max(1, excess // per_contract)
    return Quantity(max(0, count) * ONE_CONTRACT)


def depth(facts: Facts) -> Quantity:
    """Whole contracts on the book at the signal's price or better; no bound for resting orders."""
    if facts.signal.style == "make":
        return Quantity(facts.limits.max_exposure)
    levels = facts.view.asks if facts.side is Side.BID else facts.view.bids
    total = sum(
        quantity for price, quantity in levels if _own_price(facts, price) <= facts.signal.price
    )
    return Quantity(total // ONE_CONTRACT * ONE_CONTRACT)


def _own_price(facts: Facts, price: Price) -> Price:
    return price if facts.side is Side.BID else complement(price)
