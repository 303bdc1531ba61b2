"""Consecutive changes of one book as columns: how a recording is played without an object a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.records import Outcome
from core.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.units import Nanos, Price, Quantity


class DeltaRows:
    """Rows `start` to `stop` of some columns: deltas of one market, one connection and one
    subscription, counted without a gap, in order of arrival. Read-only.
    """

    __slots__ = (
        "changes",
        "conn",
        "is_yes",
        "lag",
        "prices",
        "seqs",
        "sid",
        "start",
        "stop",
        "ticker",
        "ts_event",
        "ts_recv",
    )

    def __init__(self, ticker: str, conn: int, sid: int) -> None:
        self.ticker = ticker
        self.conn = conn
        self.sid = sid
        self.start = 0
        self.stop = 0
        self.is_yes: Sequence[bool] = ()
        self.prices: Sequence[Price] = ()
        """Each in its leg's own dollars."""
        self.changes: Sequence[Quantity] = ()
        self.seqs: Sequence[int] = ()
        self.ts_event: Sequence[Nanos] = ()
        self.ts_recv: Sequence[Nanos] = ()
        self.lag = NEVER
        """No row arrived later than this after its own time."""

    def leg(self, row: int) -> Outcome:
        """Whose bid a row changes."""
        return Outcome.YES if self.is_yes[row] else Outcome.NO
