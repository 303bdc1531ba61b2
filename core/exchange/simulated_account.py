"""The simulated exchange as one account's `port.Exchange`: for paper, and the contract tests.

Answers are those of the engine at once: latency is the caller's business (`core.exchange.fills`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.listing import Level, Limits, OrderBook
from core.exchange.records import (
    OrderStatus,
)
from core.units import SECOND, Nanos, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.listing import ExchangeStatus, FeeChange, Market, MarketStatus, Series, Trade
    from core.exchange.records import (
        Amended,
        AmendRequest,
        Balance,
        Canceled,
        CancelRequest,
        DecreaseRequest,
        Fill,
        Order,
        OrderRequest,
        Placed,
        Position,
        Reduced,
        Settlement,
    )
    from core.exchange.simulated import SimulatedExchange


class SimulatedAccount:
    """One account of an engine; `now` is read at every call. As thread-safe as the engine: not."""

    def __init__(self, engine: SimulatedExchange, account: str, now: Callable[[], Nanos]) -> None:
        self._engine = engine
        self._account = account
        self._now = now

    def create_order(self, request: OrderRequest) -> Placed:
        """See `port.Exchange`."""
        return self._engine.create_order(self._account, request, self._now())

    def cancel_order(self, request: CancelRequest) -> Canceled:
        """See `port.Exchange`."""
        return self._engine.cancel_order(self._account, request, self._now())

    def amend_order(self, request: AmendRequest) -> Amended:
        """See `port.Exchange`."""
        return self._engine.amend_order(self._account, request, self._now())

    def decrease_order(self, request: DecreaseRequest) -> Reduced:
        """See `port.Exchange`."""
        return self._engine.decrease_order(self._account, request, self._now())

    def cancel_all_orders(self) -> None:
        """See `port.Exchange`."""
        self._engine.cancel_all_orders(self._account, self._now())

    def order(self, order_id: str) -> Order:
        """See `port.Exchange`."""
        self._bring_up()
        return self._engine.order(self._account, order_id)

    def orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: Nanos | None = None,
    ) -> tuple[Order, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        found = self._engine.orders(self._account, ticker=ticker, status=status)
        return tuple(order for order in found if since is None or order.created >= since)

    def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: Nanos | None = None,
    ) -> tuple[Fill, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        found = self._engine.fills(self._account, ticker=ticker, order_id=order_id)
        return tuple(fill for fill in found if fill.ts >= _whole_second(since))

    def queue_positions(self, tickers: tuple[str, ...] = ()) -> dict[str, Quantity]:
        """See `port.Exchange`."""
        self._bring_up()
        resting = self._engine.orders(self._account, status=OrderStatus.RESTING)
        return {
            order.order_id: self._engine.queue_ahead(self._account, order.order_id)
            for order in resting
            if not tickers or order.ticker in tickers
        }

    def positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        return self._engine.positions(self._account, ticker=ticker)

    def settlements(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Settlement, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        found = self._engine.settlements(self._account, ticker=ticker)
        return tuple(row for row in found if row.settled >= _whole_second(since))

    def balance(self) -> Balance:
        """See `port.Exchange`."""
        self._bring_up()
        return self._engine.balance(self._account)

    def markets(
        self,
        *,
        series: str | None = None,
        status: MarketStatus | None = None,
        tickers: tuple[str, ...] = (),
    ) -> tuple[Market, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        return tuple(
            market
            for market in self._engine.markets(series=series)
            if status in {None, market.status} and (not tickers or market.ticker in tickers)
        )

    def market(self, ticker: str) -> Market:
        """See `port.Exchange`."""
        self._bring_up()
        return self._engine.market(ticker)

    def order_book(self, ticker: str, *, depth: int = 0) -> OrderBook:
        """See `port.Exchange`."""
        self._bring_up()
        levels = self._engine.book(ticker)
        yes, no = (
            tuple(Level(price=price, quantity=quantity) for price, quantity in reversed(leg))
            for leg in (levels.yes, levels.no)
        )
        return OrderBook(ticker=ticker, yes=yes[: depth or None], no=no[: depth or None])

    def trades(
        self, ticker: str, *, since: Nanos | None = None, limit: int = 1000
    ) -> tuple[Trade, ...]:
        """See `port.Exchange`."""
        self._bring_up()
        found = [t for t in self._engine.trades(ticker) if t.ts >= _whole_second(since)]
        return tuple(found[:limit])

    def series(self, ticker: str) -> Series:
        """See `port.Exchange`."""
        return self._engine.series(ticker)

    def fee_changes(self, series: str | None = None) -> tuple[FeeChange, ...]:
        """See `port.Exchange`."""
        self._engine.advance(self._now())
        return self._engine.fee_changes(series)

    def status(self) -> ExchangeStatus:
        """See `port.Exchange`."""
        self._bring_up()
        return self._engine.status()

    def limits(self) -> Limits:
        """The Basic tier's buckets (kalshi.md 2.10), though nothing here counts tokens."""
        return Limits(
            tier="basic",
            read_refill=200,
            read_capacity=600,
            write_refill=100,
            write_capacity=100,
        )

    def user_data_timestamp(self) -> Nanos:
        """Now: these reads do not lag."""
        return self._bring_up()

    def _bring_up(self) -> Nanos:
        now = self._now()
        self._engine.advance(now)
        return now


def _whole_second(since: Nanos | None) -> Nanos:
    return Nanos(0 if since is None else since // SECOND * SECOND)
