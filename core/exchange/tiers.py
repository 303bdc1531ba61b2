"""The venue's usage tiers: token buckets of an account by name (kalshi.md 2.10).

The burst of every tier above the lowest is not documented; three seconds of refill for reads and
one for writes are what the lowest has.
"""

from __future__ import annotations

from typing import Final

from core.exchange.listing import Limits

_RATES: Final = {
    "basic": (200, 100),
    "advanced": (300, 300),
    "expert": (600, 600),
    "premier": (1_200, 1_200),
    "paragon": (2_400, 2_400),
    "prime": (4_800, 4_800),
    "prestige": (12_000, 9_600),
}
_READ_BURST: Final = 3

TIERS: Final = {
    name: Limits(
        tier=name,
        read_refill=read,
        read_capacity=_READ_BURST * read,
        write_refill=write,
        write_capacity=write,
    )
    for name, (read, write) in _RATES.items()
}
SLOW_BALANCE: Final = frozenset({"basic", "advanced"})
"""Tiers that may ask for the balance once a second; the others five times."""
