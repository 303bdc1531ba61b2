"""Writes a tape while it happens: records collect in memory and become whole segments.

No threads and no clock: whoever owns it says when. What was not written when the process is killed
is lost, everything before is a readable tape. See `tape_folder` for the layout.
"""

from __future__ import annotations

from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa

from core.research.tape import TapeWriter
from core.research.tape_columns import FIELDS
from core.research.tape_files import OWN
from core.research.tape_folder import next_segment
from core.research.tape_own import OWN_KINDS, write_own
from core.research.tape_partition import Partition, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.messages import Message
    from core.units import Nanos

RECORDED: Final = frozenset((*FIELDS, *OWN_KINDS))
"""Types of messages that a recorder takes."""
_OWN: Final = frozenset(OWN_KINDS)


class RecorderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what."""

    root: Path
    series: tuple[str, ...]
    about: dict[str, str]
    """Written into every file."""


class TapeRecorder:
    """Not thread-safe: its owner calls everything from one thread."""

    def __init__(self, terms: RecorderTerms) -> None:
        self._terms = terms
        self._partition = Partition(terms.series)
        self._pending: dict[str, deque[Message]] = {name: deque() for name in terms.series}
        """Records by series. Each has one container for life: that is there when the daemon freezes
        what stands (`actors.garbage`), so no collection walks what is held, as it would a new list.
        """
        self._own: deque[tuple[Nanos, Message]] = deque()
        self.written = 0
        """Records in segments."""

    def add(self, arrived: Iterable[tuple[Nanos, Message]]) -> None:
        """Take messages with the times at which they came by; types in `RECORDED`."""
        data = []
        for at, message in arrived:
            if type(message) in _OWN:
                self._own.append((at, message))
            else:
                data.append(message)
        for series, record in self._partition.sorted(data):
            self._pending[series].append(record)

    @property
    def held(self) -> int:
        """Records in memory."""
        return sum(map(len, self._pending.values())) + len(self._own)

    def flush(self) -> int:
        """Write what is held as one segment for each series and day; how many records.

        Raises TapeError where the disk does not take it; what could not be written is dropped then,
        so that a full disk does not fill the memory too.
        """
        try:
            return self._write()
        finally:
            _give_back()

    def _write(self) -> int:
        pending: dict[tuple[str, str], list[Message]] = defaultdict(list)
        own: dict[str, list[tuple[Nanos, Message]]] = defaultdict(list)
        for series, held in self._pending.items():
            while held:
                record = held.popleft()
                pending[series, day_of(record.ts_recv)].append(record)  # type: ignore[attr-defined]
        while self._own:
            at, message = self._own.popleft()
            own[day_of(at)].append((at, message))
        root, count = self._terms.root, 0
        for (series, day), records in pending.items():
            with TapeWriter(next_segment(root / series / day), self._about(series)) as segment:
                for record in records:
                    segment.write(record)
            count += len(records)
        for day, rows in own.items():
            write_own(next_segment(root / OWN / day), rows)
            count += len(rows)
        self.written += count
        return count

    def _about(self, series: str) -> dict[str, str]:
        return {**self._terms.about, "series": series}


def _give_back() -> None:
    """Let Arrow hand its free memory to the system: it would keep 50 MB of a segment until the next
    one (49,000 records: 146 MB resident after a flush, 104 MB with this).
    """
    pa.default_memory_pool().release_unused()
