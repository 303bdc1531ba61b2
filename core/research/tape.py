"""Tapes: recorded market data, written and read.

A tape is a Parquet file, or a folder of them, of the messages that came in from the outside (see
`core.research.tape_columns.KINDS`), ordered by `ts_recv`. Whoever trades writes one, whoever
researches reads it; recordings of others become tapes through `core.research.importers`.

    read(path)                  messages in the order in which they arrived
    batches(path)               the same rows as Arrow columns, for who needs no objects
    info(path)                  what is on it
    with TapeWriter(path) as w: w.write(message)
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.research.tape_codecs import ColumnError, nanos
from core.research.tape_columns import ENCODINGS, SCHEMA, decode, encode, join
from core.research.tape_files import (
    ABOUT_KEY,
    SCHEMA_VERSION,
    VERSION_KEY,
    TapeError,
    TapeFile,
    tape_paths,
)
from core.research.tape_merge import merged
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.messages import Message

__all__ = [
    "SAMPLE_TAPE",
    "SCHEMA_VERSION",
    "TapeError",
    "TapeInfo",
    "TapeWriter",
    "batches",
    "info",
    "read",
]

SAMPLE_TAPE: Final = Path(__file__).resolve().parents[2] / "tapes" / "KXSOL15M_2026-02-25.parquet"
"""Six recorded windows that ship with the project; `tapes/README.md` tells their origin."""
_ROW_GROUP: Final = 65_536
_PARTIAL: Final = ".partial"


class TapeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is on a tape."""

    files: tuple[str, ...]
    size: int
    """Bytes of all files."""
    records: int
    kinds: dict[str, int]
    """Records by message type, most frequent first."""
    first: Nanos
    """Arrival of the first record; 0 on an empty tape."""
    last: Nanos
    series: tuple[str, ...]
    markets: tuple[str, ...]
    """Tickers, in order of first appearance."""
    about: dict[str, str]
    """What its maker said: source, licence, assumptions; of the first file that says anything."""


def read(tape: Path) -> Iterator[Message]:
    """The messages of a tape ordered by `ts_recv`, equal times in the order of writing.

    Memory is bounded by a batch of each file that overlaps in time. Raises TapeError, also while
    running: a damaged page is found when it is reached.
    """
    for batch in batches(tape):
        try:
            messages = decode(batch)
        except (ColumnError, UnicodeDecodeError, IndexError) as error:
            msg = f"tape {tape}: damaged or made by another program ({error}); import it again"
            raise TapeError(msg) from error
        yield from messages


def batches(tape: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a tape in the order of `read`, as Arrow record batches."""
    yield from merged([TapeFile(path) for path in tape_paths(tape)])


def info(tape: Path) -> TapeInfo:
    """What is on a tape; reads its kinds and names, not its rows."""
    kinds: Counter[str] = Counter()
    names: dict[str, dict[str, None]] = {"ticker": {}, "series": {}}
    about: dict[str, str] = {}
    paths = tape_paths(tape)
    first, last = [], []
    for path in paths:
        file = TapeFile(path)
        about = about or file.about()
        first += [file.first] if file.rows else []
        last += [file.last] if file.rows else []
        for batch in file.batches(("kind", *names)):
            try:
                _count(batch, kinds, names)
            except UnicodeDecodeError as error:
                raise file.damaged(error) from error
    return TapeInfo(
        files=tuple(str(path) for path in paths),
        size=sum(path.stat().st_size for path in paths),
        records=kinds.total(),
        kinds=dict(kinds.most_common()),
        first=Nanos(min(first, default=0)),
        last=Nanos(max(last, default=0)),
        series=tuple(names["series"]),
        markets=tuple(names["ticker"]),
        about=about,
    )


def _count(
    batch: pa.RecordBatch, kinds: Counter[str], names: Mapping[str, dict[str, None]]
) -> None:
    for count in batch.column("kind").value_counts().to_pylist():
        kinds[count["values"]] += count["counts"]
    for column, seen in names.items():
        words = batch.column(column).drop_null().unique().to_pylist()
        seen.update(dict.fromkeys(words))


class TapeWriter:
    """Writes one file of a tape; the file appears under its name, whole, when it is closed.

    Messages may come a little out of order (several sockets, one writer): the newest 65,536 are
    held back and sorted. One that comes later than that raises TapeError. Not thread-safe. As a
    context manager it throws away what it has when the block fails.
    """

    def __init__(self, path: Path, about: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}{_PARTIAL}")
        self._pending: list[Message] = []
        self._tail = SCHEMA.empty_table()
        self._written_to = -1
        metadata = {
            VERSION_KEY: str(SCHEMA_VERSION).encode(),
            ABOUT_KEY: msgspec.json.encode(dict(about or {})),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._out = pq.ParquetWriter(
                self._partial,
                SCHEMA.with_metadata(metadata),
                compression="zstd",
                write_page_checksum=True,
                **ENCODINGS,
            )
        except (pa.ArrowException, OSError) as error:
            raise self._failed(error) from error

    def write(self, message: Message) -> None:
        """Record one message. TapeError for a kind that tapes do not record, or a full disk."""
        self._pending.append(message)
        if len(self._pending) >= _ROW_GROUP:
            self._collect()

    def write_rows(self, rows: pa.Table) -> None:
        """Record rows that are columns already (`tape_columns.table_of`)."""
        self._collect()
        self._add(rows)

    def close(self) -> None:
        """Write what is held back, and give the file its name."""
        self._collect()
        self._flush(self._tail.num_rows)
        try:
            self._out.close()
            with self._partial.open("rb") as written:
                os.fsync(written.fileno())
            self._partial.replace(self._path)
        except (pa.ArrowException, OSError) as error:
            raise self._failed(error) from error

    def discard(self) -> None:
        """Leave nothing behind of a file that was not closed; after `close` it does nothing."""
        self._out.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.discard()

    def _collect(self) -> None:
        if not self._pending:
            return
        try:
            rows = encode(self._pending)
        except (ColumnError, pa.ArrowException) as error:
            raise self._failed(error) from error
        self._pending = []
        self._add(rows)

    def _add(self, rows: pa.Table) -> None:
        joined = join([self._tail, rows])
        times = nanos(joined.column("ts_recv").combine_chunks())
        order = np.argsort(times, kind="stable")
        self._tail = joined.take(pa.array(order))
        self._flush(self._tail.num_rows - _ROW_GROUP)

    def _flush(self, rows: int) -> None:
        if rows <= 0:
            return
        times = nanos(self._tail.column("ts_recv").combine_chunks())
        if times[0] < self._written_to:
            msg = (
                f"tape {self._path}: a record of {times[0]} came after {self._written_to} was "
                "written; the clock went back, begin a new file"
            )
            raise TapeError(msg)
        try:
            self._out.write_table(self._tail.slice(0, rows), row_group_size=_ROW_GROUP)
        except (pa.ArrowException, OSError) as error:
            raise self._failed(error) from error
        self._written_to = int(times[rows - 1])
        self._tail = self._tail.slice(rows)

    def _failed(self, error: object) -> TapeError:
        return TapeError(
            f"tape {self._path}: cannot be written ({error}); check the folder and the disk"
        )
