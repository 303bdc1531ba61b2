"""A manual order's quote as people and programs read it: dollars and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.manual import refusal
from core.messages import QuoteRow
from core.messages.screen import GateRow
from core.screen.scale import per_contract
from core.units import DOLLAR_PRICE, Money, contracts, dollars, notional

if TYPE_CHECKING:
    from core.messages import GateAnswer, Quote


def quote_row(quote: Quote) -> QuoteRow:
    """What it costs, what it can lose and bring, and every gate's answer.

    An order that takes is told for what the book has; where it has nothing, or the order rests, for
    the whole quantity at its limit.
    """
    counted = quote.fillable or quote.quantity
    face = notional(DOLLAR_PRICE, counted)
    spent = Money(quote.cost + quote.fees)
    shut = refusal(quote)
    return QuoteRow(
        ticker=quote.ticker,
        side="yes" if quote.outcome.value == "yes" else "no",
        order_type="ioc" if quote.style == "take" else "limit",
        quantity=contracts(quote.quantity),
        price=per_contract(quote.price),
        fillable_quantity=contracts(quote.fillable),
        average_price=round(quote.cost / counted / DOLLAR_PRICE, 6),
        cost=dollars(quote.cost),
        fee=dollars(quote.fees),
        max_loss=dollars(spent),
        max_gain=dollars(Money(face - spent)),
        break_even=round(spent / face, 6),
        reserve=dollars(quote.reserve),
        allowed_quantity=contracts(quote.allowed),
        refusal=None if shut is None else _gate(shut),
        gates=tuple(map(_gate, quote.gates)),
    )


def _gate(answer: GateAnswer) -> GateRow:
    return GateRow(gate=answer.code, passed=answer.passed, limit=answer.limit, value=answer.value)
