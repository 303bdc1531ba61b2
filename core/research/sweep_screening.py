"""Which trials of a sweep a kernel did, and how far the roles agree with it.

The best of them and a seeded sample of the others are replayed through the roles, and must come to
the same P&L in every window, with the same trades, fees, signals and refusals.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.research.sweep_replay import TrialResult
    from core.research.sweep_study import Trial

BEST: Final = 3
SAMPLE: Final = 5
"""Trials that are replayed: the best, and others at random."""


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """How many trials came from where, and what the replays showed."""

    kernel: int = 0
    """Trials by the kernel."""
    roles: int = 0
    """Trials through the roles."""
    why: str = ""
    """What the kernel could not do, or that it was not wanted."""
    replayed: tuple[int, ...] = ()
    """Slots of the kernel's trials that went through the roles too."""
    differing: tuple[int, ...] = ()
    """Those that came to anything else there."""
    widest: float = 0.0
    """Of all windows of these the largest difference in P&L, dollars."""

    @property
    def text(self) -> str:
        """One sentence for a person."""
        if not self.kernel:
            return f"all {self.roles} trials went through the roles: {self.why}"
        said = f"{self.kernel} trials by the kernel, {self.roles} through the roles; "
        count = len(self.replayed)
        if not self.differing:
            return f"{said}{count} of the kernel's were replayed through the roles: all the same"
        slots = ", ".join(map(str, self.differing))
        return (
            f"{said}of {count} that were replayed through the roles, {len(self.differing)} differ "
            f"(trial {slots}), by up to ${self.widest:,.2f} in a window: repeat with --no-kernel"
        )


def chosen(trials: Sequence[Trial], objective: str, seed: int) -> tuple[int, ...]:
    """Slots of the trials to be replayed."""
    done = [trial for trial in trials if trial.result is not None and trial.result.by_kernel]
    ranked = sorted(done, key=lambda trial: (-trial.score(objective), trial.slot))
    others = [trial.slot for trial in ranked[BEST:]]
    sample = Random(f"replays {seed}").sample(sorted(others), min(SAMPLE, len(others)))
    return tuple(sorted([*(trial.slot for trial in ranked[:BEST]), *sample]))


def compared(
    trials: Sequence[Trial], replays: Mapping[int, TrialResult], why: str = ""
) -> Screening:
    """Hold trials against their replays."""
    results = {trial.slot: trial.result for trial in trials if trial.result is not None}
    differing, widest = [], 0.0
    for slot, replay in sorted(replays.items()):
        ours = msgspec.structs.replace(results[slot], by_kernel=False)
        if ours != replay:
            differing.append(slot)
            pairs = zip(ours.pnl, replay.pnl, strict=True)
            widest = max(widest, *(abs(one - other) for one, other in pairs))
    by_kernel = sum(result.by_kernel for result in results.values())
    return Screening(
        kernel=by_kernel,
        roles=len(results) - by_kernel,
        why=why,
        replayed=tuple(sorted(replays)),
        differing=tuple(differing),
        widest=widest,
    )
