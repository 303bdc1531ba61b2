"""Frames of spot venues: captured ones from the recorded data, composed ones from kalshi.md 9.2."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from core.exchange.spot.venue import VENUES
from core.exchange.wire.frames import Origin
from core.exchange.wire.scalars import rfc3339
from core.messages import FrameSkipped, SpotTick
from core.units import SECOND, IndexValue, Nanos, parse_index

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.exchange.spot.parser import SpotParser
    from core.messages import Message

NOW: Final = rfc3339("2026-11-22T15:07:12.5Z")
EVENT: Final = rfc3339("2026-11-22T15:07:12.418733Z")
BID, ASK, LAST = (parse_index(text) for text in ("118.46", "118.47", "118.47"))


class Captured(NamedTuple):
    """One frame as it came."""

    text: bytes
    ts_recv: Nanos

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the venue sent
        return json.loads(self.text)


def captured(folder: Path, name: str) -> list[Captured]:
    """All frames that a recorder received of a venue, in their order."""
    frames = []
    with gzip.open(folder / f"frames_{name}_ws.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["dir"] == "recv":
                at = Nanos(round(float(row["recv_ts"]) * SECOND))
                frames.append(Captured(row["raw"].encode(), at))
    assert frames
    return frames


def parser_of(name: str, *symbols: str) -> SpotParser:
    """A parser that knows these symbols under their own names, SOL-USD without any."""
    venue = VENUES[name]
    if not symbols:
        return venue.parse(("SOL-USD",))
    return venue.parser({symbol: symbol for symbol in symbols})


def read(parser: SpotParser, text: bytes | dict[str, Any], now: Nanos = NOW) -> list[Message]:
    body = text if isinstance(text, bytes) else json.dumps(text).encode()
    return list(parser.read(body, Origin(stream="spot:x", conn=3, ts_recv=now)))


def play(parser: SpotParser, frames: Iterable[Captured]) -> list[Message]:
    return [told for text, at in frames for told in read(parser, text, at)]


def ticks(messages: Iterable[Message]) -> list[SpotTick]:
    return [message for message in messages if isinstance(message, SpotTick)]


def skips(messages: Iterable[Message]) -> list[FrameSkipped]:
    return [message for message in messages if isinstance(message, FrameSkipped)]


def prices(tick: SpotTick) -> tuple[IndexValue, IndexValue, IndexValue]:
    return tick.price, tick.bid, tick.ask
