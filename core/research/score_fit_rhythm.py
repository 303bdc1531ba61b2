"""The rhythm of the day and the usual volatility of each coin, from settled windows.

A settled window tells one move: its settlement value against its strike. Squared moves, each
against the usual size of its two days, are averaged by quarter hour of the New York day, for
working days and weekends; drawn towards 1 as if `_SHRINK` moves of usual size had been seen beside;
and smoothed around the clock by a normal curve of three quarter hours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from core.domain.calibration import Floats
from core.domain.daytime import HALF_HOURS, DayProfile, make_profile
from core.domain.windows import in_new_york
from core.research.recorded_markets import read_columns
from core.units import MILLISECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COINS: Final = ("SOL", "BTC", "ETH", "XRP", "DOGE", "HYPE", "BNB")
_QUARTERS: Final = 96
_SHRINK: Final = 10.0
_SMOOTH: Final = 3.0
_REACH: Final = 8
_AROUND: Final = 193
"""Windows that give the usual size of a move: two days with the move in their middle."""
_HALF_LIFE: Final = 16.0
"""Windows, of the level by which a rhythm is judged."""
_NORMAL_MEDIAN: Final = 0.6745
_BASIS_POINT: Final = 1e-4
_SATURDAY: Final = 5


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """Settled windows of one coin, in order of time."""

    coin: str
    opens: np.ndarray[Any, np.dtype[np.int64]]
    log_moves: Floats

    def between(self, start: Nanos, end: Nanos) -> Moves:
        """Those that opened in [start, end)."""
        chosen = (self.opens >= start) & (self.opens < end)
        return Moves(coin=self.coin, opens=self.opens[chosen], log_moves=self.log_moves[chosen])

    @property
    def usual_bps(self) -> float:
        """Median absolute move as the standard deviation of a normal one, basis points."""
        return float(np.median(np.abs(self.log_moves))) / _NORMAL_MEDIAN / _BASIS_POINT


def read_moves(source: Path, coin: str) -> Moves:
    """From a folder of recordings. Raises TapeError."""
    table = read_columns(
        source / f"markets_KX{coin}15M.parquet",
        ("open_time_ms", "floor_strike", "expiration_value"),
        filters=[("src", "=", "U")],
    )
    opens, strikes, values = (
        table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in table.column_names
    )
    known = (strikes > 0) & (values > 0)
    order = np.argsort(opens[known], kind="stable")
    return Moves(
        coin=coin,
        opens=opens[known].astype(np.int64)[order] * MILLISECOND,
        log_moves=np.log(values[known] / strikes[known])[order],
    )


def fit_profile(coins: Sequence[Moves]) -> DayProfile:
    """The rhythm that all coins share."""
    squares, counts = np.full((2, _QUARTERS), _SHRINK), np.full((2, _QUARTERS), _SHRINK)
    for moves in coins:
        usual = _around(np.abs(moves.log_moves)) * math.sqrt(math.pi / 2)
        for at, ratio in zip(moves.opens, moves.log_moves / usual, strict=True):
            place = _place(Nanos(int(at)))
            squares[place] += ratio * ratio
            counts[place] += 1.0
    weekday, weekend = (np.sqrt(_smooth(row)) for row in squares / counts)
    return make_profile(_halved(weekday), _halved(weekend))


def forecast_loss(moves: Moves, profile: DayProfile, start: Nanos, end: Nanos) -> Floats:
    """QLIKE of each move in [start, end): r^2 / h + ln h, h forecast from the moves before.

    h is an exponential mean of squared moves without their rhythm, times the rhythm of the window.
    Lower is better.
    """
    keep = 0.5 ** (1.0 / _HALF_LIFE)
    level, losses = None, []
    for at, move in zip(moves.opens, moves.log_moves, strict=True):
        factor = profile.factor(Nanos(int(at))) ** 2
        square = move * move
        if level is not None and start <= at < end:
            variance = level * factor
            losses.append(square / variance + math.log(variance))
        level = square / factor if level is None else keep * level + (1 - keep) * square / factor
    return np.array(losses)


def _place(at: Nanos) -> tuple[int, int]:
    local = in_new_york(at)
    return int(local.weekday() >= _SATURDAY), 4 * local.hour + local.minute // 15


def _around(sizes: Floats) -> Floats:
    """Centred moving mean, over fewer at the ends."""
    window = np.ones(_AROUND)
    total = np.convolve(sizes, window, "same")
    return total / np.convolve(np.ones(len(sizes)), window, "same")


def _smooth(ratios: Floats) -> Floats:
    curve = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / _SMOOTH) ** 2)
    around = np.concatenate([ratios[-_REACH:], ratios, ratios[:_REACH]])
    return np.convolve(around, curve / curve.sum(), "valid")


def _halved(factors: Floats) -> tuple[float, ...]:
    halves = factors.reshape(HALF_HOURS, 2).mean(axis=1)
    return tuple(round(float(factor), 4) for factor in halves)
