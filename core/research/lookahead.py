"""No backtest on a tape that tells the future.

Records are played in the order of their arrival, so a role knows what had arrived. That is worth
nothing on a tape whose arrivals are wrong: a result that "arrives" before its window closes, a
strike before its window opens, a price from a moment that had not come. A tape like that is
refused, with the record that gives it away. Clocks of two machines differ, so a little is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core import messages as m
from core.research.tape_codecs import nanos
from core.research.tape_files import TapeError
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from core.messages import Message

ALLOWED: Final = Nanos(2 * SECOND)
"""How far a record's own time may be after its arrival: recorded clocks drifted by up to 0.55 s."""


class LookAheadError(TapeError):
    """The tape tells at some moment what was only known later; names the record."""


class LookAhead:
    """Holds what a tape tells against the time at which it tells it."""

    def __init__(self, tape: Path) -> None:
        self._tape = tape
        self._windows: dict[str, tuple[Nanos, Nanos]] = {}
        """Ticker -> open and close."""
        self._checks: dict[type[Message], Callable[[Any], None]] = {
            m.MarketListed: self._listed,
            m.StrikePublished: self._struck,
            m.MarketDetermined: self._ended,
            m.MarketFinalized: self._ended,
        }

    def batch(self, rows: pa.RecordBatch) -> None:
        """No row may be of a time after its arrival. 2 ns a row. Raises LookAheadError."""
        column = rows.column("ts_event")
        if column.null_count == len(column):
            return
        known = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        early = nanos(column.drop_null()) - nanos(rows.column("ts_recv"))[known]
        worst = int(early.argmax())
        if early[worst] > ALLOWED:
            row = rows.slice(int(known[worst]), 1).to_pylist()[0]
            self._refuse(
                f"a {row['kind']} that arrived at {row['ts_recv']}",
                f"is of {row['ts_event']}, {early[worst] / SECOND:.1f} s later",
            )

    def record(self, record: Message) -> None:
        """Strikes, results and payouts belong after the moment that makes them. Raises
        LookAheadError.
        """
        check = self._checks.get(type(record))
        if check is not None:
            check(record)

    def _listed(self, listed: m.MarketListed) -> None:
        market = listed.market
        self._windows[market.ticker] = market.open_ns, market.close_ns
        if market.strike is not None:
            self._hold(market.ticker, "strike", market.open_ns, listed.ts_recv)

    def _struck(self, struck: m.StrikePublished) -> None:
        if struck.ticker in self._windows:
            self._hold(struck.ticker, "strike", self._windows[struck.ticker][0], struck.ts_recv)

    def _ended(self, ended: m.MarketDetermined | m.MarketFinalized) -> None:
        if ended.ticker in self._windows:
            self._hold(ended.ticker, "result", self._windows[ended.ticker][1], ended.ts_recv)

    def _hold(self, ticker: str, what: str, made: Nanos, told: Nanos) -> None:
        if told < made - ALLOWED:
            self._refuse(
                f"the {what} of {ticker}",
                f"is told {(made - told) / SECOND:.1f} s before it exists",
            )

    def _refuse(self, what: str, why: str) -> None:
        msg = f"tape {self._tape}: looks ahead: {what} {why}; mend its times, or record it anew"
        raise LookAheadError(msg)
