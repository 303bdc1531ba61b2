"""What stands before some roles in a kernel's trial, and knows when they may be left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core import messages as m
from core.research.sweep_replay import VenueBooks
from core.units import NEVER, Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.research.kernel_columns import Columns
    from core.research.sweep_features import Features, Ints
    from core.roles.paper import Paper
    from core.roles.risk import Risk
    from core.runner import Role


class Quiet:
    """Stands before a strategy's host, and knows until when it pauses after its signals."""

    def __init__(self, host: Role, cooldown: Nanos) -> None:
        self.name = host.name
        self.until: dict[str, Nanos] = {}
        self._host = host
        self._cooldown = cooldown

    def handle(self, message: m.Message, now: Nanos) -> Sequence[m.Message]:
        """What the host says; its signals are noted."""
        said = self._host.handle(message, now)
        for one in said:
            if isinstance(one, m.Signal):
                self.until[one.ticker] = Nanos(now + self._cooldown)
        return said

    def apply(self, event: m.Message) -> None:
        """Fold a journalled event."""
        self._host.apply(event)


class Marking:
    """Stands before risk, and knows whether its next tick would say or write anything."""

    def __init__(self, risk: Risk) -> None:
        self.name = risk.name
        self._risk = risk
        self._is_done = False
        self._peak = Money(0)

    @property
    def is_done(self) -> bool:
        """Nothing has changed since the last tick, and no peak waits to be written."""
        return self._is_done and self._peak <= self._risk.ledger.peak

    def handle(self, message: m.Message, now: Nanos) -> Sequence[m.Message]:
        """What risk says; its pictures of the money are noted."""
        said = self._risk.handle(message, now)
        self._is_done = isinstance(message, m.Tick)
        for one in said:
            if isinstance(one, m.LedgerMarked):
                self._peak = one.peak
        return said

    def apply(self, event: m.Message) -> None:
        """Fold a journalled event."""
        self._risk.apply(event)


class Acts:
    """Pictures on which the strategy may signal, but for those in its pauses."""

    def __init__(self, table: Columns, rows: Ints, quiet: Mapping[str, Nanos]) -> None:
        self.done = 0
        """How many lie behind."""
        self._items = table.item[rows].tolist()
        self._times = table.times[table.item[rows]].tolist()
        self._owners = [table.tickers[number] for number in table.ticker[rows].tolist()]
        self._quiet = quiet
        self._end = len(table.times)

    def next(self) -> tuple[int, Nanos]:
        """The next one and its time; past the last item where there is none."""
        times, owners, quiet = self._times, self._owners, self._quiet
        while self.done < len(times) and times[self.done] < quiet.get(owners[self.done], 0):
            self.done += 1
        if self.done == len(times):
            return self._end, NEVER
        return self._items[self.done], times[self.done]


class TopBooks(VenueBooks):
    """The venue's books, of which best prices too are told only where they can matter."""

    def __init__(self, features: Features, venue: Paper, table: Columns) -> None:
        super().__init__(features, venue)
        self.before = 0
        """Items that lie behind."""
        self._table = table
        self._items = features

    def _wake(self, ticker: str, now: Nanos) -> None:
        tops = self._table.tops.get(ticker)
        if ticker not in self.awake and tops is not None:
            at = int(np.searchsorted(tops, self.before)) - 1
            if at >= 0:
                _, told, top = self._items.item(int(tops[at]))
                assert top is not None
                self._venue.handle(top, told)
        super()._wake(ticker, now)
