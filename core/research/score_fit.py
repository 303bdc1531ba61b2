"""How the parameters were chosen: every figure of `docs/pricing.md` on them, recomputed.

    python -m core.research.score_fit SOURCE COMMAND

Commands: rhythm, tails, volatility, settlement, basis, blend, market. SOURCE is a folder of
recordings. Each table has the earlier part, by which was chosen, and the later part, which only
reports. Nothing here runs in the daemon.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
import numpy as np

from core.domain.basis import DEFAULT_BASIS
from core.domain.blend import BlendSettings
from core.domain.calibration import log_loss_points, paired_difference
from core.domain.daytime import CRYPTO, FLAT, DayProfile
from core.domain.volatility import DEFAULT_SETTINGS, VolatilitySettings, decay_of_half_life
from core.research.importers import import_recorded
from core.research.score import Looks, gather, scores
from core.research.score_fit_basis import events, surprises
from core.research.score_fit_density import Sight, Tail, fair_of, fit_of, sights
from core.research.score_fit_market import (
    Judged,
    features,
    leaning,
    read_quotes,
    recalibrated,
    sight,
)
from core.research.score_fit_rhythm import COINS, fit_profile, forecast_loss, read_moves
from core.research.score_points import naive
from core.research.score_replay import ReplayTerms, replay
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _utc(month: int, day: int) -> Nanos:
    return Nanos(int(datetime(2026, month, day, tzinfo=UTC).timestamp()) * SECOND)


SETTLED_CUT: Final = _utc(6, 20)
"""Settled windows: before it the earlier part."""
SETTLED_HALF: Final = _utc(6, 8)
"""Within the earlier part: fitted before it, judged after it."""
_START, _END = _utc(5, 1), _utc(12, 1)
TAPES: Final = (
    ("KXSOL15M", "minutes", "U", _utc(7, 9)),
    ("KXBTC15M", "books", "G", _utc(5, 14)),
)
"""Series, recording, source of its markets, and where its later part begins."""


@click.group()
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.pass_context
def main(context: click.Context, source: Path) -> None:
    """Recompute how parameters were chosen, from the recordings in SOURCE."""
    context.obj = source


@main.command()
@click.pass_obj
def rhythm(source: Path) -> None:
    """The rhythm of the day: QLIKE of moves with and without it, and the table that ships."""
    coins = [read_moves(source, coin) for coin in COINS]
    half = fit_profile([moves.between(_START, SETTLED_HALF) for moves in coins])
    whole = fit_profile([moves.between(_START, SETTLED_CUT) for moves in coins])
    click.echo("QLIKE of the next move, lower is better (all coins; SOL alone)")
    for name, profile, start, end in (
        ("earlier part, no rhythm", FLAT, SETTLED_HALF, SETTLED_CUT),
        ("earlier part, rhythm of its first half", half, SETTLED_HALF, SETTLED_CUT),
        ("later part, no rhythm", FLAT, SETTLED_CUT, _END),
        ("later part, rhythm of the earlier part", whole, SETTLED_CUT, _END),
        ("later part, rhythm that ships", CRYPTO, SETTLED_CUT, _END),
    ):
        losses = [forecast_loss(moves, profile, start, end) for moves in coins]
        click.echo(f"{name:40} {np.concatenate(losses).mean():9.4f} {losses[0].mean():9.4f}")
    click.echo("\nrhythm of the earlier part, half hours from midnight in New York")
    _echo_profile(whole)
    click.echo("\nusual volatility in the earlier part, bp over a window")
    for moves in coins:
        click.echo(f"{moves.coin:5} {moves.between(_START, SETTLED_CUT).usual_bps:5.1f}")


def _echo_profile(profile: DayProfile) -> None:
    for name, day in (("working day", profile.weekday), ("weekend", profile.weekend)):
        click.echo(f"{name:12} " + " ".join(f"{factor:.2f}" for factor in day))


@main.command()
@click.pass_obj
def tails(source: Path) -> None:
    """Degrees of freedom, width, and the spot price's own error."""
    candidates = [
        *(Tail(degrees=degrees) for degrees in (None, 3, 4, 5, 6, 8, 12)),
        *(Tail(scale=scale) for scale in (0.8, 0.9, 1.1)),
        *(Tail(proxy_bps=bps) for bps in (0.3, 0.5, 0.75, 1.5, 2.0, 3.0)),
    ]
    _densities(source, [(_shape(tail), DEFAULT_SETTINGS, tail) for tail in candidates])


