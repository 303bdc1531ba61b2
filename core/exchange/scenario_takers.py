"""Synthetic takers: noise that trades for its own reasons, and eyes that pick late quotes.

Sizes are those of the recorded public trades of KXSOL15M: many of a contract or less, few of
hundreds (median 3, mean 17 contracts, one in ten 0.02 or less).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from core.exchange.records import Side
from core.units import DOLLAR_PRICE, ONE_CONTRACT, Price, Quantity

if TYPE_CHECKING:
    from random import Random

    from core.exchange.engine_types import Quote


class TakerModel(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the public flow."""

    trades_per_window: float = 620.0
    """Noise trades in a window of median activity."""
    activity_sd: float = 0.75
    """Standard deviation of the logarithm of a window's activity."""
    size: float = 4.5
    """Median contracts of a trade."""
    size_sd: float = 1.75
    """Standard deviation of the logarithm of a trade's size."""
    dust: float = 0.10
    """Share of trades of a few hundredths of a contract."""
    largest: float = 1_500.0
    pick_chance: float = 0.15
    """Chance per step of 200 ms that a quick eye looks for a late quote."""
    pick_margin: float = 0.004
    """Dollars that must be left after the fee."""
    opening_share: float = 0.75
    """Share of taken contracts that open positions; the rest close some. Decides open interest."""


class Taker:
    """The public's orders in one window."""

    def __init__(self, model: TakerModel, draw: Random) -> None:
        self._model = model
        self._random = draw
        self.activity = math.exp(draw.gauss(0.0, model.activity_sd))
        """Of this window, 1 being the median."""

    def noise(self, steps_per_window: int) -> tuple[Side, Quantity] | None:
        """An order of the noise in this step, or none."""
        chance = self._model.trades_per_window * self.activity / steps_per_window
        if self._random.random() >= chance:
            return None
        side = self._random.choice((Side.BID, Side.ASK))
        return side, self.size()

    def looks(self) -> bool:
        """Whether a quick eye is on the book in this step."""
        return self._random.random() < self._model.pick_chance * min(1.0, self.activity)

    def pick(self, fair: float, quote: Quote) -> tuple[Side, Quantity] | None:
        """An order against a quote that is late by more than fee and margin, or none."""
        if quote.ask < DOLLAR_PRICE and self._pays(fair, quote.ask):
            return Side.BID, self.size()
        if quote.bid > 0 and self._pays(1.0 - fair, Price(DOLLAR_PRICE - quote.bid)):
            return Side.ASK, self.size()
        return None

    def opens(self) -> bool:
        """Whether the next contracts open positions."""
        return self._random.random() < self._model.opening_share

    def size(self) -> Quantity:
        """The quantity of an order."""
        draw, model = self._random, self._model
        if draw.random() < model.dust:
            return Quantity(draw.randint(1, 5))
        contracts = model.size * math.exp(draw.gauss(0.0, model.size_sd))
        return Quantity(max(1, round(min(contracts, model.largest) * ONE_CONTRACT)))

    def _pays(self, fair: float, price: Price) -> bool:
        dollars = price / DOLLAR_PRICE
        fee = 0.07 * dollars * (1.0 - dollars)
        return fair - dollars - fee > self._model.pick_margin
