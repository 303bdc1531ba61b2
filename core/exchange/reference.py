"""What everybody may ask beside markets and trades: hours, fees, events, books, candlesticks.

A part of `core.exchange.endpoints.KalshiExchange`; kalshi.md 2.1, 2.2, 2.4 and 4.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.port import Unavailable
from core.exchange.wire import pages
from core.exchange.wire.candles import CandlesPage, MarketsCandlesPage
from core.exchange.wire.event_fees import EventFeeChangesPage
from core.exchange.wire.index_history import IndexHistoryJson
from core.exchange.wire.scalars import format_rfc3339, to_seconds
from core.exchange.wire.series import FeeChangesPage, MetadataJson
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from core.exchange.endpoints import Http, Query
    from core.exchange.listing import (
        Candlestick,
        Event,
        EventFeeChange,
        FeeChange,
        Hours,
        OrderBook,
        Series,
    )
    from core.units import IndexValue

    T = TypeVar("T")

_MOST_MARKETS: Final = 100
_HOUR: Final = Nanos(3_600 * SECOND)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Candlesticks that end in [first, last], each of so many minutes: 1, 60 or 1440."""

    first: Nanos
    last: Nanos
    minutes: int = 1

    def query(self) -> Query:
        """As parameters; whole seconds, which every period ends on."""
        return {
            "start_ts": to_seconds(self.first),
            "end_ts": to_seconds(self.last),
            "period_interval": self.minutes,
        }


class ReferenceEndpoints:
    """The calls; all raise as `core.exchange.port` says, and Unavailable for unreadable rows."""

    _http: Http

    def schedule(self) -> Hours:
        """Weekly hours and maintenance."""
        page = self._http.read("/exchange/schedule", pages.SchedulePage)
        return readable(page.schedule.read, "schedule")

    def all_series(self, *, category: str | None = None) -> tuple[Series, ...]:
        """Every series, or those of a category."""
        page = self._http.read("/series", pages.SeriesListPage, query={"category": category})
        return tuple(row.read() for row in page.series)

    def fee_changes(self, series: str | None = None) -> tuple[FeeChange, ...]:
        """Changes of fees that are announced and not yet in force."""
        query: Query = {"series_ticker": series}
        page = self._http.read("/series/fee_changes", FeeChangesPage, query=query)
        return tuple(readable(row.read, "fee change") for row in page.series_fee_change_arr)

    def events(self, series: str) -> tuple[Event, ...]:
        """The events of a series."""
        query: Query = {"series_ticker": series}
        found = self._http.pages("/events", pages.EventsPage, query, signed=False)
        return tuple(readable(row.read, "event") for page in found for row in page.events)

    def event(self, event_ticker: str) -> Event:
        """One event."""
        page = self._http.read(f"/events/{event_ticker}", pages.EventPage)
        return readable(page.event.read, event_ticker)

    def sources(self, event_ticker: str) -> tuple[str, ...]:
        """Who publishes the value that an event is settled by."""
        page = self._http.read(f"/events/{event_ticker}/metadata", MetadataJson)
        return tuple(source.name for source in page.settlement_sources)

    def event_fee_changes(self) -> tuple[EventFeeChange, ...]:
        """Announced changes of single events' fees; they win over those of their series."""
        found = self._http.pages("/events/fee_changes", EventFeeChangesPage, {}, signed=False)
        return tuple(
            readable(row.read, "fee change") for page in found for row in page.event_fee_changes
        )

    def order_books(self, tickers: tuple[str, ...]) -> tuple[OrderBook, ...]:
        """Up to 100 whole books with one request. Raises ValueError for none or for more."""
        _check_count(tickers)
        query: Query = {"tickers": list(tickers)}
        page = self._http.read("/markets/orderbooks", pages.OrderBooksPage, query=query)
        return tuple(readable(row.read, row.ticker) for row in page.orderbooks)

    def candlesticks(self, series: str, ticker: str, asked: Stretch) -> tuple[Candlestick, ...]:
        """Candlesticks of a market, oldest first."""
        path = f"/series/{series}/markets/{ticker}/candlesticks"
        page = self._http.read(path, CandlesPage, query=asked.query())
        return tuple(readable(row.read, ticker) for row in page.candlesticks)

    def candlesticks_of(
        self, tickers: tuple[str, ...], asked: Stretch
    ) -> dict[str, tuple[Candlestick, ...]]:
        """Candlesticks of up to 100 markets. Raises ValueError for none or for more."""
        _check_count(tickers)
        query: Query = {"market_tickers": ",".join(tickers), **asked.query()}
        page = self._http.read("/markets/candlesticks", MarketsCandlesPage, query=query)
        return {
            row.market_ticker: tuple(
                readable(candle.read, row.market_ticker) for candle in row.candlesticks
            )
            for row in page.markets
        }

    def index_history(self, index_id: str, hour: Nanos) -> tuple[tuple[Nanos, IndexValue], ...]:
        """The one-second prints of an hour, given by its beginning. 50 tokens, signed.

        Up to a quarter of an hour late, and with holes. Raises ValueError for another time.
        """
        if hour % _HOUR:
            msg = f"{format_rfc3339(hour)} is not the beginning of an hour"
            raise ValueError(msg)
        query: Query = {"id": index_id, "timespan": "HOUR", "timestamp": format_rfc3339(hour)}
        page = self._http.read(
            "/cfbenchmarks/history/values", IndexHistoryJson, query=query, signed=True
        )
        return tuple(readable(row.read, index_id) for row in page.data.payload)


def readable(read: Callable[[], T], what: str) -> T:
    """The record of a row, where one that cannot be read fails the whole read."""
    try:
        return read()
    except ValueError as error:
        msg = f"{what}: unreadable row: {error}"
        raise Unavailable(msg) from error


def _check_count(tickers: tuple[str, ...]) -> None:
    if not 1 <= len(tickers) <= _MOST_MARKETS:
        msg = f"{len(tickers)} markets: name 1 to {_MOST_MARKETS}"
        raise ValueError(msg)
