"""Recording: partitioned, in whole segments, readable after a kill, each series by itself."""

from __future__ import annotations

import fcntl
import json
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from core import messages as m
from core.exchange.records import Outcome
from core.research.tape import TapeError, TapeWriter, info, read
from core.research.tape_folder import forget_old, merge_day, merge_days
from core.research.tape_own import read_own
from core.research.tape_partition import Partition, day_of
from core.research.tape_recorder import RecorderTerms, TapeRecorder
from core.research.tape_verify import verify
from core.units import SECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.messages import Message

SOL, BTC = "KXSOL15M-26NOV221015-15", "KXBTC15M-26NOV221015-15"
BOTH = ("KXSOL15M", "KXBTC15M")
DAY = 86_400 * SECOND


def at(after: float) -> Nanos:
    return Nanos(NOW + seconds(after))


def snapshot(ticker: str, seq: int, after: float) -> m.BookSnapshot:
    return m.BookSnapshot(
        ticker=ticker,
        yes=((Price(4_000), Quantity(1_000)),),
        no=((Price(5_000), Quantity(1_000)),),
        conn=7,
        sid=1,
        seq=seq,
        ts_event=at(after),
        ts_recv=at(after),
    )


def delta(ticker: str, seq: int, after: float) -> m.BookDelta:
    return m.BookDelta(
        ticker=ticker,
        leg=Outcome.YES,
        price=Price(3_000),
        delta=Quantity(100),
        conn=7,
        sid=1,
        seq=seq,
        ts_event=at(after),
        ts_recv=at(after),
    )


def tick(product: str, after: float) -> m.SpotTick:
    return m.SpotTick(
        source="coinbase",
        product=product,
        price=IndexValue(1),
        bid=IndexValue(0),
        ask=IndexValue(0),
        ts_event=at(after),
        ts_recv=at(after),
    )


def fill(after: float) -> m.TradingStateChanged:
    return m.TradingStateChanged(
        state="ACTIVE", epoch=1, code="x", reason="y", by="z", ts=at(after)
    )


def recorder(root: Path, series: tuple[str, ...] = BOTH) -> TapeRecorder:
    return TapeRecorder(RecorderTerms(root=root, series=series, about={"source": "test"}))


def arrived(records: Iterable[Message]) -> list[tuple[Nanos, Message]]:
    return [(record.ts_recv, record) for record in records]  # type: ignore[attr-defined]


def mixed() -> list[Message]:
    """Two series on one subscription, counted together."""
    return [
        snapshot(SOL, 1, 0.0),
        snapshot(BTC, 2, 0.1),
        delta(SOL, 3, 0.2),
        delta(BTC, 4, 0.3),
        delta(BTC, 5, 0.4),
        delta(SOL, 6, 0.5),
    ]


def test_each_series_and_day_has_a_folder_of_its_own(tmp_path: Path) -> None:
    tape = recorder(tmp_path)
    tape.add(arrived([*mixed(), delta(SOL, 7, 86_400.0)]))
    tape.flush()

    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    first, second = day_of(NOW), day_of(Nanos(NOW + DAY))
    assert names == [
        f"KXBTC15M/{first}/000001.parquet",
        f"KXSOL15M/{first}/000001.parquet",
        f"KXSOL15M/{second}/000001.parquet",
    ]


@pytest.mark.parametrize("series", BOTH)
def test_a_series_alone_misses_nothing_that_another_got(tmp_path: Path, series: str) -> None:
    tape = recorder(tmp_path)
    tape.add(arrived(mixed()))
    tape.flush()

    verdict = verify(tmp_path / series)
    assert verdict.records == 3
    assert verdict.gaps == 0
    assert verdict.is_whole
    assert verify(tmp_path).gaps == 0


def test_a_message_lost_on_the_way_is_a_gap_in_every_series(tmp_path: Path) -> None:
    tape = recorder(tmp_path)
    tape.add(arrived([*mixed(), delta(SOL, 8, 0.6), delta(BTC, 9, 0.7)]))
    tape.flush()

    assert verify(tmp_path / "KXSOL15M").gaps == 1
    assert verify(tmp_path / "KXBTC15M").gaps == 1


def test_one_series_is_recorded_as_it_came(tmp_path: Path) -> None:
    records = [snapshot(SOL, 1, 0.0), delta(SOL, 2, 0.2), delta(SOL, 4, 0.4)]
    tape = recorder(tmp_path, ("KXSOL15M",))
    tape.add(arrived(records))
    tape.flush()

    assert list(read(tmp_path)) == records


