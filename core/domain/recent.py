"""Memories that forget: `Recent` by age, `Newest` by number.

Books that run for months must know which trade they have booked, but only for as long as the
exchange could tell it again. Time is that of the events, so a fold forgets the same at every
replay. What is noted of a market is of no use once the market is over, whether its end was told or
not: there the newest so many are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from core.units import Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

V = TypeVar("V")

KEPT: Final = seconds(48 * 3600.0)
"""Longer than any question reaches back (`ExecutionTerms.deep_backfill`)."""
MARKETS: Final = 1_000
"""Markets of which something is noted: more than any number of series has in two hours."""


class Newest(dict[str, V]):
    """A dict of at most so many keys: the one that came first leaves. One thread; a put costs about
    0.2 us more than a dict's.
    """

    def __init__(self, most: int = MARKETS) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: str, value: V) -> None:
        """Put a value; a key that is known keeps its place in the row."""
        super().__setitem__(key, value)
        if len(self) > self._most:
            del self[next(iter(self))]


class Recent(Generic[V]):
    """A dict whose oldest entries leave. One thread; costs about 0.3 us a put."""

    def __init__(self, kept: Nanos = KEPT) -> None:
        self._kept = kept
        self._items: dict[str, tuple[V, Nanos]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str, default: V) -> V:
        """The value of a key, or `default` where it was never put or is forgotten."""
        found = self._items.get(key)
        return default if found is None else found[0]

    def put(self, key: str, value: V, ts: Nanos) -> list[str]:
        """Remember from `ts` on; the keys that are forgotten by now."""
        self._items.pop(key, None)
        self._items[key] = (value, ts)
        return self.forget(ts)

    def drop(self, key: str) -> None:
        """Forget one key, if it is known."""
        self._items.pop(key, None)

    def forget(self, now: Nanos) -> list[str]:
        """Drop what is older than it may be; the keys dropped, oldest first."""
        gone: list[str] = []
        for key, (_, since) in self._items.items():
            if now - since <= self._kept:
                break
            gone.append(key)
        for key in gone:
            del self._items[key]
        return gone

    def dump(self) -> tuple[tuple[str, V, Nanos], ...]:
        """Everything, in the order of putting, for a snapshot."""
        return tuple((key, value, since) for key, (value, since) in self._items.items())

    def load(self, items: Iterable[tuple[str, V, Nanos]]) -> None:
        """The inverse of `dump`, in place of what was here."""
        self._items = {key: (value, since) for key, value, since in items}
