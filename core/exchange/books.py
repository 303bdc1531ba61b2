"""The exchange's own books of a run, for the comparison at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from core.domain.positions import payout
from core.messages import Difference
from core.units import ONE_CENT, Money, Nanos, Quantity, dollars, format_money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.domain.ledger import Ledger
    from core.exchange.port import Exchange
    from core.exchange.records import Settlement

T = TypeVar("T")


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Cash, fees, profit and open positions of one account, from one side."""

    cash: Money
    fees: Money
    pnl: Money
    """Of what was closed or paid since the capital was set, less all fees: open contracts count at
    their cost."""
    positions: dict[str, Quantity]

    def as_json(self) -> dict[str, object]:
        """Dollars and contracts as numbers."""
        return {
            "cash": dollars(self.cash),
            "fees": dollars(self.fees),
            "pnl": dollars(self.pnl),
            "positions": {ticker: q / 100 for ticker, q in self.positions.items()},
        }


def ledger_books(ledger: Ledger) -> Books | None:
    """Our side; None before the capital is known."""
    if ledger.cash is None:
        return None
    return Books(
        cash=ledger.cash,
        fees=ledger.fees,
        pnl=Money(ledger.realized - ledger.fees),
        positions={
            ticker: position.quantity
            for ticker, position in ledger.positions.items()
            if position.quantity
        },
    )


def paid_meanwhile(books: Books, ledger: Ledger, settlements: Iterable[Settlement]) -> Books:
    """Our books after payments that came when nobody booked any more.

    A market may settle between the daemon's last look and the comparison at its end; the next start
    books it. Only a market that we still hold is paid, and only once.
    """
    cash, pnl, positions = books.cash, books.pnl, dict(books.positions)
    for settlement in settlements:
        quantity = positions.pop(settlement.ticker, None)
        if quantity is None or settlement.result is None:
            continue
        due = payout(quantity, settlement.result)
        cash = Money(cash + due)
        pnl = Money(pnl + due - ledger.positions[settlement.ticker].cost)
    return Books(cash=cash, fees=books.fees, pnl=pnl, positions=positions)


def of_one_moment(
    ours: Books,
    ledger: Ledger,
    payments: Callable[[], tuple[Settlement, ...]],
    theirs: Callable[[], T],
    may_look_again: Callable[[], bool] = lambda: True,
) -> tuple[Books, T]:
    """Our books, with what was paid meanwhile, and theirs: no market was paid between the looks."""
    paid = payments()
    while True:
        found = theirs()
        before, paid = paid, payments()
        if paid == before or not may_look_again():
            return paid_meanwhile(ours, ledger, paid), found


def exchange_books(exchange: Exchange, capital: Money, shard: int, since: Nanos) -> Books:
    """Asks the exchange; raises its errors."""
    cash = exchange.balance().on_shard(shard)
    held = [row for row in exchange.positions() if row.quantity]
    return Books(
        cash=cash,
        fees=Money(sum(fill.fee for fill in exchange.fills(since=since))),
        pnl=Money(cash + sum(row.cost for row in held) - capital),
        positions={row.ticker: row.quantity for row in held},
    )


def differences(ours: Books, theirs: Books) -> list[Difference]:
    """What does not agree to the cent."""
    found = [
        Difference(what=what, key="account", ours=format_money(mine), theirs=format_money(other))
        for what, mine, other in (
            ("cash", ours.cash, theirs.cash),
            ("fees", ours.fees, theirs.fees),
            ("pnl", ours.pnl, theirs.pnl),
        )
        if abs(mine - other) >= ONE_CENT
    ]
    for ticker in sorted({*ours.positions, *theirs.positions}):
        mine, other = ours.positions.get(ticker, 0), theirs.positions.get(ticker, 0)
        if mine != other:
            found.append(Difference(what="position", key=ticker, ours=str(mine), theirs=str(other)))
    return found
