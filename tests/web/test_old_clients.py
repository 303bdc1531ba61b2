"""Calls of clients that were there before: the same address, the same words, the same answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.builders import approved, filled, view
from tests.roles.dashboard_stage import marked
from tests.web.web_bench import TOKEN, WAIT, Site, told, until

if TYPE_CHECKING:
    from collections.abc import Iterator

TRADE = {
    "trade_id",
    "order_id",
    "ticker",
    "side",
    "order_type",
    "quantity",
    "price",
    "status",
    "filled_quantity",
    "average_fill_price",
    "cost",
    "fees",
    "pnl",
    "strategy_name",
    "edge",
    "confidence",
    "kelly_fraction",
    "dry_run",
    "created_at",
    "submitted_at",
    "filled_at",
    "cancelled_at",
    "notes",
}
STATUS = {
    "running",
    "dry_run",
    "enabled_strategies",
    "risk_metrics",
    "order_summary",
    "position_summary",
    "client_health",
    "timestamp",
}


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(picture_age=3_600.0)
    site.play(view(), approved("a"), filled("f1", "a"), marked())
    yield site
    site.close()


def curl(*arguments: str) -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("no curl on this machine")
    done = subprocess.run(  # noqa: S603 - curl
        [program, "--silent", "--fail", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT,
    )
    return done.stdout


def test_curl_with_a_bearer_reads_trades(site: Site) -> None:
    said = curl("-H", f"Authorization: Bearer {TOKEN}", f"{site.url}/api/trades?limit=20")
    (trade,) = json.loads(said)["trades"]
    assert trade.keys() >= TRADE
    assert (trade["trade_id"], trade["status"], trade["side"]) == ("a", "filled", "yes")
    assert isinstance(trade["price"], float)


def test_curl_without_a_body_starts_and_stops(site: Site) -> None:
    bearer = f"Authorization: Bearer {TOKEN}"
    for command, state in (("start", "ACTIVE"), ("stop", "DISARMED")):
        said = curl("-X", "POST", "-H", bearer, f"{site.url}/api/{command}")
        assert json.loads(said)["state"] == state


def test_a_socket_that_asks_for_the_status_gets_it(site: Site) -> None:
    stream = site.stream()
    assert told(stream)["type"] == "snapshot"
    stream.send(json.dumps({"type": "get_status"}))
    answer = until(stream, lambda message: message["type"] == "status_update")
    assert answer.keys() == {"type", "timestamp", "data"}
    assert answer["data"].keys() >= STATUS
    stream.send(json.dumps({"type": "ping"}))
    assert until(stream, lambda message: message["type"] == "pong")
    stream.close()
