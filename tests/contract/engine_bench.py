"""An engine on the bench: one open market, accounts with cash, and short ways to trade."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from core.domain.windows import window_closing
from core.exchange.engine_events import EngineEvent
from core.exchange.engine_types import SOL_15M, EngineConfig, SeriesSpec
from core.exchange.port import Rejected
from core.exchange.records import OrderRequest, OrderStatus, Side, TimeInForce
from core.exchange.simulated import SimulatedExchange
from core.units import (
    INDEX_DOLLAR,
    ONE_DOLLAR,
    SECOND,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    parse_price,
    parse_quantity,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.records import Fill, Placed

E = TypeVar("E", bound=EngineEvent)

OPENS = Nanos(1_795_359_600 * SECOND)
"""2026-11-22 15:00 UTC, a Sunday."""
CLOSES = Nanos(OPENS + 900 * SECOND)
WINDOW = window_closing("KXSOL15M", CLOSES)
TICKER = WINDOW.market_ticker
NOW = Nanos(OPENS + 60 * SECOND)
CASH = Money(1_000 * ONE_DOLLAR)
STRIKE = IndexValue(118 * INDEX_DOLLAR)
BID, ASK = Side.BID, Side.ASK
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


class Bench:
    """The market of `WINDOW`, open for a minute, strike $118, nothing resting.

    Accounts ann and bob hold $1,000 on shard 2, and $50 on shard 0 that no crypto order can use.
    """

    def __init__(self, config: EngineConfig | None = None, series: SeriesSpec = SOL_15M) -> None:
        self.engine = SimulatedExchange(config or EngineConfig())
        self.now = NOW
        self.count = 0
        self.engine.add_series(series)
        self.engine.list_market(WINDOW, Nanos(OPENS - 60 * SECOND))
        self.engine.fix_strike(TICKER, STRIKE)
        for name in ("ann", "bob"):
            cash = {0: Money(50 * ONE_DOLLAR), 2: CASH}
            self.engine.open_account(name, cash, Nanos(OPENS - 60 * SECOND))
        self.engine.advance(NOW)
        self.engine.drain()

    def request(self, side: Side, price: str, size: str, **more: object) -> OrderRequest:
        """A good-till-cancelled order with a client order id of its own."""
        self.count += 1
        fields: dict[str, object] = {
            "ticker": TICKER,
            "client_order_id": f"c{self.count}",
            "side": side,
            "price": parse_price(price),
            "quantity": parse_quantity(size),
            "time_in_force": TimeInForce.GTC,
            **more,
        }
        return OrderRequest(**fields)  # type: ignore[arg-type]

    def place(self, account: str, side: Side, price: str, size: str, **more: object) -> Placed:
        """Send such an order."""
        request = self.request(side, price, size, **more)
        return self.engine.create_order(account, request, self.now)

    def show(self, side: Side, price: str, size: str) -> None:
        """Outside liquidity at a YES price is this."""
        self.engine.set_outside(TICKER, side, parse_price(price), parse_quantity(size), self.now)

    def move(self, side: Side, price: str, change: str) -> None:
        """Recorded outside liquidity changes by this."""
        level = parse_price(price), parse_quantity(change)
        self.engine.apply_outside_delta(TICKER, side, *level, self.now)

    def take(self, side: Side, limit: str, size: str) -> Quantity:
        """Somebody outside trades at once."""
        order = parse_price(limit), parse_quantity(size)
        return self.engine.outside_order(TICKER, side, *order, self.now)

    def printed(self, price: str, size: str, taker: Side) -> None:
        """A recorded public trade."""
        trade = parse_price(price), parse_quantity(size)
        self.engine.outside_trade(TICKER, *trade, taker, self.now)

    def pass_time(self, seconds: float) -> None:
        """Later."""
        self.now = Nanos(self.now + round(seconds * SECOND))
        self.engine.advance(self.now)

    def publish(self, value: float, *, upto: Nanos = CLOSES) -> None:
        """A constant index, every second from now until just before `upto`."""
        while self.now < upto:
            print_value = IndexValue(round(value * INDEX_DOLLAR))
            self.engine.publish_index(SOL_15M.index_id, print_value, self.now, self.now)
            self.now = Nanos(self.now + SECOND)

    def settle(self, value: float) -> None:
        """Run the window to its payout, with this settlement value."""
        self.engine.fix_settlement(TICKER, IndexValue(round(value * INDEX_DOLLAR)))
        self.now = Nanos(CLOSES + 20 * SECOND)
        self.engine.advance(self.now)

    def cash(self, account: str) -> int:
        """Money owned on shard 2 and 0, reserved or not."""
        return self.engine.books(account).cash

    def spendable(self, account: str) -> int:
        """What is left for orders on shard 2."""
        return self.engine.balance(account).on_shard(2)

    def position(self, account: str) -> Quantity:
        """Signed position in the market."""
        held = dict(self.engine.books(account).positions)
        return held.get(TICKER, Quantity(0))

    def fills(self, account: str) -> list[tuple[Price, Quantity]]:
        """Price and quantity of each execution, oldest first."""
        found: tuple[Fill, ...] = self.engine.fills(account)
        return [(fill.price, fill.quantity) for fill in reversed(found)]

    def status(self, account: str, placed: Placed) -> OrderStatus:
        """State of an order."""
        return self.engine.order(account, placed.order_id).status

    def events(self, kind: type[E]) -> list[E]:
        """Drain, and keep those of one kind."""
        return [event for event in self.engine.drain() if isinstance(event, kind)]

    def bids(self) -> list[tuple[Price, Quantity]]:
        """The YES leg of the book, best first."""
        return list(reversed(self.engine.book(TICKER).yes))


def refused(action: Callable[[], object]) -> tuple[str, int]:
    """Code and status with which an action is refused."""
    with pytest.raises(Rejected) as caught:
        action()
    return caught.value.code, caught.value.status
