"""Synthetic market makers: ladders around a fair value of their own that is late and not exact.

A maker sees the index some steps late, believes in a volatility between the true one and the
long-run mean, and errs by a slow noise, partly shared by all makers. It quotes both sides at a
spread that grows with the variance of the contract (p (1 - p)), in the first minutes and in the
last one, and re-quotes at random times when its prices have moved. Its liquidity is outside
liquidity of the engine: cheap, without account.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from core.domain.pricing import Contract, KnownPrints, outlook, probability_yes
from core.exchange.records import Side
from core.exchange.scenario_index import STEPS_PER_SECOND
from core.units import DOLLAR_PRICE, ONE_CONTRACT, SECOND, IndexValue, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from core.domain.grid import PriceGrid

_OPENING_S: Final = 60.0
"""Time in which the extra spread of the first minutes falls to 1/e."""
_FINAL_S: Final = 60.0
_WHOLE: Final = 0.5
"""Share of quotes in whole contracts."""
_LADDER_GROWTH: Final = 1.6
"""Each deeper level shows so many times more."""
_SIZE_SD: Final = 0.8
_MOST_DUST: Final = 83
_SURE: Final = 0.9995
"""No fair value is closer to 0 or 1 than this is to 1."""


class MakerModel(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the makers; what they decide is how much edge a quicker eye has.

    With lag, noises and anchoring at 0 the makers are never wrong, and taking from them loses the
    fee and half the spread. The defaults leave an edge in moments (see `scenario_synthetic`).
    """

    makers: int = 4
    lag_s: tuple[float, float] = (0.2, 0.8)
    """Seconds behind the index: of the quickest and of the slowest maker."""
    shared_noise: float = 0.004
    """Standard deviation of the error that all makers share, in dollars at a fair value of 0.50."""
    own_noise: float = 0.002
    """The same for each maker's own error."""
    noise_s: float = 45.0
    """Time in which an error falls to 1/e."""
    anchoring: float = 0.15
    """Weight of the long-run mean in the logarithm of the believed volatility; 0 is the truth."""
    half_spread: float = 0.0115
    """Dollars at a fair value of 0.50 in the middle of a window; it shrinks with p (1 - p)."""
    least_half_spread: float = 0.0008
    """Dollars; what remains of it in the tails."""
    opening_spread: float = 0.8
    """How much wider at the open, as a share; fades with 60 s."""
    final_spread: float = 1.6
    """How much wider at the close, as a share; grows over the last minute."""
    entry_s: tuple[float, float] = (0.3, 4.0)
    """First quotes come so long after the strike is known."""
    requote_s: float = 0.8
    """Mean time between two looks of a maker at its prices."""
    levels: int = 3
    size: float = 45.0
    """Median contracts at a maker's best price."""
    dust: float = 0.06
    """Chance that a best quote is a dust order of less than a contract instead."""


class Spread(NamedTuple):
    """A best bid and a best ask; 0 and 1 where there is none."""

    bid: Price
    ask: Price


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """What one maker has in the book: quantity by side and YES price, and its best prices."""

    levels: dict[tuple[Side, Price], Quantity]
    best: Spread


NOTHING: Final = Ladder(levels={}, best=Spread(Price(0), DOLLAR_PRICE))


