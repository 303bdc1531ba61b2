"""Commands beside the trading state, over HTTP, through every role of the system and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.settings import Settings
from core import messages as m
from tests.browser.playback import Playback
from tests.web.web_bench import Site
from web.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Floor:
    """A site over a whole system whose strategies are switched off, two minutes into a window."""

    def __init__(self, path: Path) -> None:
        self.hub = Hub()
        self.playback = Playback(self.hub, Settings())
        self.site = Site(
            hub=self.hub,
            control=self.playback,
            audit_path=path / "audit.jsonl",
            picture_age=3_600.0,
        )
        for name in ("kelly_volatility", "mean_reversion"):
            assert self.site.post(f"/api/strategies/{name}/disable").ok
        self.playback.run(120)
        self.ticker: str = self.hub.rows("book")[0].ticker

    def body(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """An order for ten YES that takes what is there."""
        ask = self.hub.rows("book")[0].ask
        made = {"ticker": self.ticker, "side": "yes", "quantity": 10, "price": ask}
        return {**made, "order_type": "ioc", **changes}

    def resting(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """A placed order for ten YES far below the market."""
        answer = self.site.post("/api/orders", json=self.body(order_type="limit", price=0.02))
        assert answer.status_code == 200, answer.text
        assert answer.json()["order_status"] == "open", answer.json()
        self.playback.run(1)
        told: dict[str, Any] = answer.json()
        return {**told, **changes}

    def trade(self, trade_id: str) -> dict[str, Any]:
        rows = self.site.get("/api/trades").json()["trades"]
        return next(row for row in rows if row["trade_id"] == trade_id)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path)
    yield floor
    floor.site.close()


def test_a_preview_tells_everything_and_places_nothing(floor: Floor) -> None:
    answer = floor.site.post("/api/orders", json=floor.body(preview=True))
    assert answer.status_code == 200, answer.text
    quote = answer.json()["quote"]
    assert quote["refusal"] is None
    assert quote["max_loss"] == pytest.approx(quote["cost"] + quote["fee"])
    assert quote["max_gain"] == pytest.approx(10 - quote["max_loss"])
    assert quote["break_even"] == pytest.approx(quote["max_loss"] / 10)
    assert floor.site.get("/api/trades").json()["total"] == 0
    assert "order" not in " ".join(
        r["command"] for r in floor.site.get("/api/audit").json()["audit"]
    )


def test_an_order_is_placed_filled_and_answered_with_what_the_exchange_said(floor: Floor) -> None:
    quote = floor.site.post("/api/orders", json=floor.body(preview=True)).json()["quote"]
    answer = floor.site.post("/api/orders", json=floor.body(reason="by hand"))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["order_status"], told["filled_quantity"]) == ("filled", 10)
    row = floor.trade(told["trade_id"])
    assert (row["strategy_name"], row["status"]) == ("manual", "filled")
    assert row["cost"] == pytest.approx(quote["cost"], abs=0.3)
    assert floor.site.get("/api/positions").json()["positions"][0]["contracts"] == 10
    (line,) = [r for r in floor.site.get("/api/audit").json()["audit"] if "order" in r["command"]]
    assert (line["reason"], line["outcome"]) == ("by hand", "done")


def test_a_refusal_is_a_conflict_with_the_gate_and_the_quote(floor: Floor) -> None:
    answer = floor.site.post("/api/orders", json=floor.body(quantity=100_000))
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"].startswith("no_room_")
    assert error["details"]["quote"]["refusal"]["gate"] == error["code"]
    preview = floor.site.post("/api/orders", json=floor.body(quantity=100_000, preview=True))
    assert preview.status_code == 200
    assert preview.json()["quote"]["refusal"]["gate"] == error["code"]


def test_the_same_id_places_one_order_and_other_values_under_it_are_refused(floor: Floor) -> None:
    body = floor.body(command_id="x")
    first = floor.site.post("/api/orders", json=body)
    again = floor.site.post("/api/orders", json=body)
    assert again.json() == first.json()
    assert floor.site.get("/api/trades").json()["total"] == 1
    other = floor.site.post("/api/orders", json={**body, "quantity": 11})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "command_id_used")


def test_a_cancel_is_proven(floor: Floor) -> None:
    told = floor.resting()
    answer = floor.site.post(f"/api/trades/{told['trade_id']}/cancel")
    assert answer.status_code == 200, answer.text
    assert answer.json()["order_status"] == "cancelled"
    assert floor.trade(told["trade_id"])["status"] == "cancelled"
    again = floor.site.post(f"/api/trades/{told['trade_id']}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "order_not_open")
    assert floor.site.post("/api/trades/nothing/cancel").status_code == 404


def test_a_decrease_leaves_less(floor: Floor) -> None:
    told = floor.resting()
    path = f"/api/trades/{told['trade_id']}/decrease"
    answer = floor.site.post(path, json={"quantity": 4})
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == "4 contracts rest"
    more = floor.site.post(path, json={"quantity": 5})
    assert (more.status_code, more.json()["error"]["code"]) == (409, "not_smaller")


def test_an_amend_replaces_the_order(floor: Floor) -> None:
    told = floor.resting()
    answer = floor.site.post(f"/api/trades/{told['trade_id']}/amend", json={"price": 0.03})
    assert answer.status_code == 200, answer.text
    new = answer.json()["trade_id"]
    assert new != told["trade_id"]
    assert floor.trade(told["trade_id"])["status"] == "cancelled"
    row = floor.trade(new)
    assert (row["status"], row["price"], row["quantity"]) == ("open", 0.03, 10)


def test_what_was_made_smaller_stays_so_in_books_and_amends(floor: Floor) -> None:
    told = floor.resting()
    reserved = floor.site.get("/api/balance").json()["reserved"]
    path = f"/api/trades/{told['trade_id']}"
    assert floor.site.post(f"{path}/decrease", json={"quantity": 4}).ok
    floor.playback.run(1)
    assert floor.trade(told["trade_id"])["remaining_quantity"] == 4
    assert floor.site.get("/api/balance").json()["reserved"] == pytest.approx(
        reserved * 0.4, abs=0.011
    )
    answer = floor.site.post(f"{path}/amend", json={"price": 0.03})
    assert floor.trade(answer.json()["trade_id"])["quantity"] == 4


def test_an_amend_that_would_be_refused_leaves_the_order_alone(floor: Floor) -> None:
    told = floor.resting()
    path = f"/api/trades/{told['trade_id']}/amend"
    answer = floor.site.post(path, json={"price": floor.hub.rows("book")[0].ask})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "price_crosses")
    assert floor.trade(told["trade_id"])["status"] == "open"
    assert floor.site.post(path, json={}).status_code == 422


def test_parameters_are_read_changed_and_read_again(floor: Floor) -> None:
    path = "/api/strategies/kelly_volatility/params"
    before = {row["name"]: row for row in floor.site.get(path).json()["parameters"]}
    edge = before["min_edge"]
    assert (edge["value"], edge["source"], edge["kind"]) == (0.03, "default", "number")
    assert (edge["low"], edge["high"]) == (0, 1)
    assert before["contracts"]["kind"] == "integer"
    assert floor.site.post(path, json={"params": {"min_edge": 0.06}}).ok
    floor.playback.run(1)
    after = floor.site.get(path).json()
    row = next(row for row in after["parameters"] if row["name"] == "min_edge")
    assert (row["value"], row["source"], row["default"]) == (0.06, "operator", 0.03)
    assert after["changed_by"] == "web operator 127.0.0.1"


def test_a_wrong_parameter_is_named(floor: Floor) -> None:
    path = "/api/strategies/kelly_volatility/params"
    answer = floor.site.post(path, json={"params": {"min_edge": 7}})
    assert answer.status_code == 422
    (field,) = answer.json()["error"]["details"]["fields"]
    assert field["field"] == "params.min_edge"
    assert (
        floor.site.post(path.replace("kelly", "jelly"), json={"params": {"a": 1}}).status_code
        == 404
    )


def test_the_bankroll_is_set_and_shown(floor: Floor) -> None:
    assert floor.site.post("/api/bankroll", json={"bankroll": 2500.5}).ok
    floor.playback.run(1)
    told = floor.site.get("/api/bankroll").json()
    assert (told["bankroll"], told["bankroll_limit"]) == (2500.5, 2500.5)


def test_money_that_did_not_move_is_not_booked(floor: Floor) -> None:
    answer = floor.site.post("/api/cash", json={"amount": 500, "reason": "deposit"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "cash_agrees"


@pytest.mark.parametrize(
    "wrong", [{"amount": 5}, {"amount": "five", "reason": "deposit"}, {"reason": "deposit"}]
)
def test_money_that_moved_needs_its_amount_and_a_reason(
    floor: Floor, wrong: dict[str, object]
) -> None:
    assert floor.site.post("/api/cash", json=wrong).status_code == 422


def test_another_mode_is_refused_with_the_checklist_and_the_command(floor: Floor) -> None:
    assert floor.site.post("/api/mode", json={"mode": "local"}).json()["verdict"] == "done"
    answer = floor.site.post("/api/mode", json={"mode": "live"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "confirmation_needed")
    wanted = {"mode": "live", "confirmation": "Trade with real  money"}
    error = floor.site.post("/api/mode", json=wanted).json()["error"]
    assert error["code"] == "checklist_failed"
    assert error["details"]["command"] == "DRY_RUN_MODE=false python run.py trade"
    failed = {row["name"] for row in error["details"]["checklist"] if not row["passed"]}
    assert {"api_key", "enough_windows", "evidence_of_edge", "calibrated"} <= failed
    paper = floor.site.post("/api/mode", json={"mode": "paper"}).json()["error"]
    assert paper["code"] == "restart_required"


def test_the_mode_stays_while_orders_are_open(floor: Floor) -> None:
    floor.resting()
    answer = floor.site.post("/api/mode", json={"mode": "paper"})
    assert answer.json()["error"]["code"] == "open_orders"


def test_an_actor_that_was_not_set_aside_is_not_released(floor: Floor) -> None:
    (name,) = [row["actor"] for row in floor.site.get("/api/actors").json()["actors"]][:1]
    answer = floor.site.post(f"/api/actors/{name}/release")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_allowed")
    assert floor.site.post("/api/actors/nobody/release").status_code == 404


def test_a_quarantined_strategy_is_started_again(floor: Floor) -> None:
    """It fails until its policy is exhausted; then only the operator starts it."""
    name = "strategy:mean_reversion"
    for generation in range(1, 8):
        floor.playback.tell(
            m.ActorFailed(actor=name, generation=generation, error="boom", ts=floor.playback.now)
        )
        floor.playback.tell(
            m.ActorStarted(
                actor=name, generation=generation + 1, recovered=0, ts=floor.playback.now
            )
        )
    floor.playback.run(2)

    def state() -> str:
        rows = floor.site.get("/api/actors").json()["actors"]
        return next(str(row["state"]) for row in rows if row["actor"] == name)

    assert state() == "quarantined"
    answer = floor.site.post(f"/api/actors/{name}/release", json={"reason": "mended"})
    assert answer.status_code == 200, answer.text
    floor.playback.run(2)
    assert state() != "quarantined"


def close(floor: Floor, status: int = 200, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    """The answer to a close of the market's position."""
    answer = floor.site.post(f"/api/positions/{floor.ticker}/close", json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def held(floor: Floor) -> float:
    """Contracts of the market that are held, by the picture."""
    floor.playback.run(1)
    rows = floor.site.get("/api/positions").json()["positions"]
    return float(sum(row["contracts"] for row in rows if row["ticker"] == floor.ticker))


def test_a_position_is_closed_in_part_and_whole(floor: Floor) -> None:
    floor.site.post("/api/orders", json=floor.body())
    preview = close(floor, quantity=4, preview=True)["quote"]
    assert (preview["side"], preview["refusal"]) == ("yes", None)
    assert preview["proceeds"] == pytest.approx(4 * preview["average_price"] - preview["fee"])
    assert held(floor) == 10
    before = floor.site.get("/api/status").json()["risk_metrics"]["realized_pnl"]
    told = close(floor, quantity=4, reason="less of it")
    assert (told["order_status"], told["filled_quantity"]) == ("filled", 4)
    row = floor.trade(told["trade_id"])
    assert (row["closes"], row["strategy_name"], row["side"]) == (True, "manual", "no")
    assert row["brought"] > 0
    assert held(floor) == 6
    after = floor.site.get("/api/status").json()["risk_metrics"]["realized_pnl"]
    assert after - before == pytest.approx(preview["realized"], abs=0.2)
    assert close(floor)["filled_quantity"] == 6
    assert held(floor) == 0
    assert close(floor, 409)["error"]["code"] == "nothing_held"
    lines = floor.site.get("/api/audit").json()["audit"]
    commands = [line for line in lines if line["command"] == f"close {floor.ticker}"]
    assert {line["outcome"] for line in commands} == {"done", "nothing_held"}
    assert "less of it" in {line["reason"] for line in commands}


def test_what_was_sold_is_held_against_holding_on_once_the_window_has_its_result(
    floor: Floor,
) -> None:
    floor.site.post("/api/orders", json=floor.body())
    told = close(floor, quantity=4)
    floor.playback.run(1_000)  # past the close, the result and the next look at results
    row = floor.trade(told["trade_id"])
    assert row["held_to_settlement"] in {0.0, 4.0}
    assert row["pnl"] == pytest.approx(row["brought"] - row["held_to_settlement"], abs=0.001)
    exits = floor.site.get("/api/performance").json()["exits"]
    assert (exits["exits"], exits["contracts"]) == (1, 4)
    assert exits["gained"] == pytest.approx(row["pnl"], abs=0.001)


def test_a_close_that_is_refused_says_which_gate(floor: Floor) -> None:
    floor.site.post("/api/orders", json=floor.body())
    more = close(floor, 409, quantity=11)["error"]
    assert more["code"] == "no_room_held"
    assert more["details"]["quote"]["refusal"]["gate"] == "no_room_held"
    assert close(floor, 409, least_price=0.99)["error"]["code"] == "no_room_depth"
    assert floor.site.post("/api/positions/NOWHERE/close").status_code == 409
    assert held(floor) == 10


@pytest.mark.parametrize("wrong", [{"quantity": 0}, {"least_price": 1.0}, {"price": 0.5}])
def test_a_close_that_makes_no_sense_is_refused_by_its_form(
    floor: Floor, wrong: dict[str, Any]
) -> None:
    assert floor.site.post(f"/api/positions/{floor.ticker}/close", json=wrong).status_code == 422


def test_a_position_can_be_closed_while_paused_and_not_while_halted(floor: Floor) -> None:
    floor.site.post("/api/orders", json=floor.body())
    assert floor.site.post("/api/pause").ok
    refused = floor.site.post("/api/orders", json=floor.body())
    assert refused.json()["error"]["code"] == "not_trading_reducing"
    assert close(floor, quantity=3)["filled_quantity"] == 3
    assert floor.site.post("/api/emergency/halt").ok
    error = close(floor, 409)["error"]
    assert error["code"] == "not_trading_halted"
    assert "reset" in error["message"]
    assert held(floor) == 7


def test_the_same_id_closes_once(floor: Floor) -> None:
    floor.site.post("/api/orders", json=floor.body())
    first = close(floor, quantity=2, command_id="c")
    assert close(floor, quantity=2, command_id="c") == first
    assert held(floor) == 8
    assert close(floor, 409, quantity=3, command_id="c")["error"]["code"] == "command_id_used"
