"""Future information planted on a tape is caught, wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from config.settings import Settings
from core import messages as m
from core.research.backtest import run_backtest
from core.research.lookahead import ALLOWED, LookAheadError
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.units import IndexValue, Nanos, seconds
from tests.research.deltas import MadeUpBooks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.messages import Message


def written(path: Path, records: Iterable[Message]) -> Path:
    ordered = sorted(records, key=lambda record: record.ts_recv)  # type: ignore[attr-defined]
    with TapeWriter(path, info(SAMPLE_TAPE).about) as tape:
        for record in ordered:
            tape.write(record)
    return path


def first(kind: type[Message], records: list[Message]) -> int:
    return next(at for at, record in enumerate(records) if isinstance(record, kind))


def planted(kind: type[Message], earlier: float, *, only_arrival: bool = False) -> list[Message]:
    """The sample with one record moved so many seconds towards the past."""
    records = list(read(SAMPLE_TAPE))
    at = first(kind, records)
    record = records[at]
    changes = {"ts_recv": Nanos(record.ts_recv - seconds(earlier))}  # type: ignore[attr-defined]
    if not only_arrival:
        changes["ts_event"] = Nanos(record.ts_event - seconds(earlier))  # type: ignore[attr-defined]
    records[at] = msgspec.structs.replace(record, **changes)
    return records


@pytest.mark.parametrize(
    ("records", "named"),
    [
        (planted(m.MarketDetermined, 60), "result"),
        (planted(m.MarketFinalized, 60), "result"),
        (planted(m.SpotTick, 60, only_arrival=True), "SpotTick"),
        (planted(m.TopOfBook, 60, only_arrival=True), "TopOfBook"),
    ],
    ids=["result", "payout", "price", "quote"],
)
def test_planted_future_is_caught(tmp_path: Path, records: list[Message], named: str) -> None:
    tape = written(tmp_path / "a.parquet", records)

    with pytest.raises(LookAheadError, match=rf"a\.parquet: looks ahead: .*{named}"):
        run_backtest(tape, Settings())


def test_a_strike_listed_before_its_window_is_caught(tmp_path: Path) -> None:
    records = list(read(SAMPLE_TAPE))
    at = first(m.MarketListed, records)
    listed = records[at]
    assert isinstance(listed, m.MarketListed)
    market = msgspec.structs.replace(listed.market, strike=IndexValue(1))
    early = Nanos(market.open_ns - seconds(30))
    records[at] = msgspec.structs.replace(listed, market=market, ts_recv=early)

    with pytest.raises(LookAheadError, match=market.ticker):
        run_backtest(written(tmp_path / "a.parquet", records), Settings())


def test_one_delta_from_the_future_among_thousands_is_caught(tmp_path: Path) -> None:
    records = list(MadeUpBooks(3, 2_000).records())
    at = len(records) // 2
    while not isinstance(records[at], m.BookDelta):
        at += 1
    late = Nanos(records[at].ts_recv + seconds(5))  # type: ignore[attr-defined]
    records[at] = msgspec.structs.replace(records[at], ts_event=late)

    with pytest.raises(LookAheadError, match=r"BookDelta .* later"):
        run_backtest(written(tmp_path / "a.parquet", records), Settings())


def test_clocks_that_differ_a_little_are_no_future(tmp_path: Path) -> None:
    little = (ALLOWED - 1) / 1e9
    records = planted(m.TopOfBook, little, only_arrival=True)

    assert run_backtest(written(tmp_path / "a.parquet", records), Settings()).events == len(records)
