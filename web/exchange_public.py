"""What the local exchange tells everybody: status, schedule, series, events, markets, books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from core.clock import ScaledClock
from core.exchange.engine.refusals import invalid_parameters, market_not_found, not_found
from core.exchange.hours import schedule
from core.exchange.listing import MarketStatus
from core.exchange.wire.books import NamedOrderBookJson, OrderBookJson, TradeJson
from core.exchange.wire.markets import MarketJson
from core.exchange.wire.pages import SchedulePage, SeriesListPage, SeriesPage
from core.exchange.wire.scalars import format_rfc3339
from core.exchange.wire.series import (
    EventJson,
    FeeChangeJson,
    FeeChangesPage,
    MetadataJson,
    SeriesJson,
)
from core.exchange.wire.venue import AsOfJson, StatusJson
from web.exchange_archive import is_old_market
from web.exchange_requests import answer, choice, flag, names, number, page, text, within

if TYPE_CHECKING:
    from core.exchange.engine_types import MarketRow
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos
    from web.exchange_host import ExchangeHost

_FILTERS: Final = {
    "unopened": frozenset({MarketStatus.INITIALIZED}),
    "open": frozenset({MarketStatus.ACTIVE}),
    "paused": frozenset({MarketStatus.INACTIVE}),
    "closed": frozenset(
        {
            MarketStatus.CLOSED,
            MarketStatus.DETERMINED,
            MarketStatus.DISPUTED,
            MarketStatus.AMENDED,
        }
    ),
    "settled": frozenset({MarketStatus.FINALIZED}),
}
_TIMES: Final = {
    "created": frozenset({None, "unopened", "open"}),
    "close": frozenset({None, "closed"}),
    "settled": frozenset({None, "settled"}),
    "updated": frozenset({None}),
}
"""Which families of time filters go with which status words."""
_UNAVAILABLE: Final = 503
_DEEPEST: Final = 100
_MOST_BOOKS: Final = 100


def public_endpoints(host: ExchangeHost) -> Blueprint:
    """The unsigned half of the REST face."""
    routes = Blueprint("public", __name__)
    _venue_endpoints(routes, host)
    _market_endpoints(routes, host)
    _book_endpoints(routes, host)
    return routes


def _venue_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/exchange/status")
    def status() -> Response:
        told = host.ask(lambda engine, _: engine.status())
        dead = not any(shard.exchange_active for shard in told.shards)
        return answer(StatusJson.from_status(told), _UNAVAILABLE if dead else 200)

    @routes.get("/exchange/schedule")
    def weekly_schedule() -> Response:
        return answer(SchedulePage(schedule(host.clock.now())))

    @routes.get("/exchange/user_data_timestamp")
    def user_data_timestamp() -> Response:
        as_of = host.ask(lambda _engine, _now: host.memory.replica.as_of)
        return answer(AsOfJson(as_of_time=format_rfc3339(as_of)))

    @routes.get("/exchange/clock")
    def clock() -> Response:
        """Only a local exchange has one to share: programs of this machine can follow it."""
        if not isinstance(host.clock, ScaledClock):
            raise not_found("clock", "")
        return answer(host.clock.spec)

    @routes.get("/series")
    def series_list() -> Response:
        specs = host.ask(lambda engine, _: [engine.series(s.ticker) for s in engine.all_series()])
        return answer(SeriesListPage(tuple(SeriesJson.from_series(spec) for spec in specs)))

    @routes.get("/series/<ticker>")
    def series(ticker: str) -> Response:
        found = host.ask(lambda engine, _: engine.series(ticker))
        return answer(SeriesPage(SeriesJson.from_series(found)))

    @routes.get("/series/fee_changes")
    def fee_changes() -> Response:
        past, name = flag("show_historical"), text("series_ticker")
        found = host.ask(lambda engine, _: engine.fee_changes(name, past=past))
        return answer(FeeChangesPage(tuple(FeeChangeJson.from_change(row) for row in found)))

    @routes.get("/events/fee_changes")
    def event_fee_changes() -> Response:
        return answer({"event_fee_changes": (), "cursor": ""})


def _market_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/markets")
    def markets() -> Response:
        before = host.memory.cutoff(host.clock.now())
        found = [row for row in host.ask(_filtered) if not is_old_market(row, before)]
        rows, cursor = page(found, lambda row: row.ticker)
        return answer({"markets": [MarketJson.from_row(row) for row in rows], "cursor": cursor})

    @routes.get("/markets/<ticker>")
    def market(ticker: str) -> Response:
        row = host.ask(lambda engine, now: engine.listed_market(ticker, now))
        if is_old_market(row, host.memory.cutoff(host.clock.now())):
            raise market_not_found(ticker)
        return answer({"market": MarketJson.from_row(row)})

    @routes.get("/events")
    def events() -> Response:
        rows, cursor = page(host.ask(_filtered), lambda row: row.ticker)
        nested = flag("with_nested_markets")
        listed = [EventJson.from_market(row, nested=nested) for row in rows]
        return answer({"events": listed, "cursor": cursor})

    @routes.get("/events/<event_ticker>/metadata")
    def metadata(event_ticker: str) -> Response:
        row = host.ask(lambda engine, now: _of_event(engine, event_ticker, now))
        return answer(MetadataJson.from_market(row))

    @routes.get("/events/<event_ticker>")
    def event(event_ticker: str) -> Response:
        row = host.ask(lambda engine, now: _of_event(engine, event_ticker, now))
        nested = flag("with_nested_markets")
        body = {"event": EventJson.from_market(row, nested=nested)}
        beside = () if nested else (MarketJson.from_row(row),)
        return answer({**body, "markets": beside})


def _book_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/markets/<ticker>/orderbook")
    def order_book(ticker: str) -> Response:
        depth = number("depth") or 0
        if not 0 <= depth <= _DEEPEST:
            msg = f"depth must be 0 to {_DEEPEST}"
            raise invalid_parameters(msg)
        book = host.ask(lambda engine, _: engine.book(ticker))
        return answer(OrderBookJson.from_book(book, depth))

    @routes.get("/markets/orderbooks")
    def order_books() -> Response:
        tickers = names("tickers")
        if tickers is None or len(tickers) > _MOST_BOOKS:
            msg = f"tickers must name 1 to {_MOST_BOOKS} markets"
            raise invalid_parameters(msg)
        books = host.ask(lambda engine, _: [engine.book(ticker) for ticker in sorted(tickers)])
        listed = [
            NamedOrderBookJson(
                ticker=book.ticker, orderbook_fp=OrderBookJson.from_book(book, 0).orderbook_fp
            )
            for book in books
        ]
        return answer({"orderbooks": listed})

    @routes.get("/markets/trades")
    def trades() -> Response:
        ticker, before = text("ticker"), host.memory.cutoff(host.clock.now())
        found = host.ask(
            lambda engine, _: [
                trade
                for name in ([ticker] if ticker else [m.ticker for m in engine.markets()])
                for trade in engine.trades(name)
                if trade.ts >= before and within(trade.ts, "min_ts", "max_ts")
            ]
        )
        found.sort(key=lambda trade: -trade.ts)
        rows, cursor = page(found, lambda trade: trade.trade_id)
        return answer({"trades": [TradeJson.from_trade(row) for row in rows], "cursor": cursor})


def _filtered(engine: SimulatedExchange, now: Nanos) -> list[MarketRow]:
    """The markets that the query's filters leave, by closing time."""
    word = choice("status", frozenset(_FILTERS))
    for family, words in _TIMES.items():
        given = number(f"min_{family}_ts"), number(f"max_{family}_ts")
        if given != (None, None) and word not in words:
            msg = f"{family}_ts filters do not go with status={word}"
            raise invalid_parameters(msg)
    tickers, event_ticker = names("tickers"), text("event_ticker")
    return [
        row
        for market in engine.markets(series=text("series_ticker"))
        if (tickers is None or market.ticker in tickers)
        and event_ticker in {None, market.event_ticker}
        and (row := engine.listed_market(market.ticker, now))
        and (word is None or row.status in _FILTERS[word])
        and _in_time(row)
    ]


def _in_time(row: MarketRow) -> bool:
    times = {
        "created": row.created,
        "close": row.closes,
        "settled": row.settled,
        "updated": row.updated,
    }
    for family, ts in times.items():
        first, last = f"min_{family}_ts", f"max_{family}_ts"
        if ts is None:
            if (number(first), number(last)) != (None, None):
                return False
        elif not within(ts, first, last):
            return False
    return True


def _of_event(engine: SimulatedExchange, event_ticker: str, now: Nanos) -> MarketRow:
    for market in engine.markets():
        if market.event_ticker == event_ticker:
            return engine.listed_market(market.ticker, now)
    raise not_found("event", event_ticker)
