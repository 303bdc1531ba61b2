"""Tables of other recorders, and Kalshi's own answers, become tapes that are whole and play."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from core import messages as m
from core.domain.windows import event_ticker, market_ticker
from core.exchange.records import Outcome, Side
from core.research.backtest import run_backtest
from core.research.importers import import_recorded
from core.research.tape import TapeError, read
from core.research.tape_verify import verify
from core.units import SECOND, Price, Quantity
from tests.builders import CLOSE

if TYPE_CHECKING:
    from pathlib import Path

TICKER = market_ticker("KXSOL15M", CLOSE)
TABLES = {
    "tickers": "KXBTC15M",
    "levels": "KXBTC15M",
    "polls": "KXBTC15M",
    "snaps": "KXSOL15M",
    "entries": "KXSOL15M",
    "trades": "KXSOL15M",
}


@pytest.mark.parametrize("recording", TABLES)
def test_a_recorded_table_is_a_whole_tape(recorded: Path, tmp_path: Path, recording: str) -> None:
    out = tmp_path / "a.parquet"

    found = import_recorded(recorded, TABLES[recording], out, recording)

    assert found.series == (TABLES[recording],)
    assert found.about["recording"] == recording
    verdict = verify(out)
    assert verdict.is_whole, verdict.to_text()
    assert verdict.records == found.records > len(found.markets)


@pytest.mark.parametrize("recording", ["tickers", "polls", "snaps"])
def test_a_recorded_table_plays(recorded: Path, tmp_path: Path, recording: str) -> None:
    out = tmp_path / "a.parquet"
    import_recorded(recorded, TABLES[recording], out, recording)

    result = run_backtest(out, Settings())

    assert result.decisions > 0
    assert result.differences == ()


def candles() -> dict[str, object]:
    side = ("yes_bid", "0.4700"), ("yes_ask", "0.4900")
    return {
        "ticker": TICKER,
        "candlesticks": [
            {
                "end_period_ts": CLOSE // SECOND - left,
                **{name: {"close_dollars": price} for name, price in side},
            }
            for left in (120, 60, 0)
        ],
    }


def trades() -> dict[str, object]:
    trade = {
        "trade_id": "t-1",
        "ticker": TICKER,
        "count_fp": "12.00",
        "yes_price_dollars": "0.4800",
        "taker_side": "no",
        "created_time": "2026-11-22T15:07:12.4187Z",
        "is_block_trade": False,
    }
    other = {**trade, "ticker": "KXETH15M-26NOV221015-15"}
    return {"trades": [{**trade, "trade_id": "t-2", "is_block_trade": True}, other, trade]}


def markets() -> dict[str, object]:
    return {
        "markets": [
            {
                "ticker": TICKER,
                "event_ticker": event_ticker("KXSOL15M", CLOSE),
                "floor_strike": 118.4213,
                "expiration_value": "118.5000",
                "result": "yes",
            }
        ]
    }


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    folder = tmp_path / "answers"
    folder.mkdir()
    for name, body in (("c", candles()), ("t", trades()), ("m", markets())):
        (folder / f"{name}.json").write_text(json.dumps(body))
    return folder


def test_answers_of_kalshi_become_a_tape(answers: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    import_recorded(answers, "KXSOL15M", out)
    records = list(read(out))

    quotes = [record for record in records if isinstance(record, m.TopOfBook)]
    assert [(quote.bid, quote.ask) for quote in quotes] == [(4_700, 4_900)] * 2
    (trade,) = (record for record in records if isinstance(record, m.TradePrint))
    assert (trade.trade_id, trade.price, trade.quantity) == ("t-1", Price(4_800), Quantity(1_200))
    assert trade.taker_side is Side.ASK
    (result,) = (record for record in records if isinstance(record, m.MarketDetermined))
    assert (result.result, result.value) == (Outcome.YES, 11_850_000_000)
    assert verify(out).is_whole
    assert run_backtest(out, Settings()).events == len(records)


def test_candles_alone_have_no_result(answers: Path, tmp_path: Path) -> None:
    found = import_recorded(answers / "c.json", "KXSOL15M", tmp_path / "a.parquet")

    assert found.kinds == {"TopOfBook": 2, "MarketListed": 1}


@pytest.mark.parametrize(
    ("text", "named"),
    [("{", "not an answer"), ("[]", "not an answer"), ('{"trades": []}', "holds no candlesticks")],
)
def test_another_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(TapeError, match=named):
        import_recorded(tmp_path / "x.json", "KXSOL15M", tmp_path / "a.parquet")
