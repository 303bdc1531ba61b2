"""A local exchange on which one level changes at a steady pace (a module of the benchmarks).

Everything of the exchange is the real one but its market: one window, one bid, and one ask whose
size changes every `--interval-ms`; an index print a second. It prints its address as `run.py
exchange` does, and ends when standard input ends.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from core.clock import ScaledClock, start_spec
from core.exchange.engine_types import SOL_15M, EngineConfig
from core.exchange.records import Side
from core.exchange.simulated import SimulatedExchange
from core.units import MILLISECOND, SECOND, Money, Nanos, parse_price, parse_quantity
from tests.contract.venue import INDEX, OPENS, STRIKE, TICKER, WINDOW, index_at
from web.exchange import serve_engine
from web.exchange_options import ExchangeOptions

_START: Final = Nanos(OPENS + 60 * SECOND)
_CASH: Final = Money(1_000_000_000_000_000)
_BID: Final = parse_price("0.4800")
_ASK: Final = parse_price("0.5000")
_SIZES: Final = (parse_quantity("2"), parse_quantity("3"))


class Paced:
    """The scenario: one change of the ask at every step."""

    def __init__(self, engine: SimulatedExchange, interval: Nanos) -> None:
        self._engine = engine
        self._interval = interval
        self._next = Nanos(_START + SECOND)
        self._print = Nanos(_START + SECOND)
        self._count = 0

    def advance(self, now: Nanos) -> None:
        self._engine.advance(now)
        if now >= self._print:
            stamp = Nanos(now // SECOND * SECOND)
            self._engine.publish_index(INDEX, index_at(stamp), stamp, now)
            self._print = Nanos(stamp + SECOND)
        if now >= self._next:
            self._next = Nanos(now + self._interval)
            self._count += 1
            size = _SIZES[self._count % 2]
            self._engine.set_outside(TICKER, Side.ASK, _ASK, size, now)

    def next_due(self) -> Nanos:
        return min(self._next, self._print, self._engine.next_due() or self._next)


@click.command()
@click.option("--interval-ms", default=10.0, show_default=True)
def main(interval_ms: float) -> None:
    """Serve until standard input ends."""
    engine = SimulatedExchange(EngineConfig(seed=7))
    early = Nanos(OPENS - 120 * SECOND)
    engine.add_series(SOL_15M)
    engine.list_market(WINDOW, early)
    engine.fix_strike(TICKER, STRIKE)
    engine.advance(_START)
    engine.set_outside(TICKER, Side.BID, _BID, parse_quantity("50"), _START)
    clock = ScaledClock.from_spec(start_spec(1.0, _START))
    with tempfile.TemporaryDirectory() as folder:
        options = ExchangeOptions(cash=_CASH, state=Path(folder), streams=8, tier="prime")
        scenario = Paced(engine, Nanos(round(interval_ms * MILLISECOND)))
        sys.setswitchinterval(0.00001)
        running = serve_engine(engine, scenario, clock, options)
        running.announce()
        running.wait(with_parent=True)


if __name__ == "__main__":
    main()
