"""Every path of the API with its contract: one table for the server and for `/openapi.json`.

A handler that is not in the table is not served, and what is in the table is documented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from pydantic import BaseModel

from web import answers, answers_results, schema

if TYPE_CHECKING:
    from flask import Flask

    from web.api import Api


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    """Below `/api/`; a name in braces is part of the address."""
    handler: str
    """Name of the method of `web.api.Api`."""
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    asks_picture: bool = True
    """It is answered 503 while the picture is not the present."""

    @property
    def rule(self) -> str:
        """The address as Flask writes it."""
        return "/api/" + self.path.replace("{", "<").replace("}", ">")


def _get(
    path: str, handler: str, answer: type[BaseModel], query: type[BaseModel] | None = None
) -> Operation:
    return Operation(method="GET", path=path, handler=handler, answer=answer, query=query)


def _still(path: str, handler: str, answer: type[BaseModel]) -> Operation:
    return Operation(method="GET", path=path, handler=handler, answer=answer, asks_picture=False)


def _post(path: str, handler: str, body: type[BaseModel] = schema.CommandBody) -> Operation:
    return Operation(method="POST", path=path, handler=handler, answer=answers.Answer, body=body)


OPERATIONS: Final = (
    _get("health", "health", answers.Health),
    _get("status", "status", answers.Status),
    _get("system/health", "system_health", answers.SystemHealth),
    _get("balance", "balance", answers.Balance),
    _get("bankroll", "bankroll", answers.Bankroll),
    _get("positions", "positions", answers.Positions, schema.ListQuery),
    _get("fills", "fills", answers.Fills, schema.ListQuery),
    _get("settlements", "settlements", answers.Settlements, schema.ListQuery),
    _get("windows", "windows", answers.Windows, schema.ListQuery),
    _get("windows/{ticker}", "window", answers_results.WindowReplay),
    _get("replays", "replays", answers.Replays),
    _get("windows/{ticker}/replay", "replay", answers.Replay),
    _get("orders", "orders", answers.Orders, schema.OrderQuery),
    _get("orders/queue-positions", "queue_positions", answers.QueuePositions, schema.ListQuery),
    _get("trades", "trades", answers.Trades, schema.TradeQuery),
    _get("trades/active", "active", answers.Trades, schema.ListQuery),
    _get("strategies", "strategies", answers.Strategies),
    _get("strategies/{name}/params", "parameters", answers.Parameters),
    _get("mode", "mode", answers.Mode),
    _get("price-history", "price_history", answers_results.PriceHistory, schema.HistoryQuery),
    _get("decisions", "decisions", answers.Decisions, schema.DecisionQuery),
    _get("locks", "locks", answers.Locks),
    _get("profit", "profit", answers_results.Profits, schema.ProfitQuery),
    _get("performance", "performance", answers_results.Performances, schema.PerformanceQuery),
    _get("calibration", "calibration", answers_results.Calibration),
    _get("metrics", "metrics", answers.Metrics),
    _get("actors", "actors", answers.Actors, schema.ListQuery),
    _still("config", "config", answers.Configuration),
    Operation(
        method="GET",
        path="logs",
        handler="logs",
        answer=answers.LogLines,
        query=schema.ListQuery,
        asks_picture=False,
    ),
    Operation(
        method="GET",
        path="audit",
        handler="audit",
        answer=answers.AuditList,
        query=schema.ListQuery,
        asks_picture=False,
    ),
    _post("start", "start"),
    _post("stop", "stop"),
    _post("pause", "pause"),
    _post("emergency/halt", "halt"),
    _post("emergency/cancel-all", "cancel_all"),
    _post("circuit-breaker/reset", "reset_breaker", schema.ResetBody),
    _post("actors/{actor}/release", "release"),
    _post("strategies/{name}/enable", "enable"),
    _post("strategies/{name}/disable", "disable"),
    _post("strategies/{name}/params", "set_parameters", schema.ParametersBody),
    _post("orders", "place", schema.OrderBody),
    _post("positions/{ticker}/close", "close_position", schema.CloseBody),
    _post("trades/{trade_id}/cancel", "cancel"),
    _post("trades/{trade_id}/decrease", "decrease", schema.DecreaseBody),
    _post("trades/{trade_id}/amend", "amend", schema.AmendBody),
    _post("bankroll", "set_bankroll", schema.BankrollBody),
    _post("cash", "book_cash", schema.CashBody),
    _post("locks/{name}/clear", "clear_lock"),
    _post("mode", "set_mode", schema.ModeBody),
)


def install(app: Flask, api: Api) -> None:
    """Serve the table under `/api`."""
    for operation in OPERATIONS:
        app.add_url_rule(
            operation.rule,
            f"{operation.method} {operation.path}",
            getattr(api, operation.handler),
            methods=[operation.method],
        )
