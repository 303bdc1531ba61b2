"""The recorder: writes the tape of a run beside everything else, and is in nobody's way.

Messages come by on their senders' threads; all that happens there is that they are put into a list.
A thread of its own sorts them and writes segments. A disk that is slow or full costs records, which
are counted and logged, never a sender's time.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from actors.tape_merging import Merging
from config.logs import kv
from core.research.tape_files import TapeError
from core.research.tape_folder import forget_old
from core.research.tape_partition import day_of
from core.research.tape_recorder import RecorderTerms, TapeRecorder

if TYPE_CHECKING:
    from pathlib import Path

    from actors.venues import Venue
    from config.settings import Settings
    from core.clock import Clock
    from core.messages import Message
    from core.units import Nanos

_log = logging.getLogger(__name__)

MOST_WAITING: Final = 500_000
"""Messages that may wait for the thread: minutes of the busiest market."""
MOST_HELD: Final = 8_000
"""Records in memory at which a segment is written before its time: 0.1 s of work, 10 MB."""
LOCAL_RUNS: Final = 20
"""Tapes of local exchanges that are kept."""
GLANCE_SECONDS: Final = 0.5
JOIN_SECONDS: Final = 30.0


class RecordingTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is written where, how often, and what is kept."""

    tape: RecorderTerms
    segment_seconds: float
    keep_days: int = 0
    """Days that are kept, today included; 0: every day."""
    most_bytes: int = 1 << 62
    """Size of the folder above which the oldest days go."""


def open_recorder(settings: Settings, venue: Venue) -> Recorder:
    """A recorder for a run on this venue, started.

    Each local exchange makes up a market of its own, so without a RECORD_DIR each gets a tape of
    its own, and the newest of them are kept.
    """
    root, source = settings.recordings, settings.stream_url
    if settings.mode == "local":
        source = "the local exchange"
        if settings.record_dir is None:
            forget_runs(root, LOCAL_RUNS - 1)
            root = root / venue.key_id[:8]
    terms = RecordingTerms(
        tape=RecorderTerms(
            root=root,
            series=settings.series,
            about={"source": source, "recording": "own", "licence": "your own recording"},
        ),
        segment_seconds=settings.record_segment_seconds,
        keep_days=settings.record_keep_days,
        most_bytes=round(settings.record_gigabytes * 1e9),
    )
    recorder = Recorder(terms, venue.clock)
    recorder.start()
    _log.info("recording", extra=kv(tape=root))
    return recorder


def forget_runs(folder: Path, keep: int) -> None:
    """Remove the tapes of older local exchanges, except the newest."""
    runs = [path for path in folder.glob("*") if path.is_dir()]
    for old in sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(old, ignore_errors=True)


class Recorder:
    """A sink with a thread. `take` on any thread; `start` and `stop` on one."""

    def __init__(self, terms: RecordingTerms, clock: Clock) -> None:
        self._terms = terms
        self._clock = clock
        self._tape = TapeRecorder(terms.tape)
        self._merging = Merging(terms.tape.root)
        self._waiting: deque[tuple[Nanos, Message]] = deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.lost = 0
        """Messages that found no room, or that the disk did not take."""

    @property
    def written(self) -> int:
        """Records in segments so far."""
        return self._tape.written

    @property
    def root(self) -> Path:
        """The folder of the tape."""
        return self._terms.tape.root

    def take(self, message: Message) -> None:
        """Note a message. Half a microsecond, and never a wait."""
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append((self._clock.now(), message))

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive():
            _log.error("the tape's last segment was not written in time")
        self._merging.stop()
        _log.info("recorded", extra=kv(records=self.written, lost=self.lost))

    # --- on its own thread

    def _run(self) -> None:
        day = self._tidy()
        due = time.monotonic() + self._terms.segment_seconds
        while not self._ending.wait(GLANCE_SECONDS):
            self._collect()
            self._merging.look()
            if self._tape.held >= MOST_HELD or time.monotonic() >= due:
                due = time.monotonic() + self._terms.segment_seconds
                self._flush()
                if day_of(self._clock.now()) != day:
                    day = self._tidy()
        self._collect()
        self._flush()

    def _collect(self) -> None:
        waiting = self._waiting
        self._tape.add([waiting.popleft() for _ in range(len(waiting))])

    def _flush(self) -> None:
        held = self._tape.held
        if not held:
            return
        try:
            self._tape.flush()
        except (TapeError, OSError) as error:
            self.lost += held
            _log.error("a segment was not written", extra=kv(why=error, lost=held))

    def _tidy(self) -> str:
        """Remove days beyond the limits, have those that are over merged; today."""
        terms, today = self._terms, day_of(self._clock.now())
        try:
            forget_old(self.root, today, terms.keep_days, terms.most_bytes)
        except TapeError as error:
            _log.error("the tape was not tidied", extra=kv(why=error))
        self._merging.begin(today)
        return today
