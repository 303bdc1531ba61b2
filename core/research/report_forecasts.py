"""The part of a report that holds the model's forecasts and the market's against what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.research import report_page as html
from core.research.report_svg import Bar, Dot, bars, dots
from core.research.report_tables import losses, reliabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.domain.calibration import ReliabilityBin
    from core.research.report_facts import Facts
    from core.research.report_scores import MarketScore


def forecasts(facts: Facts) -> str:
    """Model against market: at our signals, and on the whole tape where there is one."""
    parts = []
    model, market = reliabilities(facts.forecasts)
    if model:
        parts += _reliability("at our signals", model, market)
        both = losses(facts.forecasts)
        if both is not None:
            parts.append(
                html.text(
                    f"At {len(facts.forecasts):,} signals the model's log loss is {both[0]:.4f}, "
                    f"that of the prices offered {both[1]:.4f}; lower is better. Signals are "
                    "chosen where the two differ, so this is the model's hardest ground."
                )
            )
    for one in facts.scores:
        parts += _series(one)
    if not parts:
        parts.append(
            '<p class="empty">No forecasts: a journal keeps no signals. Report the '
            "session's tape to see them.</p>"
        )
    return html.section("Model against market", *parts)


def _series(one: MarketScore) -> list[str]:
    values = [
        Bar(
            label=f"{span.upto / 60:g}",
            value=1000 * (span.market - span.model),
            note=f"{span.looks:,} looks: market {span.market:.4f}, model {span.model:.4f}",
        )
        for span in one.spans
    ]
    d = one.difference
    title = f"{one.series}: log loss of the market less that of the model, thousandths"
    return [
        *_reliability(f"{one.series}, all quoted looks", one.model_bins, one.market_bins),
        html.figure(
            bars(title, values, ""),
            f"{title}, by minutes left: above zero the model forecasts better. Over {one.looks:,} "
            f"looks in {one.windows} windows: market {one.market:.4f}, model {one.model:.4f}, "
            f"difference {d.value:+.4f} (95 %: {d.low:+.4f} to {d.high:+.4f}).",
        ),
    ]


def _reliability(
    where: str, model: Sequence[ReliabilityBin], market: Sequence[ReliabilityBin]
) -> list[str]:
    series = [("model", [_dot(b) for b in model]), ("market", [_dot(b) for b in market])]
    title = f"Reliability, {where}"
    rows = [
        (
            f"{name} {b.low:.1f} to {b.high:.1f}",
            f"{b.count:,}",
            f"{b.forecast:.3f}",
            f"{b.observed.value:.3f}",
            f"{b.observed.low:.3f} to {b.observed.high:.3f}",
        )
        for name, table in (("model", model), ("market", market))
        for b in table
    ]
    head = ("forecast", "windows", "mean forecast", "came true", "95 % interval")
    return [
        html.figure(
            dots(title, series),
            f"{title}. Forecast of YES across, share that came true upwards, with Wilson's 95 % "
            "interval over windows; on the dashed line forecasts are right.",
        ),
        html.table(head, rows, "The same as a table"),
    ]


def _dot(b: ReliabilityBin) -> Dot:
    observed = b.observed
    note = f"{b.count} windows: forecast {b.forecast:.3f}, came true {observed.value:.3f}"
    return Dot(x=b.forecast, y=observed.value, low=observed.low, high=observed.high, note=note)
