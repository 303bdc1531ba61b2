"""Recordings become tapes: what they said is kept, what they did not say is never made up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core import messages as m
from core.domain.windows import window_of
from core.exchange.records import Outcome
from core.research.importers import import_recorded
from core.research.tape import SAMPLE_TAPE, TapeError, info, read
from core.units import (
    DOLLAR_PRICE,
    MILLISECOND,
    SECOND,
    Price,
    Quantity,
    index_from_float,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.messages import Message

Kind = TypeVar("Kind", bound="Message")

BTC, SOL = "KXBTC15M", "KXSOL15M"
FIRST, SECOND_WINDOW = "KXBTC15M-26MAY110145-45", "KXBTC15M-26MAY110200-00"
OPEN_MS = 1_778_477_400_000
T = OPEN_MS + 60_000


def of(messages: list[Message], kind: type[Kind]) -> list[Kind]:
    return [message for message in messages if isinstance(message, kind)]


# --- a small recording of books, written here


def level(conn: int, recv_ms: int, side: int, price: int, qty: float) -> dict[str, Any]:
    return row(conn, 1, recv_ms, side=side, price=price, qty=qty) | {"is_snapshot": 1, "ts_ms": 0}


def row(  # noqa: PLR0913 - a row has as many columns
    conn: int,
    seq: int,
    recv_ms: int,
    *,
    side: int = 0,
    price: int = 4500,
    qty: float = 1.25,
    ticker: str = FIRST,
) -> dict[str, Any]:
    return {
        "recv_ms": recv_ms,
        "ts_ms": recv_ms + 80,
        "conn": conn,
        "seq": seq,
        "ticker": ticker,
        "is_snapshot": 0,
        "side": side,
        "price_e4": price,
        "qty": qty,
    }


MARKETS: list[dict[str, Any]] = [
    {
        "ticker": ticker,
        "open_time_ms": OPEN_MS + 900_000 * number,
        "floor_strike": 80_938.41 + number,
        "expiration_value": None,
        "result": None,
        "src": "G",
    }
    for number, ticker in enumerate((FIRST, SECOND_WINDOW))
]


def record(
    folder: Path,
    rows: list[dict[str, Any]],
    markets: list[dict[str, Any]] = MARKETS,
    spot: list[dict[str, Any]] | None = None,
) -> Path:
    types = {"conn": pa.int16(), "seq": pa.int32(), "qty": pa.float32(), "price_e4": pa.int16()}
    books = pa.Table.from_pylist(rows)
    for name, kind in types.items():
        books = books.set_column(
            books.column_names.index(name), name, books.column(name).cast(kind)
        )
    texts = [(name, pa.string()) for name in ("ticker", "result", "src")]
    values = [(name, pa.float64()) for name in ("floor_strike", "expiration_value")]
    schema = pa.schema([*texts, *values, ("open_time_ms", pa.int64())])
    pq.write_table(books, folder / f"book_l2_events_{BTC}.parquet")
    pq.write_table(pa.Table.from_pylist(markets, schema), folder / f"markets_{BTC}.parquet")
    pq.write_table(
        pa.Table.from_pylist(spot or [{"ts_ms": T, "recv_ms": T + 90, "price": 81_120.01}]),
        folder / "spot_BTC-USD_coinbase_trades.parquet",
    )
    return folder


def imported(folder: Path, series: str = BTC) -> list[Message]:
    out = folder / "out.parquet"
    import_recorded(folder, series, out)
    return list(read(out))


def test_a_connection_is_opened_loaded_changed_and_lost(tmp_path: Path) -> None:
    record(
        tmp_path,
        [
            level(7, T, 0, 4500, 160.0),
            level(7, T, 1, 5300, 25.01),
            row(7, 2, T + 5, side=1, price=5300, qty=-25.01),
            row(7, 3, T + 9, qty=0.3),
        ],
    )

    messages = [msg for msg in imported(tmp_path) if not isinstance(msg, m.SpotTick)]

    listed, opened, snapshot, first, second, lost = messages[:6]
    assert isinstance(listed, m.MarketListed)
    assert isinstance(opened, m.StreamChanged)
    assert (opened.state, opened.conn) == ("open", 1)
    assert isinstance(snapshot, m.BookSnapshot)
    assert snapshot.yes == ((4500, 16_000),)
    assert snapshot.no == ((5300, 2501),)
    assert isinstance(first, m.BookDelta)
    assert (first.leg, first.price, first.delta) == (Outcome.NO, 5300, -2501)
    assert (first.ts_event, first.ts_recv) == ((T + 85) * MILLISECOND, (T + 5) * MILLISECOND)
    assert isinstance(second, m.BookDelta)
    assert (second.leg, second.delta, second.seq) == (Outcome.YES, 30, 3)
    assert isinstance(lost, m.StreamChanged)
    assert (lost.state, lost.conn, lost.ts_recv) == ("lost", 1, (T + 9) * MILLISECOND + 1)


def test_nothing_crosses_a_gap_in_the_sequence(tmp_path: Path) -> None:
    record(
        tmp_path,
        [
            level(7, T, 0, 4500, 160.0),
            row(7, 2, T + 5),
            row(7, 9, T + 6, qty=99.0),  # 3 to 8 are missing
            row(7, 10, T + 7, qty=98.0),
            level(7, T + 500, 0, 4400, 10.0),  # the next snapshot
            row(7, 2, T + 505, price=4400, qty=2.0),
        ],
    )

    messages = imported(tmp_path)

    assert [delta.delta for delta in of(messages, m.BookDelta)] == [125, 200]
    changes = [(c.conn, c.state, c.ts_recv) for c in of(messages, m.StreamChanged)]
    assert changes == [
        (1, "open", T * MILLISECOND),
        (1, "lost", (T + 5) * MILLISECOND + 1),
        (2, "open", (T + 500) * MILLISECOND),
        (2, "lost", (T + 505) * MILLISECOND + 1),
    ]


def test_a_run_that_begins_in_the_middle_is_not_used(tmp_path: Path) -> None:
    record(
        tmp_path,
        [row(3, 70, T), row(3, 71, T + 1), level(4, T + 9, 0, 4500, 1.0), row(4, 2, T + 10)],
    )

    [only] = of(imported(tmp_path), m.BookDelta)

    assert (only.conn, only.seq) == (1, 2)


def test_connection_numbers_grow_with_time_although_the_recorders_do_not(tmp_path: Path) -> None:
    record(
        tmp_path,
        [level(9, T, 0, 4500, 1.0), row(9, 2, T + 1), level(2, T + 9, 0, 4500, 1.0)],
    )

    snapshots = of(imported(tmp_path), m.BookSnapshot)

    assert [snapshot.conn for snapshot in snapshots] == [1, 2]


def test_the_strike_comes_with_the_listing_when_it_was_out_already(tmp_path: Path) -> None:
    record(tmp_path, [level(1, OPEN_MS + 551, 0, 4500, 1.0), row(1, 2, OPEN_MS + 552)])

    messages = imported(tmp_path)

    [listed] = of(messages, m.MarketListed)
    assert listed.market.strike == index_from_float(80_938.41)
    assert of(messages, m.StrikePublished) == []


def test_the_strike_is_published_when_the_recording_is_there_before(tmp_path: Path) -> None:
    record(tmp_path, [level(1, OPEN_MS - 100, 0, 4500, 1.0), row(1, 2, OPEN_MS + 700)])

    messages = imported(tmp_path)

    [listed] = of(messages, m.MarketListed)
    [published] = of(messages, m.StrikePublished)
    assert listed.market.strike is None
    assert published.strike == index_from_float(80_938.41)
    assert published.ts_recv == (OPEN_MS + 550) * MILLISECOND


def test_a_missing_result_follows_from_the_next_strike(tmp_path: Path) -> None:
    record(tmp_path, [level(1, T, 0, 4500, 1.0), row(1, 2, T + 1)])

    [determined] = of(imported(tmp_path), m.MarketDetermined)

    assert determined.ticker == FIRST
    assert determined.result is Outcome.YES  # 80,939.41 against 80,938.41
    assert determined.value == index_from_float(80_939.41)
    assert determined.ts_recv == (OPEN_MS + 901_000) * MILLISECOND


def test_a_result_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    record(
        tmp_path,
        [
            level(1, T + 900_000, 0, 4500, 1.0) | {"ticker": SECOND_WINDOW},
            row(1, 2, T + 900_001, ticker=SECOND_WINDOW),
        ],
    )

    assert of(imported(tmp_path), m.MarketDetermined) == []


def test_a_result_without_a_value_is_taken_as_told(tmp_path: Path) -> None:
    told = [MARKETS[0] | {"result": "no"}]
    record(tmp_path, [level(1, T, 0, 4500, 1.0), row(1, 2, T + 1)], told)

    [determined] = of(imported(tmp_path), m.MarketDetermined)

    assert (determined.result, determined.value) == (Outcome.NO, None)


@pytest.mark.parametrize(
    "lie", [{"result": "no"}, {"expiration_value": 80_000.0}], ids=["result", "value"]
)
def test_contradictory_recordings_are_refused(tmp_path: Path, lie: dict[str, Any]) -> None:
    markets = [MARKETS[0] | lie, MARKETS[1]]
    record(tmp_path, [level(1, T, 0, 4500, 1.0), row(1, 2, T + 1)], markets)

    with pytest.raises(TapeError, match=FIRST):
        imported(tmp_path)


def test_every_trade_of_the_spot_venue_is_a_tick_with_its_own_time(tmp_path: Path) -> None:
    replay = {"ts_ms": T - 4000, "recv_ms": T, "price": 81_120.01}
    trade = {"ts_ms": T + 20, "recv_ms": T + 5, "price": 81_120.0}
    record(tmp_path, [level(1, T, 0, 4500, 1.0), row(1, 2, T + 9)], spot=[replay, trade])

    ticks = of(imported(tmp_path), m.SpotTick)

    assert [(t.price, t.ts_event, t.ts_recv) for t in ticks] == [
        (index_from_float(81_120.01), (T - 4000) * MILLISECOND, T * MILLISECOND),
        (index_from_float(81_120.0), (T + 20) * MILLISECOND, (T + 5) * MILLISECOND),
    ]
    assert {(t.source, t.product, t.bid, t.ask) for t in ticks} == {("coinbase", "BTC-USD", 0, 0)}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / f"markets_{BTC}.parquet").unlink(),
        lambda folder: (folder / f"markets_{BTC}.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / "spot_BTC-USD_coinbase_trades.parquet").unlink(),
    ],
    ids=["missing", "damaged", "spot missing"],
)
def test_an_incomplete_set_leaves_one_clear_line_and_no_tape(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    record(tmp_path, [level(1, T, 0, 4500, 1.0), row(1, 2, T + 1)])
    spoil(tmp_path)

    with pytest.raises(TapeError, match=r"recording .*\.parquet") as caught:
        imported(tmp_path)

    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("out*"))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="holds no recording of KXSOL15M"):
        import_recorded(tmp_path, SOL, tmp_path / "out.parquet")
    with pytest.raises(TapeError, match="'tea' is not known"):
        import_recorded(tmp_path, SOL, tmp_path / "out.parquet", "tea")
    with pytest.raises(TapeError, match="series KXTEA15M cannot be imported"):
        import_recorded(tmp_path, "KXTEA15M", tmp_path / "out.parquet", "quotes")


# --- the recordings themselves


@pytest.fixture(scope="module")
def quotes(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    out = tmp_path_factory.mktemp("tapes") / "quotes.parquet"
    import_recorded(recorded, SOL, out)
    return list(read(out))


@pytest.fixture(scope="module")
def polls(recorded: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        recorded / f"quotes_2s_{SOL}_feb2026.parquet"
    ).to_pylist()
    return rows


def test_every_poll_before_a_close_is_a_quote(
    quotes: list[Message], polls: list[dict[str, Any]]
) -> None:
    running = [poll for poll in polls if poll["secs_left"] > 0]
    found = of(quotes, m.TopOfBook)

    assert [(q.ticker, q.ts_recv, q.bid, q.ask) for q in found] == [
        (
            poll["ticker"],
            poll["ts_ms"] * MILLISECOND,
            Price(round(poll["yes_bid"] * DOLLAR_PRICE)),
            Price(round(poll["yes_ask"] * DOLLAR_PRICE)),
        )
        for poll in running
    ]
    assert all(0 < q.ts_recv - q.ts_event < SECOND for q in found)
    for quote in found:
        window = window_of(quote.ticker, quote.ts_recv)
        assert window.open_ns < quote.ts_recv < window.close_ns


def test_an_empty_side_has_no_size_and_every_other_the_assumed_one(quotes: list[Message]) -> None:
    sizes = {
        (quote.bid == 0, quote.bid_size, quote.ask == DOLLAR_PRICE, quote.ask_size)
        for quote in of(quotes, m.TopOfBook)
    }

    assert sizes <= {
        (False, Quantity(1000), False, Quantity(1000)),
        (True, Quantity(0), False, Quantity(1000)),
        (False, Quantity(1000), True, Quantity(0)),
    }
    assert len(sizes) == 3


def test_a_late_spot_price_is_marked_as_late(
    quotes: list[Message], polls: list[dict[str, Any]]
) -> None:
    ticks = of(quotes, m.SpotTick)
    changes = sum(now["spot"] != before["spot"] for before, now in pairwise(polls))

    assert len(ticks) == 1 + changes
    assert {tick.ts_recv - tick.ts_event for tick in ticks} == {seconds(30)}
    assert {tick.product for tick in ticks} == {"SOL-USD"}


def test_a_window_settles_at_the_next_ones_strike_and_the_last_does_not(
    quotes: list[Message],
) -> None:
    listed = of(quotes, m.MarketListed)
    strikes = [market.market.strike for market in listed]
    results = of(quotes, m.MarketDetermined)

    assert len(listed) == 6
    assert [result.value for result in results] == strikes[1:]
    for market, result in zip(listed, results, strict=False):
        assert market.market.strike is not None
        assert result.value is not None
        assert (result.result is Outcome.YES) == (result.value >= market.market.strike)


@pytest.mark.parametrize("series", ["KXBTC15M", "KXETH15M", "KXXRP15M"])
def test_the_sisters_come_by_the_same_road(recorded: Path, tmp_path: Path, series: str) -> None:
    found = import_recorded(recorded, series, tmp_path / "a.parquet", "quotes")

    assert found.series == (series,)
    assert found.kinds["TopOfBook"] > 2_000
    assert found.kinds["MarketDetermined"] == len(found.markets) - 1


def test_the_shipped_tape_is_what_the_importer_makes(quotes: list[Message]) -> None:
    assert list(read(SAMPLE_TAPE)) == quotes


def test_the_shipped_tape_says_where_it_is_from() -> None:
    found = info(SAMPLE_TAPE)

    assert found.about["licence"] == "MIT"
    assert "kapelame/kalshi-crypto-pairs" in found.about["source"]
    assert found.size < 300_000
    assert found.series == (SOL,)
    assert (SAMPLE_TAPE.parent / "README.md").is_file()


def test_recorded_books_arrive_whole(recorded: Path, tmp_path: Path) -> None:
    found = import_recorded(recorded, BTC, tmp_path / "a.parquet")

    source = pq.read_table(
        recorded / f"book_l2_events_{BTC}.parquet", columns=["is_snapshot", "ticker"]
    )
    deltas = source.num_rows - pc.sum(source.column("is_snapshot")).as_py()
    discarded = int(found.about["discarded_after_gaps"].split()[0])
    assert found.kinds["BookDelta"] == deltas - discarded
    assert discarded < deltas / 1000
    assert found.kinds["BookSnapshot"] * 2 == found.kinds["StreamChanged"] == 184
    assert found.kinds["MarketListed"] == 70
    assert found.kinds["MarketDetermined"] == 67
    assert found.kinds["SpotTick"] == 191_577
