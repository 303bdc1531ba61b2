"""A tape as columns where it is deltas of one book, and as messages where it is anything else.

Of a recorded book nearly all rows are deltas, and most of them change nothing that a role sees.
`runs` gives them as ranges of columns (`DeltaRows`), decoded in bulk, so that no object is made for
a row unless a role asks for it. The order is that of `tape.read`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from core import messages as m
from core.domain.deltas import DeltaRows
from core.exchange.records import Outcome
from core.research.tape import TapeError, batches
from core.research.tape_codecs import ColumnError, nanos
from core.research.tape_columns import decode
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.messages import Message

    Array = np.ndarray[Any, np.dtype[Any]]

SHORT: Final = 3
"""Fewer deltas in a row are messages: a range of columns would not pay."""
_DELTA: Final = m.BookDelta.__name__


def runs(
    tape: Path, look: Callable[[pa.RecordBatch], None] | None = None
) -> Iterator[Message | DeltaRows]:
    """Messages and runs of deltas. Raises TapeError, also while running.

    `look` sees each batch of rows before anything of it is given.
    """
    for batch in batches(tape):
        if look is not None:
            look(batch)
        try:
            yield from _runs(batch)
        except (ColumnError, UnicodeDecodeError, IndexError) as error:
            msg = f"tape {tape}: damaged or made by another program ({error}); import it again"
            raise TapeError(msg) from error


def message(rows: DeltaRows, row: int) -> m.BookDelta:
    """One row as the message it was."""
    return m.BookDelta(
        ticker=rows.ticker,
        leg=rows.leg(row),
        price=rows.prices[row],
        delta=rows.changes[row],
        conn=rows.conn,
        sid=rows.sid,
        seq=rows.seqs[row],
        ts_event=rows.ts_event[row],
        ts_recv=rows.ts_recv[row],
    )


def _runs(batch: pa.RecordBatch) -> Iterator[Message | DeltaRows]:
    kinds = batch.column("kind")
    names = kinds.dictionary.to_pylist()
    is_delta = kinds.indices.to_numpy() == (names.index(_DELTA) if _DELTA in names else -1)
    if is_delta.any():
        is_delta &= np.repeat(*_long_enough(is_delta))
    if not is_delta.any():
        yield from decode(batch)
        return
    deltas = batch if is_delta.all() else batch.filter(pa.array(is_delta))
    others = iter(decode(batch.filter(pa.array(~is_delta))) if not is_delta.all() else [])
    columns = _Columns(deltas)
    edges = np.flatnonzero(np.diff(is_delta)) + 1
    done = 0
    for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(is_delta)], strict=True):
        if is_delta[start]:
            yield from columns.runs(done, done + stop - start)
            done += stop - start
        else:
            for _ in range(stop - start):
                yield next(others)


def _long_enough(flags: Array) -> tuple[Array, Array]:
    """For each stretch of equal flags: whether it is long, and its length."""
    edges = np.flatnonzero(np.diff(flags)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [len(flags)]]))
    return lengths >= SHORT, lengths


class _Columns:
    """All deltas of a batch: what a row holds, and where another book or connection begins."""

    def __init__(self, deltas: pa.RecordBatch) -> None:
        self._tickers = deltas.column("ticker").dictionary.to_pylist()
        self._ticker = _numbers(deltas.column("ticker").indices)
        self._conn = _numbers(deltas.column("conn"))
        self._sid = _numbers(deltas.column("sid"))
        seqs = _numbers(deltas.column("seq"))
        words = np.array(deltas.column("leg").dictionary.to_pylist(), dtype=object)
        if not set(words) <= set(Outcome):
            msg = f"BookDelta: column leg: {words}"
            raise ColumnError(msg)
        legs = (words == Outcome.YES)[_numbers(deltas.column("leg").indices)]
        self._is_yes: list[bool] = legs.tolist()
        self._prices = _numbers(deltas.column("price")).tolist()
        self._changes = _numbers(deltas.column("delta")).tolist()
        self._seqs = seqs.tolist()
        ts_event = nanos(_whole(deltas.column("ts_event")))
        ts_recv = nanos(_whole(deltas.column("ts_recv")))
        self._ts_event, self._ts_recv = ts_event.tolist(), ts_recv.tolist()
        self._lag = Nanos(int((ts_recv - ts_event).max()))
        same = np.diff(seqs) == 1
        for column in (self._ticker, self._conn, self._sid):
            same &= np.diff(column) == 0
        self._breaks = np.flatnonzero(~same) + 1

    def runs(self, start: int, stop: int) -> Iterator[DeltaRows]:
        """The rows from `start` to `stop`, apart where they do not belong together."""
        low, high = np.searchsorted(self._breaks, [start + 1, stop])
        inside = self._breaks[low:high].tolist()
        for first, last in zip([start, *inside], [*inside, stop], strict=True):
            ticker = self._tickers[self._ticker[first]]
            rows = DeltaRows(ticker, int(self._conn[first]), int(self._sid[first]))
            rows.start, rows.stop = first, last
            rows.is_yes, rows.prices, rows.changes = self._is_yes, self._prices, self._changes
            rows.lag = self._lag
            rows.seqs, rows.ts_event, rows.ts_recv = self._seqs, self._ts_event, self._ts_recv
            yield rows


def _whole(array: pa.Array) -> pa.Array:
    if array.null_count:
        msg = "BookDelta: a column is empty in a row that needs it"
        raise ColumnError(msg)
    return array


def _numbers(array: pa.Array) -> Array:
    numbers: Array = _whole(array).to_numpy()
    return numbers
