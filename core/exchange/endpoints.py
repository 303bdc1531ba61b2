"""Kalshi's REST endpoints: the port's calls as requests on an HTTP connection (kalshi.md 2).

Account reads fail whole when one row cannot be read, because a missing order or fill is a danger;
market lists leave such a row out and count it, because its neighbours can still be traded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from core.exchange.account_calls import AccountEndpoints
from core.exchange.archive_calls import ArchiveEndpoints
from core.exchange.batch_calls import BatchEndpoints
from core.exchange.funding import FundingEndpoints
from core.exchange.listing import MarketStatus
from core.exchange.port import Ambiguous
from core.exchange.reference import ReferenceEndpoints, readable
from core.exchange.wire import books, holdings, markets, pages, trading, venue
from core.exchange.wire.scalars import to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.exchange.listing import ExchangeStatus, Limits, Market, OrderBook, Series, Trade
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
    from core.units import Nanos

T = TypeVar("T")
Query = dict[str, str | int | list[str] | None]
"""Parameters; those that are None or empty are left out, a list is a parameter repeated."""

ORDERS: Final = "/portfolio/events/orders"
_STATUS_WORDS: Final = {
    MarketStatus.INITIALIZED: "unopened",
    MarketStatus.ACTIVE: "open",
    MarketStatus.INACTIVE: "paused",
    MarketStatus.FINALIZED: "settled",
}
_PAGE: Final = 1000
_DEAD: Final = (503, 504)
"""A venue that is down says so with these, and with a status as the body."""


class Http(Protocol):
    """Sends requests and gives back typed answers, or raises the port's errors."""

    def read(
        self,
        path: str,
        shape: type[T],
        *,
        query: Query | None = None,
        signed: bool = False,
        also: tuple[int, ...] = (),
    ) -> T:
        """GET: a failure of any kind is Unavailable. `also`: statuses whose body is the answer."""

    def write(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        query: Query | None = None,
        body: msgspec.Struct | None = None,
    ) -> T:
        """Signed and changing something: an answer that does not come is Ambiguous."""

    def pages(
        self, path: str, shape: type[pages.P], query: Query, *, signed: bool
    ) -> Iterator[pages.P]:
        """GET, following the cursor to the end."""

    def send(self, method: str, path: str) -> bytes:
        """Signed, without a body in either direction."""

    def close(self) -> None:
        """Close the kept connections."""


