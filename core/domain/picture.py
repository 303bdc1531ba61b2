"""The money picture: equity, exposure, profit and loss, and the breaker conditions in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain import marks
from core.units import Money, Nanos, dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.domain.ledger import Ledger
    from core.domain.rules import RiskLimits

_UNSEEN = marks.Mark()


def lines(ledger: Ledger, quotes: Mapping[str, marks.Mark]) -> tuple[m.PositionLine, ...]:
    """Each position with what it would bring now."""
    return tuple(
        m.PositionLine(
            ticker=held.ticker,
            quantity=held.quantity,
            cost=held.cost,
            fees=held.fees,
            realized=held.realized,
            value=marks.value(quotes.get(held.ticker, _UNSEEN), held.quantity, held.cost),
            bid=marks.best(quotes.get(held.ticker, _UNSEEN), held.quantity),
        )
        for held in ledger.positions.values()
    )


def equity(ledger: Ledger, quotes: Mapping[str, marks.Mark]) -> Money:
    """Cash plus what the positions would bring; 0 before the capital is known."""
    return Money((ledger.cash or 0) + sum(line.value for line in lines(ledger, quotes)))


def marked(ledger: Ledger, quotes: Mapping[str, marks.Mark], now: Nanos) -> m.LedgerMarked:
    """The whole picture at `now`."""
    held = lines(ledger, quotes)
    worth, cost = sum(line.value for line in held), sum(line.cost for line in held)
    cash = Money(ledger.cash or 0)
    total = Money(cash + worth)
    peak = Money(max(ledger.peak, total))
    return m.LedgerMarked(
        cash=cash,
        reserved=ledger.reserved,
        positions=held,
        exposure=ledger.exposure,
        equity=total,
        realized=ledger.realized,
        fees=ledger.fees,
        unrealized=Money(worth - cost),
        day_pnl=Money(total - ledger.day_open if ledger.day else 0),
        day_open=ledger.day_open,
        peak=peak,
        drawdown=(peak - total) / peak if peak > 0 else 0.0,
        settled=ledger.settled,
        capital=ledger.capital,
        since=ledger.since,
        ts=now,
    )


def breaches(picture: m.LedgerMarked, limits: RiskLimits, source: str) -> list[m.BreachDetected]:
    """Breaker conditions: the day's loss against its opening equity, the fall from the peak."""
    loss = -picture.day_pnl / picture.day_open if picture.day_open > 0 else 0.0
    checks = (
        (
            "daily_loss_breaker",
            limits.breaker_loss,
            loss,
            f"the day opened at ${dollars(picture.day_open):.2f}",
        ),
        (
            "drawdown_breaker",
            limits.breaker_drawdown,
            picture.drawdown,
            f"equity peaked at ${dollars(picture.peak):.2f}",
        ),
    )
    return [
        m.BreachDetected(
            code=code, limit=limit, value=value, detail=detail, source=source, ts=picture.ts
        )
        for code, limit, value, detail in checks
        if value >= limit
    ]
