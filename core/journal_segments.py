"""Archived segments: entries that a snapshot has replaced, kept for export and proof.

Each is a gzip file of JSON lines beside the journal, `journal.sqlite.segments/FIRST-LAST.jsonl.gz`,
written whole or not at all; a line is `{"seq", "ts", "crc", "event"}`. Nothing of them is read at
a start, so they may lie elsewhere, compressed further, or be deleted.
"""

from __future__ import annotations

import gzip
import os
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from core.journal import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LEVEL: Final = 1
"""Already five times smaller; more costs more time than it saves."""
_BAD: Final = (OSError, EOFError, zlib.error, msgspec.DecodeError)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it was written."""

    seq: int
    ts: int
    crc: int
    event: msgspec.Raw

    @property
    def body(self) -> bytes:
        """The event as JSON."""
        return bytes(self.event)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Row)


def folder_of(journal: Path) -> Path:
    """Where a journal's segments lie."""
    return journal.with_name(f"{journal.name}.segments")


def segments(journal: Path) -> tuple[Path, ...]:
    """All segments, oldest first."""
    return tuple(sorted(folder_of(journal).glob("*-*.jsonl.gz")))


def first_of(segment: Path) -> int:
    """Number of a segment's first entry, from its name."""
    return int(segment.name.partition("-")[0])


def last_of(segment: Path) -> int:
    """Number of a segment's last entry, from its name."""
    return int(segment.name.partition("-")[2].partition(".")[0])


def write_segment(journal: Path, span: tuple[int, int], rows: Iterable[Row]) -> Path:
    """Write one segment so that it survives a power cut once this returns. Raises OSError."""
    folder = folder_of(journal)
    folder.mkdir(exist_ok=True)
    path = folder / f"{span[0]:012d}-{span[1]:012d}.jsonl.gz"
    made = path.with_suffix(".part")
    with made.open("wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
            packed.write(_ENCODER.encode_lines(rows))
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


def read_segment(path: Path) -> Iterator[Row]:
    """The entries of one segment. Raises JournalError for a damaged one."""
    try:
        with gzip.open(path) as file:
            yield from map(_DECODER.decode, file)
    except _BAD as error:
        msg = f"archived segment {path} cannot be read: {error}; restore it from a backup"
        raise JournalError(msg) from error
