"""A disk that takes no more, or nothing at all: nothing leaves, a halt still halts."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core import messages as m
from core.journal import JournalError
from core.journal_check import check
from core.journal_keeper import JournalKeeper
from core.journal_last_word import LastWordJournal, lay_reserve, reserve_of
from core.journal_sqlite import SqliteJournal
from tests.builders import NOW, approved, capital

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HALT = m.TradingStateChanged(state="HALTED", epoch=3, code="x", reason="x", by="x", ts=NOW)
ACTIVE = m.TradingStateChanged(state="ACTIVE", epoch=4, code="x", reason="x", by="x", ts=NOW)
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """A disk that is full for whoever wants more than this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def log_size(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def small(number: int) -> m.Message:
    """An entry as long as that of a halt."""
    del number
    return ACTIVE


def fill(
    journal: SqliteJournal, make: Callable[[int], m.Message] = lambda n: approved(f"t-{n}")
) -> list[m.Message]:
    """Write until the disk refuses; what was taken."""
    taken: list[m.Message] = []
    while True:
        event = make(len(taken))
        try:
            journal.append([event], NOW)
        except JournalError:
            return taken
        taken.append(event)


def test_a_full_disk_refuses_whole_transactions_and_keeps_what_it_took(
    tmp_path: Path, opened: Callable[[Path], SqliteJournal]
) -> None:
    path = tmp_path / "j.sqlite"
    journal = opened(path)
    journal.append([capital()], NOW)
    with no_file_longer_than(log_size(path) + 50_000):
        taken = fill(journal)
        with pytest.raises(JournalError, match="could not write"):
            journal.append([approved("a"), approved("b")], NOW)
    assert len(taken) > 2
    assert list(journal.replay()) == [capital(), *taken]
    journal.append([approved("after")], NOW)
    journal.close()
    assert check(path, NOW).cut is None
    assert list(opened(path).replay()) == [capital(), *taken, approved("after")]


def test_a_halt_holds_on_a_full_disk_and_is_written_first_once_there_is_room(
    tmp_path: Path, opened: Callable[[Path], SqliteJournal]
) -> None:
    path = tmp_path / "j.sqlite"
    journal = opened(path)
    last_word = LastWordJournal(opened(path), reserve_of(path))
    with no_file_longer_than(log_size(path) + 20_000):
        taken = fill(journal)
        last_word.append([HALT], NOW)
        with pytest.raises(JournalError):
            last_word.append([ACTIVE], NOW)
    last_word.append([ACTIVE], NOW)
    assert list(journal.replay()) == [*taken, HALT, ACTIVE]


def test_the_reserve_makes_room_for_a_halt(tmp_path: Path) -> None:
    """On a real full disk, which takes the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("a small disk can only be mounted by root")
    try:
        path = disk / "j.sqlite"
        journal = SqliteJournal(path)
        lay_reserve(path)
        last_word = LastWordJournal(SqliteJournal(path), reserve_of(path))
        taken = [*fill(journal), *fill(journal, small)]
        last_word.append([HALT], NOW)
        assert not reserve_of(path).exists()
        assert list(journal.replay()) == [*taken, HALT]
        journal.close()
        last_word.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S603, S607


def test_a_disk_without_room_refuses_the_start(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    SqliteJournal(path).close()
    with (
        no_file_longer_than(path.stat().st_size),
        pytest.raises(JournalError, match=r"j\.sqlite.*disk"),
    ):
        JournalKeeper(path, NOW)
    JournalKeeper(path, NOW).release()


def test_a_read_only_disk_refuses_the_start_with_one_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    path = disk / "j.sqlite"
    SqliteJournal(path).close()
    if os.geteuid() == 0:
        bind = f"mount --bind {disk} {disk} && mount -o remount,ro,bind {disk}"
        if subprocess.run(["sh", "-c", bind], check=False, capture_output=True).returncode:  # noqa: S603, S607
            pytest.skip("root may not mount here, and is stopped by no permission")
    else:
        disk.chmod(0o500)
    try:
        with pytest.raises(JournalError, match=r"j\.sqlite.*(writable|disk)"):
            JournalKeeper(path, NOW)
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S603, S607
        else:
            disk.chmod(0o700)


HOLDER = """
import sys
from pathlib import Path
from core.journal_keeper import JournalKeeper
from core.units import Nanos
keeper = JournalKeeper(Path(sys.argv[1]), Nanos(0))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_daemon_is_told_the_first_ones_process_and_a_dead_one_holds_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.sqlite"
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(JournalError, match=rf"in use by process {first.pid}\b"):
            JournalKeeper(path, NOW)
        first.kill()
    JournalKeeper(path, NOW).release()
