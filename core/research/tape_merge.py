"""The rows of several tape files in one order of arrival.

Files may overlap in time: one for each day, series or source. Rows come ordered by `ts_recv`; equal
times in the order of file names, then of rows. Held in memory are a batch or two of each file that
overlaps, never a whole tape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from core.research.tape_codecs import nanos
from core.research.tape_columns import SCHEMA, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.research.tape_files import TapeFile

_NEVER: Final = 2**63 - 1


def merged(files: Sequence[TapeFile]) -> Iterator[pa.RecordBatch]:
    """Batches of rows, each ordered, each beginning no earlier than the one before ended."""
    waiting = [_Stream(file, rank) for rank, file in enumerate(files) if file.rows]
    waiting.sort(key=lambda stream: stream.file.first)
    reading: list[_Stream] = []
    while waiting or reading:
        if not reading:
            reading.append(waiting.pop(0))
        next_start = waiting[0].file.first if waiting else _NEVER
        horizon = min(next_start, *(stream.horizon for stream in reading))
        batch = _join([stream.take(horizon) for stream in reading])
        if batch.num_rows:
            yield batch
        elif next_start == horizon and waiting:
            reading.append(waiting.pop(0))
            reading.sort(key=lambda stream: stream.rank)
        for stream in reading:
            if stream.horizon <= horizon:
                stream.read_on()
        reading = [stream for stream in reading if not stream.is_done]


class _Stream:
    """A file being read: its rows at hand, and how far they reach."""

    def __init__(self, file: TapeFile, rank: int) -> None:
        self.file = file
        self.rank = rank
        self._batches = file.batches()
        self._rows: pa.RecordBatch | None = None
        self._times: np.ndarray[Any, np.dtype[np.int64]] = np.empty(0, dtype=np.int64)
        self._at_end = False
        self._last = file.first

    @property
    def horizon(self) -> int:
        """All rows of the file before this time are at hand or taken."""
        return _NEVER if self._at_end else self._last

    @property
    def is_done(self) -> bool:
        """Nothing is left in the file or at hand."""
        return self._at_end and not len(self._times)

    def read_on(self) -> None:
        """Have one batch more at hand. Raises TapeError for rows out of order."""
        fresh = next(self._batches, None)
        if fresh is None:
            self._at_end = True
            return
        times = nanos(fresh.column("ts_recv"))
        if times[0] < self._last or (np.diff(times) < 0).any():
            raise self.file.damaged("rows are not in the order of ts_recv")
        self._last = int(times[-1])
        self._rows = fresh if self._rows is None else _append(self._rows, fresh)
        self._times = np.concatenate([self._times, times])

    def take(self, before: int) -> pa.RecordBatch | None:
        """Remove and return the rows at hand that came before a time."""
        cut = int(np.searchsorted(self._times, before))
        if not cut or self._rows is None:
            return None
        taken = self._rows.slice(0, cut)
        self._rows = self._rows.slice(cut) if cut < len(self._times) else None
        self._times = self._times[cut:]
        return taken


def _append(first: pa.RecordBatch, second: pa.RecordBatch) -> pa.RecordBatch:
    return join([pa.Table.from_batches([batch]) for batch in (first, second)]).to_batches()[0]


def _join(parts: Sequence[pa.RecordBatch | None]) -> pa.RecordBatch:
    some = [part for part in parts if part is not None]
    if not some:
        return pa.RecordBatch.from_pylist([], schema=SCHEMA)
    if len(some) == 1:
        return some[0]
    rows = join([pa.Table.from_batches([part]) for part in some])
    order = np.argsort(nanos(rows.column("ts_recv").chunk(0)), kind="stable")
    return rows.take(pa.array(order)).combine_chunks().to_batches()[0]
