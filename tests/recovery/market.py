"""A small exchange in virtual time: the engine, a market that moves, and a line that fails.

Everything random comes from one seed. Requests and frames can be lost, late, doubled, out of order;
portfolio reads can come from a replica that lags. Whatever happens to the trader, the market goes
on.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core.clock import VirtualClock
from core.domain.windows import WINDOW_LENGTH, window_closing
from core.exchange.engine_events import Filled, MarketChanged, MarketEvent, OrderChanged
from core.exchange.engine_types import CRYPTO_SHARD, SOL_15M, EngineConfig
from core.exchange.port import Ambiguous, RateLimited, Unavailable
from core.exchange.records import (
    Balance,
    Fill,
    Order,
    Outcome,
    Position,
    Settlement,
    Side,
)
from core.exchange.simulated import SimulatedExchange
from core.exchange.simulated_account import SimulatedAccount
from core.units import INDEX_DOLLAR, ONE_DOLLAR, SECOND, IndexValue, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from core.exchange.engine_events import EngineEvent
    from core.exchange.records import (
        Canceled,
        CancelRequest,
        OrderRequest,
        OrderStatus,
        Placed,
    )

ACCOUNT: Final = "trader"
START: Final = Nanos(1_795_359_600 * SECOND)
"""2026-11-22 15:00 UTC, the opening of a window."""
CASH: Final = Money(10_000 * ONE_DOLLAR)
STRIKE: Final = IndexValue(118 * INDEX_DOLLAR)
_TICK: Final = 100
_LATEST_ARRIVAL: Final = 1.5
"""Seconds: a request that was given up may still arrive so late, and no later."""


class Faults(msgspec.Struct, kw_only=True):
    """Chances of each fault, and how many there were."""

    lost_before: float = 0.0
    lost_after: float = 0.0
    arrives_late: float = 0.0
    limited: float = 0.0
    read_fails: float = 0.0
    lag_seconds: float = 0.0
    frame_lost: float = 0.0
    frame_twice: float = 0.0
    frame_late: float = 0.0
    count: int = 0

    def happens(self, chance: float, random: Random) -> bool:
        """Whether one of these happens now; counts it."""
        if chance <= 0 or random.random() >= chance:
            return False
        self.count += 1
        return True


class Market:
    """The engine and what goes on around it. Advance it with `advance`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.clock = VirtualClock(START)
        self.engine = SimulatedExchange(EngineConfig(seed=random.randrange(2**31)))
        self.engine.add_series(SOL_15M)
        self.engine.open_account(ACCOUNT, {CRYPTO_SHARD: CASH}, START)
        self.account = SimulatedAccount(self.engine, ACCOUNT, self.clock.now)
        self._close = START
        self._late: list[tuple[Nanos, OrderRequest]] = []
        self.ticker = ""
        self._mid = 50
        self._next_window()

    def _next_window(self) -> None:
        """List the window that opens now; its result is drawn."""
        self._close = Nanos(self._close + WINDOW_LENGTH)
        window = window_closing(SOL_15M.ticker, self._close)
        self.ticker = self.engine.list_market(window, self.clock.now())
        self.engine.fix_strike(self.ticker, STRIKE)
        up = self.random.random() < 0.5
        self.engine.fix_settlement(self.ticker, IndexValue(STRIKE + (1 if up else -1) * _TICK**3))
        self._mid = self.random.randint(20, 80)

    @property
    def seconds_left(self) -> float:
        """To the close of the running window."""
        return (self._close - self.clock.now()) / SECOND

    def advance(self, until: Nanos) -> Iterator[EngineEvent]:
        """Let a second or less pass; what the exchange tells of it."""
        self.clock.advance_to(until)
        for due, request in [late for late in self._late if late[0] <= until]:
            self._late.remove((due, request))
            self._arrive(request)
        if until >= self._close:
            self._next_window()
        self._move()
        self.engine.advance(until)
        yield from self.engine.drain()

    def _move(self) -> None:
        """Makers quote around a wandering middle, takers hit what rests."""
        random, now = self.random, self.clock.now()
        self._mid = min(90, max(10, self._mid + random.choice((-1, 0, 0, 1))))
        bids = [
            (Price((self._mid - n) * _TICK), Quantity(random.randint(1, 40) * 100))
            for n in (1, 2, 3)
        ]
        asks = [
            (Price((self._mid + n) * _TICK), Quantity(random.randint(1, 40) * 100))
            for n in (1, 2, 3)
        ]
        self.engine.replace_outside(self.ticker, bids, asks, now)
        if random.random() < 0.4:
            side = random.choice(tuple(Side))
            limit = Price((self._mid + (4 if side is Side.BID else -4)) * _TICK)
            size = Quantity(random.randint(1, 30) * 50)
            self.engine.outside_order(self.ticker, side, limit, size, now)

    def send_late(self, request: OrderRequest) -> None:
        """A request whose sender has given it up arrives after all."""
        delay = Nanos(round(self.random.uniform(0.05, _LATEST_ARRIVAL) * SECOND))
        self._late.append((Nanos(self.clock.now() + delay), request))

    def _arrive(self, request: OrderRequest) -> None:
        try:
            self.account.create_order(request)
        except Exception as refusal:  # noqa: BLE001 - nobody is there to hear it
            del refusal


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """An account as a replica has it."""

    ts: Nanos
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    positions: tuple[Position, ...]
    settlements: tuple[Settlement, ...]
    balance: Balance


