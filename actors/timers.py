"""Time as messages: one thread and one heap deliver what is due, on the clock of the system.

`Agenda` is the heap alone, without a thread: `Timers` drives it from a real clock, the stepper from
a virtual one, so both deliver the same messages for the same schedule.
"""

from __future__ import annotations

import heapq
import logging
import threading
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec

from core.clock import sleep_seconds
from core.messages import ActorFailed, Message, Scheduled, Tick
from core.topology import SUPERVISION, TIMERS
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.inbox import Delivery
    from core.clock import Clock

_log = logging.getLogger(__name__)

_LONGEST_SLEEP_S: Final = 1.0
"""A clock that is corrected is noticed after this long at the latest."""


class _Beat(msgspec.Struct, frozen=True):
    """A regular tick of one role."""

    to: str
    interval: Nanos


class Agenda:
    """What is to be delivered when. Not thread-safe."""

    def __init__(self) -> None:
        self._heap: list[tuple[Nanos, int, _Beat | Delivery]] = []
        """Due time and order of entry (which decides between equals) with what is due."""
        self._beats: dict[str, _Beat] = {}
        self._order = count()
        self._seen = Nanos(0)
        """The latest time this was asked about."""

    @property
    def next_due(self) -> Nanos | None:
        """When the next entry is due; None when there is none."""
        return self._heap[0][0] if self._heap else None

    def schedule(self, message: Message, now: Nanos) -> None:
        """Take a `Scheduled`: its message is delivered once, at its time; now, if that is past."""
        if not isinstance(message, Scheduled):
            msg = f"timers take Scheduled, not {type(message).__name__}"
            raise TypeError(msg)
        self._push(max(message.due, now), (message.to, message.message))

    def tick(self, to: str, interval: Nanos, start: Nanos) -> None:
        """Deliver a `Tick` at `start + interval`, and from there on at whole multiples of it.

        A second call for the same role replaces the first.
        """
        if interval <= 0:
            msg = f"the tick of {to} needs a positive interval, got {interval}"
            raise ValueError(msg)
        beat = self._beats[to] = _Beat(to, interval)
        self._push(Nanos(start + interval), beat)

    def cease(self, to: str) -> None:
        """End the ticks of a role."""
        self._beats.pop(to, None)

    def take(self, now: Nanos) -> Delivery | None:
        """Remove and return what was due first, if it is due at `now`; equal times by entry.

        A role whose ticks were missed gets one, with the due time of the newest, and the schedule
        goes on as if nothing had happened: missed ticks are not replayed, and nothing drifts.
        Where `now` has gone back (a corrected clock), all ticks start over from it: nobody waits
        for a time that was a mistake.
        """
        if now < self._seen:
            for beat in tuple(self._beats.values()):
                self.tick(beat.to, beat.interval, now)
        self._seen = now
        while self._heap and self._heap[0][0] <= now:
            due, _, entry = heapq.heappop(self._heap)
            if not isinstance(entry, _Beat):
                return entry
            if self._beats.get(entry.to) is entry:
                newest = Nanos(now - (now - due) % entry.interval)
                self._push(Nanos(newest + entry.interval), entry)
                return entry.to, Tick(due=newest)
        return None

    def _push(self, due: Nanos, entry: _Beat | Delivery) -> None:
        heapq.heappush(self._heap, (due, next(self._order), entry))


class Timers:
    """The thread. `schedule` is the sink behind the name `timers`; all methods on any thread."""

    def __init__(self, clock: Clock, tell: Callable[[str, Message], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._agenda = Agenda()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=TIMERS, daemon=True)

    def start(self) -> None:
        """Begin to deliver; once."""
        self._thread.start()

    def stop(self) -> None:
        """End and wait for the thread; what is not due yet is never delivered."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def schedule(self, message: Message) -> None:
        """Take a `Scheduled`: its message goes out at its time, at once when that is past."""
        with self._changed:
            first = self._agenda.next_due
            self._agenda.schedule(message, self._clock.now())
            self._wake_if_earlier(first)

    def tick(self, to: str, interval: Nanos) -> None:
        """Send `to` a `Tick` at every `interval` of the clock, from now on."""
        with self._changed:
            first = self._agenda.next_due
            self._agenda.tick(to, interval, self._clock.now())
            self._wake_if_earlier(first)

    def cease(self, to: str) -> None:
        """End the ticks of a role, for one that will not come back."""
        with self._changed:
            self._agenda.cease(to)

    def _wake_if_earlier(self, first: Nanos | None) -> None:
        if self._agenda.next_due != first:
            self._changed.notify()

    def _run(self) -> None:
        try:
            while (due := self._wait()) is not None:
                self._tell(*due)
        except Exception as error:  # noqa: BLE001 - border: a system without time must be reported
            _log.exception("timers failed")
            self._tell(
                SUPERVISION,
                ActorFailed(
                    actor=TIMERS,
                    generation=0,
                    error=f"{type(error).__name__}: {error}",
                    ts=self._clock.now(),
                ),
            )

    def _wait(self) -> Delivery | None:
        """Sleep until something is due; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                due = self._agenda.take(self._clock.now())
                if due is not None:
                    return due
                self._changed.wait(self._sleep_seconds())
            return None

    def _sleep_seconds(self) -> float | None:
        next_due = self._agenda.next_due
        if next_due is None:
            return None
        return min(sleep_seconds(self._clock, next_due), _LONGEST_SLEEP_S)
