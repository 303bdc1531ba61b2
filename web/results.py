"""What came of it: past windows, settlements, profit, performance, calibration.

From the history, which reaches further back than the hub's picture.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domain.calibration import brier, log_loss, reliability
from core.messages import MANUAL
from web.errors import ApiError, json_response
from web.history import NEW_YORK
from web.reads import Reads, point_of
from web.requests import listed, query
from web.schema import ListQuery, PerformanceQuery, ProfitQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Response

    from core.screen.market_rows import WindowRow


class Results(Reads):
    """Thread-safe: one instance serves all threads of the server."""

    def windows(self) -> Response:
        """Windows that have a result, newest first."""
        asked = query(ListQuery)
        self.present()
        return listed("windows", self._history.windows(), asked)

    def window(self, ticker: str) -> Response:
        """A past window with its chart lines, decisions, orders and fills."""
        self.present()
        found = self._history.window(ticker)
        if found is None:
            raise ApiError(404, "not_found", "no window of this ticker is remembered")
        row, replay = found
        lines = replay.lines if replay is not None else {}
        body = {
            "window": row,
            "complete": replay is not None,
            "lines": [
                {"line": name, "points": [point_of(point) for point in points]}
                for name, points in lines.items()
            ],
            "decisions": replay.decisions if replay is not None else (),
            "trades": replay.trades if replay is not None else (),
            "fills": replay.fills if replay is not None else (),
        }
        return json_response(body)

    def settlements(self) -> Response:
        """Windows with a result in which we held contracts, newest first."""
        asked = query(ListQuery)
        self.present()
        return listed("settlements", _played(self._history.windows()), asked)

    def profit(self) -> Response:
        """Profit by day, week or month of New York."""
        asked = query(ProfitQuery)
        self.present()
        rows = _played(self._history.windows())
        sums: dict[str, dict[str, Any]] = {}
        for row in rows:
            period = _period(row.at, asked.by)
            empty = {"windows": 0, "orders": 0, "wins": 0, "fees": 0.0, "pnl": 0.0}
            line = sums.setdefault(period, {"period": period, **empty})
            line["windows"] += 1
            line["orders"] += row.orders
            line["wins"] += row.pnl > 0
            line["fees"] = round(line["fees"] + row.fees, 6)
            line["pnl"] = round(line["pnl"] + row.pnl, 6)
        newest = sorted(sums.values(), key=lambda line: str(line["period"]), reverse=True)
        page = newest[asked.offset : asked.offset + asked.limit]
        start = min((row.at for row in rows), default=None)
        return json_response(
            {"by": asked.by, "profit": page, "total": len(sums), "covers_from": start}
        )

    def performance(self) -> Response:
        """Each strategy's results, the equity over time, and every day."""
        asked = query(PerformanceQuery)
        self.present()
        rows = [
            {
                "strategy_name": row.name,
                "trades": row.trades,
                "wins": row.wins,
                "win_rate": row.wins / row.trades if row.trades else None,
                "pnl": row.pnl,
                "ev_per_trade": round(row.pnl / row.trades, 6) if row.trades else None,
            }
            for row in self._hub.rows("strategy")
        ]
        results = self._history.results()
        days = list(dict.fromkeys(line["day"] for line in results))[: asked.days]
        told = [line for line in results if line["day"] in days]
        board, result = self._hub.single("calibration"), self._hub.single("performance")
        return json_response(
            {
                "performance": rows,
                "total": len(rows),
                "equity": self._history.equity(asked.points),
                "days": [_sum_of(day, told) for day in days],
                "by_strategy": told,
                "fees": round(sum(line["fees"] for line in told), 6),
                "pnl": round(sum(line["pnl"] for line in told), 6),
                "exits": result.exits if result else None,
                "verdict": board.verdict if board else None,
            }
        )

    def calibration(self) -> Response:
        """The live scoreboard, and probabilities behind approved orders against what came."""
        self.present()
        results = {row.ticker: row.result for row in self._history.windows()}
        rows = [
            row
            for row in self._hub.rows("decision")
            if row.kind == "approved"
            and row.strategy != MANUAL
            and row.ticker in results
            and row.probability is not None
        ]
        board = self._hub.single("calibration")
        body: dict[str, Any] = {
            "verdict": board.verdict if board else None,
            "series": board.series if board else (),
            "orders": len(rows),
            "windows": len({row.ticker for row in rows}),
            "brier": None,
            "log_loss": None,
            "calibration": (),
        }
        if rows:
            forecast = np.array([row.probability for row in rows], dtype=np.float64)
            outcome = np.array([results[row.ticker] == row.side for row in rows], dtype=np.float64)
            body["brier"] = brier(forecast, outcome)
            body["log_loss"] = log_loss(forecast, outcome)
            body["calibration"] = reliability(forecast, outcome)
        return json_response(body)


def _played(rows: Iterable[WindowRow]) -> list[WindowRow]:
    """Windows in which something was bought or sold."""
    return [row for row in rows if row.orders or row.position]


def _period(at: str, by: str) -> str:
    day = datetime.fromisoformat(at).astimezone(NEW_YORK).date()
    if by == "week":
        day -= timedelta(days=day.weekday())
    elif by == "month":
        day = day.replace(day=1)
    return day.isoformat()


def _sum_of(day: str, lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    own = [line for line in lines if line["day"] == day]
    names = ("trades", "wins", "fees", "cost", "pnl")
    return {"day": day, **{name: round(sum(line[name] for line in own), 6) for name in names}}
