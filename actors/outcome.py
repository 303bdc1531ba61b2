"""How a run of the daemon ended: counts, both sides' books, and what differs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.session import Tally
from core.exchange.books import Books
from core.messages import ControlAnswer, Difference
from core.units import Money, dollars

if TYPE_CHECKING:
    from core.exchange.port import Exchange
    from core.units import Nanos

_GLANCE_SECONDS: Final = 0.1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    tally: Tally
    stopped: ControlAnswer
    ours: Books | None
    theirs: Books | None
    differences: tuple[Difference, ...]
    failure: str = ""
    """Why the daemon gave up by itself; empty where it was asked to stop."""

    @property
    def proven(self) -> bool:
        """The exchange listed no resting order of ours at the end."""
        return self.stopped.resting == 0


def our_books(tally: Tally) -> Books | None:
    """Our side of the comparison; None before the books were first marked."""
    marked = tally.books
    if marked is None:
        return None
    return Books(
        cash=marked.cash,
        fees=marked.fees,
        pnl=Money(marked.realized - marked.fees),
        positions={line.ticker: line.quantity for line in marked.positions if line.quantity},
    )


def wait_for_replica(exchange: Exchange, moment: Nanos, deadline: float) -> bool:
    """Wait until the portfolio reads reach `moment`; False where they do not until `deadline`.

    `deadline` is on the machine's monotonic clock. Reads that are behind would tell an account of
    the past. Raises the port's errors.
    """
    pause = threading.Event()
    while exchange.user_data_timestamp() < moment:
        if time.monotonic() >= deadline:
            return False
        pause.wait(_GLANCE_SECONDS)
    return True


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """The run as one object; money in dollars."""
    tally, ours, theirs = outcome.tally, outcome.ours, outcome.theirs
    return {
        "windows": tally.windows,
        "decisions": tally.decisions,
        "orders": tally.orders,
        "fills": tally.fills,
        "fees": dollars(ours.fees) if ours else None,
        "pnl": dollars(ours.pnl) if ours else None,
        "cash": dollars(ours.cash) if ours else None,
        "exchange": theirs.as_json() if theirs else None,
        "differences": [
            {"what": d.what, "key": d.key, "ours": d.ours, "theirs": d.theirs}
            for d in outcome.differences
        ],
        "resting": outcome.stopped.resting,
    }
