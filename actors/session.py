"""What one run of the daemon has done so far, for `--windows` and the JSON at its end."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from core import messages as m

if TYPE_CHECKING:
    from core.messages import Message


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a run, and our books at its end."""

    windows: int
    decisions: int
    orders: int
    fills: int
    books: m.LedgerMarked | None
    reconciled: m.Reconciled | None


class Session:
    """A sink in the directory; counts. `take` runs on the senders' threads."""

    def __init__(self, windows: int | None = None) -> None:
        self.closed = threading.Event()
        """Set when the wanted number of windows has a result: time to stop trading."""
        self.paid = threading.Event()
        """Set when they have been paid, too."""
        self._wanted = windows
        self._lock = threading.Lock()
        self._counts: Counter[type[Message]] = Counter()
        self._determined: set[str] = set()
        self._finalized: set[str] = set()
        self._books: m.LedgerMarked | None = None
        self._reconciled: m.Reconciled | None = None

    def take(self, message: Message) -> None:
        """Count one message; never blocks for longer than it takes to count."""
        with self._lock:
            self._count(message)

    def _count(self, message: Message) -> None:
        self._counts[type(message)] += 1
        match message:
            case m.LedgerMarked():
                self._books = message
            case m.Reconciled():
                self._reconciled = message
            case m.MarketDetermined():
                self._determined.add(message.ticker)
            case m.MarketFinalized():
                self._finalized.add(message.ticker)
            case _:
                return
        if self._wanted is not None:
            if len(self._determined) >= self._wanted:
                self.closed.set()
            if self._over >= self._wanted:
                self.paid.set()

    @property
    def _over(self) -> int:
        """Windows whose result is known and paid."""
        return len(self._finalized & self._determined)

    def settled(self) -> bool:
        """Our books hold no position in a window that is over."""
        with self._lock:
            lines = self._books.positions if self._books else ()
            return not any(line.quantity and line.ticker in self._determined for line in lines)

    def tally(self) -> Tally:
        """The counts now."""
        with self._lock:
            return Tally(
                windows=self._over,
                decisions=self._counts[m.Signal] + self._counts[m.Pass],
                orders=self._counts[m.OrderSubmitting],
                fills=self._counts[m.OrderFilled],
                books=self._books,
                reconciled=self._reconciled,
            )
