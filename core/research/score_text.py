"""The scoreboard for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.calibration import brier_points, log_loss_points, reliability
from core.domain.verdict import MARKET_BETTER, MODEL_BETTER, UNCLEAR, Track, Verdict
from core.research.score import FORECASTERS, SPANS, gather, scores
from core.units import contracts, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from core.domain.calibration import Interval
    from core.research.score import Scored, SeriesScore
    from core.research.tally import WindowRow

LAST_MINUTES: Final = 120
_HEAD: Final = (
    *("seconds left", "looks", "windows"),
    *(f"{name} ll" for name in FORECASTERS),
    *(f"{name} Br" for name in FORECASTERS),
)
_COMPARED: Final = (
    ("model", "market", None),
    ("blend", "market", None),
    ("model", "naive", None),
    ("model", "naive", LAST_MINUTES),
)


def scoreboard(
    tapes: Sequence[Path], windows: Iterable[WindowRow] = (), max_age: float | None = None
) -> str:
    """Forecasts of the markets on some tapes against what happened, and the verdict on trades.

    `windows` are those of a backtest on these tapes; without trades there is no verdict. Raises
    TapeError, UnknownSeriesError.
    """
    found = gather(tapes, max_age)
    blocks = [_series_text(one) for one in scores(found)]
    blocks += ["no market on these tapes was ever quoted on both sides"] if not blocks else []
    traded = trades_verdict(windows)
    blocks += [f"trades: {traded.sentence}"] if traded.windows else []
    return "\n\n".join([*blocks, *(f"note: {note}" for note in found.notes)])


def trades_verdict(windows: Iterable[WindowRow]) -> Verdict:
    """What the settled trades of a backtest say: results per contract after fees, by window."""
    track = Track()
    for row in windows:
        if row.pnl is not None and row.contracts:
            track = track.add(dollars(row.pnl) / contracts(row.contracts), row.fills)
    return track.verdict()


def forecast_verdict(difference: Interval | None) -> str:
    """Who forecasts better, by the interval of model less market."""
    if difference is None:
        return "nothing to compare"
    if difference.high < 0.0:
        return MODEL_BETTER
    return MARKET_BETTER if difference.low > 0.0 else UNCLEAR


def _series_text(one: SeriesScore) -> str:
    head = f"{one.series}: {one.scored.count:,} looks at {one.scored.windows} windows"
    lines = [head, *_apart(one), "", *_table(one.scored), "", *_differences(one.scored)]
    if one.scored.count:
        lines += [
            f"weight of the model in the blend: {one.weight:.2f} on average, from what it learned",
            "",
            *_reliability(one.scored),
            "",
        ]
    return "\n".join([*lines, forecast_verdict(one.scored.difference("model", "market"))])


def _apart(one: SeriesScore) -> list[str]:
    """What was seen and not scored."""
    quoted = one.quoted
    loss, brier = quoted.mean(log_loss_points)["market"], quoted.mean(brier_points)["market"]
    alone = (
        f"market alone, at all its two-sided quotes: log loss {_figure(loss)}, "
        f"Brier {_figure(brier)}, {quoted.count:,} looks at {quoted.windows} windows"
    )
    lines = [alone]
    if one.abstained:
        reasons = ", ".join(f"{code} {count:,}" for code, count in one.abstained.items())
        lines.append(f"the model abstained: {reasons}")
    if one.unsettled:
        lines.append(f"without a result on the tape: {one.unsettled:,} looks")
    return lines


def _table(scored: Scored) -> list[str]:
    spans = zip((0, *SPANS), SPANS, strict=False)
    rows = [_HEAD]
    for above, upto in spans:
        part = scored.span(above, upto)
        rows += [_row(f"{above + 1} to {upto}", part)] if part.count else []
    rows.append(_row("all", scored))
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _row(name: str, part: Scored) -> tuple[str, ...]:
    loss, brier = part.mean(log_loss_points), part.mean(brier_points)
    return (
        *(name, f"{part.count:,}", str(part.windows)),
        *(_figure(loss[who]) for who in FORECASTERS),
        *(_figure(brier[who]) for who in FORECASTERS),
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _differences(scored: Scored) -> list[str]:
    lines = ["log loss, below 0: the first is better (95 % interval over windows)"]
    for ours, theirs, upto in _COMPARED:
        part = scored if upto is None else scored.span(0, upto)
        found = part.difference(ours, theirs)
        if found is not None:
            name = f"{ours} - {theirs}" + ("" if upto is None else f", last {upto} s")
            lines.append(f"  {name:28} {found.value:+.4f}  {found.low:+.4f} to {found.high:+.4f}")
    return lines


def _reliability(scored: Scored) -> list[str]:
    lines = ["said     windows   came true (95 %)          market said   came true (95 %)"]
    model, market = (
        {
            bin_.low: bin_
            for bin_ in reliability(scored.forecasts[who], scored.outcome, groups=scored.window)
        }
        for who in ("model", "market")
    )
    for low in sorted({*model, *market}):
        cells = []
        for table in (model, market):
            found = table.get(low)
            if found is None:
                cells.append(" " * 36)
                continue
            share = found.observed
            cells.append(
                f"{found.forecast:.3f} {found.count:8}   {share.value:.3f}  "
                f"{share.low:.3f} to {share.high:.3f}"
            )
        lines.append("    ".join(cells).rstrip())
    return lines
