"""The scoreboard for people, and the verdict on trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from core.domain.calibration import Interval
from core.exchange.records import Outcome
from core.research.score_text import forecast_verdict, scoreboard, trades_verdict
from core.research.tally import WindowRow
from core.units import Money, Nanos, Quantity, money_from_dollars
from tests.builders import CLOSE, OPEN, TICKER, contracts
from tests.research.stage import STRIKE, Staged, staged, write

if TYPE_CHECKING:
    from pathlib import Path

TRADED = WindowRow(
    ticker=TICKER,
    opens=OPEN,
    closes=CLOSE,
    strike=None,
    value=None,
    result=Outcome.YES,
    signals=1,
    passes=0,
    denied=0,
    orders=1,
    fills=2,
    contracts=contracts(50),
    position=contracts(50),
    fees=Money(0),
    pnl=money_from_dollars(5.0),
)


def test_it_shows_every_forecaster_the_intervals_and_the_abstentions(tmp_path: Path) -> None:
    windows = [
        Staged(price=lambda left: STRIKE * 1.0005 if left > 200 else None),
        Staged(number=2, result=Outcome.NO),
        Staged(number=4, result=None),
    ]
    tape = write(tmp_path / "t.parquet", staged(windows))

    text = scoreboard([tape])

    assert "KXSOL15M: 159 looks at 2 windows" in text
    assert "the model abstained: index_stale 19" in text
    assert "without a result on the tape: 89 looks" in text
    for words in ("model - market", "blend - market", "model - naive, last 120 s", "Brier"):
        assert words in text
    assert "came true (95 %)" in text
    assert text.endswith("no evidence that the model forecasts better or worse than the market")


def test_without_anything_to_score_it_says_so(tmp_path: Path) -> None:
    nothing = write(tmp_path / "a.parquet", staged([Staged(price=lambda _: None)]))
    unquoted = write(tmp_path / "b.parquet", staged([Staged(quote=lambda _: None)]))

    assert scoreboard([nothing]).endswith("nothing to compare")
    assert scoreboard([unquoted]) == "no market on these tapes was ever quoted on both sides"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.2, -0.1, "the model forecasts"), (0.1, 0.2, "the market forecasts"), (-0.1, 0.1, "no ev")],
)
def test_who_forecasts_better_is_told_by_the_interval(low: float, high: float, said: str) -> None:
    assert forecast_verdict(Interval(value=0.0, low=low, high=high)).startswith(said)


def test_trades_are_judged_by_window_and_contract() -> None:
    """Two fills, 50 contracts, $5: ten cents a contract is one observation."""
    verdict = trades_verdict([TRADED])

    assert (verdict.windows, verdict.trades) == (1, 2)
    assert verdict.mean == pytest.approx(0.10)


def test_windows_without_trades_or_without_a_result_are_no_observations() -> None:
    idle = msgspec.structs.replace(TRADED, contracts=Quantity(0), fills=0, pnl=Money(0))
    open_ = msgspec.structs.replace(TRADED, pnl=None, result=None)

    assert trades_verdict([idle, open_]).windows == 0


def test_a_backtests_trades_get_their_sentence(tmp_path: Path) -> None:
    tape = write(tmp_path / "t.parquet", staged([Staged()]))
    rows = [
        msgspec.structs.replace(
            TRADED, closes=Nanos(CLOSE + n), pnl=money_from_dollars(n % 2 - 0.5)
        )
        for n in range(40)
    ]

    text = scoreboard([tape], rows)

    assert "trades: no evidence of edge yet: 80 trades, interval" in text
