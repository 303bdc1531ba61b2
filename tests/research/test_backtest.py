"""Backtests on recorded windows: the money adds up, twice the same, and nobody sees the future.

The shipped KXSOL15M tape is played whole. Of the recorded KXBTC15M books the first 250,000 records
are played by default; the environment variable WHOLE_TAPES=1 plays all 2.8 million.
"""

from __future__ import annotations

import os
from collections import defaultdict
from decimal import ROUND_CEILING, Decimal
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from core import messages as m
from core.exchange.fills import FILL_MODELS, Caution
from core.exchange.records import Outcome, Side
from core.research.backtest import run_backtest
from core.research.importers import import_recorded
from core.research.tape import SAMPLE_TAPE, TapeError, TapeWriter, info, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.research.results import BacktestResult

WHOLE = os.environ.get("WHOLE_TAPES") == "1"
SHARE = 250_000
UNIT = Decimal("0.0001")
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def plain() -> Settings:
    """Settings as shipped, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for field in Settings.model_fields:
            patch.delenv(field.upper(), raising=False)
        return Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def quotes(plain: Settings) -> BacktestResult:
    return run_backtest(SAMPLE_TAPE, plain)


@pytest.fixture(scope="module")
def books_tape(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tapes")
    whole = folder / "whole.parquet"
    import_recorded(recorded, "KXBTC15M", whole, "books")
    return whole if WHOLE else cut(whole, folder / "part.parquet", SHARE)


@pytest.fixture(scope="module")
def books(books_tape: Path, plain: Settings) -> BacktestResult:
    return run_backtest(books_tape, plain)


def cut(tape: Path, out: Path, records: int) -> Path:
    about = info(tape).about
    with TapeWriter(out, about) as part:
        for message in islice(read(tape), records):
            part.write(message)
    return out


def results_on(tape: Path) -> dict[str, Outcome]:
    return {x.ticker: x.result for x in read(tape) if isinstance(x, m.MarketDetermined)}


# --- the money, computed again in decimals and by other means


def fee_of(fill: m.OrderFilled) -> Decimal:
    """kalshi.md 7: 7 % of C x P x (1 - P), each rounding up to $0.0001; makers pay nothing."""
    count, yes = Decimal(fill.quantity) / 100, Decimal(fill.price) / 10_000
    cost = count * (yes if fill.side is Side.BID else 1 - yes)
    if not fill.is_taker:
        return (cost / UNIT).to_integral_value(ROUND_CEILING) * UNIT - cost
    fee = Decimal("0.07") * count * yes * (1 - yes)
    fee = (fee / UNIT).to_integral_value(ROUND_CEILING) * UNIT
    return ((fee + cost) / UNIT).to_integral_value(ROUND_CEILING) * UNIT - cost


def recomputed(
    fills: Iterable[m.OrderFilled], results: dict[str, Outcome]
) -> tuple[Decimal, Decimal, Decimal]:
    """Fees, cash earned, and what is tied up in windows without a result.

    Two piles of contracts for each window: paid for when bought, in pairs worth a dollar at once,
    the rest worth a dollar or nothing when the window ends.
    """
    fees = cash = Decimal(0)
    piles: dict[str, dict[Side, list[tuple[Decimal, Decimal]]]] = defaultdict(
        lambda: {Side.BID: [], Side.ASK: []}
    )
    for fill in fills:
        count, yes = Decimal(fill.quantity) / 100, Decimal(fill.price) / 10_000
        paid = yes if fill.side is Side.BID else 1 - yes
        fees += fee_of(fill)
        cash -= count * paid
        piles[fill.ticker][fill.side].append((count, paid))
    tied = Decimal(0)
    for ticker, sides in piles.items():
        bought = {side: sum((n for n, _ in pile), Decimal(0)) for side, pile in sides.items()}
        pairs = min(bought.values())
        cash += pairs
        if ticker in results:
            winner = Side.BID if results[ticker] is Outcome.YES else Side.ASK
            cash += bought[winner] - pairs
        else:
            assert not pairs, "an open window with both legs needs an average cost"
            tied += sum((n * p for pile in sides.values() for n, p in pile), Decimal(0))
    return fees, cash - fees, tied


def assert_money_agrees(result: BacktestResult, tape: Path) -> None:
    assert result.trades > 0, "a test without trades proves nothing"
    fees, earned, tied = recomputed(result.fills, results_on(tape))
    said = result.to_json()

    assert abs(Decimal(str(said["fees"])) - fees) < CENT
    assert abs(Decimal(str(said["cash"])) - (10_000 + earned)) < CENT
    assert abs(Decimal(str(said["pnl"])) - (earned + tied)) < CENT
    assert all(Decimal(fill.fee) / 1_000_000 == fee_of(fill) for fill in result.fills)


def test_money_on_recorded_quotes_agrees_with_a_plain_account_of_it(
    quotes: BacktestResult,
) -> None:
    assert_money_agrees(quotes, SAMPLE_TAPE)


def test_money_on_recorded_books_agrees_with_a_plain_account_of_it(
    books: BacktestResult, books_tape: Path
) -> None:
    assert_money_agrees(books, books_tape)


@pytest.mark.parametrize("caution", list(Caution))
def test_money_agrees_under_every_fill_model(caution: Caution, plain: Settings) -> None:
    result = run_backtest(SAMPLE_TAPE, plain, fills=FILL_MODELS[caution])

    assert_money_agrees(result, SAMPLE_TAPE)
    assert result.differences == ()


def test_ledger_and_venue_have_the_same_books(
    quotes: BacktestResult, books: BacktestResult
) -> None:
    assert quotes.differences == books.differences == ()
    assert quotes.ours == quotes.theirs
    assert books.ours == books.theirs


def test_windows_add_up_to_the_whole(books: BacktestResult) -> None:
    open_windows = [row for row in books.windows if row.pnl is None]

    assert open_windows == []
    assert sum(row.pnl or 0 for row in books.windows) == books.ours.pnl
    assert sum(row.fees for row in books.windows) == books.ours.fees
    assert sum(row.fills for row in books.windows) == books.trades


def test_a_strategy_that_makes_pays_no_fee_and_never_has_two_orders_in_a_market(
    plain: Settings,
) -> None:
    making = {"style": "make", "min_edge": 0.01}
    given = {"enabled_strategies": ("kelly_volatility",), "strategy": {"kelly_volatility": making}}
    settings = plain.model_copy(update={"min_edge": 0.0, **given})

    made = run_backtest(SAMPLE_TAPE, settings)

    assert made.differences == ()
    assert made.fills, "somebody came to what rested"
    assert not any(fill.is_taker or fill.fee for fill in made.fills)
    assert made.orders > len(made.windows), "orders are moved"
    assert "open_intent" not in made.refusals
    assert made.fills == run_backtest(SAMPLE_TAPE, settings).fills


# --- repeatable, and blind to the future


def test_the_same_run_twice_is_the_same_to_the_last_id(
    quotes: BacktestResult, plain: Settings
) -> None:
    again = run_backtest(SAMPLE_TAPE, plain)

    assert again.fills == quotes.fills
    assert {**again.to_json(), "seconds": 0} == {**quotes.to_json(), "seconds": 0}


def test_what_comes_later_changes_nothing_before(tmp_path: Path, plain: Settings) -> None:
    """A tape that ends early tells nothing of what follows: all before its end must be the same."""
    part = cut(SAMPLE_TAPE, tmp_path / "part.parquet", 1_600)
    end = info(part).last

    before = [fill for fill in run_backtest(SAMPLE_TAPE, plain).fills if fill.ts <= end]
    alone = [fill for fill in run_backtest(part, plain).fills if fill.ts <= end]

    assert alone == before
    assert before, "a test without trades before the cut proves nothing"


# --- what it says


def test_programs_find_their_keys(quotes: BacktestResult) -> None:
    said = quotes.to_json()

    assert {
        "windows",
        "events",
        "decisions",
        "trades",
        "fees",
        "pnl",
        "refusals",
        "seconds",
    } <= set(said)
    assert said["windows"] == 6
    assert said["events"] == info(SAMPLE_TAPE).records
    assert said["decisions"] == quotes.signals + sum(quotes.passes.values()) > 500
    assert said["trades"] == len(quotes.fills)
    refusals = said["refusals"]
    assert isinstance(refusals, dict)
    assert sum(refusals.values()) == quotes.signals - quotes.orders


def test_a_window_without_a_result_is_named(quotes: BacktestResult) -> None:
    assert quotes.unsettled == ("KXSOL15M-26FEB250045-45",)
    assert any("KXSOL15M-26FEB250045-45" in note for note in quotes.notes)
    assert quotes.windows[-1].pnl is None
    assert quotes.windows[-1].position != 0


def test_a_setting_that_the_tape_needs_is_named(quotes: BacktestResult, plain: Settings) -> None:
    assert plain.index_fresh_seconds == 3.0
    assert any("index_fresh_seconds is 60 here, not 3" in note for note in quotes.notes)


def test_people_get_a_table(quotes: BacktestResult) -> None:
    text = quotes.to_text()

    for row in quotes.windows:
        assert row.ticker in text
    assert "realised after fees" in text
    assert "open_intent" in text
    assert max(len(line) for line in text.splitlines()) < 140


def test_progress_reaches_the_end_and_never_goes_back(plain: Settings) -> None:
    shares: list[float] = []

    run_backtest(SAMPLE_TAPE, plain, shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_empty_tape_is_refused(tmp_path: Path, plain: Settings) -> None:
    TapeWriter(tmp_path / "a.parquet").close()

    with pytest.raises(TapeError, match="holds no records"):
        run_backtest(tmp_path / "a.parquet", plain)


def test_recorded_books_are_played_from_end_to_end(books: BacktestResult) -> None:
    assert books.events == (2_805_514 if WHOLE else SHARE)
    assert len(books.windows) == (70 if WHOLE else 11)
    assert books.decisions > 1_000
    assert [change.state for change in books.states][:2] == ["STARTING", "ACTIVE"]
