"""What a torn write left at the end of SQLite's write-ahead log.

SQLite drops such a tail without a word when it opens the file. Here it is found, so that it can be
kept and reported. Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_SALTS: Final = slice(16, 24)
_FRAME_SALTS: Final = slice(8, 16)
_CHECKED: Final = 24
_PAGE_SIZE_AT: Final = 8
_FRAMES_AT: Final = 16
"""Of `mxFrame` in the index that SQLite keeps beside the log: frames that it accepted."""
_BIG_ENDIAN: Final = 0x377F0683


def torn_tail(journal: Path) -> bytes:
    """Bytes of an unfinished or damaged write; empty where the log ends well.

    Call it when a connection has read from the journal and none has written yet. Frames of an
    earlier round of the same file, which follow the good ones as a matter of course, do not count.
    """
    log = _read(journal.with_name(f"{journal.name}-wal"))
    if not log:
        return b""
    if len(log) < _HEADER or not _header_is_good(log):
        return log
    (page_size,) = struct.unpack_from(">I", log, _PAGE_SIZE_AT)
    frame = _FRAME_HEADER + page_size
    rest = log[_HEADER + _accepted(journal) * frame :]
    end = 0
    while end < len(rest) and _is_of_this_round(rest[end : end + _FRAME_HEADER], log[_SALTS]):
        end += frame
    return rest[:end]


def _is_of_this_round(header: bytes, salts: bytes) -> bool:
    found = header[_FRAME_SALTS]
    return salts.startswith(found)


def _accepted(journal: Path) -> int:
    index = _read(journal.with_name(f"{journal.name}-shm"))
    if len(index) < _FRAMES_AT + 4:
        return 0
    (frames,) = struct.unpack_from("=I", index, _FRAMES_AT)
    return int(frames)


def _header_is_good(log: bytes) -> bool:
    (magic,) = struct.unpack_from(">I", log)
    order = ">" if magic == _BIG_ENDIAN else "<"
    one = two = 0
    for first, second in struct.iter_unpack(f"{order}II", log[:_CHECKED]):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return (one, two) == struct.unpack_from(">II", log, _CHECKED)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
