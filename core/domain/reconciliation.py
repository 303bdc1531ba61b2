"""Our books against the exchange's: what differs, with both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.units import ONE_CENT, Money, Quantity, format_money, format_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.domain.ledger import Ledger

TOLERANCE = Money(ONE_CENT // 2)
"""Cash may differ by what the exchange rounds away when it reports whole cents."""


def account_differences(ledger: Ledger, booked: m.AccountBooked) -> tuple[m.Difference, ...]:
    """Positions of the markets we traded, and cash. Call only while no order is open.

    A window may be settled here and not yet paid there: as long as the exchange still lists the
    position, its payout is expected later. Cash is not compared while the account has activity
    that is not ours.
    """
    held = {row.ticker: row.quantity for row in booked.report.positions if row.quantity}
    differences = list(_positions(ledger, held))
    pending = sum(ledger.payouts[ticker].payout for ticker in held if ticker in ledger.payouts)
    expected = (ledger.cash or 0) - pending
    if not booked.foreign and abs(expected - booked.report.cash) > TOLERANCE:
        differences.append(
            m.Difference(
                what="cash",
                key="account",
                ours=format_money(Money(expected)),
                theirs=format_money(booked.report.cash),
            )
        )
    return tuple(differences)


def _positions(ledger: Ledger, held: Mapping[str, Quantity]) -> Iterator[m.Difference]:
    for ticker, position in ledger.positions.items():
        theirs = held.get(ticker, Quantity(0))
        if position.quantity != theirs:
            yield m.Difference(
                what="position",
                key=ticker,
                ours=format_quantity(position.quantity),
                theirs=format_quantity(theirs),
            )
