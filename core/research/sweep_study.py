"""The memory of a sweep: trials in an Optuna study on disk, and what is to be tried next.

Trials are proposed in batches. A batch belongs to a round, in turn: round k of the walk-forward
knows nothing but what trials of rounds up to k did in the windows on which fold k is trained; the
last round knows all windows. So the choice for a fold is made among trials that nobody could
have proposed with a look at the fold's test. A batch depends on the seed, its number and the
results of batches before it, and on nothing else: a sweep that was interrupted ends as one that
was not, and so does one on many workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.research.overfitting import moments
from core.research.sweep_folds import Fold
from core.research.sweep_replay import TrialResult
from core.research.sweep_space import Dimension

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from optuna.distributions import BaseDistribution


BATCH: Final = 8
"""Trials proposed together: enough to keep processors busy, few enough to learn from."""
OBJECTIVES: Final = ("sharpe", "pnl")
_SLOT: Final = "slot"
_SIGNATURE: Final = "signature"
_RESULT: Final = "result"
_REASON: Final = "infeasible"


class StudyError(ValueError):
    """A study on disk that is another's, or cannot be read; says the remedy."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set of values, and what it did; `result` None where the settings exclude each other."""

    slot: int
    round: int
    values: dict[str, float]
    result: TrialResult | None
    reason: str = ""

    def score(self, objective: str, windows: Sequence[int] | None = None) -> float:
        """What is maximised, over some windows or all; minus infinity where there is no result."""
        if self.result is None:
            return float("-inf")
        pnl = np.array(self.result.pnl, dtype=np.float64)
        chosen = pnl if windows is None else pnl[list(windows)]
        return float(chosen.sum()) if objective == "pnl" else moments(chosen).sharpe


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a study is about; equal plans may share a study."""

    dimensions: tuple[Dimension, ...]
    folds: tuple[Fold, ...]
    objective: str
    seed: int

    @property
    def rounds(self) -> int:
        """One for each fold, and one that knows everything."""
        return len(self.folds) + 1

    def round_of(self, slot: int) -> int:
        """Batches take turns."""
        return slot // BATCH % self.rounds

    def windows_of(self, number: int) -> tuple[int, ...] | None:
        """Windows that a round may learn from; None: all."""
        return self.folds[number].train if number < len(self.folds) else None


def _storage(path: Path) -> RDBStorage:
    """A file of SQLite that is closed after each use: a pool would keep it open for ever."""
    return RDBStorage(f"sqlite:///{path}", engine_kwargs={"poolclass": NullPool})


class Study:
    """Trials on disk. One process writes; other programs may read it as an Optuna study."""

    def __init__(self, path: Path, name: str, signature: str) -> None:
        """Open or begin. Raises StudyError where the study of that name is about something else."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._study = optuna.create_study(
                storage=_storage(path),
                study_name=name,
                direction="maximize",
                load_if_exists=True,
            )
        except (SQLAlchemyError, optuna.exceptions.OptunaError, OSError) as error:
            msg = f"study {path}: cannot be opened ({error}); name another --storage"
            raise StudyError(msg) from error
        known = self._study.user_attrs.get(_SIGNATURE)
        if known is None:
            self._study.set_user_attr(_SIGNATURE, signature)
        elif known != signature:
            msg = (
                f"study {name!r} in {path} is of another tape, space, settings or program: "
                "take another --name, or --fresh to begin it anew"
            )
            raise StudyError(msg)

    @staticmethod
    def forget(path: Path, name: str) -> None:
        """Delete a study, if it is there."""
        if path.exists():
            try:
                optuna.delete_study(study_name=name, storage=_storage(path))
            except KeyError:
                return

    def trials(self) -> dict[int, Trial]:
        """Everything that was finished, by slot."""
        found = {}
        for stored in self._study.get_trials(deepcopy=False):
            said = stored.user_attrs
            if _SLOT not in said:
                continue
            result = said.get(_RESULT)
            found[said[_SLOT]] = Trial(
                slot=said[_SLOT],
                round=said["round"],
                values={name: float(value) for name, value in stored.params.items()},
                result=None if result is None else _result(result),
                reason=said.get(_REASON, ""),
            )
        return found

    def keep(self, trial: Trial, plan: Plan) -> None:
        """Write one trial down, at once."""
        said: dict[str, Any] = {_SLOT: trial.slot, "round": trial.round}
        if trial.result is None:
            said[_REASON] = trial.reason
        else:
            said[_RESULT] = msgspec.to_builtins(trial.result)
        done = trial.result is not None
        self._study.add_trial(
            create_trial(
                params=_typed(plan.dimensions, trial.values),
                distributions=distributions(plan.dimensions),
                value=trial.score(plan.objective) if done else None,
                state=TrialState.COMPLETE if done else TrialState.FAIL,
                user_attrs=said,
            )
        )


def propose(plan: Plan, start: int, count: int, known: Iterable[Trial]) -> list[dict[str, float]]:
    """Values for `count` trials from slot `start` on; slot 0 is what is set now.

    `known` are all trials before `start`. Tree-structured Parzen estimator (Bergstra et al. 2011),
    after ten random ones.
    """
    number = plan.round_of(start)
    windows = plan.windows_of(number)
    sampler = optuna.samplers.TPESampler(seed=plan.seed * 100_003 + start, n_startup_trials=10)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    spread = distributions(plan.dimensions)
    for trial in sorted(known, key=lambda one: one.slot):
        if trial.round <= number and trial.result is not None:
            study.add_trial(
                create_trial(
                    params=_typed(plan.dimensions, trial.values),
                    distributions=spread,
                    value=trial.score(plan.objective, windows),
                )
            )
    proposed = [dict(study.ask(spread).params) for _ in range(count)]
    if start == 0:
        proposed[0] = {one.name: _clipped(one) for one in plan.dimensions}
    return proposed


def distributions(dimensions: Iterable[Dimension]) -> dict[str, BaseDistribution]:
    """The space in Optuna's words."""
    return {
        one.name: IntDistribution(int(one.low), int(one.high), log=one.is_log)
        if one.is_whole
        else FloatDistribution(one.low, one.high, log=one.is_log)
        for one in dimensions
    }


def _typed(dimensions: Iterable[Dimension], values: Mapping[str, float]) -> dict[str, float]:
    return {
        one.name: int(values[one.name]) if one.is_whole else values[one.name] for one in dimensions
    }


def _clipped(one: Dimension) -> float:
    value = min(max(one.default, one.low), one.high)
    return int(value) if one.is_whole else value


def _result(stored: Mapping[str, Any]) -> TrialResult:
    return msgspec.convert(stored, TrialResult)
