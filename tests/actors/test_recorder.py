"""The recorder never waits for anybody, and nobody for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from actors import recorder as module
from actors.recorder import Recorder, RecordingTerms, forget_runs
from core import messages as m
from core.clock import SystemClock
from core.research.tape import TapeWriter, info
from core.research.tape_folder import merge_days
from core.research.tape_partition import day_of
from core.research.tape_recorder import RecorderTerms, TapeRecorder
from core.units import IndexValue, Nanos
from tests.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def recorder(root: Path, segment_seconds: float = 3_600.0) -> Recorder:
    tape = RecorderTerms(root=root, series=("KXSOL15M",), about={})
    return Recorder(RecordingTerms(tape=tape, segment_seconds=segment_seconds), SystemClock())


def printed() -> m.IndexPrint:
    return m.IndexPrint(index_id="SOLUSD_RTI", value=IndexValue(1), ts_event=NOW, ts_recv=NOW)


def test_what_came_by_is_on_the_tape_when_it_stops(tmp_path: Path) -> None:
    taking = recorder(tmp_path)
    taking.start()
    senders = [
        threading.Thread(target=lambda: [taking.take(printed()) for _ in range(500)])
        for _ in range(4)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    taking.stop()

    assert taking.written == info(tmp_path).records == 2_000
    assert taking.lost == 0


def test_a_disk_that_hangs_costs_records_and_no_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, reached = threading.Event(), threading.Event()
    write = TapeWriter.write

    def slow(self: TapeWriter, message: m.Message) -> None:
        reached.set()
        hangs.wait(60)
        write(self, message)

    monkeypatch.setattr(TapeWriter, "write", slow)
    monkeypatch.setattr(module, "MOST_WAITING", 1_000)
    monkeypatch.setattr(module, "MOST_HELD", 1)
    monkeypatch.setattr(module, "GLANCE_SECONDS", 0.01)
    taking = recorder(tmp_path)
    taking.take(printed())
    taking.start()
    assert reached.wait(60)
    for _ in range(1_500):
        taking.take(printed())
    assert taking.lost == 500
    hangs.set()
    taking.stop()

    assert taking.written == 1_001


def test_a_full_disk_is_counted_and_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    write = TapeWriter.write

    def refuse(self: TapeWriter, message: m.Message) -> None:
        if not refused.is_set():
            refused.set()
            raise OSError(28, "No space left on device")
        write(self, message)

    monkeypatch.setattr(TapeWriter, "write", refuse)
    monkeypatch.setattr(module, "MOST_HELD", 1)
    monkeypatch.setattr(module, "GLANCE_SECONDS", 0.01)
    taking = recorder(tmp_path)
    taking.take(printed())
    taking.start()
    assert refused.wait(60)
    taking.take(printed())
    taking.stop()

    assert (taking.lost, taking.written) == (1, 1)
    assert info(tmp_path).records == 1


def yesterday(root: Path, count: int) -> Path:
    """So many segments of a day that is over."""
    before = TapeRecorder(RecorderTerms(root=root, series=("KXSOL15M",), about={}))
    for number in range(count):
        told = msgspec.structs.replace(printed(), ts_recv=Nanos(NOW + number))
        before.add([(told.ts_recv, told)])
        before.flush()
    return root / "KXSOL15M" / day_of(NOW)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_day_that_is_over_becomes_one_file_beside_the_recording(tmp_path: Path) -> None:
    day = yesterday(tmp_path, 5)
    taking = recorder(tmp_path)
    taking.start()
    until(lambda: [path.name for path in day.iterdir()] == ["000001-000005.parquet"])
    taking.take(msgspec.structs.replace(printed(), ts_recv=SystemClock().now()))
    taking.stop()

    assert info(tmp_path).records == 6
    assert taking.lost == 0


def test_a_day_that_cannot_be_merged_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    day = yesterday(tmp_path, 3)
    (day / "000002.parquet").write_bytes(b"nothing")
    taking = recorder(tmp_path)
    taking.start()
    until(lambda: "the tape was not tidied" in caplog.text)
    taking.stop()

    (said,) = [record for record in caplog.records if record.msg == "the tape was not tidied"]
    assert "000002.parquet" in str(vars(said))
    assert len(list(day.iterdir())) == 3


def test_an_end_while_a_day_is_merged_loses_nothing(tmp_path: Path) -> None:
    yesterday(tmp_path, 40)
    taking = recorder(tmp_path)
    taking.start()
    taking.stop()

    assert info(tmp_path).records == 40
    assert merge_days(tmp_path, TapeWriter)[1] == []
    assert info(tmp_path).records == 40


def test_tapes_of_old_local_exchanges_are_removed(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()

    forget_runs(tmp_path, 2)

    assert len(list(tmp_path.iterdir())) == 2
