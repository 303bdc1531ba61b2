"""The role `feed:spot`: quotes and trades of spot venues become one composite price per product.

It also owns the venues' connections: each is a state of its own, asked for at the beginning and
again, after a growing pause, whenever it is lost. A venue whose connection is gone has no price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.composite import Composite, CompositeTerms, SpotQuote, composite
from core.roles.base import HandlingRole
from core.roles.feed_link import LinkTerms
from core.roles.spot_sources import SpotLink
from core.topology import SPOT
from core.units import SECOND, IndexValue, Nanos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message


class SpotTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the spot feed."""

    composite: CompositeTerms = CompositeTerms()
    repeat: Nanos = SECOND
    """An unchanged price is told again after this, by its own time, so that its age stays true."""
    links: tuple[LinkTerms, ...] = ()
    """Connections to keep; none on a tape, and where no venue is wanted."""


class SpotFeed(HandlingRole):
    """Keeps the newest quote of every venue. Regained after a restart by the next quotes."""

    def __init__(self, terms: SpotTerms, name: str = SPOT) -> None:
        super().__init__(
            name,
            {
                m.Begin: self._begin,
                m.SpotTick: self._quoted,
                m.StreamChanged: self._stream_changed,
                m.FrameSkipped: self._skipped,
                m.Tick: self._tick,
            },
        )
        self._terms = terms
        self._links = {link.stream: SpotLink(link) for link in terms.links}
        self._quotes: dict[str, dict[str, SpotQuote]] = {}
        self._told: dict[str, Composite] = {}

    # --- connections -----------------------------------------------------------------------------

    def _begin(self, begin: m.Begin, now: Nanos) -> Sequence[Message]:
        del begin
        return [ask for link in self._links.values() for ask in link.begin(now)]

    def _stream_changed(self, change: m.StreamChanged, now: Nanos) -> Sequence[Message]:
        link = self._links.get(change.stream)
        if link is None:
            return ()
        out = link.changed(change, now)
        if link.up:
            return out
        return [*out, *self._forget(link.source, now)]

    def _forget(self, source: str, now: Nanos) -> list[Message]:
        """A price that cannot be followed is none."""
        out: list[Message] = []
        for product, quotes in self._quotes.items():
            if quotes.pop(source, None) is not None:
                out += self._agree(product, now, now)
        return out

    def _skipped(self, skipped: m.FrameSkipped, now: Nanos) -> Sequence[Message]:
        """Counted; nobody else's frame is affected."""
        del now
        link = self._links.get(skipped.stream)
        if link is not None:
            link.skipped += 1
        return ()

    # --- prices ----------------------------------------------------------------------------------

    def _quoted(self, tick: m.SpotTick, now: Nanos) -> Sequence[Message]:
        quotes = self._quotes.setdefault(tick.product, {})
        known = quotes.get(tick.source)
        if known is not None and tick.ts_event < known.ts_event:
            return ()
        quotes[tick.source] = SpotQuote(
            source=tick.source, price=_mid(tick), ts_event=tick.ts_event
        )
        return self._agree(tick.product, tick.ts_recv, now)

    def _tick(self, tick: m.Tick, now: Nanos) -> Sequence[Message]:
        """A venue may have fallen silent: that changes the agreement without any quote."""
        del tick
        out: list[Message] = []
        for link in self._links.values():
            out += link.tick(now)
            out.append(link.health(self._newest(link.source), now))
        for product in self._quotes:
            out += self._agree(product, now, now)
        return out

    def _newest(self, source: str) -> Nanos:
        """Time of a venue's newest quote; 0 where there is none."""
        found = (quotes[source].ts_event for quotes in self._quotes.values() if source in quotes)
        return max(found, default=Nanos(0))

    def _agree(self, product: str, ts_recv: Nanos, now: Nanos) -> Sequence[Message]:
        agreed = composite(self._quotes[product].values(), now, self._terms.composite)
        if agreed is None:
            return ()
        told = self._told.get(product)
        if told is not None and self._same(told, agreed):
            return ()
        self._told[product] = agreed
        return (
            m.CompositePrice(
                product=product,
                price=agreed.price,
                sources=agreed.sources,
                spread_bps=agreed.spread_bps,
                ts_event=agreed.ts_event,
                ts_recv=ts_recv,
            ),
        )

    def _same(self, told: Composite, agreed: Composite) -> bool:
        return (
            told.price == agreed.price
            and told.sources == agreed.sources
            and agreed.ts_event - told.ts_event < self._terms.repeat
        )


def _mid(tick: m.SpotTick) -> IndexValue:
    if tick.bid and tick.ask:
        return IndexValue((tick.bid + tick.ask) // 2)
    return tick.price
