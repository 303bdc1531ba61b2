"""Where a simulated market comes from: what drives windows, index and liquidity of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.units import Nanos


class Scenario(Protocol):
    """A source of market life for one `SimulatedExchange`, which it was built around.

    Deterministic: equal seeds and equal calls of others into the engine give equal events, however
    often `advance` is called, because the scenario steps on a fixed grid of its own.
    """

    def advance(self, now: Nanos) -> None:
        """Drive the engine up to `now`; the events are in the engine's `drain`."""
        ...

    def next_due(self) -> Nanos:
        """When `advance` next has something to do; a server may sleep until then."""
        ...
