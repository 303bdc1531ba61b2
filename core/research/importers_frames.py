"""Importer of raw frames: what the exchange's stream sent, line by line, as a recorder kept it.

A line is `{"recv_ns", "kind": "frame", "conn", "raw"}` with the frame as it came, or a note: `run`
begins another run of the recorder, whose connections count anew; `market_metadata` tells a market's
strike; `ws_connected` a new connection. The file may be compressed (`.gz`). Frames go through the
code that reads them live. Results come from `markets_<series>.parquet` where that lies beside it,
else from the strike of the next window.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.exchange.wire.frames import Origin
from core.exchange.wire.translate import read_frame
from core.research.recorded_markets import (
    ending,
    market_of,
    opening,
    read_columns,
    series_facts,
    with_results,
)
from core.research.tape import TapeError, TapeWriter
from core.research.tape_columns import KINDS
from core.roles.feed_terms import MARKET_STREAM
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.research.recorded_markets import Progress, RecordedMarket

FRAMES_FILE: Final = "frames_kalshi_ws.jsonl.gz"
_MARKETS_FILE: Final = "markets_{series}.parquet"
_RUN: Final = 1_000
"""Connections of one run of the recorder, at most."""


class _Line(msgspec.Struct):
    kind: str
    recv_ns: int = 0
    conn: int = 0
    note: str = ""
    raw: msgspec.Raw = msgspec.Raw(b"{}")
    data: dict[str, object] = {}


class _Frames:
    """What the lines of a recording hold for one series."""

    def __init__(self, series: str) -> None:
        self._prefix = f"{series}-"
        self._run = 0
        self.messages: list[m.Message] = []
        self.markets: dict[str, tuple[Nanos, float | None]] = {}
        """When a market was first heard of, and its strike."""

    def take(self, line: _Line) -> None:
        """Frames become messages; notes what they tell."""
        now = Nanos(line.recv_ns)
        self._run += line.note == "run"
        conn = _RUN * self._run + line.conn
        if line.kind == "frame":
            origin = Origin(stream=MARKET_STREAM, conn=conn, ts_recv=now)
            self._keep(read_frame(bytes(line.raw), origin), now)
        elif line.note == "market_metadata":
            ticker, strike = str(line.data["ticker"]), line.data.get("floor_strike")
            if ticker.startswith(self._prefix):
                self.markets[ticker] = now, None if strike is None else float(str(strike))
        elif line.note == "ws_connected":
            self.messages.append(
                m.StreamChanged(
                    stream=MARKET_STREAM, conn=conn, state="open", reason="", ts_recv=now
                )
            )

    def _keep(self, read: tuple[m.Message, ...], now: Nanos) -> None:
        for message in read:
            ticker = getattr(message, "ticker", "")
            if ticker.startswith(self._prefix):
                self.markets.setdefault(ticker, (now, None))
            if type(message).__name__ in KINDS:
                self.messages.append(message)


def import_frames(source: Path, series: str, out: Path, progress: Progress) -> None:
    """Write the tape of one series. Raises TapeError."""
    facts = series_facts(series)
    path = source if source.is_file() else source / FRAMES_FILE
    found = _Frames(series)
    for number, line in enumerate(_lines(path), 1):
        try:
            found.take(line)
        except (KeyError, ValueError) as error:
            msg = f"recording {path}: line {number} cannot be read ({error}); restore the file"
            raise TapeError(msg) from error
    if not found.markets:
        msg = f"recording {path}: holds nothing of {series}"
        raise TapeError(msg)
    messages = found.messages
    for market in _markets(
        found, path.with_name(_MARKETS_FILE.format(series=series)), facts.digits
    ):
        first, _ = found.markets[market.ticker]
        messages += [*opening(market, first, facts.digits), *ending(market)]
    messages.sort(key=_order)
    with TapeWriter(out, _about(series, path)) as tape:
        for message in messages:
            tape.write(message)
    progress(1.0)


def _lines(path: Path) -> Iterator[_Line]:
    decode = msgspec.json.Decoder(_Line).decode
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, text in enumerate(lines, 1):  # noqa: B007 - named where it fails
                yield decode(text)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        msg = f"recording {path}: line {number} is not readable ({error}); restore the file"
        raise TapeError(msg) from error


def _markets(found: _Frames, known: Path, digits: int) -> list[RecordedMarket]:
    listed = [
        market_of(ticker, near, strike, digits) for ticker, (near, strike) in found.markets.items()
    ]
    told = {}
    if known.is_file():
        for row in read_columns(known, ("ticker", "expiration_value", "result")).to_pylist():
            if row["ticker"] in found.markets and row["result"]:
                told[row["ticker"]] = row["expiration_value"], row["result"]
    return list(with_results(listed, told).values())


def _order(message: m.Message) -> tuple[Nanos, bool]:
    """By arrival; a market is listed before anything is said of it."""
    return message.ts_recv, not isinstance(message, m.MarketListed)  # type: ignore[attr-defined]


def _about(series: str, path: Path) -> dict[str, str]:
    return {
        "source": path.name,
        "licence": "as its compiler states, if at all; do not redistribute",
        "series": series,
        "recording": "frames",
        "assumed_times": "strike, result and payout at the exchange's usual delays",
    }
