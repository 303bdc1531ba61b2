"""The sweep: search parameters of a strategy on a tape, and say how much of the find is luck.

Features of the tape are computed once (`sweep_features`), trials are proposed by an Optuna study
(`sweep_study`) and run by an engine (`sweep_engine`) through the live roles (`sweep_replay`); the
walk-forward (`sweep_folds`), the deflated Sharpe ratio and the probability of overfitting
(`overfitting`) judge what came of it. At the end the best and the present settings are played once
more as a backtest of every record, for trials look at a market only every so often.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import ValidationError

from config.running import Timing
from config.settings import Settings, SettingsError
from config.trading import Trading
from config.trips import Trips
from core import strategies
from core.clock import SystemClock
from core.exchange.fills import FILL_MODELS, Caution
from core.research.backtest import run_backtest
from core.research.kernel import refusal, run_kernel
from core.research.sweep_engine import LOCAL, Engine, check_address
from core.research.sweep_features_build import build
from core.research.sweep_folds import walk_forward
from core.research.sweep_replay import TrialResult, run_trial
from core.research.sweep_results import Confirmed, SweepResult, judge
from core.research.sweep_screening import chosen, compared
from core.research.sweep_space import settings_for, space
from core.research.sweep_study import BATCH, Plan, Study, Trial, propose
from core.units import SECOND, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.research.sweep_features import About
    from core.research.sweep_space import Dimension

    Told = Callable[[str, float], None]


class SweepOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to search, how long, and where."""

    tape: Path
    strategy: str
    folder: Path
    """For features and the study; workers must see it under the same path."""
    storage: Path | None = None
    """The study's file; None: in the folder."""
    name: str = "sweep"
    trials: int = 200
    folds: int = 4
    embargo_seconds: float = 900.0
    pace_seconds: float = 0.25
    ranges: tuple[str, ...] = ()
    objective: str = "sharpe"
    seed: int = 1
    engine: str = LOCAL
    jobs: int = 0
    caution: Caution = Caution.REALISTIC
    fresh: bool = False
    confirm: bool = True
    kernel: bool = True
    """Trials that the kernel can do are done by it, and some of them replayed."""


def sweep(options: SweepOptions, settings: Settings, told: Told) -> SweepResult:
    """Run a sweep, or go on with one. `told` hears the stage and the share of it that is done.

    Raises TapeError, SpaceError, StrategyError, FoldError, StudyError, EngineError.
    """
    check_address(options.engine)
    clock = SystemClock()
    began = clock.now()
    plain = Settings(**_portable(settings))
    dimensions = space(options.strategy, plain, options.ranges)
    folder = options.folder.resolve()
    pace = seconds(options.pace_seconds)
    about = build(options.tape, plain, pace, folder, lambda done: told("features", done))
    featured = clock.now()
    plan = Plan(
        dimensions=dimensions,
        folds=walk_forward(about.windows, options.folds, seconds(options.embargo_seconds)),
        objective=options.objective,
        seed=options.seed,
    )
    path = options.storage or folder / "study.sqlite"
    if options.fresh:
        Study.forget(path, options.name)
    study = Study(path, options.name, _signature(plan, about, plain, options))
    with Engine(options.engine, options.jobs) as engine:
        search = _Search(options, plain, about, plan, study)
        known = search.run(engine, told)
        searched = clock.now()
        found = judge(plan, about, known, options.strategy)
        found = search.screened(found, engine, told)
        replayed = clock.now()
        if options.confirm:
            found = _confirm(found, options, plain, engine, told)
    return msgspec.structs.replace(
        found,
        tape=options.tape.name,
        seconds={
            "features": round((featured - began) / SECOND, 3),
            "trials": round((searched - featured) / SECOND, 3),
            "replays": round((replayed - searched) / SECOND, 3),
            "confirmation": round((clock.now() - replayed) / SECOND, 3),
        },
        resumed=search.resumed,
    )


