"""`run.py trade`: windows are traded over the wire, and both sides' books agree to the cent."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.conftest import Program

EAGER = {
    "STRATEGY__KELLY_VOLATILITY__MIN_EDGE": "0.005",
    "MIN_EDGE": "0.005",
    "SIGNAL_COOLDOWN_SECONDS": "5",
}
"""So that a window does not go by without a trade."""


@pytest.mark.parametrize("placement", ["actors", "fused"])
def test_three_windows_end_with_books_equal_to_the_cent(program: Program, placement: str) -> None:
    ended = program(
        "trade",
        "--speed",
        "60",
        "--windows",
        "3",
        "--port",
        "0",
        "--json",
        PLACEMENT=placement,
        **EAGER,
    )
    assert ended.code == 0, ended.err
    result = ended.result
    assert result["windows"] >= 3
    assert result["orders"] > 0
    assert result["fills"] > 0
    assert result["differences"] == []
    assert result["resting"] == 0
    exchange = result["exchange"]
    assert exchange["positions"] == {}
    assert [round(result[key], 2) for key in ("cash", "fees", "pnl")] == [
        round(exchange[key], 2) for key in ("cash", "fees", "pnl")
    ]


def test_a_taken_port_is_one_clear_line_and_nothing_is_started(
    program: Program, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = program("trade", "--port", str(port))
    assert ended.code == 2
    assert f"port {port}" in ended.err
    assert not list((tmp_path / "var").glob("local/journal*"))


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MAX_DAILY_LOSS": "-5"}, "MAX_DAILY_LOSS"),
        ({"API_HOST": "192.0.2.7"}, "API_HOST"),
        ({"ENABLED_STRATEGIES": "kelly_volatilty"}, "kelly_volatility"),
        ({"SERIES": "KXSOL15"}, "KXSOL15M"),
        ({"STRATEGY__KELLY_VOLATILITY__MIN_EGDE": "0.1"}, "min_edge"),
        ({"KALSHI_API_KEY": "x", "KALSHI_PRIVATE_KEY_PATH": "/nowhere.pem"}, "/nowhere.pem"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    program: Program, environment: dict[str, str], named: str
) -> None:
    ended = program("trade", "--port", "0", **environment)
    assert ended.code == 2
    assert named in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_options_without_a_command_are_those_of_trade(program: Program) -> None:
    ended = program("--speed", "0", "--port", "0")
    assert ended.code == 2
    assert "SPEED" in ended.err
    assert "Pace of the local exchange" not in program("--help").out
