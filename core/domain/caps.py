"""Risk caps: how many contracts an allowed signal may buy.

Each cap leaves some money or some contracts; the smallest decides, and where it leaves less than
one contract its name is the refusal. Nothing is rounded up to a minimum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.fees import fee_bound
from core.domain.sizing import Exposure, correlation, crowding, kelly_fraction
from core.domain.windows import TickerError, window_of
from core.exchange.records import Side
from core.units import (
    DOLLAR_PRICE,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Money,
    Nanos,
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
_LEAST_COST: Final = 0.001


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts may be bought, and the rule that decided it."""

    quantity: Quantity
    binding: str
    limit: float
    """What that rule allows, in dollars or contracts."""


def size(facts: Facts) -> Sized:
    """The smallest of all caps, in whole contracts."""
    kelly = (("kelly", kelly_room(facts)),) if facts.has_opinion else ()
    caps = (
        *kelly,
        ("max_position_size", position_room(facts)),
        ("total_exposure", Money(facts.limits.max_exposure - facts.ledger.exposure)),
        ("correlated_exposure", correlated_room(facts)),
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
    """Fractional Kelly of the equity, less what the open bets of this window take away.

    More of the same bet counts in full, other coins by their correlation; see `sizing.crowding`.
    """
    signal = facts.signal
    cost = price_dollars(signal.price) + fee_share(facts)
    share = kelly_fraction(signal.probability, cost)
    share *= min(signal.kelly_fraction, facts.limits.kelly_fraction)
    bankroll = min(facts.equity, facts.limits.bankroll)
    if share <= 0.0 or bankroll <= 0:
        return Money(0)
    wanted = Exposure(
        series=facts.market.series,
        close_ns=facts.market.close_ns,
        outcome=signal.outcome,
        cost=_inside(cost),
    )
    crowd = crowding(wanted, open_bets(facts, bankroll))
    return Money(int((share - crowd) * bankroll))


def open_bets(facts: Facts, bankroll: Money) -> tuple[Exposure, ...]:
    """Positions, and orders that may still fill, as shares of the bankroll."""
    ledger = facts.ledger
    held = [
        (p.ticker, p.outcome, p.cost, abs(p.quantity))
        for p in ledger.positions.values()
        if p.quantity
    ]
    held += [
        (r.ticker, r.side.buys, r.amount, r.quantity)
        for r in ledger.reservations.values()
        if r.quantity > 0
    ]
    return tuple(
        Exposure(
            series=series,
            close_ns=close_ns,
            outcome=outcome,
            cost=_inside(money / (quantity * DOLLAR_PRICE)),
            share=money / bankroll,
        )
        for ticker, outcome, money, quantity in held
        for series, close_ns in [_window_of(facts, ticker)]
    )


def correlated_room(facts: Facts) -> Money:
    """What the limit on bets that win and lose together leaves; hedges do not make room."""
    most = facts.limits.max_correlated
    if most is None:
        return facts.limits.max_exposure
    signal, unit = facts.signal, Money(ONE_DOLLAR)
    wanted = Exposure(
        series=facts.market.series,
        close_ns=facts.market.close_ns,
        outcome=signal.outcome,
        cost=_inside(price_dollars(signal.price)),
    )
    taken = sum(max(0.0, correlation(wanted, bet)) * bet.share for bet in open_bets(facts, unit))
    return Money(most - math.ceil(taken * unit))


def _window_of(facts: Facts, ticker: str) -> tuple[str, Nanos]:
    """Series and close of a bet; a name that tells no window is feared to end with this one."""
    if ticker == facts.market.ticker:
        return facts.market.series, facts.market.close_ns
    try:
        window = window_of(ticker, facts.now)
    except TickerError:
        return ticker, facts.market.close_ns
    return window.series, window.close_ns


def _inside(cost: float) -> float:
    """A cost per contract that leaves something to win and to lose."""
    return min(max(cost, _LEAST_COST), 1.0 - _LEAST_COST)


def fee_share(facts: Facts) -> float:
    """Fee per contract at the signal's price, in dollars."""
    taking = facts.signal.style == "take"
    bound = fee_bound(facts.fees, facts.signal.price, ONE_CONTRACT, fills=1, is_taker=taking)
    return dollars(bound)


def position_room(facts: Facts) -> Money:
    """What the position limit leaves for this outcome of this market."""
    return Money(facts.limits.max_position - held_cost(facts))


def reserve(facts: Facts, quantity: Quantity) -> Money:
    """Cost at the worst price plus the worst fee: the maker's for what cannot take."""
    taking = facts.signal.style == "take"
    price = facts.signal.price
    worst = fee_bound(facts.fees, price, quantity, fills=MOST_FILLS, is_taker=taking)
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
    return Quantity(within(facts) // ONE_CONTRACT * ONE_CONTRACT)


def within(facts: Facts) -> Quantity:
    """What is on the book at the signal's price or better, parts of contracts too."""
    levels = facts.view.asks if facts.side is Side.BID else facts.view.bids
    return Quantity(
        sum(
            quantity for price, quantity in levels if _own_price(facts, price) <= facts.signal.price
        )
    )


def _own_price(facts: Facts, price: Price) -> Price:
    return price if facts.side is Side.BID else complement(price)
