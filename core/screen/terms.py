"""What the dashboard is told once, when the system is put together."""

from __future__ import annotations

from core.domain.series import SeriesSource
from core.messages.base import Part
from core.screen.system_rows import Mode
from core.units import Money, Nanos, seconds


class Limits(Part, frozen=True, kw_only=True):
    """The engine's limits, for the gauges. Shares are of 1."""

    max_total_exposure: Money
    max_daily_loss: Money
    max_concurrent_positions: int
    loss_threshold: float
    """Of the day's opening equity."""
    drawdown_threshold: float
    """Of the peak."""
    bankroll: Money = Money(0)
    """What stakes are computed from at most, by the settings."""


class DashboardTerms(Part, frozen=True, kw_only=True):
    """Identity, sources and patience of the screen. Durations are in the clock's own time."""

    mode: Mode
    sources: tuple[SeriesSource, ...]
    strategies: tuple[str, ...]
    limits: Limits
    parameters: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Of each strategy, the parameters that the settings name, with their values as given."""
    speed: float = 1.0
    interval: Nanos = seconds(0.1)
    """Changes of one topic are gathered for this long (`patience` of a tenth of a second)."""
    status_interval: Nanos = seconds(1.0)
    index_fresh: Nanos = seconds(3.0)
    book_fresh: Nanos = seconds(10.0)
    frame_fresh: Nanos = seconds(3.0)
    min_edge: float = 0.03
    """Least edge of the settings, dollars per contract."""
    slow: Nanos = seconds(5.0)
    """Between pictures that are costly to make."""
