"""A synthetic market: seeded index, makers who quote late around it, takers who trade with them.

Everything happens on a grid of 200 ms, `index_delay` after each stamp, so the events depend on the
seed, on the start and on what other accounts do, never on how often `advance` is called.

How much edge there is, is a choice (`MakerModel`), and the default is generous to the quick: an eye
that sees the newest index value and knows the true volatility finds more than 3 cents after the fee
in 4 % of all seconds, and they are real (5 cents claimed, 7 realised over 200 windows). Makers
without lag and error leave 0.5 %, and nothing is earned there. A profit made here says that a
program works, never that it will earn anything on the real exchange. Figures, and 0.3 s of CPU for
a window: `python -m tests.benchmarks market --rounds 10`.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.windows import window_at
from core.exchange.engine_types import SOL_15M, SeriesSpec
from core.exchange.scenario_calendar import Calendar
from core.exchange.scenario_index import STEP, IndexModel, SyntheticIndex
from core.exchange.scenario_makers import Crowd, MakerModel
from core.exchange.scenario_takers import TakerModel
from core.exchange.scenario_window import Prints, SyntheticWindow, World
from core.units import MILLISECOND, SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from core.exchange.simulated import SimulatedExchange

_HISTORY: Final = Nanos(3_600 * SECOND)
"""Prints that exist before the start: enough for a strike, and for somebody's volatility."""


class SyntheticConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a synthetic market is made of."""

    seed: int = 1
    series: SeriesSpec = SOL_15M
    index: IndexModel = IndexModel()
    makers: MakerModel = MakerModel()
    takers: TakerModel = TakerModel()
    index_delay: Nanos = Nanos(100 * MILLISECOND)
    """From an index value's stamp to its publication; less than a step."""


class SyntheticScenario:
    """Drives one series of an engine. Several may drive one engine (`scenario.Together`)."""

    def __init__(self, engine: SimulatedExchange, config: SyntheticConfig, start: Nanos) -> None:
        """Add the series, fill in the index of the hour before `start`, list the windows."""
        engine.add_series(config.series)
        self._engine = engine
        self._config = config
        self._world = World(
            index=SyntheticIndex(config.index, config.series.round_digits, config.seed),
            prints=Prints(),
            mean_sigma=config.index.mean_sigma,
            crowd=Crowd(config.makers, _draw("makers", config)),
            takers=config.takers,
        )
        self._window: SyntheticWindow | None = None
        self._stamp = Nanos(start // SECOND * SECOND - _HISTORY)
        self._fill_history(start)
        self._calendar = Calendar(engine, config.series.ticker, start)

    def advance(self, now: Nanos) -> None:
        """Take every step whose time has come, and bring the engine to `now`."""
        while self.next_due() <= now:
            self._step()
        self._engine.advance(now)

    def next_due(self) -> Nanos:
        """The time of the next step."""
        return Nanos(self._stamp + STEP + self._config.index_delay)

    @property
    def true_sigma(self) -> float:
        """Volatility of the index now, per square root of a second: what nobody in it can see."""
        return self._world.index.sigma

    def _fill_history(self, start: Nanos) -> None:
        prints: list[tuple[Nanos, IndexValue]] = []
        while self.next_due() <= start:
            self._stamp = Nanos(self._stamp + STEP)
            value = self._world.index.step()
            if self._stamp % SECOND == 0:
                prints.append((self._stamp, value))
                self._world.prints.add(self._stamp, value)
        self._engine.record_index(self._config.series.index_id, prints)

    def _step(self) -> None:
        now = self.next_due()
        stamp = self._stamp = Nanos(self._stamp + STEP)
        value = self._world.index.step()
        self._engine.publish_index(self._config.series.index_id, value, stamp, now)
        if stamp % SECOND == 0:
            self._world.prints.add(stamp, value)
            self._world.crowd.second()
            self._calendar.list_due(now)
        window = self._window_at(now)
        if window is not None:
            window.act(stamp, now)

    def _window_at(self, now: Nanos) -> SyntheticWindow | None:
        current = self._window
        if current is not None and now < current.window.close_ns:
            return current
        window = window_at(self._config.series.ticker, now)
        if window is None:
            return None
        draw = _draw(f"window {window.close_ns}", self._config)
        self._window = SyntheticWindow(self._engine, window, self._world, draw)
        return self._window


def _draw(purpose: str, config: SyntheticConfig) -> Random:
    """A generator of its own for each purpose, so that none disturbs another."""
    text = f"{purpose} {config.series.ticker} {config.seed}"
    return Random(text)
