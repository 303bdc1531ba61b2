"""What one run of the daemon has done so far, for `--windows` and the JSON at its end."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.recent import Newest

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
        self._determined: Newest[None] = Newest()
        self._finalized: Newest[None] = Newest()
        self._windows_determined = 0
        self._windows_over = 0
        """Windows whose result is known and paid."""
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
            case m.MarketDetermined() if message.ticker not in self._determined:
                self._determined[message.ticker] = None
                self._windows_determined += 1
                self._windows_over += message.ticker in self._finalized
            case m.MarketFinalized() if message.ticker not in self._finalized:
                self._finalized[message.ticker] = None
                self._windows_over += message.ticker in self._determined
            case _:
                return
        if self._wanted is not None:
            if self._windows_determined >= self._wanted:
                self.closed.set()
            if self._windows_over >= self._wanted:
                self.paid.set()

    def settled(self) -> bool:
        """Our books hold no position in a window that is over."""
        with self._lock:
            lines = self._books.positions if self._books else ()
            return not any(line.quantity and line.ticker in self._determined for line in lines)

    def tally(self) -> Tally:
        """The counts now."""
        with self._lock:
            return Tally(
                windows=self._windows_over,
                decisions=self._counts[m.Signal] + self._counts[m.Pass],
                orders=self._counts[m.OrderSubmitting],
                fills=self._counts[m.OrderFilled],
                books=self._books,
                reconciled=self._reconciled,
            )
