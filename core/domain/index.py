"""The settlement index of one window: sixty one-second prints and their exact mean.

A window resolves YES if the mean of the prints stamped in [close - 60 s, close), rounded half up to
the market's digits, is at least the strike (kalshi.md 8.4). Integers throughout: near the strike
the last digit decides, and ties are YES.
"""

from __future__ import annotations

from typing import Final

from core.domain.windows import FINAL_MINUTE
from core.exchange.records import Outcome
from core.units import SECOND, IndexValue, Nanos, mean_index

PRINTS: Final = 60
"""Prints that decide a window, one for each second of its final minute."""


class SettlementIndex:
    """Collects the deciding prints of one window. Its owner alone reads and changes it.

    Prints arrive in the order of their stamps, or not at all: the exchange drops repeated and late
    stamps, and so does `add`. A second that was passed over is a hole for good.
    """

    __slots__ = ("_last", "close_ns", "digits", "known", "known_sum", "start_ns")

    def __init__(self, close_ns: Nanos, digits: int) -> None:
        self.close_ns = close_ns
        self.digits = digits
        """Decimals of the settlement value: 4 for SOL."""
        self.start_ns = Nanos(close_ns - FINAL_MINUTE)
        self.known = 0
        """How many of the sixty prints have been seen."""
        self.known_sum = IndexValue(0)
        """Their sum, exact."""
        self._last = Nanos(self.start_ns - SECOND)

    def add(self, value: IndexValue, ts_event: Nanos) -> bool:
        """Take a print; False if it does not count.

        It counts if its stamp is a whole second of the final minute and later than all before. So
        prints of a faster stream may be given too: only those on the second decide.
        """
        if ts_event <= self._last or ts_event >= self.close_ns or ts_event % SECOND:
            return False
        self._last = ts_event
        self.known += 1
        self.known_sum = IndexValue(self.known_sum + value)
        return True

    @property
    def future(self) -> int:
        """Prints that can still come: the seconds of the final minute after the last one seen."""
        return (self.close_ns - self._last) // SECOND - 1

    @property
    def holes(self) -> int:
        """Seconds that passed without a print: `known + holes + future` is sixty."""
        return PRINTS - self.known - self.future

    @property
    def running_mean(self) -> IndexValue | None:
        """Mean of the prints seen so far, rounded as the settlement; None before the first."""
        if not self.known:
            return None
        return mean_index(self.known_sum, self.known, self.digits)

    @property
    def settlement(self) -> IndexValue | None:
        """The settlement value, which is the next window's strike; None unless all sixty are known.

        With holes it can only be estimated, by `running_mean`.
        """
        return self.running_mean if self.known == PRINTS else None


def resolve(settlement: IndexValue, strike: IndexValue) -> Outcome:
    """The outcome of a window: YES at or above the strike."""
    return Outcome.YES if settlement >= strike else Outcome.NO
