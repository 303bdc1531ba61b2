"""The report of a sweep: what was found, the walk-forward, and how much of it is luck."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from core.research import report_page as html
from core.research.report_html import money
from core.research.report_svg import Bar, bars
from core.research.sweep_results import CONVINCING, forward_sharpe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.research.sweep_results import SweepResult
    from core.research.sweep_study import Trial

_PARTS: Final = 20
_SHOWN: Final = 25


def sweep_page(found: SweepResult) -> str:
    """The whole page. Equal results give equal bytes."""
    holds = found.verdict.startswith("this holds")
    sections = [
        html.verdict(found.verdict, "good" if holds else "bad"),
        _cards(found),
        _luck(found),
        _walk(found),
        _best(found),
        _trials(found),
        html.section("Notes", *map(html.text, found.notes)) if found.notes else "",
    ]
    under = f"{len(found.trials)} trials of {found.strategy} on {found.tape}, "
    under += f"{len(found.windows)} windows, maximised: {found.objective}"
    return html.page(f"Sweep: {found.strategy}", under, sections)


def _cards(found: SweepResult) -> str:
    best, over = found.best.result, found.overfitting
    values = [
        ("deflated Sharpe ratio (probability of skill)", f"{found.deflated.probability:.3f}"),
        ("probability of overfitting", "-" if over is None else f"{over.probability:.1%}"),
        ("walk-forward P&L", money(found.forward)),
        ("walk-forward Sharpe ratio a window", f"{forward_sharpe(found):.3f}"),
        ("best trial, P&L", "-" if best is None else money(sum(best.pnl))),
        ("best trial, trades", "-" if best is None else f"{best.trades:,}"),
    ]
    for name, one in (("present settings", found.present), ("best settings", found.confirmed)):
        if one is not None:
            values.append((f"{name}, every record", f"{money(one.pnl)} in {one.trades}"))
    return html.cards(values)


def _luck(found: SweepResult) -> str:
    luck, over = found.deflated, found.overfitting
    scores = [trial.score("sharpe") for trial in found.trials if trial.result is not None]
    title = "Sharpe ratios of all trials, per window"
    parts = [
        html.figure(
            _histogram(title, scores),
            f"{title}. The best shows {luck.sharpe:.3f}; the best of {luck.trials} trials without "
            f"any skill is expected to show {luck.expected_best:.3f}. Probability that the best "
            f"has skill: {luck.probability:.3f}, {CONVINCING} would convince "
            f"({luck.undeflated:.3f} had it been the only trial).",
        )
    ]
    if over is None:
        parts.append(html.text("Too little varies for a probability of overfitting."))
    else:
        title = "Logit of the rank that the best of one half has in the other"
        parts.append(
            html.figure(
                _histogram(title, over.logits),
                f"{title}, over {over.halvings:,} ways to halve the record: at or below zero it "
                f"is no better than the median there. Share: {over.probability:.1%}; with a "
                f"negative ratio there: {over.loss:.1%}; slope of there against here: "
                f"{over.slope:+.2f}.",
            )
        )
    return html.section("Skill or luck", *parts)


def _walk(found: SweepResult) -> str:
    sums = list(accumulate(found.forward_pnl))
    values = [
        Bar(label=str(number), value=value, note=f"after {number} windows: {money(value)}")
        for number, value in enumerate(sums, 1)
    ]
    rows = [
        (
            str(number),
            str(fold.train_windows),
            str(fold.purged),
            f"{fold.first} to {fold.last}",
            str(fold.slot),
            f"{fold.train_score:.3f}",
            f"{fold.test_score:.3f}",
            money(fold.test_pnl),
            money(fold.present_pnl),
            money(fold.median_pnl),
        )
        for number, fold in enumerate(found.folds, 1)
    ]
    head = (
        *("fold", "train", "purged", "test windows", "trial", "train score", "test score"),
        *("test P&L", "present", "median"),
    )
    title = "Walk-forward: P&L so far, by test window"
    return html.section(
        "Walk-forward",
        html.figure(
            bars(title, values),
            f"{title}. For each fold the trial that was best before it, among those proposed "
            "without a look at it.",
        ),
        html.table(head, rows),
    )


def _best(found: SweepResult) -> str:
    present = found.present_trial.values
    rows = [
        (one.name, text, f"{present[one.name]:.6g}", f"{one.low:g} to {one.high:g}")
        for one in found.dimensions
        for text in (found.variables[one.name],)
    ]
    return html.section("Best settings", html.table(("setting", "best", "now", "searched"), rows))


def _trials(found: SweepResult) -> str:
    done = [trial for trial in found.trials if trial.result is not None]
    ranked = sorted(done, key=lambda trial: (-trial.score(found.objective), trial.slot))[:_SHOWN]
    head = ("trial", found.objective, "P&L", "trades", "fees", "signals", "refused", "halted")
    parts = [html.table(head, [_trial(trial, found.objective) for trial in ranked])]
    if found.infeasible:
        parts.append(html.text(f"{found.infeasible} trials had settings that exclude each other."))
    return html.section(f"Trials, the best {len(ranked)}", *parts)


def _trial(trial: Trial, objective: str) -> tuple[str, ...]:
    result = trial.result
    assert result is not None
    return (
        str(trial.slot),
        f"{trial.score(objective):.3f}",
        money(sum(result.pnl)),
        f"{result.trades:,}",
        money(result.fees),
        f"{result.signals:,}",
        f"{result.denied:,}",
        "yes" if result.halted else "",
    )


def _histogram(title: str, values: Sequence[float]) -> str:
    if not values:
        return bars(title, (), "")
    counts, ends = np.histogram(np.array(values), bins=_PARTS)
    return bars(
        title,
        [
            Bar(
                label=f"{(low + high) / 2:.2f}",
                value=float(count),
                note=f"{low:.3f} to {high:.3f}: {count}",
                tone=2 if high <= 0 else 1,
            )
            for count, low, high in zip(counts, ends, ends[1:], strict=False)
        ],
        "",
    )
