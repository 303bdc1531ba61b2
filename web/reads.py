"""What is computed from the hub's picture for one request: money, prices, health, counters.

Nothing here reaches an actor or changes anything. Every handler first makes sure that the picture
is the present, else 503 with the actor that has fallen silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.screen.scale import rfc3339
from core.screen.trade import OPEN
from core.units import MILLISECOND, Nanos
from web.answers import QueuePlace
from web.errors import ApiError, json_response
from web.logs import tail
from web.promotion import checklist
from web.requests import listed, query
from web.schema import HistoryQuery, ListQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Response

    from core.screen.trading_rows import AccountRow
    from web.promotion import Check
    from web.sources import Sources


class Reads:
    """Thread-safe: one instance serves all threads of the server."""

    def __init__(self, sources: Sources) -> None:
        self._hub = sources.hub
        self._settings = sources.settings
        self._audit = sources.audit
        self._history = sources.history

    def present(self) -> float:
        """Age of the picture in seconds. Raises ApiError 503 when it is not the present."""
        age = self._hub.age("status_update")
        if age is None or age > self._settings.picture_age:
            said = (
                "has not told anything yet" if age is None else f"has been silent for {age:.0f} s"
            )
            details = {"actor": "dashboard", "age_seconds": None if age is None else round(age, 1)}
            raise ApiError(503, "actor_silent", f"dashboard {said}", details)
        return age

    def _account(self) -> AccountRow:
        self.present()
        account: AccountRow | None = self._hub.single("account")
        if account is None:
            raise ApiError(503, "actor_silent", "risk has not told yet", {"actor": "risk"})
        return account

    # --- money -----------------------------------------------------------------------------------

    def balance(self) -> Response:
        """Cash and what stands against it."""
        account = self._account()
        return json_response(
            {
                "balance": account.cash,
                "reserved": account.reserved,
                "exposure": account.exposure,
                "equity": account.equity,
                "updated_at": account.at,
            }
        )

    def bankroll(self) -> Response:
        """Equity, the day's opening and the peak."""
        account = self._account()
        return json_response(
            {
                "bankroll": account.bankroll,
                "bankroll_limit": account.bankroll_limit,
                "day_open": account.day_open,
                "peak": account.peak,
                "drawdown": account.drawdown,
                "daily_pnl": account.daily_pnl,
                "updated_at": account.at,
            }
        )

    def fills(self) -> Response:
        """Executions, newest first."""
        return self._list("fills", "trade_execution")

    def active(self) -> Response:
        """Trades that are not over: open, or filled in a window without a result."""
        asked = query(ListQuery)
        self.present()
        rows = [
            row
            for row in self._hub.rows("order")
            if row.status in OPEN or (row.filled_quantity and row.pnl is None)
        ]
        return listed("trades", rows, asked)

    def queue_positions(self) -> Response:
        """Places of resting orders in their queues, as the exchange told them last."""
        asked = query(ListQuery)
        self.present()
        rows = [
            {name: getattr(row, name) for name in QueuePlace.model_fields}
            for row in self._hub.rows("order")
            if row.queue_position is not None
        ]
        return listed("queue_positions", rows, asked)

    # --- forecasts -------------------------------------------------------------------------------

    def price_history(self) -> Response:
        """The chart's lines, oldest point first."""
        asked = query(HistoryQuery)
        self.present()
        state = self._hub.picture(frozenset({"index", "quote"})).state
        lines = [
            {"line": name, "points": [point_of(point) for point in points[-asked.limit :]]}
            for topic in ("index", "quote")
            for name, points in state[topic].items()
            if asked.series in (None, name.partition(":")[0])
        ]
        return json_response({"lines": lines, "total": len(lines)})

    def locks(self) -> Response:
        """Locks in force."""
        self.present()
        rows = [row for row in self._hub.rows("lock") if row.active]
        return json_response({"locks": rows, "total": len(rows)})

    # --- the system ------------------------------------------------------------------------------

    def checks(self) -> tuple[Check, ...]:
        """The checklist from paper to live."""
        return checklist(self._hub, self._history.windows(), self._settings)

    def mode(self) -> Response:
        """Local, paper or live, and the trading state."""
        self.present()
        status = self._hub.single("status_update")
        names = ("mode", "dry_run", "state", "epoch", "speed")
        told = {name: getattr(status, name) for name in names}
        return json_response({**told, "promotion": self.checks()})

    def system_health(self) -> Response:
        """Every actor, stream and limit."""
        age = self.present()
        healthy = self._hub.single("status_update").client_health.healthy
        return json_response(
            {
                "status": "ok" if healthy else "degraded",
                "healthy": healthy,
                "actors": self._hub.rows("health"),
                "streams": self._hub.rows("feed"),
                "limits": self._hub.rows("limit"),
                "picture_age_seconds": round(age, 3),
            }
        )

    def actors(self) -> Response:
        """The health board's actors."""
        return self._list("actors", "health")

    def metrics(self) -> Response:
        """Counters in one flat object."""
        age = self.present()
        actors, streams = self._hub.rows("health"), self._hub.rows("feed")
        orders = self._hub.single("status_update").order_summary
        return json_response(
            {
                "frames_published": self._hub.seq,
                "actors": len(actors),
                "actors_running": sum(row.state == "running" for row in actors),
                "messages_handled": sum(row.handled for row in actors),
                "mailbox_depth": sum(row.depth for row in actors),
                "restarts": sum(row.restarts for row in actors),
                "streams": len(streams),
                "streams_open": sum(row.state == "open" for row in streams),
                "stream_gaps": sum(row.gaps for row in streams),
                "frames_skipped": sum(row.skipped for row in streams),
                "reconnects": sum(row.reconnects for row in streams),
                "requests_refused": max(
                    (row.refused for row in self._hub.rows("limit")), default=0
                ),
                "orders_total": orders.total,
                "orders_open": orders.open,
                "picture_age_seconds": round(age, 3),
            }
        )

    def logs(self) -> Response:
        """The newest lines of the daemon's log."""
        asked = query(ListQuery)
        lines = tail(self._settings.log_path, asked.limit + asked.offset)
        lines = lines[: len(lines) - asked.offset][-asked.limit :]
        return json_response({"lines": lines, "total": len(lines)})

    def audit(self) -> Response:
        """Commands of the operator, newest first."""
        return listed("audit", self._audit.lines(), query(ListQuery))

    def _list(self, name: str, topic: str) -> Response:
        asked = query(ListQuery)
        self.present()
        return listed(name, self._hub.rows(topic), asked)


def point_of(point: Iterable[float | None]) -> dict[str, Any]:
    """A point of a chart line as clients read it."""
    at, *values = point
    return {"at": rfc3339(Nanos(int(at or 0) * MILLISECOND)), "values": values}
