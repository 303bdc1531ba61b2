"""The gate before the venue: every request passes it and pays from the account's token buckets.

A job is let in by the queue of the workers once the tokens of its first request are there; they are
taken then and lie ready, so that the request itself never waits between the last look at an order
and its sending. Further requests of the same job wait here, on the worker's thread, in the order of
urgency that their job has.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from actors.line import Line
from core import messages as m
from core.clock import Clock, patience, sleep_seconds
from core.exchange.port import RateLimited
from core.exchange.throttle import Throttle, Urgency
from core.exchange.venue_time import VenueTime
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.costs import Bill
    from core.exchange.listing import Limits

PATIENCE_SECONDS: Final = 5.0
"""Of the machine: a request that would wait longer for its tokens is given up before it is sent."""
COMPARED_SECONDS: Final = 60.0
"""Of the machine: for so long an answer tells something of the venue's clock."""
_TOO_MANY: Final = 429


class _Errand(threading.local):
    """What the present thread is about; a worker carries one job at a time."""

    urgency: Urgency = Urgency.READ
    paid: Bill | None = None


class Gate:
    """One for each account, shared by all threads that send for it. All methods on any thread."""

    def __init__(
        self, clock: Clock, seed: int = 0, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.line = Line(clock.now())
        """The one on which all orders of the account leave."""
        self._clock = clock
        self._patience = patience(clock, patience_seconds)
        self._throttle = Throttle(clock.now(), seed=seed)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._errand = _Errand()
        self._venue_time = VenueTime()
        self._waiting = 0

    def set_limits(self, limits: Limits) -> None:
        """The venue told the account's buckets."""
        with self._changed:
            self._throttle.set_limits(limits, self._clock.now())
            self._changed.notify_all()

    # --- for the queue of the workers ------------------------------------------------------------

    def admit(self, bill: Bill, urgency: Urgency, deadline: Nanos | None) -> float | None:
        """Let a job in: 0.0, and its tokens are taken; else seconds of the machine to wait.

        None: its turn would come too late.
        """
        with self._lock:
            now = self._clock.now()
            wait = self._throttle.wait(bill, urgency, now)
            if not wait:
                self._throttle.take(bill, now)
                return 0.0
            due = Nanos(now + wait)
        if deadline is not None and due >= deadline:
            return None
        return sleep_seconds(self._clock, due)

    @contextmanager
    def errand(self, urgency: Urgency, paid: Bill) -> Iterator[None]:
        """Around a job: its requests have its urgency, and the first of that price is paid."""
        errand = self._errand
        errand.urgency, errand.paid = urgency, paid
        try:
            yield
        finally:
            if errand.paid is not None:
                with self._changed:
                    self._throttle.give_back(errand.paid, self._clock.now())
                    self._changed.notify_all()
            errand.urgency, errand.paid = Urgency.READ, None

    # --- for the client --------------------------------------------------------------------------

    def enter(self, bill: Bill) -> None:
        """Wait until a request of this price may leave, and pay for it.

        Raises RateLimited when that would take too long; then nothing was paid or sent.
        """
        errand = self._errand
        if errand.paid == bill:
            errand.paid = None
            return
        with self._changed:
            self._waiting += 1
            try:
                self._await_tokens(bill, errand.urgency)
            finally:
                self._waiting -= 1

    def answered(self, bill: Bill, status: int) -> None:
        """The venue answered a request."""
        with self._changed:
            now = self._clock.now()
            if status == _TOO_MANY:
                self._throttle.refused(bill, now)
            else:
                self._throttle.answered(bill, now)

    def now(self) -> Nanos:
        """What our clock shows."""
        return self._clock.now()

    def told(self, date: str, sent: Nanos) -> None:
        """The venue said what time it is there."""
        with self._lock:
            self._venue_time.told(date, sent, self._clock.now())

    def _await_tokens(self, bill: Bill, urgency: Urgency) -> None:
        now = self._clock.now()
        deadline = now + self._patience
        while wait := self._throttle.wait(bill, urgency, now):
            due = Nanos(now + wait)
            if due > deadline:
                buckets = ", ".join(name for name, _ in bill)
                msg = f"not sent: no tokens in {buckets} for another {wait / 1e9:.1f} s"
                raise RateLimited(msg)
            self._changed.wait(sleep_seconds(self._clock, due))
            now = self._clock.now()
        self._throttle.take(bill, now)

    # --- for people and supervision --------------------------------------------------------------

    def compared(self) -> m.ClockCompared | None:
        """How far the venue's clock is ahead of ours, by its answers of late; None without one."""
        with self._lock:
            now = self._clock.now()
            ahead = self._venue_time.ahead(now, patience(self._clock, COMPARED_SECONDS))
        if ahead is None:
            return None
        return m.ClockCompared(lowest=ahead.lowest, highest=ahead.highest, ts=now)

    def gauge(self, queued: int) -> m.RequestGauge:
        """How full the buckets are; `queued` jobs wait before the gate."""
        with self._lock:
            now = self._clock.now()
            return m.RequestGauge(
                tier=self._throttle.tier,
                buckets=tuple(
                    m.TokenGauge(
                        bucket=level.bucket,
                        tokens=level.tokens,
                        capacity=level.capacity,
                        refill=level.refill,
                        paused_ns=level.paused,
                    )
                    for level in self._throttle.levels(now)
                ),
                waiting=queued + self._waiting,
                refused=self._throttle.refusals,
                ts=now,
            )
