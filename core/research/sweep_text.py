"""The result of a sweep for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.research.sweep_results import forward_sharpe

if TYPE_CHECKING:
    from core.research.sweep_results import Confirmed, FoldResult, SweepResult

_SHOWN = 10
"""Best trials in the table."""


def sweep_text(found: SweepResult) -> str:
    """Tables and sentences; the verdict comes last."""
    blocks = [_best(found), _top(found), _folds(found), _luck(found), f"verdict  {found.verdict}"]
    return "\n\n".join([*blocks, *(f"note     {note}" for note in found.notes)])


def _best(found: SweepResult) -> str:
    best = found.best.result
    told = "none" if best is None else f"{_money(sum(best.pnl))} in {best.trades} trades"
    lines = [f"best     trial {found.best.slot} of {len(found.trials)}: {told}"]
    lines += [f"         {name}={text}" for name, text in found.variables.items()]
    for name, one in (("present", found.present), ("best", found.confirmed)):
        if one is not None:
            lines.append(f"every record, {name:7} {_confirmed(one)}")
    return "\n".join(lines)


def _confirmed(one: Confirmed) -> str:
    return f"{_money(one.pnl)} in {one.trades} trades, fees {_money(one.fees)}"


def _top(found: SweepResult) -> str:
    ranked = sorted(
        (trial for trial in found.trials if trial.result is not None),
        key=lambda trial: (-trial.score(found.objective), trial.slot),
    )[:_SHOWN]
    lines = [f"{'trial':>5}  {found.objective:>8}  {'P&L $':>10}  {'trades':>6}  {'fees $':>8}"]
    for trial in ranked:
        result = trial.result
        assert result is not None
        lines.append(
            f"{trial.slot:5}  {trial.score(found.objective):8.3f}  {sum(result.pnl):10.2f}  "
            f"{result.trades:6}  {result.fees:8.2f}"
        )
    if found.infeasible:
        lines.append(f"{found.infeasible} trials were left out: their settings exclude each other")
    return "\n".join(lines)


def _folds(found: SweepResult) -> str:
    head = f"{'fold':>4}  {'train':>5}  {'purged':>6}  {'test':>4}  {'trial':>5}  {'train':>8}"
    head += f"  {'test':>8}  {'test $':>10}  {'present $':>10}  {'median $':>10}"
    lines = ["walk-forward: chosen on what lies before, judged on what comes after", head]
    lines += [_fold(number, fold) for number, fold in enumerate(found.folds, 1)]
    lines.append(
        f"together {_money(found.forward)} in {len(found.forward_pnl)} windows, "
        f"Sharpe ratio {forward_sharpe(found):.3f} a window"
    )
    return "\n".join(lines)


def _fold(number: int, fold: FoldResult) -> str:
    return (
        f"{number:4}  {fold.train_windows:5}  {fold.purged:6}  {fold.test_windows:4}  "
        f"{fold.slot:5}  {fold.train_score:8.3f}  {fold.test_score:8.3f}  {fold.test_pnl:10.2f}  "
        f"{fold.present_pnl:10.2f}  {fold.median_pnl:10.2f}"
    )


def _luck(found: SweepResult) -> str:
    luck = found.deflated
    lines = [
        (
            f"luck     Sharpe ratio of the best {luck.sharpe:.3f} a window, expected of "
            f"{luck.trials} trials without skill {luck.expected_best:.3f}"
        ),
        (
            f"         probability of any skill {luck.probability:.3f} "
            f"({luck.undeflated:.3f} had it been the only trial)"
        ),
    ]
    over = found.overfitting
    if over is not None:
        lines.append(
            f"         probability of overfitting {over.probability:.3f}, of a loss "
            f"{over.loss:.3f}, over {over.halvings:,} halvings"
        )
    return "\n".join(lines)


def _money(amount: float) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"
