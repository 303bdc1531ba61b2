"""Tapes: what is written comes back, in the order of arrival, and nothing damaged gets through."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import messages as m
from core.domain.grid import TAPERED_DECI_CENT
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome, Side
from core.research.tape import TapeError, TapeWriter, batches, info, read
from core.research.tape_columns import FIELDS, SCHEMA
from core.units import IndexValue, Nanos, Price, Quantity

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_778_477_400_000_000_000
TICKER = "KXBTC15M-26MAY110145-45"


def at(second: float) -> Nanos:
    return Nanos(T0 + round(second * 1_000_000_000))


def delta(second: float, seq: int = 1, ticker: str = TICKER) -> m.BookDelta:
    return m.BookDelta(
        ticker=ticker,
        leg=Outcome.NO,
        price=Price(4700),
        delta=Quantity(-2501),
        conn=3,
        sid=1,
        seq=seq,
        ts_event=at(second - 0.02),
        ts_recv=at(second),
    )


TERMS = m.MarketTerms(
    ticker=TICKER,
    event_ticker="KXBTC15M-26MAY110145",
    series="KXBTC15M",
    open_ns=at(0),
    close_ns=at(900),
    strike=None,
    digits=2,
    grid=TAPERED_DECI_CENT,
    status=MarketStatus.INITIALIZED,
    shard=2,
)

ONE_OF_EACH: tuple[m.Message, ...] = (
    m.MarketListed(market=TERMS, ts_recv=at(1)),
    m.StrikePublished(
        ticker=TICKER, strike=IndexValue(8_093_841_000_000), ts_event=at(2), ts_recv=at(2)
    ),
    m.MarketStatusChanged(
        ticker=TICKER, status=MarketStatus.INACTIVE, ts_event=at(2), ts_recv=at(2.5)
    ),
    m.GridChanged(ticker=TICKER, grid=TERMS.grid, ts_event=at(2.6), ts_recv=at(2.7)),
    m.StreamChanged(stream="market", conn=3, state="open", reason="", ts_recv=at(3)),
    m.StreamReply(
        stream="market",
        conn=3,
        sid=1,
        seq=0,
        kind="error",
        channel="orderbook_delta",
        command_id=4,
        code=8,
        text="unknown ticker \N{SNOWMAN}",
        ts_recv=at(3.1),
    ),
    m.BookSnapshot(
        ticker=TICKER,
        yes=((Price(10), Quantity(160_200)), (Price(4500), Quantity(1))),
        no=(),
        conn=3,
        sid=1,
        seq=1,
        ts_event=at(3.2),
        ts_recv=at(3.2),
    ),
    delta(4, seq=2),
    m.TopOfBook(
        ticker=TICKER,
        bid=Price(4500),
        bid_size=Quantity(1),
        ask=Price(10_000),
        ask_size=Quantity(0),
        ts_event=at(4),
        ts_recv=at(5),
    ),
    m.TradePrint(
        ticker=TICKER,
        trade_id="7b1c2f2e",
        price=Price(4500),
        quantity=Quantity(40_394_700),
        taker_side=Side.ASK,
        ts_event=at(5),
        ts_recv=at(6),
    ),
    m.IndexPrint(
        index_id="BRTI", value=IndexValue(8_093_841_123_456), ts_event=at(6), ts_recv=at(7)
    ),
    m.SpotTick(
        source="coinbase",
        product="BTC-USD",
        price=IndexValue(8_112_001_000_000),
        bid=IndexValue(0),
        ask=IndexValue(0),
        ts_event=at(7.3),
        ts_recv=at(7.1),
    ),
    m.SpotTick(
        source="kraken",
        product="BTC-USD",
        price=IndexValue(8_112_001_000_000),
        bid=IndexValue(8_112_000_000_000),
        ask=IndexValue(8_112_002_000_000),
        taker_side=Side.BID,
        ts_event=at(7.4),
        ts_recv=at(7.5),
    ),
    m.FrameSkipped(stream="market", conn=3, reason="not JSON", sample="{", ts_recv=at(8)),
    m.MarketDetermined(
        ticker=TICKER, result=Outcome.YES, value=None, ts_event=at(901), ts_recv=at(901)
    ),
    m.MarketFinalized(ticker=TICKER, ts_event=at(907), ts_recv=at(908)),
)


def write(path: Path, messages: list[m.Message]) -> Path:
    with TapeWriter(path) as tape:
        for message in messages:
            tape.write(message)
    return path


def test_every_kind_of_message_comes_back_equal(tmp_path: Path) -> None:
    tape = write(tmp_path / "a.parquet", list(ONE_OF_EACH))

    assert list(read(tape)) == list(ONE_OF_EACH)
    assert {type(message) for message in ONE_OF_EACH} == set(FIELDS), "an example is missing"


def test_vocabularies_come_back_as_members_not_as_text(tmp_path: Path) -> None:
    tape = write(tmp_path / "a.parquet", [delta(1)])

    [back] = read(tape)

    assert isinstance(back, m.BookDelta)
    assert back.leg is Outcome.NO


@settings(max_examples=30, deadline=None)
@given(seconds=st.lists(st.integers(0, 50), max_size=80))
def test_records_come_in_order_of_arrival_and_equal_times_in_order_of_writing(
    seconds: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = [delta(second, seq) for seq, second in enumerate(seconds)]
    tape = write(tmp_path_factory.mktemp("tape") / "a.parquet", list(written))

    assert list(read(tape)) == sorted(written, key=lambda message: message.ts_recv)


@settings(max_examples=30, deadline=None)
@given(
    files=st.lists(st.lists(st.integers(0, 50), max_size=40), min_size=1, max_size=4),
)
def test_a_folder_is_one_tape_however_its_files_overlap(
    files: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tape")
    everything: list[m.BookDelta] = []
    for number, seconds in enumerate(files):
        rows = [delta(second, seq, f"T{number}") for seq, second in enumerate(sorted(seconds))]
        write(folder / f"{number}.parquet", list(rows))
        everything += rows

    assert list(read(folder)) == sorted(everything, key=lambda message: message.ts_recv)


def test_files_longer_than_a_batch_merge_without_a_slip(tmp_path: Path) -> None:
    draw = random.Random(7)
    everything: list[m.BookDelta] = []
    for name in ("a", "b"):
        # many records at each time, so that equal times reach over the edges of batches
        seconds = sorted(draw.randrange(5) for _ in range(40_000))
        rows = [delta(second, seq, name) for seq, second in enumerate(seconds)]
        write(tmp_path / f"{name}.parquet", list(rows))
        everything += rows

    assert list(read(tmp_path)) == sorted(everything, key=lambda message: message.ts_recv)


def test_late_messages_are_sorted_in(tmp_path: Path) -> None:
    rows = [delta(second, second) for second in range(70_000)]
    late = delta(69_000.5, 1_000_000)

    tape = write(tmp_path / "a.parquet", [*rows, late])

    assert [row.seq for row in read(tape) if row.ts_recv >= at(69_000)][:3] == [  # type: ignore[attr-defined]
        69_000,
        1_000_000,
        69_001,
    ]


def test_a_clock_that_went_back_too_far_ends_the_file(tmp_path: Path) -> None:
    rows = [delta(second, second) for second in range(131_072)]

    with pytest.raises(TapeError, match=r"a\.parquet.*begin a new file"):
        write(tmp_path / "a.parquet", [*rows, delta(1)])
    assert list(tmp_path.iterdir()) == []


def test_a_tape_says_what_is_on_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with TapeWriter(path, {"licence": "MIT"}) as tape:
        for message in (*ONE_OF_EACH, delta(9)):
            tape.write(message)

    found = info(path)

    assert found.records == len(ONE_OF_EACH) + 1
    assert next(iter(found.kinds.items())) == ("BookDelta", 2)
    assert (found.first, found.last) == (at(1), at(908))
    assert found.series == ("KXBTC15M",)
    assert found.markets == (TICKER,)
    assert found.about == {"licence": "MIT"}
    assert found.size == path.stat().st_size


def test_an_empty_tape_is_a_tape(tmp_path: Path) -> None:
    tape = write(tmp_path / "a.parquet", [])

    assert list(read(tape)) == []
    assert info(tape).records == 0


def test_nothing_appears_under_the_name_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    tape = TapeWriter(path)
    tape.write(delta(1))

    assert not path.exists()
    tape.close()

    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]


def test_a_failed_recording_leaves_the_older_tape_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [delta(1)])

    def record_and_fail() -> None:
        with TapeWriter(path) as tape:
            tape.write(delta(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_and_fail()

    assert list(read(path)) == [delta(1)]
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]


def test_what_was_concluded_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="Tick is not recorded"):
        write(tmp_path / "a.parquet", [m.Tick(due=at(1))])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file or folder"),
        (b"", "not a readable tape"),
        (b"PAR1 but not really PAR1", "not a readable tape"),
    ],
)
def test_a_missing_or_foreign_file_is_one_clear_line(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(TapeError) as caught:
        list(read(path))

    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_tapes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"holds no \.parquet file"):
        info(tmp_path)


def test_a_parquet_file_that_is_no_tape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"price": [1]}), path)

    with pytest.raises(TapeError, match="a Parquet file, but not a tape"):
        list(read(path))


def test_a_tape_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(SCHEMA.with_metadata({b"tape.schema": b"99"}).empty_table(), path)

    with pytest.raises(TapeError, match="has schema 99"):
        list(read(path))


def test_a_row_without_a_needed_field_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [delta(1)])
    table = pq.read_table(path)
    empty = table.set_column(
        table.schema.get_field_index("price"), "price", pa.array([None], type=pa.int32())
    )
    pq.write_table(empty, path)

    with pytest.raises(TapeError, match="BookDelta: column price"):
        list(read(path))


def test_an_unknown_word_of_a_vocabulary_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [delta(1)])
    table = pq.read_table(path)
    leg = pa.array(["maybe"]).dictionary_encode().cast(table.schema.field("leg").type)
    pq.write_table(table.set_column(table.schema.get_field_index("leg"), "leg", leg), path)

    with pytest.raises(TapeError, match="maybe"):
        list(read(path))


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [delta(1), delta(2)])
    table = pq.read_table(path)
    pq.write_table(table.take(pa.array([1, 0])), path)

    with pytest.raises(TapeError, match="not in the order"):
        list(read(path))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97])
def test_a_damaged_byte_never_becomes_data(tmp_path: Path, share: float) -> None:
    rows: list[m.Message] = [delta(second, second) for second in range(3_000)]
    path = write(tmp_path / "a.parquet", rows)
    content = bytearray(path.read_bytes())
    content[round(len(content) * share)] ^= 0xFF
    path.write_bytes(bytes(content))

    with pytest.raises(TapeError, match=r"a\.parquet"):
        list(read(path))


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", list(ONE_OF_EACH))
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(TapeError, match="not a readable tape"):
        list(read(path))


def test_an_unwritable_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(TapeError, match="cannot be written"):
        TapeWriter(tmp_path / "file" / "a.parquet")


def test_reading_holds_a_batch_and_not_a_tape(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [delta(second, second) for second in range(60_000)])

    sizes = [batch.num_rows for batch in batches(path)]

    assert sum(sizes) == 60_000
    assert max(sizes) < 20_000
