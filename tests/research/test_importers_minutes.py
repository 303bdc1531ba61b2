"""One-minute quotes with a price a minute become a tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import messages as m
from core.exchange.records import Outcome
from core.research.importers import import_recorded
from core.research.tape import TapeError, info, read
from core.units import MILLISECOND, SECOND, Nanos, index_from_float

if TYPE_CHECKING:
    from pathlib import Path

    from core.messages import Message

SOL = "KXSOL15M"
OPEN_MS = 1_779_666_300_000
CLOSE_MS = OPEN_MS + 900_000
TICKER, NEXT = "KXSOL15M-26MAY242000-00", "KXSOL15M-26MAY242015-15"


def quote(left: int, bid: float, ask: float, ticker: str = TICKER) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "ts_ms": CLOSE_MS - left * 1_000,
        "coin": "SOL",
        "yes_bid_close": bid,
        "yes_ask_close": ask,
        "secs_left": left,
    }


def market(number: int, strike: float, value: float, result: str) -> dict[str, Any]:
    return {
        "ticker": (TICKER, NEXT)[number],
        "open_time_ms": OPEN_MS + 900_000 * number,
        "floor_strike": strike,
        "expiration_value": value,
        "result": result,
        "src": "U",
    }


MARKETS = [market(0, 85.3695, 85.1908, "no"), market(1, 85.1908, 85.2995, "yes")]
QUOTES = [quote(840, 0.36, 0.37), quote(60, 0.0, 0.04), quote(0, 0.0, 1.0)]


def record(
    folder: Path,
    quotes: list[dict[str, Any]] = QUOTES,
    markets: list[dict[str, Any]] = MARKETS,
    spot: list[dict[str, Any]] | None = None,
) -> Path:
    other = {**quote(840, 0.5, 0.6), "coin": "BTC", "ticker": "KXBTC15M-26MAY242000-00"}
    pq.write_table(pa.Table.from_pylist([*quotes, other]), folder / "paths_1m_U.parquet")
    pq.write_table(pa.Table.from_pylist(markets), folder / f"markets_{SOL}.parquet")
    if spot is not None:
        path = folder / "spot_SOL-USD_1m_jupiter.parquet"
        pq.write_table(pa.Table.from_pylist(spot), path)
    return folder


def imported(folder: Path) -> list[Message]:
    import_recorded(folder, SOL, folder / "out.parquet", "minutes")
    return list(read(folder / "out.parquet"))


def test_a_quote_is_what_stood_at_the_end_of_its_minute(tmp_path: Path) -> None:
    messages = imported(record(tmp_path))

    first, last = [msg for msg in messages if isinstance(msg, m.TopOfBook)]
    at = Nanos((CLOSE_MS - 840_000) * MILLISECOND)
    assert (first.ticker, first.bid, first.ask) == (TICKER, 3_600, 3_700)
    assert (first.ts_event, first.ts_recv) == (at, at)
    assert first.bid_size == first.ask_size == 1_000
    assert (last.bid, last.bid_size, last.ask, last.ask_size) == (0, 0, 400, 1_000)


def test_every_settled_window_is_told_quoted_or_not(tmp_path: Path) -> None:
    messages = imported(record(tmp_path))

    listed = [msg for msg in messages if isinstance(msg, m.MarketListed)]
    strikes = [msg for msg in messages if isinstance(msg, m.StrikePublished)]
    ended = [msg for msg in messages if isinstance(msg, m.MarketDetermined)]
    assert [msg.market.ticker for msg in listed] == [TICKER, NEXT]
    assert [msg.market.strike for msg in listed] == [None, None]
    assert [msg.strike for msg in strikes] == [index_from_float(85.3695), index_from_float(85.1908)]
    assert [(msg.result, msg.value) for msg in ended] == [
        (Outcome.NO, index_from_float(85.1908)),
        (Outcome.YES, index_from_float(85.2995)),
    ]


def test_a_candle_of_spot_is_known_at_its_end(tmp_path: Path) -> None:
    spot = [{"ts_ms": OPEN_MS, "close": 85.25}]

    ticks = [msg for msg in imported(record(tmp_path, spot=spot)) if isinstance(msg, m.SpotTick)]

    assert [(tick.price, tick.ts_event) for tick in ticks] == [
        (index_from_float(85.25), OPEN_MS * MILLISECOND + 60 * SECOND)
    ]


def test_the_tape_says_what_was_assumed(tmp_path: Path) -> None:
    imported(record(tmp_path))
    without = info(tmp_path / "out.parquet").about
    imported(record(tmp_path, spot=[{"ts_ms": OPEN_MS, "close": 85.25}]))
    with_spot = info(tmp_path / "out.parquet").about

    assert without["spot_source"] == "none"
    assert "dlmm-backtest" in with_spot["spot_source"]
    assert "assumed_spot_lag" in with_spot


@pytest.mark.parametrize(
    ("quotes", "markets", "told"),
    [
        ([], MARKETS, "holds no quotes of KXSOL15M"),
        (QUOTES, MARKETS[1:], f"no market data of {TICKER}"),
        (QUOTES, [market(0, 85.3695, 85.1908, "yes")], "contradicts"),
        (QUOTES, [market(0, 85.0, 85.5, "yes"), market(1, 85.1, 85.2, "yes")], "next strike"),
    ],
)
def test_recordings_that_do_not_fit_are_told(
    tmp_path: Path, quotes: list[dict[str, Any]], markets: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(TapeError, match=told):
        imported(record(tmp_path, quotes, markets))


def test_the_recorded_minutes_of_solana_are_all_there(recorded: Path, tmp_path: Path) -> None:
    found = import_recorded(recorded, SOL, tmp_path / "sol.parquet", "minutes")

    rows = pq.read_table(
        recorded / "paths_1m_U.parquet", filters=[("coin", "=", "SOL"), ("secs_left", ">", 0)]
    )
    assert found.kinds["TopOfBook"] == rows.num_rows
    assert found.kinds["MarketDetermined"] == found.kinds["StrikePublished"] == len(found.markets)
    assert found.kinds["SpotTick"] == 9_199
