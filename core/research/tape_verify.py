"""Is a tape whole? Every page is read, every row decoded, every sequence counted.

Damage (a file that cannot be read, rows out of order, a book that cannot be right) makes a tape
unfit. What only makes it poorer is counted: gaps in sequences, windows without a result, records
that seem to have arrived before they happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.book import Book, BookCorrupt
from core.research.tape import read
from core.research.tape_files import TapeError, tape_paths

if TYPE_CHECKING:
    from pathlib import Path

    from core.messages import Message

_MOST_NAMED = 20


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    files: int
    records: int
    damage: tuple[str, ...]
    """Empty on a tape that is whole; the first twenty."""
    gaps: int
    """Jumps in the sequence of a subscription: messages were lost before they were recorded."""
    markets: int
    without_result: int
    early: int
    """Records whose own time is after their arrival: two clocks differ."""

    @property
    def is_whole(self) -> bool:
        """Nothing is damaged."""
        return not self.damage

    def to_text(self) -> str:
        """Lines for a person."""
        lines = [
            f"files       {self.files}",
            f"records     {self.records:,}",
            f"gaps        {self.gaps}",
            f"markets     {self.markets}, {self.without_result} without a result",
            f"early       {self.early:,} records before their own time",
            *(f"DAMAGED     {damage}" for damage in self.damage),
            "whole" if self.is_whole else "not whole",
        ]
        return "\n".join(lines)


class _Examiner:
    """Holds every record against what came before it."""

    def __init__(self) -> None:
        self.records = self.gaps = self.early = 0
        self.damage: list[str] = []
        self.markets: dict[str, bool] = {}
        """Ticker -> whether its result is known."""
        self._sequences: dict[tuple[int, int], int] = {}
        self._books: dict[str, Book] = {}

    def look(self, record: Message) -> None:
        """One record."""
        self.records += 1
        ts_event = getattr(record, "ts_event", None)
        self.early += ts_event is not None and ts_event > record.ts_recv  # type: ignore[attr-defined]
        if isinstance(record, m.BookDelta | m.BookSnapshot):
            self._book(record)
        elif isinstance(record, m.StreamReply):
            if record.seq and (record.conn, record.sid) in self._sequences:
                self._count(record)
        elif isinstance(record, m.MarketListed):
            self.markets.setdefault(record.market.ticker, False)
        elif isinstance(record, m.MarketDetermined):
            self.markets[record.ticker] = True

    def _count(self, record: m.BookDelta | m.BookSnapshot | m.StreamReply) -> bool:
        """Whether nothing was lost since the last record of the same subscription."""
        key = record.conn, record.sid
        last = self._sequences.get(key)
        self._sequences[key] = record.seq
        whole = last is None or record.seq == last + 1
        if not whole:
            self.gaps += 1
            self._books.clear()
        return whole

    def _book(self, record: m.BookDelta | m.BookSnapshot) -> None:
        whole = self._count(record)
        try:
            if isinstance(record, m.BookSnapshot):
                book = self._books[record.ticker] = Book()
                book.load(record.yes, record.no)
            elif whole and record.ticker in self._books:
                book = self._books[record.ticker]
                book.apply(record.leg, record.price, record.delta, record.ts_event)
        except BookCorrupt as error:
            self._books.pop(record.ticker, None)
            if len(self.damage) < _MOST_NAMED:
                self.damage.append(f"{record.ticker} at {record.ts_recv}: {error}")


def verify(tape: Path) -> Verdict:
    """Read a tape from end to end. Raises TapeError only where there is no tape at all."""
    paths = tape_paths(tape)
    examiner = _Examiner()
    try:
        for record in read(tape):
            examiner.look(record)
    except TapeError as error:
        examiner.damage.append(str(error))
    return Verdict(
        files=len(paths),
        records=examiner.records,
        damage=tuple(examiner.damage),
        gaps=examiner.gaps,
        markets=len(examiner.markets),
        without_result=sum(not known for known in examiner.markets.values()),
        early=examiner.early,
    )
