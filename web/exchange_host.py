"""The simulated exchange inside a process: one lock, one clock, one thread that lets time pass."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from core.clock import sleep_seconds
from core.exchange.tiers import TIERS
from web.exchange_memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.clock import Clock
    from core.exchange.engine_events import EngineEvent
    from core.exchange.scenario import Scenario
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LONGEST_SLEEP: Final = 1.0
_SHORTEST_SLEEP: Final = 0.001
"""Seconds of the machine between two steps; more steps than this nobody could tell apart."""


class ExchangeHost:
    """Serialises every access to the engine and publishes what each one caused.

    Whoever holds the lock sees an engine whose events have all been published: a snapshot taken
    under it continues without a gap in the events that follow.
    """

    def __init__(
        self,
        engine: SimulatedExchange,
        scenario: Scenario,
        clock: Clock,
        publish: Callable[[SimulatedExchange, tuple[EngineEvent, ...]], None],
        memory: Memory | None = None,
    ) -> None:
        self.clock = clock
        self.memory = memory or Memory(engine)
        """For reads; guarded by the lock as the engine is."""
        self.limits = TIERS["basic"]
        """The token buckets that every account has."""
        self.failure: BaseException | None = None
        """Why the thread that lets time pass has died: a bug, and the end of the exchange."""
        self.on_failure: Callable[[], None] = lambda: None
        """Called once, on that thread, when it has died."""
        self._engine = engine
        self._scenario = scenario
        self._publish = publish
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exchange-time", daemon=True)

    def start(self) -> None:
        """Let time pass from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Let time stand still. Idempotent."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def ask(self, question: Callable[[SimulatedExchange, Nanos], T]) -> T:
        """A read, of the state that has been published."""
        with self._lock:
            return question(self._engine, self.clock.now())

    def act(self, action: Callable[[SimulatedExchange, Nanos], T]) -> T:
        """A change, after everything that is due before it; its events are published on return.

        The scenario goes first: it must not find the engine at a time beyond its own next step.
        """
        with self._lock:
            now = self.clock.now()
            self._pass_time(now)
            try:
                return action(self._engine, now)
            finally:
                self._tell()

    def step(self) -> Nanos:
        """Bring everything up to the clock; when there is something to do next."""
        with self._lock:
            self._pass_time(self.clock.now())
            self._tell()
            due = self._scenario.next_due()
            scheduled = self._engine.next_due()
            return due if scheduled is None else min(due, scheduled)

    def _tell(self) -> None:
        events = self._engine.drain()
        self.memory.take(self._engine, events)
        self._publish(self._engine, events)

    def _pass_time(self, now: Nanos) -> None:
        self._scenario.advance(now)
        self._engine.advance(now)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                wait = sleep_seconds(self.clock, self.step())
                self._stop.wait(min(max(wait, _SHORTEST_SLEEP), _LONGEST_SLEEP))
        except BaseException as error:  # noqa: BLE001 - border: this thread is the exchange's heart
            _log.critical("the local exchange has failed", exc_info=error)
            self.failure = error
            self.on_failure()
