"""Raw frames become a tape: every message of the stream, and nothing that was not there."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from core import messages as m
from core.research.importers import import_recorded
from core.research.importers_frames import FRAMES_FILE
from core.research.tape import TapeError, info, read
from core.research.tape_verify import verify

if TYPE_CHECKING:
    from pathlib import Path

SERIES = "KXBTC15M"
TICKER = "KXBTC15M-26MAY110145-45"
NEXT = "KXBTC15M-26MAY110200-00"
START_NS = 1_778_477_863_278_419_968
SNAPSHOT = {
    "type": "orderbook_snapshot",
    "sid": 2,
    "seq": 1,
    "msg": {
        "market_ticker": TICKER,
        "market_id": "x",
        "yes_dollars_fp": [["0.4000", "10.00"]],
        "no_dollars_fp": [["0.5500", "7.50"]],
    },
}
DELTA = {
    "type": "orderbook_delta",
    "sid": 2,
    "seq": 2,
    "msg": {
        "market_ticker": TICKER,
        "market_id": "x",
        "price_dollars": "0.4100",
        "delta_fp": "3.00",
        "side": "yes",
        "ts": "2026-05-11T05:37:44.1Z",
        "ts_ms": 1_778_477_864_100,
    },
}


def lines(**strikes: float) -> list[dict[str, Any]]:
    notes = [
        {
            "recv_ns": START_NS,
            "kind": "note",
            "note": "market_metadata",
            "data": {"ticker": ticker, "floor_strike": strike},
        }
        for ticker, strike in strikes.items()
    ]
    connected = {"recv_ns": START_NS + 1, "kind": "note", "note": "ws_connected", "conn": 1}
    frames = [
        {"recv_ns": START_NS + 2 + n * 10**9, "kind": "frame", "conn": 1, "raw": raw}
        for n, raw in enumerate((SNAPSHOT, DELTA))
    ]
    return [{"kind": "note", "note": "run"}, *notes, connected, *frames]


def recording(folder: Path, rows: list[dict[str, Any]]) -> Path:
    with gzip.open(folder / FRAMES_FILE, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def test_frames_are_what_the_feed_would_have_heard(tmp_path: Path) -> None:
    source = recording(tmp_path, lines(**{TICKER: 80_938.41, NEXT: 80_900.0}))

    found = import_recorded(source, SERIES, tmp_path / "a.parquet")

    records = list(read(tmp_path / "a.parquet"))
    assert found.markets == (TICKER, NEXT)
    (snapshot,) = [one for one in records if isinstance(one, m.BookSnapshot)]
    (delta,) = [one for one in records if isinstance(one, m.BookDelta)]
    assert (snapshot.yes, snapshot.no) == (((4_000, 1_000),), ((5_500, 750),))
    assert (delta.price, delta.delta, delta.seq, delta.conn) == (4_100, 300, 2, snapshot.conn)
    (ended,) = [one for one in records if isinstance(one, m.MarketDetermined)]
    assert (ended.ticker, ended.result.value) == (TICKER, "no"), "the next strike is below"
    assert verify(tmp_path / "a.parquet").is_whole


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    with gzip.open(tmp_path / FRAMES_FILE, "wt") as file:
        file.write('{"kind": "note", "note": "run"}\n{"kind": \n')

    with pytest.raises(TapeError, match="line 2 is not readable"):
        import_recorded(tmp_path, SERIES, tmp_path / "a.parquet", "frames")


def test_a_recording_of_another_series_is_refused(tmp_path: Path) -> None:
    source = recording(tmp_path, lines(**{TICKER: 1.0}))

    with pytest.raises(TapeError, match="nothing of KXETH15M"):
        import_recorded(source, "KXETH15M", tmp_path / "a.parquet", "frames")


def test_the_recorded_frames_make_a_whole_tape(recorded: Path, tmp_path: Path) -> None:
    found = import_recorded(recorded, SERIES, tmp_path / "a.parquet", "frames")

    assert found.kinds["BookDelta"] == 316_192
    verdict = verify(tmp_path / "a.parquet")
    assert (verdict.damage, verdict.gaps) == ((), 0)
    assert info(tmp_path / "a.parquet").about["recording"] == "frames"
