"""The layouts of recorded tables: their columns, and the message that a row is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from core import messages as m
from core.exchange.records import Side
from core.research.importers_quotes import ASSUMED_SIZE
from core.units import DOLLAR_PRICE, MILLISECOND, ONE_CONTRACT, Nanos, Price, Quantity, complement

Row = dict[str, Any]
Reader = Callable[[Row, int], m.Message]
"""Makes the message of a row; gets its number, from 1."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of table."""

    file: str
    source: str
    columns: tuple[str, ...]
    read: Reader
    arrival: str = "ts_ms"
    spot: str = ""
    """Column of a spot price beside the quote."""


def millis(ms: int) -> Nanos:
    """Epoch milliseconds as nanoseconds."""
    return Nanos(ms * MILLISECOND)


def times(row: Row) -> tuple[Nanos, Nanos]:
    """The row's own time, and its arrival."""
    arrived = row.get("recv_ms") or row["ts_ms"]
    return millis(row["ts_ms"] or arrived), millis(arrived)


def _top(row: Row, number: int, unit: int, columns: tuple[str, str]) -> m.TopOfBook:
    """A quote whose prices are in 1/`unit` dollars."""
    del number
    bid, ask = (Price(round(row[name] * DOLLAR_PRICE / unit)) for name in columns)
    sizes = (row.get("yes_bid_size"), row.get("yes_ask_size"))
    bid_size, ask_size = (
        ASSUMED_SIZE if size is None else Quantity(round(size * ONE_CONTRACT)) for size in sizes
    )
    event, arrived = times(row)
    return m.TopOfBook(
        ticker=row["ticker"],
        bid=bid,
        bid_size=bid_size if bid > 0 else Quantity(0),
        ask=ask,
        ask_size=ask_size if ask < DOLLAR_PRICE else Quantity(0),
        ts_event=event,
        ts_recv=arrived,
    )


def _levels(row: Row, number: int) -> m.BookSnapshot:
    def side(name: str) -> list[tuple[Price, Quantity]]:
        rows = zip(row[f"{name}_px"], row[f"{name}_sz"], strict=True)
        return [
            (Price(round(price * DOLLAR_PRICE)), Quantity(round(size * ONE_CONTRACT)))
            for price, size in rows
        ]

    event, arrived = times(row)
    return m.BookSnapshot(
        ticker=row["ticker"],
        yes=tuple(side("bid")),
        no=tuple((complement(price), size) for price, size in side("ask")),
        conn=1,
        sid=1,
        seq=number,
        ts_event=event,
        ts_recv=arrived,
    )


def _trade(row: Row, number: int) -> m.TradePrint:
    event, arrived = times(row)
    return m.TradePrint(
        ticker=row["ticker"],
        trade_id=f"recorded-{number}",
        price=Price(round(row["yes_price"] * DOLLAR_PRICE)),
        quantity=Quantity(round(row["count"] * ONE_CONTRACT)),
        taker_side=Side.BID if row["taker_side"] == "yes" else Side.ASK,
        ts_event=event,
        ts_recv=arrived,
    )


_QUOTE: Final = ("ticker", "ts_ms", "yes_bid", "yes_ask")
_SIZES: Final = ("yes_bid_size", "yes_ask_size")
_FIVE: Final = ("bid_px", "bid_sz", "ask_px", "ask_sz")
_DOLLARS: Final = partial(_top, unit=1, columns=("yes_bid", "yes_ask"))
_CENTS: Final = partial(_top, unit=100, columns=("yes_bid_close", "yes_ask_close"))
_E4: Final = partial(_top, unit=DOLLAR_PRICE, columns=("yes_bid_e4", "yes_ask_e4"))
_CAPTURE: Final = "github.com/organics-jpg/kalshi-probability-model-bot-gpt55-export"

LAYOUTS: Final = {
    "tickers": Layout(
        file="quotes_ws_ticker_{series}.parquet",
        source=_CAPTURE,
        columns=(*_QUOTE, *_SIZES, "recv_ms"),
        read=_DOLLARS,
        arrival="recv_ms",
    ),
    "best": Layout(
        file="book_l1_ws_{series}.parquet",
        source=_CAPTURE,
        columns=("ticker", "ts_ms", "recv_ms", "yes_bid_e4", "yes_ask_e4", *_SIZES),
        read=_E4,
        arrival="recv_ms",
    ),
    "levels": Layout(
        file="book_top5_1s_{series}.parquet",
        source=_CAPTURE,
        columns=("ticker", "ts_ms", "recv_ms", *_FIVE),
        read=_levels,
        arrival="recv_ms",
    ),
    "polls": Layout(
        file="quotes_30s_{series}_feb2026.parquet",
        source="github.com/jzOcb/taxsnappro",
        columns=(*_QUOTE, "spot_proxy"),
        read=_DOLLARS,
        spot="spot_proxy",
    ),
    "snaps": Layout(
        file="quotes_snap_{series}_aug2026.parquet",
        source="github.com/Johnny-God/kalshi-crypto-15m-dataset (CC BY 4.0)",
        columns=(*_QUOTE, "spot"),
        read=_DOLLARS,
        spot="spot",
    ),
    "candles": Layout(
        file="candles_1m_{series}.parquet",
        source="github.com/OWongit/Kalshi-Bias-Bot",
        columns=("ticker", "ts_ms", "yes_bid_close", "yes_ask_close"),
        read=_CENTS,
    ),
    "entries": Layout(
        file="entry_quotes_U.parquet",
        source="github.com/UnityeFUCD/m15-crypto15m-research",
        columns=_QUOTE,
        read=_DOLLARS,
    ),
    "trades": Layout(
        file="trades_multi_20260806.parquet",
        source="github.com/UnityeFUCD/m15-crypto15m-research",
        columns=("ticker", "ts_ms", "yes_price", "count", "taker_side"),
        read=_trade,
    ),
}
"""By name of the recording."""
