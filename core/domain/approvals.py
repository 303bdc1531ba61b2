"""What risk writes down of a wish: the order that it allows, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain import caps, closing
from core.exchange.records import OrderRequest, Side, TimeInForce
from core.units import Nanos, Quantity, complement, seconds

if TYPE_CHECKING:
    from core.domain.rules import Denial, Facts

EXPIRY_MARGIN: Final = seconds(2.0)
"""A resting order dies this long before its window's close, whatever happens to us."""


def approved(facts: Facts, quantity: Quantity, epoch: int, instance: str) -> m.OrderApproved:
    """The order for `quantity` of what the facts' signal wants; `instance` prefixes its id."""
    signal = facts.signal
    return m.OrderApproved(
        request=_request(facts, quantity, instance),
        signal_id=signal.signal_id,
        strategy=signal.strategy,
        outcome=signal.outcome,
        probability=signal.probability,
        edge=signal.edge,
        confidence=signal.confidence,
        kelly_fraction=signal.kelly_fraction,
        reserve=(closing if signal.closes else caps).reserve(facts, quantity),
        epoch=epoch,
        created=facts.now,
        expires=Nanos(facts.now + facts.limits.intent_ttl),
    )


def denied(signal: m.Signal, denial: Denial, now: Nanos) -> m.OrderDenied:
    """The refusal of a signal."""
    return m.OrderDenied(
        signal_id=signal.signal_id,
        strategy=signal.strategy,
        ticker=signal.ticker,
        outcome=signal.outcome,
        price=signal.price,
        edge=signal.edge,
        code=denial.code,
        limit=denial.limit,
        value=denial.value,
        created=now,
    )


def _request(facts: Facts, quantity: Quantity, instance: str) -> OrderRequest:
    signal, market, limits = facts.signal, facts.market, facts.limits
    resting = signal.style == "make"
    latest = Nanos(market.close_ns - EXPIRY_MARGIN)
    # What a person lets rest stays until the close; a program looks again sooner.
    patient = signal.strategy == m.MANUAL
    until = latest if patient else min(latest, Nanos(facts.now + limits.resting_ttl))
    price = signal.price if facts.side is Side.BID else complement(signal.price)
    counter = facts.ledger.approvals + 1
    return OrderRequest(
        ticker=signal.ticker,
        client_order_id=f"{instance}-{counter}-{signal.strategy[:16]}-{signal.ticker}",
        side=facts.side,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce.GTC if resting else TimeInForce.IOC,
        post_only=resting,
        reduce_only=signal.closes,
        cancel_on_pause=True,
        expires=until if resting else None,
        shard=market.shard,
    )
