"""How model and market have forecast: what each settled window told, and the standing that follows.

Probabilities are of YES; lower scores are better.
"""

from __future__ import annotations

from core.messages.base import Message, Part
from core.units import Nanos

Trio = tuple[float, float, float]
"""A score of the market, of the model, and of the blend that trades, in this order."""
Credits = tuple[tuple[float, ...], ...]
"""Credits of the blend's experts, for each span of time left; see `core.domain.blend`."""


class SpanScore(Part, frozen=True, kw_only=True):
    """One settled window, over the looks with about the same time left."""

    span: int
    """Which span of time left, counted from the close."""
    looks: int
    losses: tuple[float, ...]
    """Mean log loss of each of the blend's experts: what changed the credits."""
    log_loss: Trio
    """Means over the looks."""
    brier: Trio


class WindowScored(Message, frozen=True, kw_only=True):
    """A window settled that had been forecast. Journalled by calibration, once for each market."""

    ticker: str
    series: str
    close_ns: Nanos
    yes: bool
    spans: tuple[SpanScore, ...]
    credits: Credits
    """Of the series, with this window learned."""
    ts: Nanos


class SpanStanding(Part, frozen=True, kw_only=True):
    """All settled windows of a series, over the looks with about the same time left."""

    windows: int = 0
    looks: int = 0
    log_loss: Trio = (0.0, 0.0, 0.0)
    """Means over all looks; 0 without any."""
    brier: Trio = (0.0, 0.0, 0.0)
    weight: float
    """Of the model in the blend, averaged over the experts, 0..1."""


class SeriesStanding(Part, frozen=True, kw_only=True):
    """Model against market in one series."""

    series: str
    windows: int
    looks: int
    log_loss: Trio
    brier: Trio
    lead: float
    """Log loss of the market less that of the model, mean over windows: above 0 the model leads."""
    low: float | None
    high: float | None
    """Interval of `lead` that may be looked at all the time; None before it is finite."""
    sentence: str
    spans: tuple[SpanStanding, ...]
    credits: Credits


class TradesVerdict(Part, frozen=True, kw_only=True):
    """What the settled trades say of an edge: dollars per contract after fees."""

    trades: int
    windows: int
    mean: float
    low: float | None
    high: float | None
    """Interval that may be looked at all the time; None before it is finite."""
    needed: int | None
    """Further trades until this mean would show; None where there is none to show."""
    sentence: str


class ScoreboardTold(Message, frozen=True, kw_only=True):
    """The whole scoreboard: at every change, and every few seconds for who has just started."""

    series: tuple[SeriesStanding, ...]
    verdict: TradesVerdict
    ts: Nanos
