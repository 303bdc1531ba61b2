"""Exits in a report: what each sale before settlement brought, and what holding on would have.

Money in dollars. Only exits whose market has its result: before, nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.records import Outcome
from core.research import report_page as html
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.research.report_facts import Bet, Facts

_SHOWN: Final = 200


class ExitLine(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of an exit."""

    ts: Nanos
    ticker: str
    strategy: str
    sold: Outcome
    """The outcome that was held."""
    contracts: float
    price: float
    """Got per contract, in dollars of the outcome that was held."""
    fee: float
    brought: float
    held: float

    @property
    def gained(self) -> float:
        """What the sale brought more than holding on; negative where it brought less."""
        return self.brought - self.held


def exits(bets: Iterable[Bet]) -> list[ExitLine]:
    """In the order of the fills."""
    found = [_line(bet) for bet in bets if bet.exit and bet.result is not None]
    return sorted(found, key=lambda line: (line.ts, line.ticker))


def _line(bet: Bet) -> ExitLine:
    sold = bet.outcome.other
    return ExitLine(
        ts=bet.ts,
        ticker=bet.ticker,
        strategy=bet.strategy,
        sold=sold,
        contracts=bet.contracts,
        price=1.0 - bet.price,
        fee=bet.fee,
        brought=bet.contracts * (1.0 - bet.price) - bet.fee,
        held=bet.contracts if bet.result is sold else 0.0,
    )


def section(facts: Facts) -> str:
    """Nothing where nothing was sold before its settlement."""
    lines = exits(facts.bets)
    if not lines:
        return ""
    brought, held = sum(one.brought for one in lines), sum(one.held for one in lines)
    better = sum(one.gained > 0 for one in lines)
    values = [
        ("fills of exits", f"{len(lines):,}"),
        ("contracts sold", f"{sum(one.contracts for one in lines):,.0f}"),
        ("brought, after fees", _money(brought)),
        ("held to settlement", _money(held)),
        ("gained by selling", _money(brought - held)),
        ("better than holding", f"{better / len(lines):.0%}"),
    ]
    return html.section(
        "Exits against holding on",
        html.cards(values),
        html.table(_HEAD, map(_cells, lines[-_SHOWN:]), f"The last {_SHOWN} exits"),
        html.text(
            "A contract that was sold would have paid a dollar or nothing. Exits of one window "
            "share its outcome, so few windows prove little."
        ),
    )


_HEAD: Final = ("market", "strategy", "sold", "contracts", "price", "brought", "held", "gained")


def _cells(one: ExitLine) -> Sequence[str]:
    return (
        one.ticker,
        one.strategy or "-",
        one.sold.value,
        f"{one.contracts:,.2f}",
        f"{one.price:.4f}",
        _money(one.brought),
        _money(one.held),
        _money(one.gained),
    )


def _money(amount: float) -> str:
    return f"{'-' if round(amount, 2) < 0 else ''}${abs(amount):,.2f}"
