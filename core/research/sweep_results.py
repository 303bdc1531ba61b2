"""What a sweep found: the best values, the walk-forward, and how much of it is luck."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from core.research.overfitting import Deflated, Overfitting, deflated, moments, overfitting
from core.research.sweep_screening import Screening
from core.research.sweep_space import Dimension
from core.research.sweep_study import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.research.sweep_features import About
    from core.research.sweep_study import Plan

CONVINCING: Final = 0.95
OVERFIT: Final = 0.2
"""A probability of overfitting above which the search itself is not to be trusted."""
SWEEP_FORMAT: Final = "quarterhour sweep 1"
"""First entry of a result's file: what tells it from others."""


class FoldResult(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the walk-forward. Money in dollars after fees."""

    train_windows: int
    purged: int
    test_windows: int
    first: str
    """First window of the test."""
    last: str
    slot: int
    """The trial that was best in training."""
    train_score: float
    test_score: float
    test_pnl: float
    present_pnl: float
    """What the settings of today did in the test."""
    median_pnl: float
    """And the median of all trials that could have been chosen."""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A backtest of every record. Money in dollars."""

    pnl: float
    fees: float
    trades: int


class SweepResult(msgspec.Struct, frozen=True, kw_only=True):
    """One sweep. Everything but `seconds` and `resumed` is the same whenever it is repeated."""

    format: str = SWEEP_FORMAT
    tape: str = ""
    strategy: str
    objective: str
    dimensions: tuple[Dimension, ...]
    windows: tuple[str, ...]
    trials: tuple[Trial, ...]
    folds: tuple[FoldResult, ...]
    forward_pnl: tuple[float, ...]
    """Of each test window in order, with what was chosen before it."""
    best: Trial
    """Over all windows."""
    present_trial: Trial
    """What is set now."""
    deflated: Deflated
    overfitting: Overfitting | None
    """None where trials or windows are too few, or nothing differed."""
    screening: Screening = Screening()
    present: Confirmed | None = None
    confirmed: Confirmed | None = None
    notes: tuple[str, ...]
    seconds: dict[str, float] = {}
    resumed: int = 0

    @property
    def infeasible(self) -> int:
        """Trials whose settings exclude each other."""
        return sum(trial.result is None for trial in self.trials)

    @property
    def forward(self) -> float:
        """The walk-forward's P&L in dollars."""
        return sum(self.forward_pnl)

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        best = self.best.result
        if best is None or best.trades == 0 or self.best.score(self.objective) <= 0:
            return "nothing that was tried made money here: not trading is as good or better"
        doubts = [self.screening.text] if self.screening.differing else []
        if self.deflated.probability < CONVINCING:
            doubts.append(
                f"too little evidence of skill after {self.deflated.trials} trials "
                f"(deflated Sharpe ratio {self.deflated.probability:.2f}, {CONVINCING} needed)"
            )
        if self.overfitting is None:
            doubts.append("too few windows, or trials too much alike, to measure overfitting")
        elif self.overfitting.probability > OVERFIT:
            doubts.append(f"overfitting is likely ({self.overfitting.probability:.0%})")
        if self.forward <= 0:
            doubts.append(f"chosen before each test, it lost ${-self.forward:,.2f}")
        if not doubts:
            return (
                "this holds up: deflated, walked forward and cross-validated; now try it on paper"
            )
        return "do not trade this yet: " + "; ".join(doubts)

    @property
    def variables(self) -> dict[str, str]:
        """The best values as settings: names and texts for `.env`."""
        whole = {one.name: one.is_whole for one in self.dimensions}
        return {
            name: str(int(value)) if whole[name] else f"{value:.6g}"
            for name, value in self.best.values.items()
        }

    def to_json(self) -> dict[str, Any]:
        """The result as one object; money in dollars, ratios per window."""
        best = self.best.result
        return {
            "strategy": self.strategy,
            "objective": self.objective,
            "windows": len(self.windows),
            "trials": len(self.trials),
            "infeasible": self.infeasible,
            "resumed": self.resumed,
            "best": {
                "trial": self.best.slot,
                "settings": self.variables,
                "score": self.best.score(self.objective),
                "pnl": sum(best.pnl) if best else None,
                "trades": best.trades if best else None,
            },
            "present": _brief(self.present_trial, self.objective),
            "walk_forward": {
                "pnl": self.forward,
                "folds": msgspec.to_builtins(self.folds),
            },
            "deflated_sharpe": msgspec.to_builtins(self.deflated),
            "overfitting": self.overfitting
            and {
                "probability": self.overfitting.probability,
                "halvings": self.overfitting.halvings,
                "loss": self.overfitting.loss,
                "slope": self.overfitting.slope,
            },
            "screening": msgspec.to_builtins(self.screening),
            "every_record": {
                "present": msgspec.to_builtins(self.present),
                "best": msgspec.to_builtins(self.confirmed),
            },
            "verdict": self.verdict,
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    def file_bytes(self) -> bytes:
        """The whole result for `run.py report`; equal for equal sweeps."""
        lasting = msgspec.structs.replace(self, seconds={}, resumed=0)
        return msgspec.json.format(msgspec.json.encode(lasting), indent=1) + b"\n"


def _brief(trial: Trial, objective: str) -> dict[str, Any]:
    result = trial.result
    return {
        "trial": trial.slot,
        "score": trial.score(objective),
        "pnl": sum(result.pnl) if result else None,
        "trades": result.trades if result else None,
    }


def judge(plan: Plan, about: About, known: Mapping[int, Trial], strategy: str) -> SweepResult:
    """Choose and judge; without a single result the present settings stand as the best."""
    trials = tuple(known[slot] for slot in sorted(known))
    done = [trial for trial in trials if trial.result is not None] or [trials[0]]
    best = _best(done, plan.objective, None)
    rows = [trial.result.pnl for trial in done if trial.result is not None]
    matrix = np.array(rows, dtype=np.float64).T if rows else np.zeros((len(about.windows), 1))
    folds, forward = _walk(plan, about, done)
    return SweepResult(
        strategy=strategy,
        objective=plan.objective,
        dimensions=plan.dimensions,
        windows=tuple(ticker for ticker, _, _ in about.windows),
        trials=trials,
        folds=tuple(folds),
        forward_pnl=tuple(forward),
        best=best,
        present_trial=trials[0],
        deflated=deflated(matrix, done.index(best)),
        overfitting=overfitting(matrix),
        notes=(*about.notes, *_notes(about)),
    )


def _notes(about: About) -> list[str]:
    if about.views == about.seen:
        return []
    return [f"trials saw {about.views:,} of {about.seen:,} pictures of the markets"]


def _best(trials: Sequence[Trial], objective: str, windows: Sequence[int] | None) -> Trial:
    """The highest score; among equals the first."""
    return max(trials, key=lambda trial: (trial.score(objective, windows), -trial.slot))


def _walk(plan: Plan, about: About, done: Sequence[Trial]) -> tuple[list[FoldResult], list[float]]:
    folds, forward = [], []
    present = done[0]
    for number, fold in enumerate(plan.folds):
        candidates = [trial for trial in done if trial.round <= number] or [present]
        chosen = _best(candidates, plan.objective, fold.train)
        pnl = _pnl(chosen, fold.test)
        forward += pnl
        folds.append(
            FoldResult(
                train_windows=len(fold.train),
                purged=fold.purged,
                test_windows=len(fold.test),
                first=about.windows[fold.test[0]][0],
                last=about.windows[fold.test[-1]][0],
                slot=chosen.slot,
                train_score=chosen.score(plan.objective, fold.train),
                test_score=chosen.score(plan.objective, fold.test),
                test_pnl=sum(pnl),
                present_pnl=sum(_pnl(present, fold.test)),
                median_pnl=median(sum(_pnl(trial, fold.test)) for trial in candidates),
            )
        )
    return folds, forward


def _pnl(trial: Trial, windows: Sequence[int]) -> list[float]:
    if trial.result is None:
        return [0.0 for _ in windows]
    return [trial.result.pnl[number] for number in windows]


def forward_sharpe(result: SweepResult) -> float:
    """Of the walk-forward, per window."""
    return moments(np.array(result.forward_pnl, dtype=np.float64)).sharpe
