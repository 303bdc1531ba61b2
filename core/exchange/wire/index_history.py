"""The index's past: GET /cfbenchmarks/history/values (kalshi.md 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed

if TYPE_CHECKING:
    from core.units import IndexValue, Nanos


class PastPrintJson(msgspec.Struct, frozen=True, kw_only=True):
    """One print; `time` is Unix milliseconds."""

    time: int
    value: Fixed

    def read(self) -> tuple[Nanos, IndexValue]:
        """Stamp and value; raises ValueError when it cannot be read."""
        return s.from_ms(self.time), s.index_value(self.value)


class PastPrintsJson(msgspec.Struct, frozen=True, kw_only=True):
    """The prints of an hour."""

    payload: tuple[PastPrintJson, ...]


class IndexHistoryJson(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope."""

    data: PastPrintsJson
