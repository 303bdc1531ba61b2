"""Where a simulated market comes from: what drives windows, index and liquidity of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.units import Nanos


class ScenarioError(ValueError):
    """A scenario cannot be made of what it was given; says of what, why, and what to do."""


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


class Together:
    """Several scenarios on one engine, for several series: their steps in order of time."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = tuple(scenarios)

    def advance(self, now: Nanos) -> None:
        """Drive the engine up to `now`; of equal times the first scenario goes first."""
        while (due := self.next_due()) <= now:
            for scenario in self._scenarios:
                if scenario.next_due() == due:
                    scenario.advance(due)
        for scenario in self._scenarios:
            scenario.advance(now)

    def next_due(self) -> Nanos:
        """When the first of them next has something to do."""
        return min(scenario.next_due() for scenario in self._scenarios)
