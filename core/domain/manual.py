"""What an order of the operator would do, and which gate of risk would refuse it.

The same facts, gates and caps as for a strategy's signal. Two differences: whoever gives no
probability has no edge and no Kelly stake to be judged by, so those gates are not asked; and an
order that is larger than the limits leave is refused, not cut, for a person who asks for a hundred
contracts does not want forty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain import caps, closing, rules
from core.domain.approvals import denied
from core.domain.book import ladder, sweep
from core.domain.fees import fee_bound, fee_terms, fill_fee
from core.domain.grid import price_grid
from core.domain.rules import Denial
from core.exchange.records import Outcome, Side
from core.units import (
    DOLLAR_PRICE,
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
    from core.messages import MarketView
    from core.messages.data import Held
    from core.units import Nanos


def as_signal(order: m.PlaceManually, view: MarketView, now: Nanos) -> m.Signal:
    """The order as risk reads every wish; without an opinion its edge is nothing."""
    terms = fee_terms(view.market)
    taking = order.style == "take"
    fee = dollars(fee_bound(terms, order.price, ONE_CONTRACT, fills=1, is_taker=taking))
    cost = price_dollars(order.price) + fee
    probability = cost if order.probability is None else order.probability
    return m.Signal(
        signal_id=f"{m.MANUAL}:{order.command_id}",
        strategy=m.MANUAL,
        ticker=order.ticker,
        outcome=order.outcome,
        probability=min(probability, 1.0),
        price=order.price,
        edge=0.0 if order.probability is None else order.probability - cost,
        confidence=0.0 if order.probability is None else 1.0,
        kelly_fraction=0.0 if order.probability is None else 1.0,
        style=order.style,
        reason=order.reason,
        values=(),
        created=now,
        expires=view.market.close_ns,
        ts_event=view.ts_event,
        ts_recv=view.ts_recv,
        closes=order.closes,
    )


def sale(
    command: m.ClosePosition, held: Held, view: MarketView, collar: Price
) -> m.PlaceManually | None:
    """The order that sells what a command names of a holding; None where nobody bids for it.

    Without a least price it sells at the book's prices, down to `collar` below the best of them, so
    that a book which moves meanwhile is still met; without a quantity, what the book takes there.
    """
    bought = held.outcome.other
    levels = ladder(bought, view.bids, view.asks)
    if not levels:
        return None
    if command.least is not None:
        limit = complement(command.least)
    else:
        limit = _dearest(bought, Price(min(levels[0][0] + collar, DOLLAR_PRICE)), view)
    taken = sweep(levels, command.quantity or held.quantity, limit)
    return m.PlaceManually(
        command_id=command.command_id,
        ticker=command.ticker,
        outcome=bought,
        price=limit,
        quantity=command.quantity or Quantity(taken.quantity or held.quantity),
        style="take",
        preview=command.preview,
        closes=True,
        by=command.by,
        reason=command.reason,
    )


def _dearest(bought: Outcome, most: Price, view: MarketView) -> Price:
    """The highest price of an outcome, at most `most`, that the market knows."""
    grid = price_grid(view.market.grid)
    if bought is Outcome.YES:
        return grid.round_down(most) or most
    sold = grid.round_up(complement(most))
    return most if sold is None else complement(sold)


def quote(facts: Facts, wanted: Quantity) -> m.Quote:
    """Cost, fees and every gate's answer."""
    signal = facts.signal
    levels = ladder(signal.outcome, facts.view.bids, facts.view.asks)
    taken = sweep(levels, wanted if signal.style == "take" else Quantity(0), signal.price)
    fees = sum(fill_fee(facts.fees, price, size, is_taker=True) for price, size in taken.fills)
    rest = Quantity(wanted - taken.quantity)
    cost, resting_fees = taken.cost, 0
    if signal.style == "make" or not taken.quantity:
        cost = Money(cost + notional(signal.price, rest))
        taking = signal.style == "take"
        resting_fees = fee_bound(facts.fees, signal.price, rest, fills=1, is_taker=taking)
    cap = closing if signal.closes else caps
    sized = cap.size(facts)
    return m.Quote(
        ticker=signal.ticker,
        outcome=signal.outcome,
        price=signal.price,
        quantity=wanted,
        style=signal.style,
        fillable=taken.quantity,
        cost=cost,
        fees=Money(fees + resting_fees),
        reserve=cap.reserve(facts, wanted),
        allowed=sized.quantity,
        gates=_gates(facts, wanted, sized),
        closes=signal.closes,
    )


def refusal(answer: m.Quote) -> m.GateAnswer | None:
    """The first gate that is shut."""
    return next((gate for gate in answer.gates if not gate.passed), None)


def denials(
    facts: Facts, refused: m.GateAnswer | None, order: m.PlaceManually
) -> list[m.OrderDenied]:
    """For the decision log; a preview leaves no trace."""
    if refused is None or order.preview:
        return []
    denial = Denial(code=refused.code, limit=refused.limit or 0.0, value=refused.value or 0.0)
    return [denied(facts.signal, denial, facts.now)]


def answered(
    order: m.PlaceManually, told: m.Quote, refused: m.GateAnswer | None, order_id: str = ""
) -> m.CommandAnswered:
    """What the operator is told."""
    return m.CommandAnswered(
        command_id=order.command_id,
        refusal=refused.code if refused else "",
        limit=(refused.limit or 0.0) if refused else 0.0,
        value=(refused.value or 0.0) if refused else 0.0,
        order_id=order_id,
        quote=told,
    )


def _gates(facts: Facts, wanted: Quantity, sized: caps.Sized) -> tuple[m.GateAnswer, ...]:
    asked = list((closing if facts.signal.closes else rules).asked(facts))
    asked += [("price", _price(facts)), ("size", _size(wanted, sized))]
    return tuple(
        m.GateAnswer(code=name, passed=True)
        if denial is None
        else m.GateAnswer(code=denial.code, passed=False, limit=denial.limit, value=denial.value)
        for name, denial in asked
    )


def _price(facts: Facts) -> Denial | None:
    """`price_off_grid`: the market has no such price; `price_crosses`: it would not rest."""
    signal = facts.signal
    yes = signal.price if facts.side is Side.BID else complement(signal.price)
    if not price_grid(facts.market.grid).is_valid(yes):
        return Denial(code="price_off_grid", limit=1, value=price_dollars(signal.price))
    levels = ladder(signal.outcome, facts.view.bids, facts.view.asks)
    if signal.style == "make" and levels and levels[0][0] <= signal.price:
        limit, value = price_dollars(levels[0][0]), price_dollars(signal.price)
        return Denial(code="price_crosses", limit=limit, value=value)
    return None


def _size(wanted: Quantity, sized: caps.Sized) -> Denial | None:
    """`no_room_...`: more than sizes and limits leave; the cap that binds gives the name."""
    if wanted <= sized.quantity:
        return None
    limit, value = sized.quantity / ONE_CONTRACT, wanted / ONE_CONTRACT
    return Denial(code=f"no_room_{sized.binding}", limit=limit, value=value)
