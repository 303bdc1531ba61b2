"""The index of one series as the feed knows it: last print, stand-in, volatility.

The settlement index is what counts. While it is silent, or where a tape has none, the composite
spot price stands in and is marked `proxy`, corrected by its basis as published strikes tell it.
Each of the two has a volatility of its own: a step from one to the other is their difference, not
a return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.basis import Basis
from core.domain.volatility import Volatility
from core.units import SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.domain.series import SeriesSource
    from core.domain.volatility import VolatilitySettings
    from core.messages import CompositePrice, IndexPrint
    from core.messages.scores import Credits
    from core.roles.feed_market import MarketRecord

_HOLD: Final = Nanos(10 * SECOND)
"""How long a spot price is taken to stand when no newer one comes."""


class _Price:
    """One source: its newest value by its own time, and the volatility of it."""

    __slots__ = ("ts", "value", "volatility")

    def __init__(self, settings: VolatilitySettings) -> None:
        self.value = IndexValue(0)
        self.ts = Nanos(0)
        self.volatility = Volatility(settings)

    def take(self, value: IndexValue, ts: Nanos) -> bool:
        """False for what is not newer than the last."""
        if ts <= self.ts or value <= 0:
            return False
        self.volatility.update(value, ts)
        self.value, self.ts = value, ts
        return True


class SeriesIndex:
    """Belongs to the feed role. The public fields are what a view shows; read directly."""

    __slots__ = (
        "_basis",
        "_composite",
        "_fresh",
        "_index",
        "credits",
        "error",
        "proxy",
        "regime",
        "scale",
        "sigma",
        "source",
        "ts",
        "value",
        "warm",
        "warm_in_s",
    )

    def __init__(
        self, source: SeriesSource, settings: VolatilitySettings, index_fresh: Nanos
    ) -> None:
        self.source = source
        settings = msgspec.structs.replace(settings, prior_bps=source.prior_bps)
        self._fresh = index_fresh
        self._index = _Price(settings)
        self._composite = _Price(settings)
        self._basis = Basis()
        self.value = IndexValue(0)
        self.ts = Nanos(0)
        self.proxy = False
        self.credits: Credits = ()
        """Of the blend's experts, as the calibration role told them last."""
        self.scale = 1.0
        """What stand-ins are multiplied with to correct them by their basis."""
        self._show()

    def printed(self, print_: IndexPrint, now: Nanos, records: Iterable[MarketRecord]) -> bool:
        """Take a print of the index; whether what is shown changed."""
        if not self._index.take(print_.value, print_.ts_event):
            return False
        for record in records:
            record.prints.add(print_.value, print_.ts_event)
        return self.choose(now) or not self.proxy

    def composed(self, price: CompositePrice, now: Nanos, records: Iterable[MarketRecord]) -> bool:
        """Take a composite price; whether what is shown changed."""
        before, seen = self._composite.value, self._composite.ts
        if not self._composite.take(price.price, price.ts_event):
            return False
        self._basis.take(price.price, price.ts_event)
        for record in records:
            _fill_in(record, seen, before, price.ts_event)
        return self.choose(now) or self.proxy

    def struck(self, strike: IndexValue, open_ns: Nanos) -> None:
        """Take the strike of a window: the mean of the index over the minute before its open."""
        self._basis.learn(strike, open_ns, self._composite.volatility.sigma)
        self._show()

    def choose(self, now: Nanos) -> bool:
        """Show the index while it is fresh, else the composite; whether the source changed.

        A composite that is older than the silent index is no better, and is not chosen.
        """
        index, composite = self._index, self._composite
        silent = now - index.ts > self._fresh
        proxy = silent and composite.ts > index.ts
        changed = proxy is not self.proxy
        self.proxy = proxy
        self._show()
        return changed

    def _show(self) -> None:
        """Put the chosen price where views read it; a stand-in corrected by its basis."""
        price = self._composite if self.proxy else self._index
        self.value, self.ts, self.scale, self.error = price.value, price.ts, 1.0, 0.0
        if self.proxy:
            basis = self._basis
            self.value, self.scale = basis.corrected(price.value), basis.factor
            self.error = basis.error
        volatility = price.volatility
        if not volatility.warm and self._index.volatility.warm:
            volatility = self._index.volatility  # a silence does not unmake what is known
        self.sigma = volatility.sigma
        self.warm = volatility.warm
        self.warm_in_s = 0.0 if self.warm else volatility.warm_in_s
        self.regime = str(volatility.regime)


def _fill_in(record: MarketRecord, seen: Nanos, value: IndexValue, until: Nanos) -> None:
    """Stand-ins for the prints of the final minute: what the composite showed on each second.

    `value` is what was known from `seen` to just before `until`. It stands for `_HOLD` at most:
    seconds of a longer silence are holes.
    """
    prints = record.proxies
    end = min(until, prints.close_ns, seen + _HOLD)
    stamp = Nanos(-(-max(prints.start_ns, seen) // SECOND) * SECOND)
    while value and stamp < end:
        prints.add(value, stamp)
        stamp = Nanos(stamp + SECOND)
