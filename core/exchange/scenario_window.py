"""One synthetic window: makers quote, takers trade, from the strike's publication to the close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.pricing import Contract, KnownPrints, outlook, probability_yes
from core.domain.windows import FINAL_MINUTE, WINDOW_LENGTH
from core.exchange.records import Side
from core.exchange.scenario_index import STEP, SyntheticIndex
from core.exchange.scenario_makers import Crowd, Maker, Sight
from core.exchange.scenario_pool import Longshots, Pool
from core.exchange.scenario_takers import Taker, TakerModel
from core.units import DOLLAR_PRICE, MINUTE, SECOND, IndexValue, Nanos, Price, Quantity

if TYPE_CHECKING:
    from random import Random

    from core.domain.windows import Window
    from core.exchange.simulated import SimulatedExchange

_STEPS: Final = WINDOW_LENGTH // STEP
_REACH: Final = Price(300)
"""How far beyond the best price a taker's limit goes."""


class Prints:
    """Running sums of the whole-second prints of the last minutes: what is known of a settlement
    at any late stamp, in constant time.
    """

    __slots__ = ("_sums", "_total")

    def __init__(self) -> None:
        self._total = 0
        self._sums: dict[Nanos, int] = {}

    def add(self, stamp: Nanos, value: IndexValue) -> None:
        """Take the print of a whole second; seconds come without holes."""
        self._total += value
        self._sums[stamp] = self._total
        self._sums.pop(Nanos(stamp - 3 * MINUTE), None)

    def known(self, close_ns: Nanos, stamp: Nanos) -> KnownPrints:
        """The deciding prints of the window closing then that are stamped at or before `stamp`."""
        last = min(stamp // SECOND * SECOND, close_ns - SECOND)
        before = close_ns - FINAL_MINUTE - SECOND
        if last <= before:
            return KnownPrints()
        total = self._sums[Nanos(last)] - self._sums[Nanos(before)]
        return KnownPrints(count=(last - before) // SECOND, total=total)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What the participants of every window look at, and who they are."""

    index: SyntheticIndex
    prints: Prints
    mean_sigma: float
    crowd: Crowd
    takers: TakerModel


class SyntheticWindow:
    """The life of one window. `act` is called once for each step while it is open."""

    def __init__(
        self, engine: SimulatedExchange, window: Window, world: World, draw: Random
    ) -> None:
        self.window = window
        self._engine = engine
        self._world = world
        self._ticker = window.market_ticker
        self._random = draw
        self._pool = Pool(engine, self._ticker)
        self._longshots = Longshots(engine.grid(self._ticker).prices, draw)
        self._taker = Taker(world.takers, draw)
        self._contract: Contract | None = None
        self._interest = 0

    def act(self, stamp: Nanos, now: Nanos) -> None:
        """One step of everybody; before the strike is published nobody moves."""
        contract = self._contract
        if contract is None:
            contract = self._read_contract(now)
            if contract is None:
                return
        crowd = self._world.crowd
        for maker in crowd.makers:
            if now >= maker.next_look:
                self._look(contract, maker, stamp, now)
        self._trade(contract, stamp, now)

    def _read_contract(self, now: Nanos) -> Contract | None:
        market = self._engine.market(self._ticker)
        if market.strike is None or market.round_digits is None:
            return None
        self._contract = Contract(
            strike=market.strike, digits=market.round_digits, close_ns=market.closes
        )
        self._world.crowd.enter(now)
        return self._contract

    def _look(self, contract: Contract, maker: Maker, stamp: Nanos, now: Nanos) -> None:
        """A maker looks at its prices, moves those that are wrong, and fills up what was taken."""
        crowd = self._world.crowd
        maker.plan_look(now)
        seen = Nanos(stamp - maker.late_steps * STEP)
        sight = Sight(
            contract=contract,
            value=self._world.index.seen(maker.late_steps),
            stamp=seen,
            known=self._world.prints.known(contract.close_ns, seen),
            sigma=crowd.believed(self._world.index.sigma, self._world.mean_sigma),
            open_ns=self.window.open_ns,
        )
        fair = maker.fair(sight, crowd.mood.value)
        grid = self._engine.grid(self._ticker)
        best = maker.quotes(fair, sight, crowd.best(without=maker), grid)
        before, maker.ladder = maker.ladder, maker.build(best, grid)
        bid, ask = crowd.best()
        self._longshots.withdraw(bid, ask, self._pool, now)
        self._pool.exchange(before.levels, maker.ladder.levels, now)
        self._longshots.come_back(bid, ask, self._pool, now)

    def _trade(self, contract: Contract, stamp: Nanos, now: Nanos) -> None:
        wanted = self._taker.noise(_STEPS)
        if wanted is None and self._taker.looks():
            quote = self._engine.quote(self._ticker)
            wanted = self._taker.pick(self._fair(contract, stamp), quote)
        if wanted is None:
            return
        side, quantity = wanted
        limit = self._limit(side)
        if limit is None:
            return
        filled = self._engine.outside_order(self._ticker, side, limit, quantity, now)
        sign = 1 if self._taker.opens() else -1
        self._interest = max(0, self._interest + sign * filled)
        self._engine.set_outside_interest(self._ticker, Quantity(self._interest))

    def _limit(self, side: Side) -> Price | None:
        """A limit a little beyond the best price, on the grid; None against an empty side."""
        quote = self._engine.quote(self._ticker)
        grid = self._engine.grid(self._ticker)
        if side is Side.BID:
            if quote.ask == DOLLAR_PRICE:
                return None
            return grid.round_down(Price(quote.ask + min(_REACH, DOLLAR_PRICE - quote.ask)))
        return grid.round_up(Price(max(0, quote.bid - _REACH))) if quote.bid else None

    def _fair(self, contract: Contract, stamp: Nanos) -> float:
        """The exact probability for who sees everything at once and knows the volatility."""
        index = self._world.index
        known = self._world.prints.known(contract.close_ns, stamp)
        return probability_yes(outlook(contract, known, index.seen(0), stamp), index.sigma)
