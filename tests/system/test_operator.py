"""An operator at a running daemon: an order by hand, changed, cancelled, and filled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from core.domain.windows import window_of
from core.units import SECOND, Nanos
from tests.web.fuzz import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT = 60
AMPLE_S = 240.0
"""Of the market: a test is over long before its window closes."""


class Operator:
    """Calls with the operator's token; every answer must be 200 unless another is awaited."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def get(self, path: str) -> dict[str, Any]:
        answer = self._daemon.get(f"/api/{path}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def post(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self._daemon.token}"}
        address = f"{self._daemon.address}/api/{path}"
        answer = requests.post(address, json=body, headers=headers, timeout=WAIT)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def until_there(self, path: str) -> None:
        """A daemon that has just started does not know everything at once."""
        for _ in range(3_000):
            if self._daemon.get(f"/api/{path}").status_code != 503:
                return
        pytest.fail(f"{path} never came")

    def ticker(self) -> str:
        """The market that is being watched, once a strategy has looked, its close is far, and the
        books have been compared: the account is known then.
        """
        for _ in range(60_000):
            rows = self.get("decisions?limit=1")["decisions"]
            if rows and self.get("status")["running"] and self._left(rows[0]["ticker"]) > AMPLE_S:
                return str(rows[0]["ticker"])
        pytest.fail("no strategy has looked at any market")

    def _left(self, ticker: str) -> float:
        """Seconds of the market until its close."""
        stamp = self.get("status")["timestamp"]
        now = Nanos(round(datetime.fromisoformat(stamp).timestamp() * SECOND))
        return (window_of(ticker, now).close_ns - now) / SECOND

    def placed(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Placed as soon as every gate is open: the start takes a moment."""
        for _ in range(20_000):
            quote = self.post("orders", **wish, preview=True)["quote"]
            if quote["refusal"] is None:
                return self.post("orders", **wish)
        pytest.fail(f"never allowed: {quote['refusal']}")

    def closed(self, path: str, **wish: float) -> dict[str, Any]:
        """Sold as soon as every gate is open: somebody must bid, on a book that is fresh."""
        for _ in range(20_000):
            quote = self.post(path, **wish, preview=True)["quote"]
            if quote["refusal"] is None and quote["fillable_quantity"] == quote["quantity"]:
                return self.post(path, **wish)
        pytest.fail(f"never allowed: {quote['refusal']}")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    daemon = Daemon(tmp_path, "--speed", "5", PRICE_COLLAR="1")  # whatever the book is just now
    yield Operator(daemon)
    daemon.stop()


def test_orders_by_hand_go_through_the_exchange_and_come_back_verified(operator: Operator) -> None:
    ticker = operator.ticker()
    for strategy in ("kelly_volatility", "mean_reversion"):
        operator.post(f"strategies/{strategy}/disable")
    wish = {"ticker": ticker, "side": "yes", "quantity": 5, "order_type": "limit"}
    told = operator.placed({**wish, "price": 0.02})
    assert told["order_status"] == "open"
    smaller = operator.post(f"trades/{told['trade_id']}/decrease", quantity=2)
    assert smaller["message"] == "2 contracts rest"
    amended = operator.post(f"trades/{told['trade_id']}/amend", price=0.03, quantity=2)
    assert amended["trade_id"] != told["trade_id"]
    cancelled = operator.post(f"trades/{amended['trade_id']}/cancel")
    assert cancelled["order_status"] == "cancelled"
    taken = operator.placed({**wish, "price": 0.99, "order_type": "ioc"})
    assert (taken["order_status"], taken["filled_quantity"]) == ("filled", 5)
    close = f"positions/{ticker}/close"
    operator.post("pause")
    assert (
        operator.post("orders", 409, **wish, price=0.02)["error"]["code"] == "not_trading_reducing"
    )
    part = operator.closed(close, quantity=2)
    assert (part["order_status"], part["filled_quantity"]) == ("filled", 2)
    assert operator.post(close, 409, quantity=4)["error"]["code"] == "no_room_held"
    assert operator.closed(close)["filled_quantity"] == 3
    assert operator.post(close, 409)["error"]["code"] == "nothing_held"
    operator.post("start")
    many = {**wish, "price": 0.99, "order_type": "ioc", "quantity": 900_000}
    refused = operator.post("orders", 409, **many)
    assert refused["error"]["code"].startswith("no_room_")


def test_parameters_and_bankroll_are_in_force_at_once(operator: Operator) -> None:
    operator.until_there("bankroll")
    operator.post("strategies/mean_reversion/params", params={"min_edge": 0.5})
    wrong = operator.post("strategies/mean_reversion/params", 422, params={"min_edge": "much"})
    assert wrong["error"]["details"]["fields"][0]["field"] == "params.min_edge"
    operator.post("bankroll", bankroll=1234)
    for _ in range(20_000):
        rows = operator.get("strategies/mean_reversion/params")["parameters"]
        edge = next(row for row in rows if row["name"] == "min_edge")
        limit = operator.get("bankroll")["bankroll_limit"]
        if (edge["value"], edge["source"], limit) == (0.5, "operator", 1234):
            return
    pytest.fail("the page does not show what was set")
