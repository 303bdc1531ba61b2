"""The scoreboard: on the same looks, without the future, with every abstention told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from core import messages as m
from core.domain.blend import BlendSettings
from core.domain.series import UnknownSeriesError
from core.exchange.records import Outcome
from core.research.importers import import_recorded
from core.research.score import FORECASTERS, gather, score, scores
from core.research.tape import TapeError, read
from core.units import Nanos, seconds
from tests.builders import CLOSE
from tests.research.stage import SERIES, STRIKE, Staged, staged, write

if TYPE_CHECKING:
    from pathlib import Path

    from core.research.score_points import Point

YES, NO = Outcome.YES, Outcome.NO


def scored(folder: Path, *windows: Staged, max_age: float | None = None) -> dict[str, Any]:
    figures: dict[str, Any] = score([write(folder / "t.parquet", staged(windows))], max_age)[SERIES]
    return figures


def points(folder: Path, *windows: Staged) -> tuple[Point, ...]:
    return gather([write(folder / "t.parquet", staged(windows))]).points


def test_the_figures_are_those_that_were_promised(tmp_path: Path) -> None:
    figures = scored(tmp_path, Staged(), Staged(number=1, result=NO))

    assert set(figures) == {
        "points",
        "windows",
        "log_loss",
        "brier",
        "difference",
        "by_seconds_left",
    }
    for row in (figures, *figures["by_seconds_left"].values()):
        assert set(row["log_loss"]) == set(row["brier"]) == set(FORECASTERS)
        low, high = row["difference"]
        assert low <= high
    assert figures["windows"] == 2
    assert sum(row["points"] for row in figures["by_seconds_left"].values()) == figures["points"]


def test_looks_come_every_ten_seconds_while_everything_is_fresh(tmp_path: Path) -> None:
    figures = scored(tmp_path, Staged())

    assert figures["points"] == 89
    assert list(figures["by_seconds_left"])[:3] == ["30", "60", "120"]
    assert [row["points"] for row in figures["by_seconds_left"].values()][:3] == [3, 3, 6]


def test_the_market_is_its_middle_and_is_scored_by_what_happened(tmp_path: Path) -> None:
    figures = scored(tmp_path, Staged(), Staged(number=1, result=NO))

    mean = -(math.log(0.61) + math.log(0.39)) / 2
    assert figures["log_loss"]["market"] == pytest.approx(mean, abs=1e-5)
    assert figures["brier"]["market"] == pytest.approx((0.39**2 + 0.61**2) / 2, abs=1e-5)


def test_the_difference_is_model_less_market(tmp_path: Path) -> None:
    """The price lies far above the strike; the market gives it only 0.61."""
    sure = Staged(price=lambda _: STRIKE * 1.01)

    right = scored(tmp_path, sure)["difference"]
    wrong = scored(tmp_path, msgspec.structs.replace(sure, result=NO))["difference"]

    assert right[1] < 0 < wrong[0]


def test_nobody_is_scored_where_the_price_is_stale(tmp_path: Path) -> None:
    """The last spot price comes 401 s before the close, and counts for three seconds."""
    blind = Staged(price=lambda left: STRIKE if left > 400 else None)

    figures = scored(tmp_path, blind)
    (one,) = scores(gather([tmp_path / "t.parquet"]))

    assert figures["points"] == 50
    assert set(figures["by_seconds_left"]) == {str(s) for s in range(420, 901, 60)}
    assert one.abstained == {"index_stale": 39}
    assert one.quoted.count == 89


def test_how_old_a_price_may_be_can_be_said(tmp_path: Path) -> None:
    sparse = Staged(price=lambda left: STRIKE if left % 30 == 0 else None)

    strict, mild = (scored(tmp_path, sparse, max_age=age)["points"] for age in (3.0, 30.0))

    assert strict < 35
    assert mild > 80


def test_a_tape_of_late_prices_says_how_late(tmp_path: Path) -> None:
    sparse = staged([Staged(price=lambda left: STRIKE if left % 30 == 0 else None)])
    write(tmp_path / "late.parquet", sparse, {"index_fresh_seconds": "30"})

    found = gather([tmp_path / "late.parquet"])

    assert score([tmp_path / "late.parquet"])[SERIES]["points"] > 80
    assert "prices count up to 30 s of age" in found.notes[0]


def test_a_market_without_two_sides_has_no_forecast(tmp_path: Path) -> None:
    one_sided = Staged(quote=lambda left: (6_000, 10_000) if left <= 300 else (6_000, 6_200))

    figures = scored(tmp_path, one_sided)

    assert "300" not in figures["by_seconds_left"]
    assert figures["points"] == 59


def test_a_quote_that_stopped_coming_is_no_forecast(tmp_path: Path) -> None:
    silent = Staged(quote=lambda left: (6_000, 6_200) if left > 300 else None)

    assert scored(tmp_path, silent)["points"] == 60


def test_a_quote_that_repeats_stays_fresh(tmp_path: Path) -> None:
    """The spot price moves nothing either: no picture is sent, yet the book is confirmed."""
    still = Staged(price=lambda left: STRIKE if left % 2 else None)

    assert scored(tmp_path, still)["points"] > 80


def test_windows_without_a_result_are_counted_and_not_scored(tmp_path: Path) -> None:
    write(tmp_path / "t.parquet", staged([Staged(), Staged(number=1, result=None)]))

    (one,) = scores(gather([tmp_path / "t.parquet"]))

    assert (one.scored.windows, one.unsettled) == (1, 89)


def test_nothing_to_score_is_told_as_nothing(tmp_path: Path) -> None:
    figures = scored(tmp_path, Staged(price=lambda _: None))

    assert (figures["points"], figures["windows"]) == (0, 0)
    assert set(figures["log_loss"].values()) == {None}
    assert figures["difference"] == [None, None]
    assert figures["by_seconds_left"] == {}


def test_no_look_sees_what_came_later(tmp_path: Path) -> None:
    """A tape that is cut off, and one that goes on to another end, agree until the cut."""
    up = Staged(price=lambda left: STRIKE * (1 + (1_200 - left) * 1e-6))
    down = Staged(
        price=lambda left: STRIKE * (1 + (1_200 - left) * (1e-6 if left > 500 else -1e-6)),
        quote=lambda left: (6_000, 6_200) if left > 500 else (1_000, 1_100),
        result=NO,
    )
    at = Nanos(CLOSE - seconds(500))

    whole = [p for p in points(tmp_path, up) if p.at < at]
    other = [p for p in points(tmp_path, down) if p.at < at]
    cut = [record for record in staged([up]) if record.ts_recv < at]  # type: ignore[attr-defined]
    part = [p for p in gather([write(tmp_path / "cut.parquet", cut)]).points if p.at < at]

    assert whole == other
    assert part == whole[: len(part)]
    assert len(whole) - len(part) <= 1


def test_the_blend_knows_no_result_before_it_is_there(tmp_path: Path) -> None:
    """Turning the last result around changes the blend of no look; turning the first does."""
    sure = Staged(price=lambda _: STRIKE * 1.002)
    windows = [msgspec.structs.replace(sure, number=n) for n in range(4)]

    def mixed(turned: int | None) -> np.ndarray[Any, Any]:
        played = [
            msgspec.structs.replace(w, result=NO) if w.number == turned else w for w in windows
        ]
        write(tmp_path / "t.parquet", staged(played))
        (one,) = scores(gather([tmp_path / "t.parquet"]))
        return one.scored.forecasts["blend"]

    usual = mixed(None)
    assert np.array_equal(usual, mixed(3))
    first = mixed(0)
    assert np.array_equal(usual[:89], first[:89])
    assert (first[89:] < usual[89:]).all()


def test_the_blend_is_the_market_where_only_the_market_has_credit(tmp_path: Path) -> None:
    write(tmp_path / "t.parquet", staged([Staged(), Staged(number=1)]))
    settings = BlendSettings(weights=(0.0,), credits=(1.0,))

    (one,) = scores(gather([tmp_path / "t.parquet"]), settings)

    assert one.scored.forecasts["blend"] == pytest.approx(one.scored.forecasts["market"])


def test_a_market_on_two_tapes_counts_once(tmp_path: Path) -> None:
    tape = write(tmp_path / "a.parquet", staged([Staged()]))
    again = write(tmp_path / "b.parquet", staged([Staged(), Staged(number=1)]))

    assert score([tape, again]) == score([again])
    assert score([again, tape]) == score([again])


def test_the_same_tapes_give_the_same_figures(tmp_path: Path) -> None:
    tape = write(tmp_path / "t.parquet", staged([Staged(), Staged(number=1, result=NO)]))

    assert score([tape]) == score([tape])


def test_faults_of_the_tapes_are_told(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no such file"):
        score([tmp_path / "none.parquet"])
    records = staged([Staged()])
    strange = [
        msgspec.structs.replace(
            record, market=msgspec.structs.replace(record.market, series="KXFOO15M")
        )
        if isinstance(record, m.MarketListed)
        else record
        for record in records
    ]
    with pytest.raises(UnknownSeriesError, match="KXFOO15M"):
        score([write(tmp_path / "strange.parquet", strange)])


# --- recorded markets


@pytest.fixture(scope="module")
def sol(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("score") / "sol.parquet"
    import_recorded(recorded, SERIES, out, "minutes")
    return out


def test_the_recorded_market_scores_as_a_plain_count_says(sol: Path) -> None:
    """Against a count over the records that shares nothing with the replay."""
    results = {r.ticker: r.result for r in read(sol) if isinstance(r, m.MarketDetermined)}
    losses = []
    for record in read(sol):
        if isinstance(record, m.TopOfBook) and record.bid_size and record.ask_size:
            mid = (record.bid + record.ask) / 20_000
            losses.append(-math.log(mid if results[record.ticker] is YES else 1 - mid))

    (one,) = scores(gather([sol]))

    assert one.quoted.count == len(losses) == 8_930
    assert one.quoted.windows == 659
    mean = -np.log(np.where(one.quoted.outcome > 0, *_both(one.quoted.forecasts["market"]))).mean()
    assert mean == pytest.approx(float(np.mean(losses)), abs=1e-9)
    assert mean == pytest.approx(0.4373, abs=1e-4)


def _both(shares: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return shares, 1 - shares


def test_on_recorded_markets_the_blend_is_not_worse_beyond_noise(sol: Path) -> None:
    (one,) = scores(gather([sol]))

    against_market = one.scored.difference("blend", "market")

    assert against_market is not None
    assert against_market.low <= 0.0
    assert against_market.high < 0.01
    assert one.abstained == {"price_unknown": 7_803}
