"""Reports: their sums are the books', their page opens alone, their bytes repeat."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from core import messages as m
from core.exchange.fills import FILL_MODELS, Caution
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.journal_sqlite import SqliteJournal
from core.research.backtest import World, assemble, fit, play, run_backtest
from core.research.report_command import report
from core.research.report_csv import write_csv
from core.research.report_facts import Facts
from core.research.report_html import report_page
from core.research.report_sources import (
    ReportError,
    backtest_facts,
    journal_facts,
    load_result,
    session_facts,
)
from core.research.report_svg import ticks
from core.research.report_sweep import sweep_page
from core.research.report_tables import (
    PERIODS,
    by_edge,
    by_hour,
    by_minutes_left,
    by_period,
    by_strategy,
    equity,
    falls,
    refused,
    summary,
    verdict,
)
from core.research.sweep import SweepOptions, sweep
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.research.tape_own import write_own
from core.units import Nanos
from tests.research.stage import Staged, staged, write

if TYPE_CHECKING:
    from core.research.results import BacktestResult
    from core.research.sweep_results import SweepResult

FILLS = FILL_MODELS[Caution.REALISTIC]
VOID = {"meta", "br"}


@pytest.fixture(scope="module")
def plain() -> Settings:
    return Settings()


@pytest.fixture(scope="module")
def facts(plain: Settings) -> Facts:
    return backtest_facts(SAMPLE_TAPE, plain, FILLS, lambda _: None)


@pytest.fixture(scope="module")
def result(plain: Settings) -> BacktestResult:
    return run_backtest(SAMPLE_TAPE, plain, fills=FILLS)


@pytest.fixture(scope="module")
def swept(plain: Settings, tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    folder = tmp_path_factory.mktemp("sweep")
    tape = write(folder / "tape.parquet", staged([Staged(number=n) for n in range(4)]))
    options = SweepOptions(
        tape=tape,
        strategy="kelly_volatility",
        folder=folder / "features",
        trials=4,
        folds=1,
        embargo_seconds=0.0,
        pace_seconds=20.0,
        jobs=1,
        confirm=False,
    )
    return sweep(options, plain, lambda *_: None)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# --- sums


def test_bets_add_up_to_the_windows_of_the_backtest(facts: Facts, result: BacktestResult) -> None:
    settled = sum(row.pnl or 0 for row in result.windows if row.result is not None)

    assert summary(facts).pnl == pytest.approx(settled / 1_000_000, abs=1e-9)
    assert summary(facts).fees == pytest.approx(result.ours.fees / 1_000_000)
    assert len(facts.bets) == result.trades > 0
    assert facts.signals == result.signals
    assert facts.orders == result.orders


def test_every_refusal_is_there_with_its_code(facts: Facts, result: BacktestResult) -> None:
    assert {one.code: one.signals for one in refused(facts.refusals)} == result.refusals
    assert result.refusals, "or the test proves nothing"


def test_a_refused_signal_would_have_brought_its_price_and_fee_or_the_rest(facts: Facts) -> None:
    known = [one for one in facts.refusals if one.result is not None]
    assert known
    for one in known:
        price = Decimal(str(one.price))
        fee = (Decimal("0.07") * price * (1 - price)).quantize(Decimal("0.0001"), "ROUND_CEILING")
        worth = Decimal(int(one.result is one.outcome))
        assert one.counterfactual == pytest.approx(float(worth - price - fee), abs=1e-9)


def test_every_grouping_holds_every_settled_bet_once(facts: Facts) -> None:
    settled, total = facts.settled, summary(facts)
    for groups in (
        by_minutes_left(settled),
        by_edge(settled),
        by_hour(settled),
        by_strategy(settled),
        *(by_period(settled, period) for period in PERIODS),
    ):
        assert sum(one.bets for one in groups) == total.bets
        assert sum(one.pnl for one in groups) == pytest.approx(total.pnl)


def test_equity_ends_where_capital_and_profit_lead(facts: Facts) -> None:
    times, values = equity(facts)

    assert values[0] == facts.capital == 10_000
    assert values[-1] - values[0] == pytest.approx(summary(facts).pnl)
    assert times == sorted(times)
    assert min(falls(values)) == pytest.approx(-summary(facts).drawdown)


def test_the_tax_table_gains_what_was_won(facts: Facts, tmp_path: Path) -> None:
    write_csv(facts, tmp_path)
    table = rows(tmp_path / "tax.csv")

    gains = sum(Decimal(row["gain"]) for row in table)
    basis = sum(Decimal(row["cost_basis"]) for row in table)
    proceeds = sum(Decimal(row["proceeds"]) for row in table)

    assert float(gains) == pytest.approx(summary(facts).pnl, abs=1e-6)
    assert proceeds - basis == gains
    assert len(table) == len(facts.settled)


def test_tables_have_a_line_for_each_fact(facts: Facts, tmp_path: Path) -> None:
    written = {path.name for path in write_csv(facts, tmp_path)}

    assert written == {
        *("trades.csv", "refusals.csv", "refusal_codes.csv", "equity.csv", "strategies.csv"),
        *("tax.csv", "days.csv", "weeks.csv", "months.csv", "exits.csv"),
    }
    assert len(rows(tmp_path / "trades.csv")) == len(facts.bets)
    assert len(rows(tmp_path / "refusals.csv")) == len(facts.refusals)


# --- other sources tell the same


@pytest.fixture(scope="module")
def events(plain: Settings) -> list[tuple[Nanos, m.Message]]:
    """What the backtest journals, by playing it once more."""
    found = info(SAMPLE_TAPE)
    journal = MemoryJournal()
    cast = assemble(fit(plain, found)[0], journal.instance, FILLS)
    world = World(cast, journal, found.first)
    play(SAMPLE_TAPE, [world], found, lambda _: None)
    world.end()
    return [(Nanos(getattr(e, "ts", 0) or found.first), e) for e in journal.events]


def test_a_journal_reports_the_bets_of_the_backtest_that_wrote_it(
    facts: Facts, events: list[tuple[Nanos, m.Message]], tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    for at, event in events:
        journal.append([event], at)
    journal.close()

    found = journal_facts(path)

    assert found.settled == facts.settled
    assert summary(found).pnl == summary(facts).pnl
    assert found.capital == facts.capital
    assert any("keeps no refusals" in note for note in found.notes)


def test_a_recorded_session_is_reported_from_what_was_decided_then(
    facts: Facts, plain: Settings, events: list[tuple[Nanos, m.Message]], tmp_path: Path
) -> None:
    with TapeWriter(tmp_path / "KXSOL15M" / "part.parquet") as tape:
        for record in read(SAMPLE_TAPE):
            tape.write(record)
    own = [
        (at, event) for at, event in events if isinstance(event, m.OrderApproved | m.OrderFilled)
    ]
    write_own(tmp_path / "own" / "2026-02-25" / "part.parquet", own)

    found = session_facts(tmp_path, plain)

    assert found is not None
    assert summary(found).pnl == pytest.approx(summary(facts).pnl)
    assert found.kind == "tape"


def test_a_tape_without_decisions_is_no_session(plain: Settings, tmp_path: Path) -> None:
    assert session_facts(tmp_path, plain) is None


# --- the page


class Page(HTMLParser):
    """Whether every element is closed, and what the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "href", "action", "data", "srcset", "xlink:href"}
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in names]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def assert_stands_alone(text: str) -> None:
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert "nan" not in re.findall(r'="(nan|inf|-inf)', text)


