"""What the actors that do I/O share: they carry no role, and have threads beside their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.host import BaseActor
from core import messages as m
from core.topology import SUPERVISION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.host import Station
    from core.topology import Routing


class HelperThreadError(Exception):
    """A thread of an actor hit a defect; the actor falls with it and is started again."""


class ThreadFailed(m.Message, frozen=True, kw_only=True):
    """From a thread of an actor to the actor itself."""

    error: str


class OutsideActor(BaseActor):
    """Brings what comes from outside to whom the topology says."""

    def __init__(self, station: Station, routing: Routing) -> None:
        super().__init__(station)
        self._routing = routing

    def receive(self, to: str, message: m.Message) -> object:
        """A failed thread ends the actor; anything else is for the subclass."""
        if isinstance(message, ThreadFailed):
            raise HelperThreadError(message.error)
        return super().receive(to, message)

    def report_started(self) -> None:
        """Tell supervision that this generation runs; at the end of `begin`."""
        station = self.station
        started = m.ActorStarted(
            actor=station.name,
            generation=station.generation,
            recovered=0,
            ts=station.clock.now(),
        )
        station.directory.tell(SUPERVISION, started)

    # --- on any thread ---------------------------------------------------------------------------

    def deliver(self, messages: Iterable[m.Message]) -> None:
        """Tell each message to everybody to whom its type is routed."""
        tell, targets = self.station.directory.tell, self._routing.targets
        for message in messages:
            for target in targets(type(message)):
                tell(target, message)

    def thread_failed(self, error: Exception) -> None:
        """Let the actor fall with one of its threads; late news of a retired one are left."""
        if not self.is_fenced():
            failed = ThreadFailed(error=f"{type(error).__name__}: {error}")
            self.station.directory.tell(self.station.name, failed)

    def is_fenced(self) -> bool:
        """Whether this generation has been retired."""
        station = self.station
        return not station.directory.is_current(station.name, station.generation)
