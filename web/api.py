"""The HTTP interface: what is shown, as JSON, and the operator's commands.

Reads come from the hub's picture and never reach an actor. A picture that is too old to be the
present is not served: the answer is then 503 and names the actor that has fallen silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from core.screen.trade import OPEN
from web.errors import ApiError, invalid, json_response
from web.schema import CommandBody, DecisionQuery, ListQuery, OrderQuery, ResetBody, TradeQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from web.commands import CommandName, Commands
    from web.hub import Hub
    from web.settings import WebSettings

Model = TypeVar("Model", bound=BaseModel)


class Api:
    """The handlers. Thread-safe: one instance serves all threads of the server."""

    def __init__(self, hub: Hub, commands: Commands, settings: WebSettings) -> None:
        self._hub = hub
        self._settings = settings
        self._commands = commands

    # --- what is shown ---------------------------------------------------------------------------

    def health(self) -> Response:
        """Whether the daemon's picture is the present. Needs no token and tells no secret."""
        self._present("status_update")
        return json_response({"status": "ok"})

    def status(self) -> Response:
        """The status row."""
        self._present("status_update")
        return json_response(self._hub.single("status_update"))

    def trades(self) -> Response:
        """Orders through their whole life, newest first."""
        query = _query(TradeQuery)
        self._present("status_update")
        rows = self._hub.rows("order")
        if query.status:
            rows = [row for row in rows if row.status in query.status]
        return _listed("trades", rows, query.limit)

    def orders(self) -> Response:
        """Orders to which more can happen, or with `status=all` every one."""
        query = _query(OrderQuery)
        self._present("status_update")
        rows = self._hub.rows("order")
        if query.status == "open":
            rows = [row for row in rows if row.status in OPEN]
        return _listed("orders", rows, query.limit)

    def positions(self) -> Response:
        """Open positions with what they would bring."""
        query = _query(ListQuery)
        self._present("status_update")
        account = self._hub.single("account")
        return _listed("positions", list(account.positions) if account else [], query.limit)

    def decisions(self) -> Response:
        """Signals, approvals and refusals with their gates, newest first."""
        query = _query(DecisionQuery)
        self._present("status_update")
        rows = [
            row
            for row in self._hub.rows("decision")
            if query.kind in (None, row.kind) and query.strategy in (None, row.strategy)
        ]
        return _listed("decisions", rows, query.limit)

    def strategies(self) -> Response:
        """Each strategy: on or off, what it last said, how it did."""
        self._present("status_update")
        rows = self._hub.rows("strategy")
        return json_response({"strategies": rows, "total": len(rows)})

    def config(self) -> Response:
        """Effective settings and where each came from; secrets are hidden by their maker."""
        return json_response({"config": self._settings.config, "total": len(self._settings.config)})

    def _present(self, topic: str) -> None:
        age = self._hub.age(topic)
        if age is None or age > self._settings.picture_age:
            said = (
                "has not told anything yet" if age is None else f"has been silent for {age:.0f} s"
            )
            details = {"actor": "dashboard", "age_seconds": None if age is None else round(age, 1)}
            raise ApiError(503, "actor_silent", f"dashboard {said}", details)

    # --- commands --------------------------------------------------------------------------------

    def start(self) -> Response:
        """Arm trading."""
        return self._command("start", CommandBody)

    def stop(self) -> Response:
        """Disarm and cancel what rests."""
        return self._command("stop", CommandBody)

    def pause(self) -> Response:
        """No new risk."""
        return self._command("pause", CommandBody)

    def halt(self) -> Response:
        """Stop everything and latch."""
        return self._command("halt", CommandBody)

    def reset_breaker(self) -> Response:
        """End a halt, with a reason."""
        return self._command("reset_breaker", ResetBody)

    def _command(self, name: CommandName, model: type[CommandBody]) -> Response:
        body = _body(model)
        return json_response(self._commands.run(name, body, f"web {request.remote_addr}"))


def install(app: Flask, api: Api) -> None:
    """Put the handlers under `/api`."""
    reads: dict[str, Callable[[], Response]] = {
        "health": api.health,
        "status": api.status,
        "trades": api.trades,
        "orders": api.orders,
        "positions": api.positions,
        "decisions": api.decisions,
        "strategies": api.strategies,
        "config": api.config,
    }
    writes: dict[str, Callable[[], Response]] = {
        "start": api.start,
        "stop": api.stop,
        "pause": api.pause,
        "emergency/halt": api.halt,
        "circuit-breaker/reset": api.reset_breaker,
    }
    for path, handler in reads.items():
        app.add_url_rule(f"/api/{path}", f"get {path}", handler, methods=["GET"])
    for path, handler in writes.items():
        app.add_url_rule(f"/api/{path}", f"post {path}", handler, methods=["POST"])


def _listed(name: str, rows: list[Any], limit: int) -> Response:
    newest_first = rows[::-1][:limit]
    return json_response({name: newest_first, "total": len(rows)})


def _query(model: type[Model]) -> Model:
    given = {key: values[-1] for key, values in request.args.lists()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error


def _body(model: type[Model]) -> Model:
    """The JSON body; an empty one is an empty object. 400 for no JSON, 415 for another type."""
    raw = request.get_data()
    if not raw:
        raw = b"{}"
    elif not request.is_json:
        raise ApiError(415, "unsupported_media_type", "send application/json")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            raise ApiError(400, "bad_request", "the body is not JSON") from error
        raise invalid(error) from error
