"""Fills whose order is not known yet: early ones wait, old ones turn out to be foreign."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from core.domain.recent import Recent
from core.exchange.records import Side
from core.units import Quantity

if TYPE_CHECKING:
    from core.exchange.records import Fill
    from core.units import Nanos


class StrayFills:
    """A fill may come before the answer that tells its order's id. Belongs to execution."""

    def __init__(self, patience: Nanos) -> None:
        self._patience = patience
        self._waiting: dict[str, tuple[Fill, Nanos]] = {}
        self._foreign: Recent[Fill] = Recent()

    @property
    def foreign(self) -> int:
        """Fills of this account that no order of ours explains."""
        return len(self._foreign)

    @property
    def undecided(self) -> frozenset[str]:
        """Markets of fills that may be ours or not: nothing can be compared there yet."""
        return frozenset(fill.ticker for fill, _ in self._waiting.values())

    def hold(self, fill: Fill, now: Nanos) -> None:
        """Keep a fill until its order is known, or its patience is over."""
        if fill.trade_id not in self._foreign:
            self._waiting.setdefault(fill.trade_id, (fill, now))

    def claim(self, venue_order_id: str) -> list[Fill]:
        """Give out, once, the fills of an order whose id is known now."""
        waiting = (fill for fill, _ in self._waiting.values())
        foreign = (fill for _, fill, _ in self._foreign.dump())
        ours = [fill for fill in (*waiting, *foreign) if fill.order_id == venue_order_id]
        for fill in ours:
            self._waiting.pop(fill.trade_id, None)
            self._foreign.drop(fill.trade_id)
        return ours

    def expire(self, now: Nanos) -> None:
        """Call those foreign that nobody has claimed in time."""
        for trade_id, (fill, since) in list(self._waiting.items()):
            if now - since > self._patience:
                del self._waiting[trade_id]
                self._foreign.put(trade_id, fill, now)

    def positions(self) -> tuple[tuple[str, Quantity], ...]:
        """What others have traded on this account, signed, by market: not ours to explain."""
        held: Counter[str] = Counter()
        for _, fill, _ in self._foreign.dump():
            held[fill.ticker] += fill.quantity if fill.side is Side.BID else -fill.quantity
        return tuple((ticker, Quantity(quantity)) for ticker, quantity in held.items() if quantity)
