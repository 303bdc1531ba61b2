"""A venue that a test moves by hand: an engine, a clock, and the port to ask it through."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from core.clock import VirtualClock
from core.domain.windows import window_closing
from core.exchange.auth import read_private_key
from core.exchange.engine_types import SOL_15M, EngineConfig
from core.exchange.express import connect_express
from core.exchange.kalshi import Timeouts, connect
from core.exchange.presigned import PresigningSigner
from core.exchange.records import OrderRequest, Side, TimeInForce
from core.exchange.simulated import SimulatedExchange
from core.exchange.simulated_account import SimulatedAccount
from core.exchange.wire.scalars import rfc3339
from core.units import (
    SECOND,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    parse_index,
    parse_price,
    parse_quantity,
)
from web.exchange import ACCOUNT, serve_engine
from web.exchange_options import ExchangeOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.port import Exchange
    from web.exchange import RunningExchange

T = TypeVar("T")

OPENS = rfc3339("2026-11-22T15:00:00Z")
CLOSES = rfc3339("2026-11-22T15:15:00Z")
WINDOW = window_closing("KXSOL15M", CLOSES)
NEXT = window_closing("KXSOL15M", Nanos(CLOSES + 900 * SECOND))
TICKER = WINDOW.market_ticker
STRIKE = parse_index("118.4213")
CASH = Money(1_000_000_000)
PATIENCE = Timeouts(connect=30, read=60)
INDEX = SOL_15M.index_id


class Still:
    """A scenario in which nothing happens by itself but the schedule of the engine."""

    def __init__(self, engine: SimulatedExchange) -> None:
        self._engine = engine

    def advance(self, now: Nanos) -> None:
        self._engine.advance(now)

    def next_due(self) -> Nanos:
        return self._engine.next_due() or Nanos(1 << 62)


class Control(Protocol):
    """How a test reaches the engine behind the port."""

    def __call__(self, action: Callable[[SimulatedExchange, Nanos], T]) -> T: ...


class Venue:
    """One window open for a minute, its strike published, no liquidity, one account."""

    def __init__(self, exchange: Exchange, control: Control, clock: VirtualClock) -> None:
        self.exchange = exchange
        self.control = control
        self.clock = clock
        self.running: RunningExchange | None = None

    def at(self, moment: Nanos) -> None:
        """Let time pass until `moment`, second by second, with an index print at each."""
        while self.clock.now() < moment:
            step = min(moment, Nanos((self.clock.now() // SECOND + 1) * SECOND))
            self.clock.advance_to(step)
            self.control(_print_index)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.at(Nanos(self.clock.now() + round(seconds * SECOND)))

    def quote(self, side: Side, price: str, size: str) -> None:
        """Outside liquidity at a YES price."""
        level = parse_price(price), parse_quantity(size)
        self.control(lambda engine, now: engine.set_outside(TICKER, side, *level, now))

    def outsider(self, side: Side, limit: str, size: str) -> Quantity:
        """Somebody else trades."""
        order = parse_price(limit), parse_quantity(size)
        return self.control(lambda engine, now: engine.outside_order(TICKER, side, *order, now))


def _print_index(engine: SimulatedExchange, now: Nanos) -> None:
    if now % SECOND == 0:
        engine.publish_index(INDEX, index_at(now), now, now)


def index_at(stamp: Nanos) -> IndexValue:
    """A print that depends on its stamp alone: 118.50 and a saw of seven steps."""
    return IndexValue(11_850_000_000 + stamp // SECOND % 7 * 10_000)


def new_engine() -> tuple[SimulatedExchange, VirtualClock]:
    """Two windows listed, the first open for a minute, with an hour of flat prints before."""
    engine = SimulatedExchange(EngineConfig(seed=7))
    clock = VirtualClock(Nanos(OPENS - 120 * SECOND))
    engine.add_series(SOL_15M)
    engine.list_market(WINDOW, clock.now())
    engine.list_market(NEXT, clock.now())
    engine.fix_strike(TICKER, STRIKE)
    return engine, clock


def direct_venue() -> Venue:
    """The engine asked in this process."""
    engine, clock = new_engine()
    engine.open_account(ACCOUNT, {0: Money(0), 2: CASH}, clock.now())
    lock = threading.Lock()

    def control(action: Callable[[SimulatedExchange, Nanos], T]) -> T:
        with lock:
            engine.advance(clock.now())
            return action(engine, clock.now())

    return Venue(SimulatedAccount(engine, ACCOUNT, clock.now), control, clock)


def served_venue(state: Path, *, express: bool = False, **options: object) -> Venue:
    """The engine behind the local exchange's sockets, asked by the REST client.

    `express`: orders go by the fast road.
    """
    engine, clock = new_engine()
    fields: dict[str, object] = {"key_type": "ed25519", "streams": 8, **options}
    settings = ExchangeOptions(cash=CASH, state=state, **fields)  # type: ignore[arg-type]
    running = serve_engine(engine, Still(engine), clock, settings)
    assert running.announcement.private_key_path is not None
    key = read_private_key(Path(running.announcement.private_key_path))
    signer = PresigningSigner(running.announcement.key_id, key, clock)
    road = connect_express if express else connect
    exchange = road(running.announcement.base_url, signer, PATIENCE)
    venue = Venue(exchange, running.host.act, clock)
    venue.running = running
    return venue


def order(client_order_id: str, side: Side, price: str, size: str, **more: object) -> OrderRequest:
    """A good-till-cancelled order on shard 2, unless told otherwise."""
    fields: dict[str, object] = {"time_in_force": TimeInForce.GTC, "shard": 2, **more}
    return OrderRequest(
        ticker=TICKER,
        client_order_id=client_order_id,
        side=side,
        price=Price(parse_price(price)),
        quantity=parse_quantity(size),
        **fields,  # type: ignore[arg-type]
    )
