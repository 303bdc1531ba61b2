"""A log record as one JSON object on one line, for programs that read logs.

    {"ts":"2026-11-22T15:07:12.345Z","level":"INFO","logger":"actors.exchange",
     "text":"order accepted","ticker":"KXSOL15M-...","price":"0.4700"}

The text is constant and the values keep their names, so a query needs no parsing. A value named
like one of the first four keys gets an underscore behind it. Secrets are hidden value by value, so
that the line stays JSON.
"""

from __future__ import annotations

import json
import logging
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_OWN: Final = frozenset({"ts", "level", "logger", "text", "trace"})


class JsonFormatter(logging.Formatter):
    """Formats on the thread of the log's writer; `clean` removes secrets from a text."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        """The finished line, without its end."""
        line: dict[str, object] = {
            "ts": stamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "text": self._clean(record.getMessage()),
        }
        fields: dict[str, object] = getattr(record, "kv", {})
        for key, value in fields.items():
            line[f"{key}_" if key in _OWN else key] = self._value(key, value)
        trace = record.exc_text or (
            self.formatException(record.exc_info) if record.exc_info else ""
        )
        if trace:
            line["trace"] = self._clean(trace)
        return json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def _value(self, key: str, value: object) -> object:
        """The value as JSON has it; hidden where its name or its look gives it away."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        text = str(value)
        marked = f"{key}={text}"
        cleaned = self._clean(marked)
        return text if cleaned == marked else cleaned.removeprefix(f"{key}=")


def stamp(created: float) -> str:
    """UTC with milliseconds, `2026-11-22T15:07:12.345Z`."""
    when = datetime.fromtimestamp(created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
