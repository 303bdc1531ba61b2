"""How a run of the daemon ended: counts, both sides' books, and what differs."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.session import Tally
from config.logs import kv
from core.exchange.books import Books, exchange_books, of_one_moment
from core.exchange.port import ExchangeError
from core.messages import ControlAnswer, Difference
from core.units import Nanos, dollars, seconds

if TYPE_CHECKING:
    from actors.venues import Venue
    from core.domain.ledger import Ledger
    from core.exchange.port import Exchange

_log = logging.getLogger(__name__)

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


def both_books(
    venue: Venue, ours: Books, ledger: Ledger, deadline: float
) -> tuple[Books, Books | None]:
    """Ours, with what was paid since, and the exchange's; None where it cannot be read.

    `deadline` is on the machine's monotonic clock.
    """
    exchange = venue.exchange
    try:
        if not wait_for_replica(exchange, venue.clock.now(), deadline):
            _log.warning("the exchange's books are those of an earlier moment")
        since = Nanos(ledger.since - seconds(1))
        return of_one_moment(
            ours,
            ledger,
            payments=lambda: exchange.settlements(since=since),
            theirs=lambda: exchange_books(exchange, ledger.capital, venue.shard, since),
            may_look_again=lambda: time.monotonic() < deadline,
        )
    except ExchangeError as error:
        _log.error("the exchange's books could not be read", extra=kv(why=error))
        return ours, None


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