@main.command()
@click.pass_obj
def volatility(source: Path) -> None:
    """Half-lives, mix, step, rhythm and measure of the volatility."""
    usual = DEFAULT_SETTINGS
    candidates: dict[str, dict[str, Any]] = {
        "as shipped": {},
        "no rhythm of the day": {"profile": FLAT},
        "bipower": {"measure": "bipower"},
    }
    for weight in (0.15, 0.3, 0.6, 0.75):
        candidates[f"weight of the short mean {weight}"] = {"short_weight": weight}
    for half in (60, 225, 450, 900):
        candidates[f"short half-life {half} s"] = {"decay": decay_of_half_life(half)}
    for half in (3_600, 14_400, 28_800):
        candidates[f"long half-life {half} s"] = {"long_half_life_s": float(half)}
    for step in (5, 30, 60):
        candidates[f"returns over {step} s"] = {"step_seconds": step}
    _densities(
        source,
        [
            (name, msgspec.structs.replace(usual, **change), Tail())
            for name, change in candidates.items()
        ],
    )


def _shape(tail: Tail) -> str:
    shape = "normal" if tail.degrees is None else f"t({tail.degrees})"
    return f"{shape}, scale {tail.scale}, own error {tail.proxy_bps} bp"


def _densities(source: Path, candidates: Iterable[tuple[str, VolatilitySettings, Tail]]) -> None:
    click.echo("log density (higher is better), log loss (lower), spread (1 is right)")
    listed = list(candidates)
    with tempfile.TemporaryDirectory() as folder:
        for series, recording, _, cut in TAPES:
            tape = _tape(source, Path(folder), series, recording)
            click.echo(f"\n{series}")
            known: dict[VolatilitySettings, tuple[Sight, ...]] = {}
            for name, settings, tail in listed:
                if settings not in known:
                    known = {settings: sights(tape, ReplayTerms(volatility=settings))}
                seen = known[settings]
                early = tuple(sight for sight in seen if sight.at < cut)
                late = tuple(sight for sight in seen if sight.at >= cut)
                cells = [
                    f"{label} {fit.windows:4} {fit.log_density:7.4f} {fit.log_loss:.4f} "
                    f"{fit.spread:.2f}"
                    for label, part in (("earlier", early), ("later", late))
                    if part
                    for fit in [fit_of(part, tail)]
                ]
                click.echo(f"{'  '.join(cells)}  {name}")


@main.command()
@click.pass_obj
def settlement(source: Path) -> None:
    """The fair value of this contract against the plain N(d2), at quoted and unquoted windows."""
    click.echo("log loss, and fair value less N(d2) with its interval over windows")
    with tempfile.TemporaryDirectory() as folder:
        for series, recording, _, cut in TAPES:
            seen = sights(_tape(source, Path(folder), series, recording), ReplayTerms())
            for label, part in (
                ("earlier", [sight for sight in seen if sight.at < cut]),
                ("later", [sight for sight in seen if sight.at >= cut]),
                ("both", seen),
            ):
                for upto in (60, 120, 900):
                    looks = [sight for sight in part if sight.seconds_left <= upto]
                    click.echo(f"{series} {label:8} last {upto:3} s  {_against_plain(looks)}")


def _against_plain(looks: Sequence[Sight]) -> str:
    outcome = np.array([sight.yes for sight in looks])
    windows = np.array([sight.close_ns for sight in looks])
    fair, plain = (
        log_loss_points(np.array(shares), outcome)
        for shares in (
            [fair_of(sight) for sight in looks],
            [naive(sight.view) for sight in looks],
        )
    )
    found = paired_difference(fair, plain, windows)
    return (
        f"{len(looks):5} looks {len(np.unique(windows)):4} windows  fair {fair.mean():.4f}  "
        f"N(d2) {plain.mean():.4f}  {found.value:+.4f}  {found.low:+.4f} to {found.high:+.4f}"
    )