class FaultyLine:
    """One client's line to the exchange: `port.Exchange` as far as a trader needs it, and worse."""

    def __init__(self, market: Market, faults: Faults) -> None:
        self.market = market
        self.faults = faults
        self._pictures: deque[Picture] = deque()

    # --- the replica -----------------------------------------------------------------------------

    def photograph(self) -> None:
        """Remember how the account looks now, for reads that lag."""
        account = self.market.account
        self._pictures.append(
            Picture(
                ts=self.market.clock.now(),
                orders=account.orders(),
                fills=account.fills(),
                positions=account.positions(),
                settlements=account.settlements(),
                balance=account.balance(),
            )
        )
        while len(self._pictures) > 8:
            self._pictures.popleft()

    def _picture(self) -> Picture:
        faults = self.faults
        if faults.happens(faults.read_fails, self.market.random):
            raise Unavailable("a read failed")
        if faults.lag_seconds <= 0 or not self._pictures:
            self.photograph()
            return self._pictures[-1]
        seen = Nanos(self.market.clock.now() - round(faults.lag_seconds * SECOND))
        old = [picture for picture in self._pictures if picture.ts <= seen]
        return old[-1] if old else self._pictures[0]

    # --- writes ----------------------------------------------------------------------------------

    def create_order(self, request: OrderRequest) -> Placed:
        faults, random = self.faults, self.market.random
        if faults.happens(faults.limited, random):
            raise RateLimited("no tokens")
        if faults.happens(faults.lost_before, random):
            raise Ambiguous("lost on its way")
        if faults.happens(faults.arrives_late, random):
            self.market.send_late(request)
            raise Ambiguous("timed out")
        placed = self.market.account.create_order(request)
        if faults.happens(faults.lost_after, random):
            raise Ambiguous("the answer was lost")
        return placed

    def cancel_order(self, request: CancelRequest) -> Canceled:
        faults, random = self.faults, self.market.random
        if faults.happens(faults.lost_before, random):
            raise Ambiguous("lost on its way")
        done = self.market.account.cancel_order(request)
        if faults.happens(faults.lost_after, random):
            raise Ambiguous("the answer was lost")
        return done

    # --- reads -----------------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        found = [order for order in self._picture().orders if order.order_id == order_id]
        return found[0] if found else self.market.account.order(order_id)

    def orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: Nanos | None = None,
    ) -> tuple[Order, ...]:
        return tuple(
            order
            for order in self._picture().orders
            if ticker in {None, order.ticker}
            and status in {None, order.status}
            and order.created >= (since or 0)
        )

    def fills(
        self, *, ticker: str | None = None, order_id: str | None = None, since: Nanos | None = None
    ) -> tuple[Fill, ...]:
        return tuple(
            fill
            for fill in self._picture().fills
            if ticker in {None, fill.ticker}
            and order_id in {None, fill.order_id}
            and fill.ts >= (since or 0) // SECOND * SECOND
        )

    def positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        return tuple(row for row in self._picture().positions if ticker in {None, row.ticker})

    def settlements(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Settlement, ...]:
        return tuple(
            row
            for row in self._picture().settlements
            if ticker in {None, row.ticker} and row.settled >= (since or 0) // SECOND * SECOND
        )

    def balance(self) -> Balance:
        return self._picture().balance

    def user_data_timestamp(self) -> Nanos:
        return self._picture().ts

    def __getattr__(self, name: str) -> Callable[..., object]:
        """Everything else (series, markets) is public and does not fail here."""
        found: Callable[..., object] = getattr(self.market.account, name)
        return found


def result_of(event: EngineEvent) -> tuple[str, Outcome] | None:
    """Ticker and result where a market was determined."""
    if isinstance(event, MarketChanged) and event.kind is MarketEvent.DETERMINED:
        assert event.market.result is not None
        return event.market.ticker, event.market.result
    return None


def own_frames(events: Iterator[EngineEvent]) -> list[Filled | OrderChanged]:
    """What the exchange tells the account's owner of these events."""
    return [event for event in events if isinstance(event, Filled | OrderChanged)]
