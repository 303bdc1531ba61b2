"""The HTTP interface over a real server: paths, fields, limits, commands, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from config.effective import Row
from core import messages as m
from core.exchange.records import Outcome
from tests.builders import NOW, TICKER, approved, contracts, filled, signal, view
from tests.roles.dashboard_stage import marked, position
from tests.web.web_bench import AUTH, WAIT, Site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(
        config=(Row(name="API_PORT", value="8000", source="default", unit="", help="port"),)
    )
    yield site
    site.close()


def error(answer: requests.Response) -> dict[str, Any]:
    """The error of an answer, which has the one shape."""
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message", "details"}
    found: dict[str, Any] = body["error"]
    return found


# --- reads --------------------------------------------------------------------------------------


def test_the_status_is_the_row_that_the_dashboard_told(site: Site) -> None:
    stage = site.play(view(), marked())
    body = site.get("/api/status").json()
    assert body["timestamp"] == stage.last("status_update").timestamp
    assert body["risk_metrics"]["total_exposure"] == 13.0
    assert body["mode"] == "local"


def test_trades_come_newest_first_with_limit_and_status(site: Site) -> None:
    site.play(
        approved("a"),
        filled("f1", "a"),
        approved("b"),
        m.OrderRejected(order_id="b", code="x", text="", ts=NOW),
        approved("c"),
    )
    body = site.get("/api/trades").json()
    assert [trade["trade_id"] for trade in body["trades"]] == ["c", "b", "a"]
    assert body["total"] == 3
    assert [t["trade_id"] for t in site.get("/api/trades?limit=1").json()["trades"]] == ["c"]
    filtered = site.get("/api/trades?status=filled,rejected").json()["trades"]
    assert [trade["status"] for trade in filtered] == ["rejected", "filled"]


def test_orders_are_those_to_which_more_can_happen(site: Site) -> None:
    site.play(approved("a"), filled("f1", "a"), approved("b"))
    assert [o["trade_id"] for o in site.get("/api/orders").json()["orders"]] == ["b"]
    assert site.get("/api/orders?status=all").json()["total"] == 2


def test_a_resting_order_tells_what_stands_before_it(site: Site) -> None:
    accepted = m.OrderAccepted(
        order_id="t-1",
        venue_order_id="v-1",
        filled=contracts(0),
        remaining=contracts(25),
        ts=NOW,
    )
    ahead = m.QueuePlace(venue_order_id="v-1", ahead=contracts(12.5))
    site.play(approved(), accepted)
    assert site.get("/api/orders/queue-positions").json() == {"queue_positions": [], "total": 0}
    site.play(approved(), accepted, m.PlacesTold(places=(ahead,), ts_recv=NOW))
    (place,) = site.get("/api/orders/queue-positions").json()["queue_positions"]
    assert (place["trade_id"], place["order_id"], place["ticker"]) == ("t-1", "v-1", TICKER)
    assert (place["queue_position"], place["remaining_quantity"]) == (12.5, 25.0)


def test_positions_tell_what_they_would_bring(site: Site) -> None:
    site.play(marked(positions=(position(),)))
    (found,) = site.get("/api/positions").json()["positions"]
    assert (found["ticker"], found["contracts"], found["side"]) == (TICKER, 25.0, "yes")
    assert found["pnl_if_yes"] == pytest.approx(25 - 12 - 0.4368)


def test_decisions_can_be_narrowed(site: Site) -> None:
    site.play(
        signal(),
        m.Pass(strategy="mean_reversion", ticker=TICKER, code="edge", values=(), created=NOW),
    )
    assert site.get("/api/decisions").json()["total"] == 2
    narrowed = site.get("/api/decisions?kind=pass&strategy=mean_reversion").json()["decisions"]
    assert [row["gate"] for row in narrowed] == ["edge"]


def test_strategies_tell_how_they_did(site: Site) -> None:
    site.play(
        view(),
        approved(),
        filled(),
        m.MarketDetermined(
            ticker=TICKER, result=Outcome.YES, value=None, ts_event=NOW, ts_recv=NOW
        ),
    )
    rows = {row["name"]: row for row in site.get("/api/strategies").json()["strategies"]}
    assert rows["kelly_volatility"]["wins"] == 1
    assert rows["mean_reversion"]["trades"] == 0


def test_config_is_what_it_was_given(site: Site) -> None:
    (line,) = site.get("/api/config").json()["config"]
    assert (line["name"], line["value"], line["source"]) == ("API_PORT", "8000", "default")


def test_health_needs_no_token_and_tells_nothing_else(site: Site) -> None:
    site.play(view())
    answer = site.get("/api/health", headers={})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["health", "status", "trades", "orders", "positions", "decisions"])
def test_before_the_first_picture_the_silent_actor_is_named(site: Site, path: str) -> None:
    answer = site.get(f"/api/{path}")
    assert answer.status_code == 503
    assert error(answer)["details"]["actor"] == "dashboard"


def test_an_old_picture_is_not_served_as_the_present() -> None:
    site = Site(picture_age=0.0)
    try:
        site.play(view())
        answer = site.get("/api/status")
    finally:
        site.close()
    assert answer.status_code == 503
    assert error(answer)["code"] == "actor_silent"


# --- commands -----------------------------------------------------------------------------------


def test_commands_reach_the_supervision_role_and_come_back_verified(site: Site) -> None:
    for path, state in (
        ("start", "ACTIVE"),
        ("pause", "REDUCING"),
        ("stop", "DISARMED"),
        ("emergency/halt", "HALTED"),
    ):
        answer = site.post(f"/api/{path}", json={"reason": "because"})
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert site.door.role.breaker.reason == "because"
    assert site.door.role.breaker.by == "web operator 127.0.0.1"


def test_a_command_needs_no_body(site: Site) -> None:
    assert site.post("/api/emergency/halt").json()["resting"] == 0


def test_a_refusal_is_a_conflict_that_says_what_to_do(site: Site) -> None:
    site.post("/api/emergency/halt")
    answer = site.post("/api/start")
    assert answer.status_code == 409
    assert "reset the breaker first" in error(answer)["message"]
    assert error(answer)["details"] == {"state": "HALTED"}


def test_a_reset_needs_a_reason_and_ends_a_halt(site: Site) -> None:
    site.post("/api/emergency/halt")
    answer = site.post("/api/circuit-breaker/reset", json={})
    assert answer.status_code == 422
    assert error(answer)["details"]["fields"][0]["field"] == "reason"
    answer = site.post("/api/circuit-breaker/reset", json={"reason": "found the cause"})
    assert answer.json()["state"] == "DISARMED"


def test_silence_is_told_with_the_name_of_the_silent(site: Site) -> None:
    site.door.silent = True
    answer = site.post("/api/emergency/halt")
    assert answer.status_code == 503
    assert error(answer)["details"] == {"actor": "supervisor", "command": "halt"}


def test_the_same_id_is_carried_out_once(site: Site) -> None:
    first = site.post("/api/start", json={"command_id": "a-1"})
    again = site.post("/api/start", json={"command_id": "a-1"})
    assert first.json() == again.json()
    assert len(site.door.requests) == 1
    other = site.post("/api/stop", json={"command_id": "a-1"})
    assert (other.status_code, error(other)["code"]) == (409, "command_id_used")


def test_a_command_that_failed_may_be_tried_again_under_its_id(site: Site) -> None:
    site.door.silent = True
    assert site.post("/api/start", json={"command_id": "a-2"}).status_code == 503
    site.door.silent = False
    assert site.post("/api/start", json={"command_id": "a-2"}).json()["state"] == "ACTIVE"


# --- errors -------------------------------------------------------------------------------------


WRONG = {
    "no such path": ("GET", "/api/nothing", 404, "not_found"),
    "no such method": ("DELETE", "/api/status", 405, "method_not_allowed"),
    "a command is not read": ("GET", "/api/start", 405, "method_not_allowed"),
    "limit too small": ("GET", "/api/trades?limit=0", 422, "invalid"),
    "limit no number": ("GET", "/api/trades?limit=ten", 422, "invalid"),
    "unknown status": ("GET", "/api/trades?status=nonsense", 422, "invalid"),
    "unknown parameter": ("GET", "/api/decisions?colour=red", 422, "invalid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_gets_the_one_error_shape(site: Site, name: str) -> None:
    method, path, status, code = WRONG[name]
    site.play(view())
    answer = requests.request(method, site.url + path, headers=AUTH, timeout=WAIT)
    assert (answer.status_code, error(answer)["code"]) == (status, code)


BODIES = {
    "broken": (b"{", "application/json", 400, "bad_request"),
    "no object": (b"[1]", "application/json", 422, "invalid"),
    "unknown field": (b'{"a":1}', "application/json", 422, "invalid"),
    "a form": (b"reason=x", "text/plain", 415, "unsupported_media_type"),
    "too large": (b" " * 70_000, "application/json", 413, "too_large"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body_changes_nothing(site: Site, name: str) -> None:
    body, media, status, code = BODIES[name]
    answer = site.post("/api/start", headers={**AUTH, "Content-Type": media}, data=body)
    assert (answer.status_code, error(answer)["code"]) == (status, code)
    assert site.door.requests == []


def test_a_defect_tells_the_client_nothing_of_the_inside(site: Site) -> None:
    site.door.start = None  # type: ignore[method-assign,assignment]
    site.door.role = None  # type: ignore[assignment]
    answer = site.post("/api/stop")
    assert answer.status_code == 500
    assert error(answer) == {
        "code": "internal",
        "message": "internal error, see the log",
        "details": {},
    }


def test_a_field_that_is_wrong_is_named_without_its_value(site: Site) -> None:
    answer = site.post("/api/start", json={"reason": "x" * 501, "secret": "hunter2"})
    assert "hunter2" not in answer.text
    assert {field["field"] for field in error(answer)["details"]["fields"]} == {"reason", "secret"}


def test_contracts_are_numbers(site: Site) -> None:
    site.play(approved(quantity=contracts(2.5)))
    assert site.get("/api/trades").json()["trades"][0]["quantity"] == 2.5
