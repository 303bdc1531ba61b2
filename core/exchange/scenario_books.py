"""The book records of recorded windows, one window after the other, from a streamed tape."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.scenario_session import RecordedWindow, Session

Records = Callable[[], Iterable[m.Message]]
"""Opens a tape from its beginning; records come in the order of `ts_recv`."""
BookRecord = m.BookSnapshot | m.BookDelta | m.TopOfBook | m.TradePrint

_BOOK_RECORDS: Final = (m.BookSnapshot, m.BookDelta, m.TopOfBook, m.TradePrint)
_LATE: Final = Nanos(5 * SECOND)
"""So long after a close nothing of its window comes any more."""


class BookStream:
    """Hands out the records of the window that is open, in order. Records of later windows that
    the tape has in between wait; going back to an earlier window opens the tape again.
    """

    def __init__(self, records: Records, session: Session) -> None:
        self._records = records
        self._depth = {window.ticker: window.has_depth for window in session.windows}
        self._stream: Iterator[m.Message] = iter(())
        self._waiting: defaultdict[str, deque[BookRecord]] = defaultdict(deque)
        self._window: RecordedWindow | None = None

    def open(self, window: RecordedWindow) -> None:
        """From now on `next` gives the records of this window, from its first."""
        if self._window is None or window.close_ns <= self._window.close_ns:
            self._stream = iter(self._records())
            self._waiting.clear()
        else:
            self._waiting.pop(self._window.ticker, None)
        self._window = window

    def next(self) -> BookRecord | None:
        """The next record of the window, or None when it has no more."""
        window = self._window
        assert window is not None
        mine = self._waiting[window.ticker]
        while not mine and self._pull(Nanos(window.close_ns + _LATE)):
            pass
        return mine.popleft() if mine else None

    def _pull(self, until: Nanos) -> bool:
        """Read one record on; False at the end of the tape or past `until`."""
        record = next(self._stream, None)
        if record is None:
            return False
        if not isinstance(record, _BOOK_RECORDS):
            return True
        has_depth = self._depth.get(record.ticker)
        if has_depth is None or (has_depth and isinstance(record, m.TopOfBook)):
            return True
        self._waiting[record.ticker].append(record)
        return record.ts_recv <= until
