"""What a synthetic window costs, and how much edge it leaves for somebody quick.

Cost: CPU of the scenario and engine for a window of 15 minutes, events drained and thrown away.

Edge: every five seconds an eye that sees the newest index value and knows the true volatility
compares the exact probability with the best quotes. `claimed` is its mean edge after the fee where
that exceeds 3 cents; `realised` is what buying one contract there really paid, mean over windows.
Realised figures scatter by about 1.5 cents over a hundred windows.
"""

from __future__ import annotations

import time
from statistics import fmean
from typing import Final, NamedTuple

from core.domain.pricing import Contract, KnownPrints, outlook, probability_yes
from core.domain.windows import FINAL_MINUTE, WINDOW_LENGTH, Window, window_at
from core.exchange.engine_types import SOL_15M, EngineConfig
from core.exchange.records import Outcome
from core.exchange.scenario_makers import MakerModel
from core.exchange.scenario_synthetic import SyntheticConfig, SyntheticScenario
from core.exchange.simulated import SimulatedExchange
from core.units import DOLLAR_PRICE, SECOND, Nanos
from tests.benchmarks.measure import Row

TITLE = "CPU and edge of a synthetic window"

_START: Final = Nanos(1_795_413_600 * SECOND)
"""2026-11-23 06:00 UTC, a Monday: four days without a gap."""
_WINDOWS_PER_ROUND: Final = 20
_LOOK: Final = 5 * SECOND
_WORTH_IT: Final = 0.03
_SHARP: Final = MakerModel(
    lag_s=(0.0, 0.0), shared_noise=0.0, own_noise=0.0, anchoring=0.0, requote_s=0.2
)


class Look(NamedTuple):
    """The better side at one moment, with the edge claimed and what it paid in the end."""

    window: int
    edge: float
    yes: bool
    cost: float


class Market:
    """One synthetic market, looked at while it runs."""

    def __init__(self, makers: MakerModel) -> None:
        self.engine = SimulatedExchange(EngineConfig())
        config = SyntheticConfig(seed=1, makers=makers)
        self.scenario = SyntheticScenario(self.engine, config, _START)
        self.cpu = 0.0
        self.events = 0

    def run(self, number: int) -> list[tuple[Look, float]]:
        """One window; its looks with their payouts."""
        opens = _START + number * WINDOW_LENGTH
        window = window_at(SOL_15M.ticker, Nanos(opens))
        assert window is not None
        looks = []
        for now in range(opens + _LOOK, opens + WINDOW_LENGTH, _LOOK):
            self._pass(Nanos(now))
            look = self._look(number, window, Nanos(now))
            if look is not None:
                looks.append(look)
        self._pass(Nanos(opens + WINDOW_LENGTH + 2 * SECOND))
        is_yes = self.engine.market(window.market_ticker).result is Outcome.YES
        return [(look, float(look.yes == is_yes) - look.cost) for look in looks]

    def _pass(self, now: Nanos) -> None:
        started = time.process_time()
        self.scenario.advance(now)
        self.events += len(self.engine.drain())
        self.cpu += time.process_time() - started

    def _look(self, number: int, window: Window, now: Nanos) -> Look | None:
        quote = self.engine.quote(window.market_ticker)
        strike = self.engine.market(window.market_ticker).strike
        if strike is None or not 0 < quote.bid < quote.ask < DOLLAR_PRICE:
            return None
        stamp, value = self.engine.index_prints(SOL_15M.index_id, Nanos(now - 2 * SECOND), now)[-1]
        contract = Contract(strike=strike, digits=4, close_ns=window.close_ns)
        state = outlook(contract, self._known(window, stamp), value, stamp)
        fair = probability_yes(state, self.scenario.true_sigma)
        yes, no = quote.ask / DOLLAR_PRICE, 1.0 - quote.bid / DOLLAR_PRICE
        yes_cost, no_cost = yes + 0.07 * yes * (1 - yes), no + 0.07 * no * (1 - no)
        if fair - yes_cost >= 1.0 - fair - no_cost:
            return Look(number, fair - yes_cost, yes=True, cost=yes_cost)
        return Look(number, 1.0 - fair - no_cost, yes=False, cost=no_cost)

    def _known(self, window: Window, stamp: Nanos) -> KnownPrints:
        start = Nanos(window.close_ns - FINAL_MINUTE)
        known = self.engine.index_prints(SOL_15M.index_id, start, Nanos(stamp + 1))
        return KnownPrints(count=len(known), total=sum(value for _, value in known))


def run(rounds: int) -> list[Row]:
    """The default makers, and makers without lag and error."""
    results: list[Row] = []
    for name, makers in (("default", MakerModel()), ("sharp", _SHARP)):
        market = Market(makers)
        count = rounds * _WINDOWS_PER_ROUND
        looks = [look for number in range(count) for look in market.run(number)]
        results += [
            Row(case=f"{name}: CPU per window", value=market.cpu / count, unit="s"),
            Row(case=f"{name}: events per window", value=market.events / count, unit=""),
            *_edges(name, looks),
        ]
    return results


def _edges(name: str, looks: list[tuple[Look, float]]) -> list[Row]:
    worth = [(look, paid) for look, paid in looks if look.edge > _WORTH_IT]
    by_window: dict[int, list[float]] = {}
    for look, paid in worth:
        by_window.setdefault(look.window, []).append(paid)
    return [
        Row(case=f"{name}: time with edge > 3 c", value=100 * len(worth) / len(looks), unit="%"),
        Row(case=f"{name}: claimed then", value=100 * _mean([x.edge for x, _ in worth]), unit="c"),
        Row(
            case=f"{name}: realised then",
            value=100 * _mean([fmean(paid) for paid in by_window.values()]),
            unit="c",
        ),
    ]


def _mean(values: list[float]) -> float:
    return fmean(values) if values else 0.0
