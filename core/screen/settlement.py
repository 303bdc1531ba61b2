"""Where the settlement of a window stands while its final minute runs."""

from __future__ import annotations

from typing import Final

from core.units import INDEX_DECIMALS, IndexValue, ceil_to

PRINTS: Final = 60
"""Prints whose mean settles a window."""


def winning_sum(strike: IndexValue, digits: int) -> int:
    """The smallest sum of the sixty prints whose rounded mean is at least `strike`.

    The mean is rounded half up to `digits` decimals (`core.units.mean_index`), so a sum may lie
    half a rounding step per print below and still pay YES.
    """
    step = int(10 ** (INDEX_DECIMALS - digits))
    return PRINTS * ceil_to(strike, step) - PRINTS * step // 2


def needed_mean(strike: IndexValue, digits: int, known: int, known_sum: int) -> float | None:
    """Mean that the prints still to come must reach for YES, in index units.

    None when all sixty are known.
    """
    left = PRINTS - known
    if left <= 0:
        return None
    return (winning_sum(strike, digits) - known_sum) / left
