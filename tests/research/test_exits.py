"""A backtest with exits: books that agree, and the same exits in its result and its report."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from core.exchange.fills import FILL_MODELS, Caution
from core.exchange.records import Outcome
from core.research.backtest import run_backtest
from core.research.kernel import refusal
from core.research.report_csv import write_csv
from core.research.report_exits import exits
from core.research.report_html import report_page
from core.research.report_sources import backtest_facts
from core.research.sweep_space import SpaceError, space
from core.research.tape import SAMPLE_TAPE

if TYPE_CHECKING:
    from pathlib import Path

    from core.research.report_facts import Facts
    from core.research.results import BacktestResult

FILLS = FILL_MODELS[Caution.REALISTIC]
GAIN = {"exit_gain": 0.01}


def with_exits() -> Settings:
    return Settings(strategy={"kelly_volatility": GAIN, "mean_reversion": GAIN})


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    return run_backtest(SAMPLE_TAPE, with_exits(), fills=FILLS)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return backtest_facts(SAMPLE_TAPE, with_exits(), FILLS, lambda _: None)


def test_strategies_really_exit_and_the_books_agree(result: BacktestResult) -> None:
    assert result.exits.orders > 0
    assert result.differences == ()
    assert "exits" in result.to_text()
    plain = run_backtest(SAMPLE_TAPE, Settings(), fills=FILLS)
    assert plain.exits.orders == 0
    assert "exits" not in plain.to_text()


def test_the_report_tells_the_same_exits(
    result: BacktestResult, facts: Facts, tmp_path: Path
) -> None:
    lines = exits(facts.bets)
    total = result.exits
    assert sum(one.contracts for one in lines) == pytest.approx(total.quantity / 100)
    assert sum(one.brought for one in lines) == pytest.approx(total.brought / 1e6)
    assert sum(one.held for one in lines) == pytest.approx(total.held / 1e6)
    assert "Exits against holding on" in report_page(facts)
    write_csv(facts, tmp_path)
    with (tmp_path / "exits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["gained"]) for row in rows) == pytest.approx(total.gained / 1e6, abs=1e-5)


def test_what_an_exit_gained_is_its_own_pnl(facts: Facts) -> None:
    sold = [bet for bet in facts.bets if bet.exit]
    lines = {(one.ts, one.ticker, one.contracts): one for one in exits(facts.bets)}
    assert sold
    for bet in sold:
        line = lines[bet.ts, bet.ticker, bet.contracts]
        assert line.sold is not bet.outcome
        assert line.gained == pytest.approx(bet.pnl)
        assert line.held in {0.0, bet.contracts}
        assert (line.held == 0.0) == (bet.result is Outcome(bet.outcome))


def test_a_sweep_with_exits_goes_through_the_roles() -> None:
    one = Settings(enabled_strategies=("kelly_volatility",))
    assert refusal(one) == ""
    chosen = Settings(enabled_strategies=("kelly_volatility",), strategy={"kelly_volatility": GAIN})
    assert "exit_gain" in refusal(chosen)


def test_exits_are_searched_only_where_they_are_asked_for() -> None:
    name = "STRATEGY__KELLY_VOLATILITY__EXIT_GAIN"
    assert name not in [one.name for one in space("kelly_volatility", Settings())]
    assert name in [one.name for one in space("kelly_volatility", with_exits())]
    (named,) = space("kelly_volatility", Settings(), ["EXIT_GAIN=0.005:0.1:log"])
    assert (named.name, named.low, named.high) == (name, 0.005, 0.1)
    with pytest.raises(SpaceError):
        space("kelly_volatility", Settings(), ["EXIT_GAIN=-1:0.1"])
