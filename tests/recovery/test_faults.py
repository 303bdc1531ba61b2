"""The whole daemon on a venue that misbehaves: no order lost, none doubled, books to the cent.

The exchange is a process of its own with a script of faults, and is asked afterwards which of them
happened. The daemon's books are compared with the exchange's by the daemon itself at its end
(`differences`), and here once more, order by order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import pytest
import requests

from core.clock import ClockSpec, ScaledClock
from core.exchange.auth import Signer, read_private_key
from core.exchange.kalshi import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.endpoints import KalshiExchange
    from core.exchange.records import Order

pytestmark = pytest.mark.timeout(1800)

RUN = Path(__file__).resolve().parents[2] / "run.py"
PATIENCE_S = 300
ROUNDS = 5
CREATE = "POST /portfolio/events/orders"
EAGER = {
    "STRATEGY__KELLY_VOLATILITY__MIN_EDGE": "0.005",
    "MIN_EDGE": "0.005",
    "SIGNAL_COOLDOWN_SECONDS": "5",
    "SPOT_SOURCES": "",
    "MODEL_TRUST": "1",
}

REQUESTS: tuple[dict[str, object], ...] = (
    {"kind": "lost_after", "match": CREATE},
    {"kind": "lost_before", "match": CREATE, "skip": 1},
    {"kind": "error", "match": CREATE, "skip": 2, "status": 500},
    {"kind": "error_after", "match": CREATE, "skip": 3, "status": 504},
    {"kind": "rate_limited", "match": CREATE, "skip": 4},
    {"kind": "slow", "match": CREATE, "skip": 5, "seconds": 0.3},
    {"kind": "slow_answer", "match": "GET /portfolio/*", "skip": 3, "count": 3, "seconds": 0.2},
    {"kind": "error", "match": "GET /portfolio/fills", "skip": 2, "status": 503},
    {"kind": "drift", "match": "GET *", "count": 0},
)
FRAMES: tuple[dict[str, object], ...] = (
    {"kind": "drop", "match": "orderbook_delta", "chance": 0.02, "count": 20},
    {"kind": "drop", "match": "fill", "count": 1},
    {"kind": "duplicate", "match": "fill", "skip": 1, "count": 3},
    {"kind": "duplicate", "match": "user_orders", "count": 3},
    {"kind": "reorder", "match": "user_orders", "skip": 3, "count": 3},
    {"kind": "drift", "match": "orderbook_delta", "count": 50},
    {
        "kind": "drift",
        "match": "orderbook_delta",
        "skip": 200,
        "change": "remove",
        "field": "price_dollars",
    },
    {"kind": "drift", "match": "fill", "count": 2, "change": "retype", "field": "count_fp"},
    {"kind": "drop", "match": "trade", "skip": 20, "count": 5},
    {"kind": "reorder", "match": "trade", "skip": 60, "count": 3},
    {"kind": "drop", "match": "market_lifecycle_v2", "skip": 1, "count": 2},
    {"kind": "duplicate", "match": "market_lifecycle_v2", "skip": 4, "count": 2},
    {"kind": "drop", "match": "cfbenchmarks_value*", "skip": 100, "count": 5},
)
TIMES: tuple[dict[str, object], ...] = (
    {"kind": "disconnect", "at": 120.0},
    {"kind": "overflow", "match": "orderbook_delta", "at": 240.0},
    {"kind": "channel_error", "match": "fill", "at": 300.0},
    {"kind": "pause_trading", "at": 360.0, "seconds": 60.0},
    {"kind": "pause_exchange", "at": 480.0, "seconds": 30.0},
    {"kind": "stall", "at": 560.0, "seconds": 2.0},
    {"kind": "late_settlement", "at": 600.0, "seconds": 45.0},
)
FIRST, SECOND = "KXSOL15M-26NOV221015-15", "KXSOL15M-26NOV221030-30"
MARKETS: tuple[dict[str, object], ...] = (
    {"kind": "portfolio_lag", "at": 30.0, "seconds": 20.0},
    {"kind": "clock_skew", "at": 60.0, "offset": 20.0},
    {"kind": "price_grid", "match": FIRST, "at": 180.0, "structure": "linear_cent"},
    {"kind": "pause_market", "match": FIRST, "at": 300.0, "seconds": 90.0},
    {"kind": "index_hole", "match": "SOLUSD_RTI", "at": 600.0, "seconds": 8.0},
    {
        "kind": "fee_change",
        "match": "KXSOL15M",
        "at": 400.0,
        "seconds": 440.0,
        "fee_type": "quadratic_with_maker_fees",
    },
    {"kind": "pause_market", "match": SECOND, "at": 1_000.0, "seconds": 60.0},
    {"kind": "price_grid", "match": SECOND, "at": 1_200.0, "structure": "deci_cent"},
)


class Exchange:
    """A local exchange in a process of its own, with a script."""

    def __init__(
        self, folder: Path, faults: tuple[dict[str, object], ...], speed: float = 60
    ) -> None:
        script = folder / "faults.json"
        script.write_text(json.dumps({"faults": faults}))
        command = [sys.executable, str(RUN), "exchange", "--speed", str(speed), "--seed", "11"]
        command += ["--start", "2026-11-22T15:01:00Z", "--faults", str(script), "--with-parent"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=folder,
            env=plain(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.told: dict[str, Any] = json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._process.stdout.close()

    @property
    def control(self) -> str:
        return f"{self.told['base_url']}/local/faults"

    def happened(self) -> dict[int, int]:
        """How often each fault has happened, by its place in the script."""
        rows = requests.get(self.control, timeout=PATIENCE_S).json()["faults"]
        return {row["id"]: row["done"] for row in rows}

    def client(self) -> KalshiExchange:
        clock = ScaledClock.from_spec(msgspec.convert(self.told["clock"], ClockSpec))
        key = read_private_key(Path(self.told["private_key_path"]))
        return connect(self.told["base_url"], Signer(self.told["key_id"], key, clock))

    def orders_in_peace(self) -> tuple[Order, ...]:
        """Every order this exchange has taken, read after what is left of the script is dropped."""
        requests.delete(self.control, timeout=PATIENCE_S)
        client = self.client()
        try:
            return client.orders()
        finally:
            client.close()

    def environment(self) -> dict[str, str]:
        """What tells the daemon to trade here."""
        return {
            "KALSHI_API_KEY": self.told["key_id"],
            "KALSHI_PRIVATE_KEY_PATH": self.told["private_key_path"],
            "KALSHI_BASE_URL": self.told["base_url"],
            "KALSHI_WS_URL": self.told["ws_url"],
        }


def plain() -> dict[str, str]:
    return {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}


@pytest.fixture(
    params=[REQUESTS, FRAMES, TIMES, MARKETS], ids=["requests", "frames", "times", "markets"]
)
def exchange(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Exchange]:
    with Exchange(tmp_path, request.param) as started:
        yield started


def trade_once(exchange: Exchange, folder: Path) -> dict[str, Any]:
    """Two windows of the daemon on this exchange; what it says at its end."""
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(RUN), "trade", "--windows", "2", "--port", "0", "--json"],
        cwd=folder,
        env={**plain(), **EAGER, **exchange.environment()},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-1500:] + ended.stderr[-3000:]
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def test_the_daemon_survives_with_books_equal_to_the_cent(
    exchange: Exchange, tmp_path: Path
) -> None:
    """It runs until all happened and an order was taken.

    On a busy machine few pictures are fresh enough to trade on, and the one order of a run may meet
    the very pause that refuses it.
    """
    sent = 0
    orders: tuple[Order, ...] = ()
    for _ in range(ROUNDS):
        result = trade_once(exchange, tmp_path)
        assert result["differences"] == []
        assert result["resting"] == 0
        sent += result["orders"]
        waiting = [place for place, done in exchange.happened().items() if not done]
        if not waiting and (orders := exchange.orders_in_peace()):
            break
    assert waiting == []
    ids = [order.client_order_id for order in orders]
    assert sent >= len(ids) == len(set(ids)) > 0
    assert [order.order_id for order in orders if order.status == "resting"] == []
