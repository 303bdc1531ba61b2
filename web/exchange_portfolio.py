"""What the local exchange tells an account's owner: cash, orders, fills, positions, settlements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from core.exchange.engine.refusals import invalid_parameters, order_not_found
from core.exchange.records import OrderStatus
from core.exchange.wire.account import FillJson, OrderJson
from core.exchange.wire.holdings import (
    BalanceJson,
    EventPositionJson,
    PositionJson,
    SettlementJson,
)
from core.units import format_quantity
from web.exchange_archive import is_old_order
from web.exchange_requests import account, answer, choice, names, page, text, within

if TYPE_CHECKING:
    from core.exchange.records import Position
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos
    from web.exchange_host import ExchangeHost

_STATUSES: Final = frozenset(OrderStatus)
_SETTLEMENT: Final = frozenset({"unsettled", "settled", "all"})
_COUNTS: Final = frozenset({"position", "total_traded"})


def portfolio_endpoints(host: ExchangeHost) -> Blueprint:
    """The signed reads."""
    routes = Blueprint("portfolio", __name__)
    _money_endpoints(routes, host)
    _history_endpoints(routes, host)
    _order_endpoints(routes, host)
    _queue_endpoints(routes, host)
    return routes


def _money_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    replica = host.memory.replica

    @routes.get("/portfolio/balance")
    def balance() -> Response:
        owner = account()
        return answer(
            BalanceJson.from_balance(host.ask(lambda _engine, _now: replica.balance(owner)))
        )

    @routes.get("/portfolio/positions")
    def positions() -> Response:
        owner, ticker, event = account(), text("ticker"), text("event_ticker")
        which = choice("settlement_status", _SETTLEMENT) or "unsettled"
        kinds = names("count_filter") or _COUNTS
        if not _COUNTS.issuperset(kinds):
            raise invalid_parameters("count_filter takes position and total_traded")

        def read(engine: SimulatedExchange, now: Nanos) -> tuple[Position, ...]:
            live = () if which == "settled" else replica.positions(owner, ticker=ticker)
            if which == "unsettled":
                return live
            before = host.memory.cutoff(now)
            return (*live, *(r for r in engine.settled_positions(owner) if r.updated >= before))

        chosen = [
            row
            for row in host.ask(read)
            if ticker in {None, row.ticker}
            and event in {None, _event_of(row.ticker)}
            and ("total_traded" in kinds or row.quantity)
        ]
        rows, cursor = page(chosen, lambda row: row.ticker)
        return answer(
            {
                "cursor": cursor,
                "market_positions": [PositionJson.from_position(row) for row in rows],
                "event_positions": [
                    EventPositionJson.from_position(_event_of(row.ticker), row) for row in rows
                ],
            }
        )


def _history_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    replica = host.memory.replica

    @routes.get("/portfolio/fills")
    def fills() -> Response:
        owner, ticker, order_id = account(), text("ticker"), text("order_id")
        found = host.ask(
            lambda _engine, _now: replica.fills(owner, ticker=ticker, order_id=order_id)
        )
        before = host.memory.cutoff(host.clock.now())
        chosen = [r for r in found if r.ts >= before and within(r.ts, "min_ts", "max_ts")]
        rows, cursor = page(chosen, lambda row: row.trade_id)
        return answer({"cursor": cursor, "fills": [FillJson.from_fill(row) for row in rows]})

    @routes.get("/portfolio/settlements")
    def settlements() -> Response:
        owner, ticker, event = account(), text("ticker"), text("event_ticker")
        found = host.ask(lambda _engine, _now: replica.settlements(owner, ticker=ticker))
        chosen = [
            row
            for row in found
            if event in {None, _event_of(row.ticker)} and within(row.settled, "min_ts", "max_ts")
        ]
        rows, cursor = page(chosen, lambda row: row.ticker)
        listed = [SettlementJson.from_settlement(_event_of(row.ticker), row) for row in rows]
        return answer({"cursor": cursor, "settlements": listed})


def _order_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    replica = host.memory.replica

    @routes.get("/portfolio/orders")
    def orders() -> Response:
        owner, ticker = account(), text("ticker")
        word, events = choice("status", _STATUSES), names("event_ticker")
        status = None if word is None else OrderStatus(word)
        found = host.ask(lambda _engine, _now: replica.orders(owner, ticker=ticker, status=status))
        before = host.memory.cutoff(host.clock.now())
        chosen = [
            row
            for row in found
            if within(row.created, "min_ts", "max_ts")
            and not is_old_order(row, before)
            and (events is None or _event_of(row.ticker) in events)
        ]
        rows, cursor = page(chosen, lambda row: row.order_id)
        return answer({"cursor": cursor, "orders": [OrderJson.from_row(row) for row in rows]})

    @routes.get("/portfolio/orders/<order_id>")
    def order(order_id: str) -> Response:
        owner = account()
        row = host.ask(lambda _engine, _now: replica.order(owner, order_id))
        if is_old_order(row, host.memory.cutoff(host.clock.now())):
            raise order_not_found(order_id)
        return answer({"order": OrderJson.from_row(row)})


def _queue_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/portfolio/orders/<order_id>/queue_position")
    def queue_position(order_id: str) -> Response:
        owner = account()
        ahead = host.ask(lambda engine, _: engine.queue_ahead(owner, order_id))
        return answer({"queue_position_fp": format_quantity(ahead)})

    @routes.get("/portfolio/orders/queue_positions")
    def queue_positions() -> Response:
        owner, tickers, event = account(), names("market_tickers"), text("event_ticker")

        def places(engine: SimulatedExchange, _: Nanos) -> list[dict[str, str]]:
            return [
                {
                    "order_id": row.order_id,
                    "market_ticker": row.ticker,
                    "queue_position_fp": format_quantity(engine.queue_ahead(owner, row.order_id)),
                }
                for row in engine.orders(owner, status=OrderStatus.RESTING)
                if (tickers is None or row.ticker in tickers)
                and event in {None, _event_of(row.ticker)}
            ]

        return answer({"queue_positions": host.ask(places)})


def _event_of(ticker: str) -> str:
    """The event of a market ticker: one market per event, named after it."""
    return ticker.rpartition("-")[0]
