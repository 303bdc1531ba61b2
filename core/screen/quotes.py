"""A manual order's quote as people and programs read it: dollars and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.manual import refusal
from core.messages import QuoteRow
from core.messages.screen import GateRow
from core.screen.scale import per_contract
from core.units import DOLLAR_PRICE, Money, complement, contracts, dollars, notional

if TYPE_CHECKING:
    from core.messages import GateAnswer, Quote


def quote_row(quote: Quote) -> QuoteRow:
    """What it costs, what it can lose and bring, and every gate's answer; of a sale what it brings.

    An order that takes is told for what the book has; where it has nothing, or the order rests, for
    the whole quantity at its limit.
    """
    counted = quote.fillable or quote.quantity
    face = notional(DOLLAR_PRICE, counted)
    spent = Money(quote.cost + quote.fees)
    shut = refusal(quote)
    average = round(quote.cost / counted / DOLLAR_PRICE, 6)
    even, brings = round(spent / face, 6), None
    outcome, price, cost = quote.outcome, quote.price, quote.cost
    if quote.closes:
        outcome, price, cost = outcome.other, complement(price), Money(0)
        average, even, brings = round(1 - average, 6), round(1 - even, 6), Money(face - spent)
    return QuoteRow(
        ticker=quote.ticker,
        side="yes" if outcome.value == "yes" else "no",
        order_type="ioc" if quote.style == "take" else "limit",
        quantity=contracts(quote.quantity),
        price=per_contract(price),
        fillable_quantity=contracts(quote.fillable),
        average_price=average,
        cost=dollars(cost),
        fee=dollars(quote.fees),
        proceeds=None if brings is None else dollars(brings),
        realized=None if brings is None else dollars(Money(brings - quote.basis)),
        max_loss=dollars(spent),
        max_gain=dollars(Money(face - spent)),
        break_even=even,
        reserve=dollars(quote.reserve),
        allowed_quantity=contracts(quote.allowed),
        refusal=None if shut is None else _gate(shut),
        gates=tuple(map(_gate, quote.gates)),
    )


def _gate(answer: GateAnswer) -> GateRow:
    return GateRow(gate=answer.code, passed=answer.passed, limit=answer.limit, value=answer.value)