@main.command()
@click.pass_obj
def basis(source: Path) -> None:
    """Drift and noise of the basis: likelihood of the strikes that were not foreseen."""
    with tempfile.TemporaryDirectory() as folder:
        for series, recording, src, cut in TAPES:
            given = events(_tape(source, Path(folder), series, recording), source, series, src)
            click.echo(f"{series}: drift, noise (bp); log likelihood of strikes, earlier, later")
            for drift in (0.1, 0.2, 0.3, 0.45):
                for noise in (0.2, 0.4, 0.6, 0.9):
                    settings = msgspec.structs.replace(
                        DEFAULT_BASIS, drift_bps=drift, noise_bps=noise
                    )
                    told = surprises(given, settings)
                    early = [s.log_likelihood for s in told if s.opens < cut]
                    late = [s.log_likelihood for s in told if s.opens >= cut]
                    click.echo(
                        f"{drift:5} {noise:5} {sum(early):9.2f} ({len(early)}) "
                        f"{sum(late):9.2f} ({len(late)})"
                    )


@main.command()
@click.pass_obj
def blend(source: Path) -> None:
    """First credits of the blend: its log loss beside the market's and the model's."""
    candidates = {
        "as shipped": BlendSettings(),
        "all experts alike": BlendSettings(credits=(0.2,) * 5),
        **{
            f"weight {weight:.2f} for ever": BlendSettings(weights=(weight,), credits=(1.0,))
            for weight in (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        for series, recording, _, cut in TAPES:
            looks = gather([_tape(source, Path(folder), series, recording)])
            click.echo(f"{series}: log loss of market, model, blend; earlier and later part")
            for name, settings in candidates.items():
                click.echo(f"{name:22} {'   '.join(_blend_cells(looks, settings, cut))}")


def _blend_cells(looks: Looks, settings: BlendSettings, cut: Nanos) -> list[str]:
    (one,) = scores(looks, settings)
    early = one.scored.window < cut
    cells = []
    for part in (one.scored.where(early), one.scored.where(~early)):
        mean = part.mean(log_loss_points)
        cells.append(f"{part.windows:3} {mean['market']} {mean['model']} {mean['blend']}")
    return cells


@main.command()
@click.pass_obj
def market(source: Path) -> None:
    """Tries to better the market's own price: its calibration, and what leads it."""
    click.echo("changed market less market in log loss, with its interval over windows")
    quotes = read_quotes(source)
    cut = int(np.median(np.unique(quotes.close_ns)))
    coins = [("all coins", quotes.coin != "")]
    coins += [(str(coin), quotes.coin == coin) for coin in np.unique(quotes.coin)]
    for name, chosen in coins:
        _echo_judged(f"{name}: level and slope", recalibrated(quotes, chosen, cut))
    with tempfile.TemporaryDirectory() as folder:
        for series, recording, *_ in TAPES:
            terms = ReplayTerms()
            tape = _tape(source, Path(folder), series, recording)
            played = replay(tape, terms, partial(sight, terms=terms))
            seen = [one for one in played.seen if one.point.ticker in played.results]
            for name, feature in features(seen).items():
                _echo_judged(f"{series}: {name}", leaning(seen, played.results, feature))


def _echo_judged(name: str, judged: Judged) -> None:
    found, fitted = judged.difference, " ".join(f"{value:+.3f}" for value in judged.fitted)
    click.echo(
        f"{name:40} {judged.looks:6} looks  market {judged.market:.4f}  {found.value:+.5f}  "
        f"{found.low:+.5f} to {found.high:+.5f}  fitted {fitted}"
    )


def _tape(source: Path, folder: Path, series: str, recording: str) -> Path:
    out = folder / f"{series}.parquet"
    import_recorded(source, series, out, recording)
    return out


if __name__ == "__main__":
    main()
