"""Our books against the exchange's: what differs, with both sides, and how far that reaches.

| kind | compared | a difference stops |
|---|---|---|
| position | in every market we hold, unless an order of ours is open there | that market |
| cash | while no order is open and nobody else uses the account | everything |
| settlement | result and payout of every window both sides have settled | everything |
| fees | what both sides charged in a settled window | nothing: each fill's fee is checked apart |

A window may be settled here and not yet paid there: as long as the exchange still lists the
position, its payout is expected later. What others trade on the account is theirs: their fills are
taken off the exchange's position, and cash is not compared while there are any.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.units import (
    ONE_CENT,
    Money,
    Nanos,
    Quantity,
    format_money,
    format_quantity,
    parse_money,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.domain.ledger import Ledger

TOLERANCE = Money(ONE_CENT // 2)
"""Cash may differ by what the exchange rounds away when it reports whole cents."""
EVERYWHERE: Final = frozenset({"cash", "settlement"})
"""Kinds of difference that stop all trading."""


def account_differences(ledger: Ledger, booked: m.AccountBooked) -> tuple[m.Difference, ...]:
    """All that differs, of what may be compared now."""
    return (
        *_positions(ledger, booked),
        *_cash(ledger, booked),
        *_settlements(ledger, booked.report),
    )


def blocked_markets(differences: Iterable[m.Difference]) -> frozenset[str]:
    """Markets in which no new risk is taken until both sides agree."""
    return frozenset(d.key for d in differences if d.what == "position")


def cash_gap(differences: Iterable[m.Difference]) -> Money | None:
    """What the exchange has more than the books, below zero less; None where cash agrees."""
    for row in differences:
        if row.what == "cash":
            return Money(parse_money(row.theirs) - parse_money(row.ours))
    return None


class Doubts:
    """Differences found once, until a newer look at the exchange tells whether they last.

    A report is read in several requests, and from a replica that may lag behind what its streams
    told us. So a difference counts when a report finds it again whose data are newer than the
    moment of the first finding: all that our books had then is in it. Belongs to the risk role.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, str], Nanos] = {}

    def lasting(
        self, found: Iterable[m.Difference], as_of: Nanos, now: Nanos
    ) -> tuple[m.Difference, ...]:
        """Those of `found`, in a report of data `as_of`, that are no matter of time any more."""
        before, rows = self._since, [(same_gap(difference), difference) for difference in found]
        self._since = {gap: before.get(gap, now) for gap, _ in rows}
        return tuple(row for gap, row in rows if gap in before and as_of >= before[gap])


def same_gap(difference: m.Difference) -> tuple[str, str, str]:
    """What two differences share that are one: kind, key, and by how much, whatever moved since."""
    try:
        gap = str(Decimal(difference.theirs) - Decimal(difference.ours))
    except InvalidOperation:
        gap = f"{difference.ours} {difference.theirs}"
    return difference.what, difference.key, gap


def _positions(ledger: Ledger, booked: m.AccountBooked) -> Iterator[m.Difference]:
    others = dict(booked.foreign_positions)
    held = {row.ticker: row.quantity for row in booked.report.positions}
    for ticker, position in ledger.positions.items():
        if ticker in booked.open_markets:
            continue
        theirs = Quantity(held.get(ticker, 0) - others.get(ticker, 0))
        if position.quantity != theirs:
            yield m.Difference(
                what="position",
                key=ticker,
                ours=format_quantity(position.quantity),
                theirs=format_quantity(theirs),
            )


def _cash(ledger: Ledger, booked: m.AccountBooked) -> Iterator[m.Difference]:
    if booked.foreign or booked.open_orders or ledger.reservations:
        return
    listed = {row.ticker for row in booked.report.positions if row.quantity}
    pending = sum(ledger.payouts[ticker].payout for ticker in listed if ticker in ledger.payouts)
    expected = (ledger.cash or 0) - pending
    if abs(expected - booked.report.cash) > TOLERANCE:
        yield _difference("cash", "account", Money(expected), booked.report.cash)


def _settlements(ledger: Ledger, report: m.AccountReport) -> Iterator[m.Difference]:
    for row in report.settlements:
        ours = ledger.payouts.get(row.ticker)
        if ours is None or ours.number or row.yes_quantity - row.no_quantity != ours.quantity:
            continue  # not ours alone, or settled in parts: its cash is compared as cash
        if row.result is not None and row.result is not ours.result:
            yield m.Difference(
                what="settlement", key=row.ticker, ours=str(ours.result), theirs=str(row.result)
            )
        elif abs(row.revenue - ours.payout) >= ONE_CENT:
            yield _difference("settlement", row.ticker, ours.payout, row.revenue)
        if abs(row.fees - ours.fees) >= ONE_CENT:
            yield _difference("fees", row.ticker, ours.fees, row.fees)


def _difference(what: str, key: str, ours: Money, theirs: Money) -> m.Difference:
    return m.Difference(what=what, key=key, ours=format_money(ours), theirs=format_money(theirs))
