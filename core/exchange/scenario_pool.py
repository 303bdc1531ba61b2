"""The sum of what several makers show, as outside liquidity of one market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from core.exchange.records import Side
from core.units import DOLLAR_PRICE, ONE_CONTRACT, Nanos, Price, Quantity, complement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from core.exchange.simulated import SimulatedExchange

    Levels = Mapping[tuple[Side, Price], Quantity]

_DEEPEST: Final = Price(500)
"""Up to this price of its own leg, longshot bids wait."""
_PRESENT: Final = 0.6
"""Share of the ticks down there at which somebody waits."""
_DEPTH: Final = 40_000.0
"""Median contracts at a price, times the price in units of $0.0001."""
_FURTHEST: Final = 0.6
"""They stay below this share of the makers' best bid for their leg."""


class Pool:
    """Adds the ladders of many into the engine's outside levels of one market."""

    __slots__ = ("_engine", "_ticker", "_totals")

    def __init__(self, engine: SimulatedExchange, ticker: str) -> None:
        self._engine = engine
        self._ticker = ticker
        self._totals: dict[tuple[Side, Price], int] = {}

    def exchange(self, old: Levels, new: Levels, now: Nanos) -> None:
        """Somebody replaces what it showed; what was taken from its levels is there again.

        What goes, goes first, so that a ladder that moves does not cross itself.
        """
        totals = self._totals
        for key, quantity in old.items():
            if key not in new:
                totals[key] -= quantity
                self._show(key, now)
        for key, quantity in new.items():
            totals[key] = totals.get(key, 0) + quantity - old.get(key, 0)
            self._show(key, now)

    def _show(self, key: tuple[Side, Price], now: Nanos) -> None:
        side, price = key
        self._engine.set_outside(self._ticker, side, price, Quantity(self._totals[key]), now)


class Longshots:
    """Bids for next to nothing on both legs: most of the displayed depth, hardly ever traded.

    They withdraw before the makers' prices reach them, and come back when those have left.
    """

    __slots__ = ("_shown", "_sizes")

    def __init__(self, prices: tuple[Price, ...], draw: Random) -> None:
        self._sizes: dict[tuple[Side, Price], Quantity] = {}
        for price in prices:
            if price <= _DEEPEST and draw.random() < _PRESENT:
                for side in (Side.BID, Side.ASK):
                    yes_price = price if side is Side.BID else complement(price)
                    contracts = _DEPTH / price * math.exp(draw.gauss(0.0, 1.0))
                    size = Quantity(max(1, round(contracts)) * ONE_CONTRACT)
                    self._sizes[side, yes_price] = size
        self._shown: dict[tuple[Side, Price], Quantity] = {}

    def withdraw(self, bid: Price, ask: Price, pool: Pool, now: Nanos) -> None:
        """Take away those too near to the makers' best prices."""
        self._show(self._suiting(self._shown, bid, ask), pool, now)

    def come_back(self, bid: Price, ask: Price, pool: Pool, now: Nanos) -> None:
        """Show all that are far enough from the makers' best prices."""
        self._show(self._suiting(self._sizes, bid, ask), pool, now)

    def _show(self, wanted: dict[tuple[Side, Price], Quantity], pool: Pool, now: Nanos) -> None:
        if wanted.keys() != self._shown.keys():
            pool.exchange(self._shown, wanted, now)
            self._shown = wanted

    def _suiting(
        self, of: dict[tuple[Side, Price], Quantity], bid: Price, ask: Price
    ) -> dict[tuple[Side, Price], Quantity]:
        highest_bid = min(_FURTHEST * bid, ask - 1)
        lowest_ask = max(DOLLAR_PRICE - _FURTHEST * complement(ask), bid + 1)
        return {
            (side, price): size
            for (side, price), size in of.items()
            if (price <= highest_bid if side is Side.BID else price >= lowest_ask)
        }
