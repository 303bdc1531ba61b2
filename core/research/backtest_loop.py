"""One runner with every role, in virtual time: the loop of a backtest, and of any replay.

What the roles schedule, their ticks, and the records of the tape come in one order of time. What is
due at the time of a record goes before it; equal due times in the order of entry. A record goes to
the roles that the topology names, and all that follows from it is done before the next. Nothing
reads a clock.

Where a tape is silent for longer than `SILENCE`, ticks rest until shortly before it goes on:
recordings have gaps of hours, in which no role has anything to do but to say so.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec

from core.clock import VirtualClock
from core.messages import Begin, Message, Scheduled, Tick
from core.runner import Runner
from core.topology import ROUTES, SPECS, SUPERVISION, TIMERS, Routing, kind_of
from core.units import NEVER, SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.journal import Journal
    from core.runner import Outgoing, Role


SILENCE: Final = Nanos(120 * SECOND)
"""A longer pause of the tape is a gap in the recording."""
_BEFORE: Final = Nanos(60 * SECOND)
"""Ticks go on for this long into a gap: windows settle, answers come back."""
_AGAIN: Final = Nanos(10 * SECOND)
"""And again from this long before its end: permits are renewed, days are rolled."""


class _Beat(msgspec.Struct, frozen=True, gc=False):
    """A regular tick of one role."""

    to: str
    interval: Nanos


class Loop:
    """Carries `roles` through time. Not thread-safe.

    Call `begin` once, then `take` for each record in order of arrival, then `run_until` for what is
    still on its way. Messages for names that are not on board are dropped, as their sockets and
    screens are.
    """

    def __init__(self, roles: Mapping[str, Role], journal: Journal, start: Nanos) -> None:
        self.clock = VirtualClock(start)
        self.delivered = 0
        """Records taken."""
        self._roles = dict(roles)
        self._runner = Runner(roles, Routing((*roles, TIMERS)), journal)
        self._targets = {
            kind: tuple(name for name in roles if name in targets or kind_of(name) in targets)
            for kind, targets in ROUTES.items()
        }
        self._agenda: list[tuple[Nanos, int, _Beat | Scheduled]] = []
        self._entries = count()

    def begin(self) -> None:
        """Fold the journal, begin every role, supervision first, then sinks before sources."""
        recovered = self._runner.recover()
        now = self.clock.now()
        for name in sorted(self._roles, key=_start_order):
            self._schedule(self._runner.run(name, Begin(recovered=recovered), now))
            interval = SECOND if name == SUPERVISION else SPECS[kind_of(name)].tick
            if interval is not None:
                self._push(Nanos(now + interval), _Beat(name, interval))

    def take(self, record: Message, now: Nanos) -> None:
        """Everything that is due until `now`, then a record that arrives at `now`.

        Hot: beside the roles it costs about 1 us.
        """
        if self._agenda and self._agenda[0][0] <= now:
            self.pass_time(now)
        self.take_for(self._targets[type(record)], record, now)

    def pass_time(self, now: Nanos) -> None:
        """Everything that is due until `now`, when the next record comes."""
        last = self.clock.now()
        if now - last > SILENCE:
            self._run_due(Nanos(last + _BEFORE))
            self._rest(Nanos(now - _AGAIN))
        self._run_due(now)

    def take_for(self, targets: Sequence[str], record: Message, now: Nanos) -> None:
        """A record for some roles only, with nothing due until `now`."""
        self.clock.advance_to(now)
        self.delivered += 1
        leaving = self._runner.broadcast(targets, record, now)
        if leaving:
            self._schedule(leaving)

    @property
    def roles(self) -> Mapping[str, Role]:
        """Who is on board."""
        return self._roles

    @property
    def next_due(self) -> Nanos:
        """When something happens by itself, next."""
        return self._agenda[0][0] if self._agenda else NEVER

    def skip(self, records: int, now: Nanos) -> None:
        """Records that no role had to hear of, the last at `now`, with nothing due until then."""
        self.clock.advance_to(now)
        self.delivered += records

    def deliver(self, message: Message, now: Nanos) -> None:
        """A message of a role on board to everybody on board that gets it."""
        self._schedule(self._runner.broadcast(self._targets[type(message)], message, now))

    def send(self, to: str, message: Message) -> None:
        """Deliver a message to one role now: what an operator or a socket would do."""
        self._schedule(self._runner.run(to, message, self.clock.now()))

    def run_until(self, until: Nanos) -> None:
        """Let time pass without records."""
        self._run_due(until)
        self.clock.advance_to(until)

    def _run_due(self, now: Nanos) -> None:
        agenda = self._agenda
        while agenda and agenda[0][0] <= now:
            due, _, entry = heappop(agenda)
            self.clock.advance_to(due)
            if isinstance(entry, _Beat):
                message: Message = Tick(due=due)
                self._push(Nanos(due + entry.interval), entry)
            else:
                message = entry.message
            if entry.to in self._roles:
                self._schedule(self._runner.run(entry.to, message, due))

    def _rest(self, until: Nanos) -> None:
        """Put ticks off, each in its own rhythm; missed ones are not made up for."""
        kept = []
        for due, order, entry in self._agenda:
            later = due
            if isinstance(entry, _Beat) and due < until:
                later = Nanos(until + (due - until) % entry.interval)
            kept.append((later, order, entry))
        self._agenda = kept
        heapify(self._agenda)

    def _schedule(self, leaving: list[Outgoing]) -> None:
        now = self.clock.now()
        for _, message in leaving:
            if isinstance(message, Scheduled):
                self._push(max(now, message.due), message)

    def _push(self, due: Nanos, entry: _Beat | Scheduled) -> None:
        heappush(self._agenda, (due, next(self._entries), entry))


def _start_order(name: str) -> int:
    return -1 if name == SUPERVISION else SPECS[kind_of(name)].order
