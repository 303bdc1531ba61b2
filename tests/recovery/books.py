"""What a drill counts, and how it lets the power fail."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_MOST_LOST: Final = 6
"""Entries that a power cut takes where it is not aimed."""
_AIMED: Final = 0.5
"""Share of power cuts that take the newest order's approval, and with it that it was ever sent."""
_DEEPEST: Final = 40
"""Entries that an aimed cut takes at most."""


class Tally(msgspec.Struct, kw_only=True):
    """What rounds have come to."""

    rounds: int = 0
    kills: int = 0
    faults: int = 0
    duplicates: int = 0
    lost: int = 0
    difference: float = 0.0
    """Cents, over all rounds, in cash, fees and positions (a contract counts a dollar)."""
    power_cuts: int = 0
    adopted: int = 0
    """Orders that the exchange had and the journal had lost."""
    orders: int = 0
    fills: int = 0
    exits: int = 0
    """Of those, by orders that only sell what is held."""
    failures: tuple[str, ...] = ()

    def add(self, other: Tally) -> None:
        """Take another tally into this one."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def clean(self) -> bool:
        """Nothing doubled, nothing lost, not a cent of difference, and nothing else wrong."""
        return not (self.duplicates or self.lost or self.difference or self.failures)


def cut_power(path: Path, random: Random) -> bool:
    """Take a journal's newest entries, none that were written through; whether any were taken."""
    with sqlite3.connect(path) as db:
        safe, last = _newest(db, "TradingStateChanged"), _newest(db, "%")
        approved = _newest(db, "OrderApproved")
        kept = last - random.randint(1, _MOST_LOST)
        if random.random() < _AIMED and last - approved < _DEEPEST:
            kept = approved - 1
        kept = max(safe, kept)
        db.execute("DELETE FROM entries WHERE seq > ?", (kept,))
    db.close()
    return kept < last


def _newest(db: sqlite3.Connection, kind: str) -> int:
    query = "SELECT coalesce(max(seq), 0) FROM entries WHERE type LIKE ?"
    (seq,) = db.execute(query, (kind,)).fetchone()
    return int(seq)
