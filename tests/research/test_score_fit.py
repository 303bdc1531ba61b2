"""How parameters were chosen: the tools find what was planted, and what ships is what they find."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from core.domain.basis import DEFAULT_BASIS
from core.domain.daytime import CRYPTO, FLAT, HALF_HOURS, make_profile
from core.domain.series import SOURCES
from core.research.importers import import_recorded
from core.research.score_fit import SETTLED_CUT, TAPES, main
from core.research.score_fit_basis import events, surprises
from core.research.score_fit_density import Sight, Tail, fit_of, sights
from core.research.score_fit_rhythm import COINS, Moves, fit_profile, forecast_loss, read_moves
from core.research.score_replay import ReplayTerms
from core.units import SECOND, IndexValue, Nanos
from tests.research.stage import STRIKE, Staged, staged, write

if TYPE_CHECKING:
    from pathlib import Path

MONDAY = 1_780_286_400
"""2026-06-01 04:00 UTC, New York's midnight."""
WINDOW = 900
FAR = Nanos(1 << 62)


def moves(days: int, loud_slot: int, seed: int = 1) -> Moves:
    """Windows of so many days, three times as wild in one half hour of each working day."""
    generator = np.random.default_rng(seed)
    opens = MONDAY + WINDOW * np.arange(96 * days)
    sizes = np.full(len(opens), 20e-4)
    clock = (opens - MONDAY) % 86_400 // 1_800
    working = (opens - MONDAY) // 86_400 % 7 < 5
    sizes[(clock == loud_slot) & working] *= 3
    return Moves(
        coin="SOL",
        opens=opens * SECOND,
        log_moves=generator.normal(0.0, 1.0, len(opens)) * sizes,
    )


def test_it_finds_the_loud_half_hour_of_working_days_and_not_on_weekends() -> None:
    profile = fit_profile([moves(60, loud_slot=19, seed=seed) for seed in range(5)])

    assert profile.weekday.index(max(profile.weekday)) == 19
    assert profile.weekday[19] > 1.5 * profile.weekday[4]
    assert max(profile.weekend) < 1.3 * min(profile.weekend)


def test_a_rhythm_forecasts_better_than_none_where_there_is_one() -> None:
    loud = tuple(3.0 if slot == 19 else 1.0 for slot in range(HALF_HOURS))
    known = make_profile(loud, (1.0,) * HALF_HOURS)
    seen = moves(60, loud_slot=19)

    with_rhythm, without = (
        forecast_loss(seen, profile, Nanos(0), FAR).mean() for profile in (known, FLAT)
    )

    assert with_rhythm < without


def test_a_forecast_knows_only_the_moves_before_it() -> None:
    seen = moves(4, loud_slot=19)
    changed = seen.log_moves.copy()
    changed[200:] *= 10

    usual = forecast_loss(seen, FLAT, Nanos(0), FAR)
    other = forecast_loss(msgspec.structs.replace(seen, log_moves=changed), FLAT, Nanos(0), FAR)

    assert np.array_equal(usual[:199], other[:199])
    assert not np.array_equal(usual[199:], other[199:])


def test_the_rhythm_that_ships_is_that_of_the_earlier_part(recorded: Path) -> None:
    early = [read_moves(recorded, coin).between(Nanos(0), SETTLED_CUT) for coin in COINS]

    fitted = fit_profile(early)

    assert fitted.weekday == pytest.approx(CRYPTO.weekday, abs=0.011)
    assert fitted.weekend == pytest.approx(CRYPTO.weekend, abs=0.011)


def test_the_rhythm_helps_on_the_later_part(recorded: Path) -> None:
    gains = []
    for coin in COINS:
        seen = read_moves(recorded, coin)
        with_rhythm, without = (
            forecast_loss(seen, profile, SETTLED_CUT, FAR).mean() for profile in (CRYPTO, FLAT)
        )
        gains.append(without - with_rhythm)

    assert min(gains) > 0.0


def test_the_priors_that_ship_are_the_medians_of_the_earlier_part(recorded: Path) -> None:
    for series, source in SOURCES.items():
        coin = series.removeprefix("KX").removesuffix("15M")
        early = read_moves(recorded, coin).between(Nanos(0), SETTLED_CUT)
        assert source.prior_bps == pytest.approx(early.usual_bps, abs=0.5)


