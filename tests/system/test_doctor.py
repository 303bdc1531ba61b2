"""`run.py doctor` as its user runs it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.conftest import Program

EXITS = {"ok": 0, "warn": 1, "fail": 2}
CERTAIN = (
    "settings",
    "credentials",
    "key format",
    "exchange reachable",
    "clock",
    "fees of KXSOL15M",
    "sign-in",
    "permissions",
    "funding of shard 2",
    "rate limits",
    "halt file",
    "journal",
)
"""Good on any machine at any time; disk, index and market may be worth a look."""


def test_a_dry_run_against_a_local_exchange_needs_no_account(program: Program) -> None:
    ended = program("doctor", "--against", "local", "--json")
    checks = {row["check"]: row for row in ended.result["checks"]}
    assert {check: checks[check]["verdict"] for check in CERTAIN} == dict.fromkeys(CERTAIN, "ok")
    assert {"disk", "index SOLUSD_RTI", "status of shard 2"} <= checks.keys()
    assert all(row.keys() == {"check", "verdict", "detail", "remedy"} for row in checks.values())
    assert ended.code == EXITS[ended.result["verdict"]]


def test_without_an_account_it_fails_with_a_remedy_for_each_fault(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    ended = program(
        "doctor",
        KALSHI_BASE_URL=f"http://{place}/trade-api/v2",
        KALSHI_WS_URL=f"ws://{place}/trade-api/ws/v2",
    )
    assert ended.code == 2
    assert "run.py doctor --against local" in ended.out
    assert ended.out.count("->") >= ended.out.count("FAIL")


def test_a_wrong_setting_is_a_finding_too(program: Program) -> None:
    ended = program("doctor", "--json", MIN_EDGE="much")
    assert ended.code == 2
    (row,) = ended.result["checks"]
    assert (row["check"], row["verdict"]) == ("settings", "fail")
    assert "MIN_EDGE" in row["detail"]
