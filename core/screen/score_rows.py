"""Rows of the live scoreboard. None where nothing has been scored yet."""

from __future__ import annotations

from core.messages.base import Part


class Three(Part, frozen=True, kw_only=True):
    """A mean score of each forecaster over the same looks; lower is better."""

    market: float
    model: float
    blend: float


class SpanRow(Part, frozen=True, kw_only=True):
    """Looks with about the same time left."""

    upto: int | None
    """Most seconds left; None for all that is above the others."""
    windows: int
    looks: int
    log_loss: Three | None
    brier: Three | None
    weight: float
    """Of the model in the fair value that is traded, 0..1."""


class ScoreRow(Part, frozen=True, kw_only=True):
    """Model against market in one series, over its settled windows."""

    series: str
    sentence: str
    windows: int
    looks: int
    log_loss: Three | None
    brier: Three | None
    lead: float | None
    """Log loss of the market less that of the model, mean over windows: above 0 the model leads."""
    low: float | None
    high: float | None
    """95 % interval of `lead` that holds at all times at once."""
    by_seconds_left: tuple[SpanRow, ...]


class VerdictRow(Part, frozen=True, kw_only=True):
    """What the settled trades say of an edge: dollars per contract after fees."""

    sentence: str
    trades: int
    """Fills."""
    windows: int
    mean: float
    low: float | None
    high: float | None
    """95 % interval of `mean` that holds at all times at once."""
    has_edge: bool
    """The whole interval lies above zero, and the windows are enough to say so."""
    trades_needed: int | None
    """Further trades until this mean would show; None where there is none to show."""


class CalibrationRow(Part, frozen=True, kw_only=True):
    """The whole live scoreboard."""

    verdict: VerdictRow
    series: tuple[ScoreRow, ...]
    at: str
