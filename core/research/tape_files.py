"""The files of a tape: finding, opening and checking them, and reading their rows in batches.

A file holds its rows ordered by `ts_recv`; its writer sees to that. Its Parquet metadata carry the
schema version and what its maker wrote about it. Every failure is a TapeError that names the file.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.research.tape_codecs import nanos
from core.research.tape_columns import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SCHEMA_VERSION: Final = 1
VERSION_KEY: Final = b"tape.schema"
ABOUT_KEY: Final = b"tape.about"
BATCH_ROWS: Final = 16_384
"""Rows decoded at once: enough to hide the cost of a batch, few enough to stay in the cache."""
SUFFIX: Final = ".parquet"
OWN: Final = "own"
"""Folder of decisions beside recorded market data; no part of the tape."""
_SPAN: Final = re.compile(r"(\d+)-(\d+)")


class TapeError(Exception):
    """A tape cannot be read or written; names the file, what is wrong and the remedy."""


def tape_paths(tape: Path) -> tuple[Path, ...]:
    """The files of a tape, by name. Raises TapeError where there is none."""
    if tape.is_dir():
        every = sorted(tape.rglob(f"*{SUFFIX}"))
        inside = [path for path in every if OWN not in path.relative_to(tape).parts]
        found = tuple(current_segments(inside))
        if not found:
            msg = f"tape {tape}: the folder holds no {SUFFIX} file; record or import one into it"
            raise TapeError(msg)
        return found
    if not tape.exists():
        msg = f"tape {tape}: no such file or folder; check the path, or import a recording"
        raise TapeError(msg)
    return (tape,)


def current_segments(paths: Sequence[Path]) -> list[Path]:
    """Without the segments that a merged file of the same folder (`000002-000960`) spans."""
    spans = [
        (path, int(span[1]), int(span[2])) for path in paths if (span := _SPAN.fullmatch(path.stem))
    ]
    return [path for path in paths if not _is_spanned(path, spans)]


def _is_spanned(path: Path, spans: Sequence[tuple[Path, int, int]]) -> bool:
    own = _SPAN.fullmatch(path.stem)
    if own is not None:
        first, last = int(own[1]), int(own[2])
    elif path.stem.isdigit():
        first = last = int(path.stem)
    else:
        return False
    return any(
        other.parent == path.parent and start <= first and last <= end and other != path
        for other, start, end in spans
    )


class TapeFile:
    """One file of a tape, looked into and checked.

    It is open only while it is read: a day of a recording has more segments than a process may have
    files open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as file:
            schema, about = file.schema_arrow, file.metadata
            self.metadata: dict[bytes, bytes] = schema.metadata or {}
            self._check(schema)
            self.rows: int = about.num_rows
            self.first, self.last = self._span(file)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        """The file, open within the block. Raises TapeError where it is damaged."""
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self.damaged(error) from error

    def damaged(self, error: object) -> TapeError:
        """The error for a file that cannot be read or does not hold what it should."""
        return TapeError(
            f"tape {self.path}: not a readable tape ({_first_line(error)}); "
            "restore the file, or record or import it again"
        )

    def _check(self, schema: pa.Schema) -> None:
        version = self.metadata.get(VERSION_KEY)
        if version is None:
            msg = (
                f"tape {self.path}: a Parquet file, but not a tape; "
                "turn other recordings into tapes with `run.py tape import`"
            )
            raise TapeError(msg)
        if version != str(SCHEMA_VERSION).encode():
            msg = (
                f"tape {self.path}: has schema {version.decode(errors='replace')}, this program "
                f"reads {SCHEMA_VERSION}; use the version that wrote it, or import it again"
            )
            raise TapeError(msg)
        have = {field.name: field.type for field in schema}
        wrong = sorted(field.name for field in SCHEMA if have.get(field.name) != field.type)
        if wrong:
            msg = f"columns {', '.join(wrong)} are missing or of another type"
            raise self.damaged(msg)

    def about(self) -> dict[str, str]:
        """What the maker of the file wrote about it."""
        try:
            return msgspec.json.decode(self.metadata.get(ABOUT_KEY, b"{}"), type=dict[str, str])
        except msgspec.DecodeError as error:
            raise self.damaged(error) from error

    def _span(self, file: pq.ParquetFile) -> tuple[int, int]:
        if not self.rows:
            return 0, 0
        groups = file.metadata.num_row_groups
        first = next(_batches(file, ("ts_recv",), (0,)))
        last = list(_batches(file, ("ts_recv",), (groups - 1,)))[-1]
        return int(nanos(first.column("ts_recv"))[0]), int(nanos(last.column("ts_recv"))[-1])

    def batches(
        self, columns: Sequence[str] | None = None, groups: Sequence[int] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows in file order. Raises TapeError where the file is damaged."""
        with self._opened() as file:
            yield from _batches(file, columns or SCHEMA.names, groups)


def _batches(
    file: pq.ParquetFile, columns: Sequence[str], groups: Sequence[int] | None
) -> Iterator[pa.RecordBatch]:
    yield from file.iter_batches(
        batch_size=BATCH_ROWS,
        columns=list(columns),
        row_groups=list(groups) if groups is not None else None,
        use_threads=False,  # their arenas cost more memory than they save time
    )


def _first_line(error: object) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