class Sight(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a maker knows at one look: a late index, the prints known by then, its volatility."""

    contract: Contract
    value: IndexValue
    stamp: Nanos
    known: KnownPrints
    sigma: float
    open_ns: Nanos


class SlowNoise:
    """An Ornstein-Uhlenbeck error with a given stationary deviation, moved in steps of a second."""

    __slots__ = ("_deviation", "_pull", "_random", "value")

    def __init__(self, deviation: float, seconds: float, draw: Random) -> None:
        self._deviation = deviation
        self._pull = math.exp(-1.0 / seconds)
        self._random = draw
        self.value = draw.gauss(0.0, deviation)

    def step(self) -> None:
        """One second."""
        kick = self._deviation * math.sqrt(1.0 - self._pull * self._pull)
        self.value = self.value * self._pull + kick * self._random.gauss(0.0, 1.0)


class Maker:
    """One maker through all windows; `ladder` is what it has in the book of the present one."""

    def __init__(self, model: MakerModel, number: int, draw: Random) -> None:
        fastest, slowest = model.lag_s
        share = number / max(1, model.makers - 1)
        lag_s = fastest + (slowest - fastest) * share
        self.late_steps = round(lag_s * STEPS_PER_SECOND)
        self.ladder = NOTHING
        self.next_look = Nanos(0)
        self.noise = SlowNoise(model.own_noise, model.noise_s, draw)
        self._model = model
        self._random = draw

    def fair(self, sight: Sight, shared: float) -> float:
        """Its fair value of YES, errors included, inside 0.0005 to 0.9995."""
        state = outlook(sight.contract, sight.known, sight.value, sight.stamp)
        exact = probability_yes(state, sight.sigma)
        wrong = exact + (shared + self.noise.value) * 4.0 * exact * (1.0 - exact)
        return min(_SURE, max(1.0 - _SURE, wrong))

    def plan_look(self, now: Nanos) -> None:
        """Choose the time of the next look."""
        wait = self._random.expovariate(1.0 / self._model.requote_s)
        self.next_look = Nanos(now + round(wait * SECOND))

    def quotes(self, fair: float, sight: Sight, others: Spread, grid: PriceGrid) -> Spread:
        """Best bid and ask on the grid, rounded away from the fair value; 0 or 1 for no quote.

        It keeps half its spread from the best prices that the `others` show on the other side,
        even where it believes them late: it makes, it does not take.
        """
        half = self._half_spread(fair, sight) * DOLLAR_PRICE
        bid = min(fair * DOLLAR_PRICE - half, others.ask - max(1.0, half))
        ask = max(fair * DOLLAR_PRICE + half, others.bid + max(1.0, half))
        return Spread(
            bid=grid.round_down(Price(math.floor(bid))) or Price(0),
            ask=grid.round_up(Price(math.ceil(ask))) or DOLLAR_PRICE,
        )

    def build(self, best: Spread, grid: PriceGrid) -> Ladder:
        """The ladder with these best prices; a level that stays keeps its size."""
        if best == self.ladder.best:
            return self.ladder
        levels: dict[tuple[Side, Price], Quantity] = {}
        if best.bid > 0:
            self._extend(levels, Side.BID, best.bid, grid.next_down)
        if best.ask < DOLLAR_PRICE:
            self._extend(levels, Side.ASK, best.ask, grid.next_up)
        return Ladder(levels=levels, best=best)

    def _extend(
        self,
        levels: dict[tuple[Side, Price], Quantity],
        side: Side,
        best: Price,
        beyond: Callable[[Price], Price | None],
    ) -> None:
        price: Price | None = best
        for depth in range(self._model.levels):
            if price is None:
                return
            kept = self.ladder.levels.get((side, price))
            levels[side, price] = kept or self._size(depth)
            price = beyond(price)

    def _half_spread(self, fair: float, sight: Sight) -> float:
        model = self._model
        since_open = (sight.stamp - sight.open_ns) / SECOND
        left = (sight.contract.close_ns - sight.stamp) / SECOND
        wider = 1.0 + model.opening_spread * math.exp(-max(0.0, since_open) / _OPENING_S)
        wider += model.final_spread * max(0.0, 1.0 - left / _FINAL_S)
        half = model.half_spread * 4.0 * fair * (1.0 - fair)
        return wider * max(half, model.least_half_spread)

    def _size(self, depth: int) -> Quantity:
        draw, model = self._random, self._model
        if depth == 0 and draw.random() < model.dust:
            return Quantity(draw.randint(1, _MOST_DUST))
        median = model.size * _LADDER_GROWTH**depth
        contracts = median * math.exp(draw.gauss(0.0, _SIZE_SD))
        if draw.random() < _WHOLE:
            contracts = max(1.0, round(contracts))
        return Quantity(max(1, round(contracts * ONE_CONTRACT)))


class Crowd:
    """All makers of a series and the mood that they share."""

    def __init__(self, model: MakerModel, draw: Random) -> None:
        self._model = model
        self._random = draw
        self.makers = tuple(Maker(model, number, draw) for number in range(model.makers))
        self.mood = SlowNoise(model.shared_noise, model.noise_s, draw)

    def second(self) -> None:
        """Errors drift on."""
        self.mood.step()
        for maker in self.makers:
            maker.noise.step()

    def enter(self, now: Nanos) -> None:
        """A new window: empty ladders, and first quotes within a few seconds."""
        for maker in self.makers:
            maker.ladder = NOTHING
            wait = self._random.uniform(*self._model.entry_s)
            maker.next_look = Nanos(now + round(wait * SECOND))

    def believed(self, sigma: float, mean_sigma: float) -> float:
        """The volatility that makers reckon with while `sigma` is true."""
        weight = self._model.anchoring
        return float(sigma ** (1.0 - weight) * mean_sigma**weight)

    def best(self, without: Maker | None = None) -> Spread:
        """Best bid and ask of all makers, or of the others."""
        shown = [maker.ladder.best for maker in self.makers if maker is not without]
        return Spread(
            bid=max((best.bid for best in shown), default=Price(0)),
            ask=min((best.ask for best in shown), default=DOLLAR_PRICE),
        )