def test_the_page_has_every_part_and_fetches_nothing(facts: Facts) -> None:
    text = report_page(facts)

    assert_stands_alone(text)
    for heading in (
        *("Equity and drawdown", "By strategy, day, week and month", "When", "Edge"),
        *("Model against market", "Fees and slippage", "Refused signals", "Overfitting", "Notes"),
    ):
        assert f"<h2>{heading}</h2>" in text
    assert verdict(facts).sentence in text
    assert text.count("<svg") >= 9
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_equal_runs_give_equal_bytes(facts: Facts, plain: Settings) -> None:
    again = backtest_facts(SAMPLE_TAPE, plain, FILLS, lambda _: None)

    assert again.file_bytes() == facts.file_bytes()
    assert report_page(again) == report_page(facts)


def test_facts_that_were_kept_give_the_same_page(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_bytes(facts.file_bytes())

    found = load_result(tmp_path / "facts.json")

    assert isinstance(found, Facts)
    assert report_page(found) == report_page(facts)


def test_who_never_traded_gets_a_page_too() -> None:
    empty = Facts(
        source="nothing",
        kind="journal",
        capital=0.0,
        bets=(),
        refusals=(),
        forecasts=(),
        signals=0,
        orders=0,
        states=(),
    )

    text = report_page(empty)

    assert_stands_alone(text)
    assert "no trades yet" in text


def test_names_from_outside_are_shown_and_not_obeyed(facts: Facts) -> None:
    evil = msgspec.structs.replace(facts, source="<script>alert(1)</script>")

    assert "<script" not in report_page(evil)


def test_a_sweep_has_a_page_with_its_overfitting_figures(
    swept: SweepResult, tmp_path: Path
) -> None:
    (tmp_path / "result.json").write_bytes(swept.file_bytes())
    found = load_result(tmp_path / "result.json")
    assert not isinstance(found, Facts)

    text = sweep_page(found)

    assert_stands_alone(text)
    assert found.file_bytes() == swept.file_bytes()
    for word in ("deflated Sharpe ratio", "probability of overfitting", "Walk-forward"):
        assert word in text
    assert all(one.name in text for one in swept.dimensions)


@given(st.floats(-1e7, 1e7), st.floats(1e-4, 1e7))
def test_axes_reach_around_what_they_show_in_round_steps(low: float, span: float) -> None:
    marks = ticks(low, low + span)

    assert marks[0] <= low + span * 1e-6
    assert marks[-1] >= low + span * (1 - 1e-6)
    assert 2 <= len(marks) <= 13
    assert marks == sorted(marks)


# --- the command


def test_the_command_writes_page_tables_and_facts(bare: Path) -> None:
    ended = CliRunner().invoke(report, [str(SAMPLE_TAPE), "--out", str(bare / "out"), "--json"])

    assert ended.exit_code == 0, ended.output
    said = msgspec.json.decode(ended.stdout.splitlines()[-1])
    assert {"report", "facts", "tables", "bets", "pnl", "fees", "verdict"} <= set(said)
    assert Path(said["report"]).read_text().startswith("<!doctype html>")
    again = CliRunner().invoke(report, [said["facts"], "--out", str(bare / "again")])
    assert again.exit_code == 0, again.output
    assert (bare / "again" / "report.html").read_bytes() == Path(said["report"]).read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("no.json", None, "no such file"),
        ("no.parquet", None, "no such file"),
        ("bad.json", "{", "cannot be read as a result"),
        ("other.json", '{"pnl": 3}', "not a result: give"),
        ("bad.sqlite", "not a database", "bad.sqlite"),
        ("bad.parquet", "not a tape", "bad.parquet"),
    ],
)
def test_a_source_that_is_none_is_refused(
    name: str, text: str | None, told: str, bare: Path
) -> None:
    if text is not None:
        (bare / name).write_text(text)

    ended = CliRunner().invoke(report, [str(bare / name)])

    assert ended.exit_code == 2, ended.output
    assert told in ended.output


def test_without_a_journal_the_command_says_so(bare: Path) -> None:
    ended = CliRunner().invoke(report, [])

    assert ended.exit_code == 2
    assert "no journal" in ended.output
    assert bare.exists()


def test_a_file_of_another_kind_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        load_result(tmp_path / "gone.json")


def test_outcomes_are_told_by_name(facts: Facts) -> None:
    assert {bet.outcome for bet in facts.bets} <= set(Outcome)
