"""The market that a local exchange is given by its options: made from a seed, or from a tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.engine_types import BTC_15M, CRYPTO_SHARD, DEFAULT_SHARD, SOL_15M
from core.exchange.listing import FeeType
from core.exchange.scenario import ScenarioError, Together
from core.exchange.scenario_index import IndexModel
from core.exchange.scenario_maintenance import Maintenance
from core.exchange.scenario_synthetic import SyntheticConfig, SyntheticScenario
from core.exchange.scenario_tape import TapeConfig, TapeScenario
from core.research.tape import SAMPLE_TAPE, TapeError, read
from web.exchange_options import ExchangeOptions, OptionsError

if TYPE_CHECKING:
    from core.exchange.engine_types import SeriesSpec
    from core.exchange.scenario import Scenario
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos

_SERIES: Final = {spec.ticker: spec for spec in (SOL_15M, BTC_15M)}
_FIRST_PRICE: Final = {SOL_15M.ticker: 118.5, BTC_15M.ticker: 84_000.0}
"""Dollars at which a synthetic index begins."""


def build_scenario(engine: SimulatedExchange, options: ExchangeOptions, start: Nanos) -> Scenario:
    """One scenario per series, on one engine. Raises OptionsError."""
    unknown = [name for name in options.series if name not in _SERIES]
    if unknown or not options.series:
        known = ", ".join(_SERIES)
        msg = f"series {', '.join(unknown) or '(none)'}: the local exchange lists {known}"
        raise OptionsError(msg)
    listed = [_SERIES[name] for name in options.series]
    if options.maker_fees:
        fees = FeeType.QUADRATIC_WITH_MAKER_FEES
        listed = [msgspec.structs.replace(series, fee_type=fees) for series in listed]
    scenarios = [_one(engine, options, series, start) for series in listed]
    return Together([Maintenance(engine, (DEFAULT_SHARD, CRYPTO_SHARD), start), *scenarios])


def _one(
    engine: SimulatedExchange, options: ExchangeOptions, series: SeriesSpec, start: Nanos
) -> Scenario:
    if options.scenario == "synthetic":
        index = IndexModel(price=_FIRST_PRICE[series.ticker])
        config = SyntheticConfig(seed=options.seed, series=series, index=index)
        return SyntheticScenario(engine, config, start)
    tape = options.tape or SAMPLE_TAPE
    try:
        return TapeScenario(engine, TapeConfig(series=series), lambda: read(tape), start)
    except (TapeError, ScenarioError) as error:
        msg = f"tape {tape} for {series.ticker}: {error}"
        raise OptionsError(msg) from error