class _Search:
    """Proposes and runs trials until there are enough."""

    def __init__(
        self, options: SweepOptions, settings: Settings, about: About, plan: Plan, study: Study
    ) -> None:
        self._options = options
        self._settings = settings
        self._about = about
        self._plan = plan
        self._study = study
        self._known = study.trials()
        self.resumed = len(self._known)
        """Trials that were there before."""

    def run(self, engine: Engine, told: Told) -> dict[int, Trial]:
        """All trials, by slot."""
        wanted = self._options.trials
        told("trials", min(1.0, len(self._known) / wanted))
        for start in range(0, wanted, BATCH):
            self._batch(start, engine, told)
        return self._known

    def _batch(self, start: int, engine: Engine, told: Told) -> None:
        """A whole batch is proposed even where fewer are wanted: the next sweep finds the same."""
        slots = [slot for slot in range(start, start + BATCH) if slot < self._options.trials]
        if all(slot in self._known for slot in slots):
            return
        before = [self._known[slot] for slot in range(start)]
        proposed = propose(self._plan, start, BATCH, before)
        jobs: dict[int, Any] = {}
        for slot in slots:
            if slot in self._known:
                continue
            values = proposed[slot - start]
            reason = infeasible(self._settings, self._options.strategy, values)
            if reason:
                self._keep(slot, values, None, reason)
            else:
                jobs[slot] = (_run, self._given(values, by_kernel=not self._why_roles(values)))
        for slot, result in engine.run(jobs):
            self._keep(slot, proposed[slot - start], result)
            told("trials", min(1.0, len(self._known) / self._options.trials))

    def _why_roles(self, values: Mapping[str, float]) -> str:
        """Why a trial goes through the roles; empty where the kernel does it."""
        if not self._options.kernel:
            return "the kernel was not wanted"
        return refusal(settings_for(self._settings, self._options.strategy, values))

    def _given(self, values: Mapping[str, float], *, by_kernel: bool) -> tuple[Any, ...]:
        options = self._options
        plain = _portable(settings_for(self._settings, options.strategy, values))
        folder = str(options.folder.resolve())
        return folder, self._about.key, plain, options.caution.value, by_kernel

    def screened(self, found: SweepResult, engine: Engine, told: Told) -> SweepResult:
        """The result, with some of the kernel's trials replayed through the roles."""
        jobs = {}
        for slot in chosen(found.trials, self._plan.objective, self._plan.seed):
            values = _whole(found.dimensions, self._known[slot].values)
            jobs[slot] = (_run, self._given(values, by_kernel=False))
        told("replays", 0.0 if jobs else 1.0)
        replays: dict[int, TrialResult] = {}
        for slot, result in engine.run(jobs):
            replays[slot] = result
            told("replays", len(replays) / len(jobs))
        screening = compared(found.trials, replays, self._why_roles({}))
        return msgspec.structs.replace(
            found, screening=screening, notes=(*found.notes, screening.text)
        )

    def _keep(
        self, slot: int, values: dict[str, float], result: TrialResult | None, reason: str = ""
    ) -> None:
        trial = Trial(
            slot=slot,
            round=self._plan.round_of(slot),
            values={name: float(value) for name, value in values.items()},
            result=result,
            reason=reason,
        )
        self._study.keep(trial, self._plan)
        self._known[slot] = trial


def infeasible(settings: Settings, strategy: str, values: Mapping[str, float]) -> str:
    """Why these values cannot be had together; empty where they can."""
    try:
        chosen = settings_for(settings, strategy, values)
        strategies.create(strategy, chosen.strategy.get(strategy, {}))
    except (ValidationError, SettingsError, strategies.StrategyError) as error:
        return _first_line(error)
    return ""


def _first_line(error: ValidationError | SettingsError | strategies.StrategyError) -> str:
    said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return said.splitlines()[0]


def _portable(settings: Settings) -> dict[str, Any]:
    """Settings of trading as values that every process can unpack; no key is among them."""
    names = (name for group in (Trading, Trips, Timing) for name in group.model_fields)
    values = {name: getattr(settings, name) for name in names}
    values["strategy"] = {name: dict(chosen) for name, chosen in settings.strategy.items()}
    return values


def _run(
    folder: str,
    key: str,
    plain: dict[str, Any],
    caution: str,
    by_kernel: bool,  # noqa: FBT001 - arguments of a job are sent by place
) -> TrialResult:
    """One trial, in whatever process."""
    run = run_kernel if by_kernel else run_trial
    return run(Path(folder), key, Settings(**plain), FILL_MODELS[Caution(caution)])


def _signature(plan: Plan, about: About, settings: Settings, options: SweepOptions) -> str:
    """What trials of one study must have in common: not how many, nor where they run."""
    said = (
        about.key,
        msgspec.json.encode(plan),
        sorted((name, str(value)) for name, value in _portable(settings).items()),
        options.strategy,
        options.caution.value,
        options.kernel,
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


# --- the last word: every record -----------------------------------------------------------------


def _confirm(
    found: SweepResult, options: SweepOptions, settings: Settings, engine: Engine, told: Told
) -> SweepResult:
    """Play the best and the present settings through the backtest."""
    told("confirmation", 0.0)
    wanted = {0: {one.name: one.default for one in found.dimensions}, 1: found.best.values}
    if found.best.slot == 0:
        del wanted[1]
    jobs = {}
    for number, values in wanted.items():
        chosen = settings_for(settings, options.strategy, _whole(found.dimensions, values))
        given = (str(options.tape.resolve()), _portable(chosen), options.caution.value)
        jobs[number] = (_backtest, given)
    done: dict[int, Confirmed] = {}
    for number, confirmed in engine.run(jobs):
        done[number] = confirmed
        told("confirmation", len(done) / len(jobs))
    return msgspec.structs.replace(found, present=done[0], confirmed=done.get(1, done[0]))


def _whole(dimensions: tuple[Dimension, ...], values: Mapping[str, float]) -> dict[str, float]:
    return {
        one.name: int(values[one.name]) if one.is_whole else values[one.name] for one in dimensions
    }


def _backtest(tape: str, plain: dict[str, Any], caution: str) -> Confirmed:
    result = run_backtest(
        Path(tape), Settings(**plain), fills=FILL_MODELS[Caution(caution)]
    ).to_json()
    return msgspec.convert(
        {name: result[name] for name in ("pnl", "fees", "trades")}, Confirmed, strict=False
    )
