"""The HTTP interface: what is shown, as JSON, and the operator's commands.

Reads come from the hub's picture and never reach an actor. A picture that is too old to be the
present is not served: the answer is then 503 and names the actor that has fallen silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from core.screen.trade import OPEN
from web.auth import caller
from web.errors import ApiError, json_response
from web.requests import body, listed, query
from web.schema import CommandBody, DecisionQuery, ListQuery, OrderQuery, ResetBody, TradeQuery
from web.writes import Writes, known_name

if TYPE_CHECKING:
    from web.commands import CommandName, Switch


class Api(Writes):
    """The handlers. Thread-safe: one instance serves all threads of the server."""

    # --- what is shown ---------------------------------------------------------------------------

    def health(self) -> Response:
        """Whether the daemon's picture is the present. Needs no token and tells no secret."""
        self.present()
        return json_response({"status": "ok"})

    def status(self) -> Response:
        """The status row."""
        self.present()
        return json_response(self._hub.single("status_update"))

    def trades(self) -> Response:
        """Orders through their whole life, newest first."""
        asked = query(TradeQuery)
        self.present()
        rows = self._hub.rows("order")
        if asked.status:
            rows = [row for row in rows if row.status in asked.status]
        return listed("trades", rows, asked)

    def orders(self) -> Response:
        """Orders to which more can happen, or with `status=all` every one."""
        asked = query(OrderQuery)
        self.present()
        rows = self._hub.rows("order")
        if asked.status == "open":
            rows = [row for row in rows if row.status in OPEN]
        return listed("orders", rows, asked)

    def positions(self) -> Response:
        """Open positions with what they would bring."""
        asked = query(ListQuery)
        self.present()
        account = self._hub.single("account")
        return listed("positions", list(account.positions) if account else [], asked)

    def decisions(self) -> Response:
        """Signals, approvals and refusals with their gates, newest first."""
        asked = query(DecisionQuery)
        self.present()
        rows = [
            row
            for row in self._hub.rows("decision")
            if asked.kind in (None, row.kind) and asked.strategy in (None, row.strategy)
        ]
        return listed("decisions", rows, asked)

    def replay(self, ticker: str) -> Response:
        """A window second by second, with what was decided and done in it."""
        self.present()
        row = self._hub.archived("replay", ticker)
        if row is None:
            raise ApiError(404, "not_found", "this window was not watched by the running daemon")
        return Response(row, mimetype="application/json")

    def replays(self) -> Response:
        """Tickers of the windows that can be replayed, newest first."""
        self.present()
        tickers = self._hub.archive_keys("replay")[::-1]
        return json_response({"replays": tickers, "total": len(tickers)})

    def strategies(self) -> Response:
        """Each strategy: on or off, what it last said, how it did."""
        self.present()
        rows = self._hub.rows("strategy")
        return json_response({"strategies": rows, "total": len(rows)})

    def parameters(self, name: str) -> Response:
        """A strategy's parameters: values, defaults, what is allowed, where each comes from."""
        self.present()
        found = next((row for row in self._hub.rows("parameters") if row.name == name), None)
        if found is None:
            raise ApiError(404, "not_found", "no strategy of this name is running")
        return json_response(found)

    def config(self) -> Response:
        """Effective settings and where each came from; secrets are hidden by their maker."""
        return json_response({"config": self._settings.config, "total": len(self._settings.config)})

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

    def cancel_all(self) -> Response:
        """Cancel what rests and go on."""
        return self._command("cancel_all", CommandBody)

    def enable(self, name: str) -> Response:
        """Let a strategy's signals through."""
        return self._switch(name, "enable")

    def disable(self, name: str) -> Response:
        """Hold a strategy's signals back."""
        return self._switch(name, "disable")

    def release(self, actor: str) -> Response:
        """Start an actor again that was set aside for failing too often."""
        self.present()
        if all(row.actor != actor for row in self._hub.rows("health")):
            raise ApiError(404, "not_found", "no actor has this name")
        given = body(CommandBody)
        return json_response(self._commands.release(actor, given, f"web {caller(request)}"))

    def _switch(self, name: str, action: Switch) -> Response:
        known_name(name)
        given = body(CommandBody)
        return json_response(self._commands.switch(name, action, given, f"web {caller(request)}"))

    def _command(self, name: CommandName, model: type[CommandBody]) -> Response:
        return json_response(self._commands.run(name, body(model), f"web {caller(request)}"))
