"""The write-ahead journal: the only memory of money, orders and trading state.

Events are appended before anything that follows from them leaves the process. Starting and
recovering from a crash are the same fold. This file is what everybody needs to know of a journal;
the one on disk is `core.journal_sqlite`, its check at a start `core.journal_check`, snapshots and
archived segments `core.journal_archive`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from core.domain.fold import StateFolded
from core.topology import WRITERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from core.messages import Message
    from core.units import Nanos


class JournalError(Exception):
    """The journal cannot be opened, read or written; says the file and the remedy."""


class Journal(Protocol):
    """Appends events and gives them back in order."""

    instance: str
    """Six characters, drawn once when the journal was made: the prefix of derived order ids."""

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Write all events or none. Raises JournalError; then nothing may leave."""
        ...

    def replay(self, kinds: Collection[type[Message]] | None = None) -> Iterator[Message]:
        """The events in the order of writing, of these kinds (None: all).

        Where the beginning was folded away, its state comes first, as one `StateFolded`.
        """
        ...

    def close(self) -> None:
        """Release the connection; later calls fail."""
        ...


def _event_union() -> type[Message]:
    union: object = None
    for event in WRITERS:
        union = event if union is None else union | event
    return union  # type: ignore[return-value]


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_event_union())
_STATE_DECODER: Final = msgspec.json.Decoder(StateFolded)
"""Made at import, see `core.prepared`: several hosts open their journals at once."""
_TS_BYTES: Final = 8


class Codec:
    """Events to bytes and back, validated against their types on reading."""

    def encode(self, event: Message) -> bytes:
        """One event as JSON with its type's name inside."""
        return _ENCODER.encode(event)

    def decode(self, body: bytes) -> Message:
        """The inverse; raises msgspec.ValidationError on anything that is not an event."""
        return _DECODER.decode(body)

    def decode_state(self, body: bytes) -> StateFolded:
        """A snapshot's body; raises msgspec.ValidationError."""
        return _STATE_DECODER.decode(body)


def checksum(ts: int, body: bytes) -> int:
    """CRC-32 of an entry: what tells a damaged entry from a good one. Costs 0.3 us."""
    return zlib.crc32(body, zlib.crc32(ts.to_bytes(_TS_BYTES, "big", signed=True)))


def is_whole(ts: object, body: object, crc: object) -> bool:
    """Whether a stored entry, read as whatever it is by now, is what was written."""
    return isinstance(ts, int) and isinstance(body, bytes) and checksum(ts, body) == crc


class MemoryJournal:
    """A journal for backtests and tests: same promises but for the disk."""

    def __init__(self, instance: str = "replay", events: Iterable[Message] = ()) -> None:
        self.instance = instance
        self.events: list[Message] = list(events)

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        """Keep the events."""
        del now
        self.events.extend(events)

    def replay(self, kinds: Collection[type[Message]] | None = None) -> Iterator[Message]:
        """Every event of these kinds in the order of writing."""
        kept = tuple(self.events)
        return iter(kept if kinds is None else [e for e in kept if type(e) in kinds])

    def close(self) -> None:
        """Nothing to release."""