def test_what_concerns_all_stands_in_each_and_prices_where_they_belong() -> None:
    lost = m.StreamChanged(stream="market", conn=7, state="lost", reason="", ts_recv=at(1))

    found = list(Partition(BOTH).sorted([lost, tick("BTC-USD", 2), tick("XRP-USD", 3)]))

    assert [(name, type(record).__name__) for name, record in found] == [
        ("KXSOL15M", "StreamChanged"),
        ("KXBTC15M", "StreamChanged"),
        ("KXBTC15M", "SpotTick"),
    ]


def test_a_kill_loses_what_was_held_and_nothing_before(tmp_path: Path) -> None:
    tape = recorder(tmp_path, ("KXSOL15M",))
    tape.add(arrived([snapshot(SOL, 1, 0.0)]))
    tape.flush()
    tape.add(arrived([delta(SOL, 2, 0.2)]))
    folder = tmp_path / "KXSOL15M" / day_of(NOW)
    (folder / "000002.parquet.partial").write_bytes(b"PAR1 torn")

    assert info(tmp_path).records == 1
    again = recorder(tmp_path, ("KXSOL15M",))
    again.add(arrived([snapshot(SOL, 1, 9.0)]))
    again.flush()
    assert info(tmp_path).records == 2
    assert verify(tmp_path).is_whole


def test_decisions_stand_beside_the_tape_and_are_no_part_of_it(tmp_path: Path) -> None:
    tape = recorder(tmp_path, ("KXSOL15M",))
    tape.add([*arrived([snapshot(SOL, 1, 0.0)]), (at(3), fill(3))])
    tape.flush()

    assert info(tmp_path).records == 1
    assert list(read_own(tmp_path)) == [(at(3), fill(3))]


def test_decisions_of_a_day_become_one_file_that_replaces_theirs(tmp_path: Path) -> None:
    recorder = TapeRecorder(RecorderTerms(root=tmp_path, series=("KXSOL15M",), about={}))
    told = [(at(number), fill(number)) for number in range(3)]
    for one in told:
        recorder.add([one])
        recorder.flush()
    (day,) = (tmp_path / "own").iterdir()
    kept = {path: path.read_bytes() for path in day.iterdir()}
    assert len(kept) == 3
    assert merge_days(tmp_path, TapeWriter) == (1, [])
    assert [path.name for path in day.iterdir()] == ["000001-000003.parquet"]
    assert list(read_own(tmp_path)) == told
    for path, content in kept.items():  # a kill between the two steps of a merge
        path.write_bytes(content)
    assert list(read_own(tmp_path)) == told
    assert merge_days(tmp_path, TapeWriter) == (1, [])
    assert [path.name for path in day.iterdir()] == ["000001-000003.parquet"]


def test_merged_days_hold_the_same_and_no_segment_counts_twice(tmp_path: Path) -> None:
    tape = recorder(tmp_path, ("KXSOL15M",))
    for number in range(4):
        tape.add(arrived([snapshot(SOL, 1, number), delta(SOL, 2, number + 0.5)]))
        tape.flush()
    before = list(read(tmp_path))
    folder = tmp_path / "KXSOL15M" / day_of(NOW)
    first = (folder / "000001.parquet").read_bytes()

    out = merge_day(folder, TapeWriter)

    assert out == folder / "000001-000004.parquet"
    assert list(folder.iterdir()) == [out]
    assert list(read(tmp_path)) == before
    (folder / "000001.parquet").write_bytes(first)  # as a kill would leave it
    assert list(read(tmp_path)) == before
    merge_day(folder, TapeWriter)
    assert list(folder.iterdir()) == [out]


def test_only_days_before_the_one_named_are_merged(tmp_path: Path) -> None:
    for _ in range(2):
        days(tmp_path, 2)
    first, second = day_of(NOW), day_of(Nanos(NOW + DAY))

    assert merge_days(tmp_path, TapeWriter, before=second) == (1, [])

    names = {path.parent.name: path.name for path in tmp_path.rglob("*-*.parquet")}
    assert names == {first: "000001-000002.parquet"}
    assert merge_days(tmp_path, TapeWriter, before=second) == (0, [])


def test_two_do_not_merge_one_tape(tmp_path: Path) -> None:
    for _ in range(2):
        days(tmp_path, 1)
    holder = (tmp_path / ".merging").open("w")
    with holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(TapeError, match="another process is merging it"):
            merge_days(tmp_path, TapeWriter)
    assert merge_days(tmp_path, TapeWriter) == (1, [])


