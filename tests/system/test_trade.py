"""`run.py trade`: windows are traded over the wire, and both sides' books agree to the cent."""

from __future__ import annotations

import csv
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
LEAVING = {
    f"STRATEGY__{strategy}__{name}": value
    for strategy in ("KELLY_VOLATILITY", "MEAN_REVERSION")
    for name, value in (("EXIT_GAIN", "0"), ("VOLATILITY_ERROR", "0"), ("CONTRACTS", "1"))
}
"""So that strategies sell what they hold some thirty times in three windows."""


def sold(folder: Path) -> list[dict[str, str]]:
    """The exits in the report of the journal."""
    (table,) = folder.glob("var/reports/*/exits.csv")
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("placement", ["actors", "fused"])
def test_three_windows_end_with_books_equal_to_the_cent(
    program: Program, placement: str, tmp_path: Path
) -> None:
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
        **LEAVING,
    )
    assert ended.code == 0, ended.err
    assert program("report").code == 0
    exits = sold(tmp_path)
    assert exits
    for row in exits:
        assert float(row["held"]) in {0.0, float(row["contracts"])}
        assert 0 < float(row["price"]) < 1
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