# --- densities


def drawn(degrees: int | None, count: int = 400, seed: int = 3) -> tuple[Sight, ...]:
    """Looks at one moment whose settlements are drawn from a known distribution."""
    generator = np.random.default_rng(seed)
    (template, *_), width = _templates()
    draws = (
        generator.standard_normal(count)
        if degrees is None
        else generator.standard_t(degrees, count) * math.sqrt((degrees - 2) / degrees)
    )
    price = template.state.price
    return tuple(
        msgspec.structs.replace(
            template,
            close_ns=Nanos(template.close_ns + number),
            value=IndexValue(round(price * (1 + width * draw))),
        )
        for number, draw in enumerate(draws)
    )


def _templates() -> tuple[tuple[Sight, ...], float]:
    state = TEMPLATE.state
    return (TEMPLATE,), TEMPLATE.view.sigma * math.sqrt(state.effective_seconds)


TEMPLATE: Sight


@pytest.fixture(autouse=True, scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    global TEMPLATE  # noqa: PLW0603 - made once, from a tape
    tape = tmp_path_factory.mktemp("fit") / "t.parquet"
    records = staged([Staged()])
    last = records[-1]
    records[-1] = msgspec.structs.replace(last, value=IndexValue(round(STRIKE * 1e8)))
    found = sights(write(tape, records), ReplayTerms())
    TEMPLATE = next(sight for sight in found if sight.seconds_left == 600)
    TEMPLATE = msgspec.structs.replace(
        TEMPLATE, view=msgspec.structs.replace(TEMPLATE.view, proxy=False, sigma=1e-4)
    )


@pytest.mark.parametrize("degrees", [None, 4])
def test_the_density_is_highest_for_the_tails_that_were_drawn(degrees: int | None) -> None:
    seen = drawn(degrees)

    fits = {d: fit_of(seen, Tail(degrees=d)).log_density for d in (None, 4)}

    assert max(fits, key=lambda d: fits[d]) == degrees


def test_the_spread_tells_a_wrong_width() -> None:
    seen = drawn(None)

    right, narrow = (fit_of(seen, Tail(degrees=None, scale=scale)) for scale in (1.0, 0.5))

    assert right.spread == pytest.approx(1.0, abs=0.1)
    assert narrow.spread == pytest.approx(2 * right.spread, rel=0.01)
    assert narrow.log_density < right.log_density


def test_windows_count_alike_however_many_looks_they_had() -> None:
    one, other = drawn(None)[:2]

    assert fit_of((one, other), Tail()).log_density == pytest.approx(
        fit_of((one, other, other, other), Tail()).log_density
    )


# --- recorded


@pytest.fixture(scope="module")
def minutes(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fit") / "sol.parquet"
    import_recorded(recorded, "KXSOL15M", out, "minutes")
    return out


def test_fat_tails_fit_both_parts_of_the_recorded_settlements_better(minutes: Path) -> None:
    seen = sights(minutes, ReplayTerms())
    cut = next(cut for series, *_, cut in TAPES if series == "KXSOL15M")

    for part in ([s for s in seen if s.at < cut], [s for s in seen if s.at >= cut]):
        normal, fat = (fit_of(tuple(part), Tail(degrees=degrees)) for degrees in (None, 4))
        assert fat.log_density > normal.log_density + 0.05
        assert fat.log_loss < normal.log_loss
        assert 0.8 < fat.spread < 1.1


def test_the_basis_is_learned_from_recorded_strikes(minutes: Path, recorded: Path) -> None:
    told = surprises(events(minutes, recorded, "KXSOL15M", "U"), DEFAULT_BASIS)

    errors = np.array([surprise.error for surprise in told])
    assert len(told) == 603
    assert abs(errors.mean()) < 0.3
    standard = errors / np.array([surprise.deviation for surprise in told])
    assert 0.8 < standard.std() < 1.2


def test_the_commands_print_their_tables(recorded: Path) -> None:
    run = CliRunner().invoke(main, [str(recorded), "rhythm"])

    assert run.exit_code == 0
    assert "later part, rhythm that ships" in run.output
