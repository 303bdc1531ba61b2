"""The simulated exchange asked directly, through the same port as the REST client."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from core.exchange.listing import Level, OrderBook
from core.exchange.wire.scalars import to_seconds
from web.exchange_portfolio import BASIC_TIER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.clock import Clock
    from core.exchange.listing import (
        ExchangeStatus,
        Limits,
        Market,
        MarketStatus,
        Series,
        Trade,
    )
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
        OrderStatus,
        Placed,
        Position,
        Reduced,
        Settlement,
    )
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos

T = TypeVar("T")


class EngineExchange:
    """`Exchange` for one account of an engine in this process."""

    def __init__(self, engine: SimulatedExchange, account: str, clock: Clock) -> None:
        self._engine = engine
        self._account = account
        self._clock = clock

    def create_order(self, request: OrderRequest) -> Placed:
        return self._engine.create_order(self._account, request, self._clock.now())

    def cancel_order(self, request: CancelRequest) -> Canceled:
        return self._engine.cancel_order(self._account, request, self._clock.now())

    def amend_order(self, request: AmendRequest) -> Amended:
        return self._engine.amend_order(self._account, request, self._clock.now())

    def decrease_order(self, request: DecreaseRequest) -> Reduced:
        return self._engine.decrease_order(self._account, request, self._clock.now())

    def cancel_all_orders(self) -> None:
        self._engine.cancel_all_orders(self._account, self._clock.now())

    def order(self, order_id: str) -> Order:
        return self._engine.order(self._account, order_id)

    def orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: Nanos | None = None,
    ) -> tuple[Order, ...]:
        rows = self._engine.orders(self._account, ticker=ticker, status=status)
        return _since(rows, since, lambda row: row.created)

    def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: Nanos | None = None,
    ) -> tuple[Fill, ...]:
        rows = self._engine.fills(self._account, ticker=ticker, order_id=order_id)
        return _since(rows, since, lambda row: row.ts)

    def positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        return self._engine.positions(self._account, ticker=ticker)

    def settlements(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Settlement, ...]:
        rows = self._engine.settlements(self._account, ticker=ticker)
        return _since(rows, since, lambda row: row.settled)

    def balance(self) -> Balance:
        return self._engine.balance(self._account)

    def markets(
        self,
        *,
        series: str | None = None,
        status: MarketStatus | None = None,
        tickers: tuple[str, ...] = (),
    ) -> tuple[Market, ...]:
        now = self._clock.now()
        rows = [
            self._engine.listed_market(row.ticker, now)
            for row in self._engine.markets(series=series)
        ]
        return tuple(
            row
            for row in rows
            if status in {None, row.status} and (not tickers or row.ticker in tickers)
        )

    def market(self, ticker: str) -> Market:
        return self._engine.listed_market(ticker, self._clock.now())

    def order_book(self, ticker: str, *, depth: int = 0) -> OrderBook:
        book = self._engine.book(ticker)

        def best_first(levels: tuple[tuple[int, int], ...]) -> tuple[Level, ...]:
            return tuple(
                Level(price=price, quantity=size)  # type: ignore[arg-type]
                for price, size in reversed(levels[-depth:])
            )

        return OrderBook(ticker=ticker, yes=best_first(book.yes), no=best_first(book.no))

    def trades(
        self, ticker: str, *, since: Nanos | None = None, limit: int = 1000
    ) -> tuple[Trade, ...]:
        return _since(self._engine.trades(ticker), since, lambda row: row.ts)[:limit]

    def series(self, ticker: str) -> Series:
        return self._engine.series(ticker)

    def status(self) -> ExchangeStatus:
        return self._engine.status()

    def limits(self) -> Limits:
        return BASIC_TIER

    def user_data_timestamp(self) -> Nanos:
        return self._engine.now


def _since(rows: Sequence[T], since: Nanos | None, ts: Callable[[T], Nanos]) -> tuple[T, ...]:
    floor = None if since is None else to_seconds(since)
    return tuple(row for row in rows if floor is None or to_seconds(ts(row)) >= floor)
