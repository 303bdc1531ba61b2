"""Money that came in or went out without having been traded for: a deposit, a withdrawal, a
transfer, what the account earned by other hands.

The books are repaired only from the exchange's word, and only where the operator says the same: the
amount must be what the exchange has more or less. So a defect of ours cannot be explained away by
accident, and what nobody can explain goes on halting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import messages as m
from core.domain.reconciliation import TOLERANCE
from core.units import Money, format_money

if TYPE_CHECKING:
    from core.domain.ledger import Ledger
    from core.messages import Message
    from core.units import Nanos


def booked(command: m.BookCash, gap: Money | None, ledger: Ledger, now: Nanos) -> list[Message]:
    """The event and the answer, or why not. `gap`: what the exchange has more than the books."""
    if gap is None or ledger.cash is None:
        return [_refused(command, "cash_agrees", "the books have what the exchange has")]
    if abs(gap - command.amount) > TOLERANCE:
        text = f"the exchange has {format_money(gap)} $ more than the books (below zero: less)"
        return [_refused(command, "not_the_difference", text)]
    capital = m.CapitalSet(
        cash=Money(ledger.cash + gap),
        source=command.by,
        ts=now,
        moved=gap,
        reason=command.reason,
    )
    return [capital, m.CommandAnswered(command_id=command.command_id)]


def _refused(command: m.BookCash, code: str, text: str) -> m.CommandAnswered:
    return m.CommandAnswered(command_id=command.command_id, refusal=code, text=text)
