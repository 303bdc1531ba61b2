"""How late a settlement may be: the recorded distribution of the venue (kalshi.md 8.2).

Half of all markets settle by the timeline; one in ten takes minutes, one in a hundred half an hour,
the worst a day.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from core.units import SECOND, Nanos

_POINTS: Final = ((0.5, 1.0), (0.9, 135.0), (0.99, 1_910.0), (0.9999, 86_400.0))
"""Share of the markets, and the seconds beyond the timeline that it stays within."""


def tail_delay(seed: int, ticker: str) -> Nanos:
    """The delay of one market beyond the timeline; equal seeds give equal delays."""
    digest = blake2b(f"{seed}:{ticker}".encode(), digest_size=8).digest()
    return delay_at(int.from_bytes(digest) / 2**64)


def delay_at(share: float) -> Nanos:
    """The delay that a share (0..1) of the markets stays within; between the points log-linear."""
    if share <= _POINTS[0][0]:
        return Nanos(0)
    for (low, short), (high, long) in pairwise(_POINTS):
        if share <= high:
            part = (share - low) / (high - low)
            return Nanos(round(short * math.exp(part * math.log(long / short)) * SECOND))
    return Nanos(round(_POINTS[-1][1] * SECOND))
