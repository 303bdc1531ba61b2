"""What has left the live endpoints of the local exchange: `/historical` (kalshi.md 2.8).

Settled markets, fills, trades and finished orders older than the cutoff are here and nowhere else;
what rests, and settlements, stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from core.exchange.engine.refusals import market_not_found
from core.exchange.records import OrderStatus
from core.exchange.wire.account import FillJson, OrderJson
from core.exchange.wire.books import TradeJson
from core.exchange.wire.holdings import EventPositionJson, PositionJson
from core.exchange.wire.markets import MarketJson
from core.exchange.wire.scalars import format_rfc3339
from core.exchange.wire.venue import CutoffJson
from web.exchange_requests import account, answer, names, page, text, within

if TYPE_CHECKING:
    from core.exchange.engine_types import MarketRow, OrderRow
    from core.units import Nanos
    from web.exchange_host import ExchangeHost


def is_old_order(row: OrderRow, cutoff: Nanos) -> bool:
    """Whether an order is in the archive alone."""
    return row.status is not OrderStatus.RESTING and row.updated < cutoff


def is_old_market(row: MarketRow, cutoff: Nanos) -> bool:
    """Whether a market is in the archive alone."""
    return row.settled is not None and row.settled < cutoff


def archive_endpoints(host: ExchangeHost) -> Blueprint:
    """All of `/historical` but the candlesticks."""
    routes = Blueprint("archive", __name__)
    _public_endpoints(routes, host)
    _own_endpoints(routes, host)
    return routes


def _public_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/historical/cutoff")
    def cutoff() -> Response:
        moment = format_rfc3339(_cutoff(host))
        return answer(
            CutoffJson(
                market_settled_ts=moment,
                trades_created_ts=moment,
                orders_updated_ts=moment,
                market_positions_last_updated_ts=moment,
            )
        )

    @routes.get("/historical/markets")
    def markets() -> Response:
        before, tickers = _cutoff(host), names("tickers")
        series, event = text("series_ticker"), text("event_ticker")
        rows = [
            row
            for row in host.ask(lambda engine, _: engine.markets(series=series))
            if is_old_market(row, before)
            and (tickers is None or row.ticker in tickers)
            and event in {None, row.event_ticker}
        ]
        chosen, cursor = page(rows, lambda row: row.ticker)
        return answer({"markets": [MarketJson.from_row(row) for row in chosen], "cursor": cursor})

    @routes.get("/historical/markets/<ticker>")
    def market(ticker: str) -> Response:
        row = host.ask(lambda engine, _: engine.market(ticker))
        if not is_old_market(row, _cutoff(host)):
            raise market_not_found(ticker)
        return answer({"market": MarketJson.from_row(row)})

    @routes.get("/historical/trades")
    def trades() -> Response:
        before, ticker = _cutoff(host), text("ticker")
        rows = host.ask(
            lambda engine, _: [
                trade
                for market in engine.markets()
                if ticker in {None, market.ticker}
                for trade in engine.trades(market.ticker)
                if trade.ts < before and within(trade.ts, "min_ts", "max_ts")
            ]
        )
        rows.sort(key=lambda trade: -trade.ts)
        chosen, cursor = page(rows, lambda trade: trade.trade_id)
        return answer({"trades": [TradeJson.from_trade(row) for row in chosen], "cursor": cursor})


def _own_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/historical/fills")
    def fills() -> Response:
        owner, ticker, before = account(), text("ticker"), _cutoff(host)
        found = host.ask(lambda engine, _: engine.fills(owner, ticker=ticker))
        rows = [r for r in found if r.ts < before and within(r.ts, "min_ts", "max_ts")]
        chosen, cursor = page(rows, lambda row: row.trade_id)
        return answer({"fills": [FillJson.from_fill(row) for row in chosen], "cursor": cursor})

    @routes.get("/historical/orders")
    def orders() -> Response:
        owner, ticker, before = account(), text("ticker"), _cutoff(host)
        found = host.ask(lambda engine, _: engine.orders(owner, ticker=ticker))
        rows = [
            row
            for row in found
            if is_old_order(row, before) and within(row.updated, "min_ts", "max_ts")
        ]
        chosen, cursor = page(rows, lambda row: row.order_id)
        return answer({"orders": [OrderJson.from_row(row) for row in chosen], "cursor": cursor})

    @routes.get("/historical/positions")
    def positions() -> Response:
        owner, ticker, event = account(), text("ticker"), text("event_ticker")
        before = _cutoff(host)
        rows = [
            row
            for row in host.ask(lambda engine, _: engine.settled_positions(owner))
            if row.updated < before
            and ticker in {None, row.ticker}
            and event in {None, row.ticker.rpartition("-")[0]}
        ]
        chosen, cursor = page(rows, lambda row: row.ticker)
        return answer(
            {
                "cursor": cursor,
                "market_positions": [PositionJson.from_position(row) for row in chosen],
                "event_positions": [
                    EventPositionJson.from_position(row.ticker.rpartition("-")[0], row)
                    for row in chosen
                ],
            }
        )


def _cutoff(host: ExchangeHost) -> Nanos:
    return host.memory.cutoff(host.clock.now())