def test_the_next_segment_follows_the_merged_ones(tmp_path: Path) -> None:
    tape = recorder(tmp_path, ("KXSOL15M",))
    for number in range(2):
        tape.add(arrived([snapshot(SOL, 1, number)]))
        tape.flush()
    folder = tmp_path / "KXSOL15M" / day_of(NOW)
    merge_day(folder, TapeWriter)
    tape.add(arrived([snapshot(SOL, 1, 5)]))
    tape.flush()

    assert sorted(path.name for path in folder.iterdir()) == [
        "000001-000002.parquet",
        "000003.parquet",
    ]
    assert info(tmp_path).records == 3


def test_a_damaged_segment_is_left_for_a_person(tmp_path: Path) -> None:
    tape = recorder(tmp_path, ("KXSOL15M",))
    for number in range(2):
        tape.add(arrived([snapshot(SOL, 1, number)]))
        tape.flush()
    folder = tmp_path / "KXSOL15M" / day_of(NOW)
    (folder / "000002.parquet").write_bytes(b"nothing")

    days(tmp_path / "beside", 1)
    whole = tmp_path / "KXETH15M" / folder.name
    shutil.copytree(tmp_path / "beside" / "KXSOL15M" / folder.name, whole)
    shutil.copy(whole / "000001.parquet", whole / "000002.parquet")
    shutil.rmtree(tmp_path / "beside")

    count, faults = merge_days(tmp_path, TapeWriter)

    assert count == 2
    assert len(faults) == 1
    assert "000002.parquet" in faults[0]
    assert [path.name for path in whole.iterdir()] == ["000001-000002.parquet"]
    assert len(list(folder.glob("0*.parquet"))) == 2
    with pytest.raises(TapeError, match=r"000002\.parquet"):
        info(tmp_path)


def days(root: Path, count: int) -> None:
    tape = recorder(root, ("KXSOL15M",))
    for day in range(count):
        tape.add(arrived([snapshot(SOL, 1, day * 86_400.0)]))
    tape.flush()


def test_days_beyond_the_limit_are_removed_and_today_never(tmp_path: Path) -> None:
    days(tmp_path, 5)
    today = day_of(Nanos(NOW + 4 * DAY))

    gone = forget_old(tmp_path, today, keep_days=3, most_bytes=1 << 40)

    assert [folder.name for folder in gone] == [day_of(NOW), day_of(Nanos(NOW + DAY))]
    assert info(tmp_path).records == 3
    assert forget_old(tmp_path, today, keep_days=0, most_bytes=1 << 40) == []
    assert len(forget_old(tmp_path, today, keep_days=0, most_bytes=1)) == 2
    assert info(tmp_path).records == 1


def test_a_tape_is_plain_parquet(tmp_path: Path) -> None:
    days(tmp_path, 2)

    table = pq.read_table(tmp_path / "KXSOL15M")

    assert table.column("kind").to_pylist() == ["BookSnapshot"] * 2
    assert json.loads(
        pq.read_schema(next(tmp_path.rglob("*.parquet"))).metadata[b"tape.about"]
    ) == {
        "source": "test",
        "series": "KXSOL15M",
    }


@contextmanager
def few_handles(more: int) -> Iterator[None]:
    """This process may open only so many files more than it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(path.name) for path in Path("/dev/fd").iterdir()}
    free = (number for number in count() if number not in used)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, more, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_day_of_more_segments_than_may_be_open_is_read_and_merged(tmp_path: Path) -> None:
    recorder = TapeRecorder(RecorderTerms(root=tmp_path, series=("KXSOL15M",), about={}))
    many = 80
    for number in range(many):
        recorder.add([(at(number), delta(SOL, number + 1, number))])
        recorder.flush()
    with few_handles(30):
        assert len(list(read(tmp_path))) == many
        assert merge_days(tmp_path, TapeWriter) == (1, [])
        (one,) = tmp_path.rglob("*.parquet")
        assert [record.seq for record in read(one)] == list(range(1, many + 1))  # type: ignore[attr-defined]


KEPT = """
import sys
from pathlib import Path

from tests.research.test_tape_recorder import SOL, RecorderTerms, TapeRecorder, delta

MEGABYTE = 1 << 20


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096 / MEGABYTE


recorder = TapeRecorder(RecorderTerms(root=Path(sys.argv[1]), series=("KXSOL15M",), about={}))
rows = [(delta(SOL, 1, 0).ts_recv, delta(SOL, seq, seq)) for seq in range(1, 40_000)]
recorder.add(rows[:100])
recorder.flush()
before = resident()
recorder.add(rows)
recorder.flush()
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_a_large_segment_leaves_no_memory_behind(tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", KEPT, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(ended.stdout) < 20, f"{ended.stdout} MB stayed"
