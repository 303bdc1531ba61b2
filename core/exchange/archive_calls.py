"""What has left the live endpoints and is served under `/historical` alone (kalshi.md 2.8).

A part of `core.exchange.endpoints.KalshiExchange`. `cutoff` tells what is old enough. All calls
raise as `core.exchange.port` says, and Unavailable where one row cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.reference import readable
from core.exchange.wire import pages, venue
from core.exchange.wire.candles import OldCandlesPage
from core.exchange.wire.markets import MarketJson
from core.exchange.wire.scalars import to_seconds

if TYPE_CHECKING:
    from core.exchange.endpoints import Http, Query
    from core.exchange.listing import Candlestick, Cutoff, Market, Trade
    from core.exchange.records import Fill, Order, Position
    from core.exchange.reference import Stretch
    from core.units import Nanos


class ArchiveEndpoints:
    """The calls."""

    _http: Http

    def cutoff(self) -> Cutoff:
        """What is older than this is in the archive alone."""
        page = self._http.read("/historical/cutoff", venue.CutoffJson)
        return readable(page.read, "cutoff")

    # --- the account's own

    def archived_orders(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Order, ...]:
        """Finished orders from before the cutoff."""
        query = _query(ticker, since)
        found = self._http.pages("/historical/orders", pages.OrdersPage, query, signed=True)
        return tuple(readable(row.read, "orders") for page in found for row in page.orders)

    def archived_fills(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Fill, ...]:
        """Executions from before the cutoff."""
        query = _query(ticker, since)
        found = self._http.pages("/historical/fills", pages.FillsPage, query, signed=True)
        return tuple(readable(row.read, "fills") for page in found for row in page.fills)

    def archived_positions(self, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Positions that were settled before the cutoff."""
        query: Query = {"ticker": ticker}
        found = self._http.pages("/historical/positions", pages.PositionsPage, query, signed=True)
        return tuple(
            readable(row.read, "positions") for page in found for row in page.market_positions
        )

    # --- everybody's

    def archived_markets(
        self, *, series: str | None = None, tickers: tuple[str, ...] = ()
    ) -> tuple[Market, ...]:
        """Markets that were settled before the cutoff."""
        query: Query = {"series_ticker": series, "tickers": ",".join(tickers)}
        found = self._http.pages("/historical/markets", pages.MarketsPage, query, signed=False)
        return tuple(_market(row) for page in found for row in page.markets)

    def archived_market(self, ticker: str) -> Market:
        """One of them; Rejected with status 404 while it is live."""
        page = self._http.read(f"/historical/markets/{ticker}", pages.MarketPage)
        return readable(page.market.read, ticker)

    def archived_trades(
        self, *, ticker: str | None = None, since: Nanos | None = None
    ) -> tuple[Trade, ...]:
        """Public trades from before the cutoff, newest first."""
        query = _query(ticker, since)
        found = self._http.pages("/historical/trades", pages.TradesPage, query, signed=False)
        return tuple(readable(row.read, "trades") for page in found for row in page.trades)

    def archived_candlesticks(self, ticker: str, asked: Stretch) -> tuple[Candlestick, ...]:
        """Candlesticks of a market, oldest first; the archive spells them in its own way."""
        path = f"/historical/markets/{ticker}/candlesticks"
        page = self._http.read(path, OldCandlesPage, query=asked.query())
        return tuple(readable(row.read, ticker) for row in page.candlesticks)


def _query(ticker: str | None, since: Nanos | None) -> Query:
    return {"ticker": ticker, "min_ts": None if since is None else to_seconds(since)}


def _market(row: msgspec.Raw) -> Market:
    return readable(lambda: msgspec.json.decode(row, type=MarketJson).read(), "markets")