class KalshiExchange(
    FundingEndpoints, ReferenceEndpoints, BatchEndpoints, AccountEndpoints, ArchiveEndpoints
):
    """`core.exchange.port.Exchange` over HTTP; `core.exchange.kalshi.connect` makes one."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.skipped_rows = 0
        """Rows of market lists that could not be read and were left out."""

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    # --- orders

    def create_order(self, request: OrderRequest) -> Placed:
        """Send a new order; an answer without an order id is as good as none."""
        body = trading.CreateOrderJson.from_request(request)
        answer = self._http.write("POST", ORDERS, trading.PlacedJson, body=body)
        return placed_of(answer.read, request.client_order_id)

    def cancel_order(self, request: CancelRequest) -> Canceled:
        """Cancel one order; pass ticker and shard, or shard 0 is searched."""
        query: Query = {"market_ticker": request.ticker, "exchange_index": request.shard}
        path = f"{ORDERS}/{request.order_id}"
        answer = self._http.write("DELETE", path, trading.CanceledJson, query=query)
        canceled = _taken(answer.read, f"cancel {request.order_id}")
        _about(canceled.order_id, request.order_id, "cancel")
        return canceled

    def amend_order(self, request: AmendRequest) -> Amended:
        """Change price, size or expiry."""
        path = f"{ORDERS}/{request.order_id}/amend"
        body = trading.AmendJson.from_request(request)
        answer = self._http.write("POST", path, trading.AmendedJson, body=body)
        return _taken(answer.read, f"amend {request.order_id}")

    def decrease_order(self, request: DecreaseRequest) -> Reduced:
        """Shrink an order in its place."""
        path = f"{ORDERS}/{request.order_id}/decrease"
        body = trading.DecreaseJson.from_request(request)
        answer = self._http.write("POST", path, trading.ReducedJson, body=body)
        reduced = _taken(answer.read, f"decrease {request.order_id}")
        _about(reduced.order_id, request.order_id, "decrease")
        return reduced

    def cancel_all_orders(self) -> None:
        """Cancel everything that rests, on every shard."""
        self._http.send("DELETE", ORDERS)

    def order(self, order_id: str) -> Order:
        """One order by the exchange's id."""
        page = self._http.read(f"/portfolio/orders/{order_id}", pages.OrderPage, signed=True)
        return readable(page.order.read, order_id)

    # --- the account

    def orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: Nanos | None = None,
    ) -> tuple[Order, ...]:
        """Own orders; one unreadable row fails the read, because a missing order is a danger."""
        query: Query = {"ticker": ticker, "status": status, "min_ts": _floor(since)}
        found = self._http.pages("/portfolio/orders", pages.OrdersPage, query, signed=True)
        return tuple(readable(row.read, "orders") for page in found for row in page.orders)

    def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: Nanos | None = None,
    ) -> tuple[Fill, ...]:
        """Own executions; one unreadable row fails the read."""
        query: Query = {"ticker": ticker, "order_id": order_id, "min_ts": _floor(since)}
        found = self._http.pages("/portfolio/fills", pages.FillsPage, query, signed=True)
        return tuple(readable(row.read, "fills") for page in found for row in page.fills)

    def positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Unsettled markets with a position or trades; one unreadable row fails the read."""
        query: Query = {"ticker": ticker, "settlement_status": "unsettled"}
        query["count_filter"] = "position,total_traded"
        found = self._http.pages("/portfolio/positions", pages.PositionsPage, query, signed=True)
        return tuple(
            readable(row.read, "positions") for page in found for row in page.market_positions
        )

    def settlements(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Settlement, ...]:
        """Payouts; one unreadable row fails the read."""
        query: Query = {"ticker": ticker, "min_ts": _floor(since)}
        found = self._http.pages(
            "/portfolio/settlements", pages.SettlementsPage, query, signed=True
        )
        return tuple(
            readable(row.read, "settlements") for page in found for row in page.settlements
        )

    def balance(self) -> Balance:
        """Cash by shard."""
        page = self._http.read("/portfolio/balance", holdings.BalanceJson, signed=True)
        return readable(page.read, "balance")

    def limits(self) -> Limits:
        """The account's token buckets."""
        return self._http.read("/account/limits", venue.LimitsJson, signed=True).record()

    # --- what everybody sees

    def markets(
        self,
        *,
        series: str | None = None,
        status: MarketStatus | None = None,
        tickers: tuple[str, ...] = (),
    ) -> tuple[Market, ...]:
        """Markets; an unreadable row is counted in `skipped_rows` and its neighbours are kept."""
        word = None if status is None else _STATUS_WORDS.get(status, "closed")
        query: Query = {"series_ticker": series, "status": word, "tickers": ",".join(tickers)}
        found = self._http.pages("/markets", pages.MarketsPage, query, signed=False)
        rows = (self._market_row(row) for page in found for row in page.markets)
        return tuple(row for row in rows if row is not None)

    def market(self, ticker: str) -> Market:
        """One market."""
        page = self._http.read(f"/markets/{ticker}", pages.MarketPage)
        return readable(page.market.read, ticker)

    def order_book(self, ticker: str, *, depth: int = 0) -> OrderBook:
        """Resting bids of both legs."""
        query: Query = {"depth": depth or None}
        page = self._http.read(f"/markets/{ticker}/orderbook", books.OrderBookJson, query=query)
        return readable(lambda: page.read(ticker), ticker)

    def trades(
        self, ticker: str, *, since: Nanos | None = None, limit: int = _PAGE
    ) -> tuple[Trade, ...]:
        """The newest public trades, one page."""
        query: Query = {"ticker": ticker, "min_ts": _floor(since), "limit": min(limit, _PAGE)}
        page = self._http.read("/markets/trades", pages.TradesPage, query=query)
        return tuple(readable(row.read, ticker) for row in page.trades)

    def series(self, ticker: str) -> Series:
        """Fee schedule and shard of a series."""
        return self._http.read(f"/series/{ticker}", pages.SeriesPage).series.read()

    def status(self) -> ExchangeStatus:
        """Whether the venue and each shard trade."""
        page = self._http.read("/exchange/status", venue.StatusJson, also=_DEAD)
        return readable(page.read, "exchange status")

    def user_data_timestamp(self) -> Nanos:
        """How far the portfolio reads reach."""
        page = self._http.read("/exchange/user_data_timestamp", venue.AsOfJson)
        return readable(page.read, "user data timestamp")

    def _market_row(self, row: msgspec.Raw) -> Market | None:
        try:
            return msgspec.json.decode(row, type=markets.MarketJson).read()
        except ValueError:
            self.skipped_rows += 1
            return None


def _floor(since: Nanos | None) -> int | None:
    return None if since is None else to_seconds(since)


def placed_of(read: Callable[[], Placed], order_id: str) -> Placed:
    """The record in the answer to a create; Ambiguous where it cannot be read, names no order, or
    another one: an answer that strayed says nothing of ours.
    """
    placed = _taken(read, f"create {order_id}")
    if not placed.order_id:
        msg = f"create {order_id}: answered without an order id"
        raise Ambiguous(msg)
    if placed.client_order_id:
        _about(placed.client_order_id, order_id, "create")
    return placed


def _about(told: str, asked: str, what: str) -> None:
    if told != asked:
        msg = f"{what} {asked}: the answer is about another order, {told}"
        raise Ambiguous(msg)


def _taken(read: Callable[[], T], what: str) -> T:
    """The record of a write's answer, where one that cannot be read leaves the outcome unknown."""
    try:
        return read()
    except ValueError as error:
        msg = f"{what}: unreadable answer: {error}"
        raise Ambiguous(msg) from error
