"""Walk-forward: cut the windows in time, choose on what lies before, judge on what comes after.

Blocks of windows in order of closing: the first is training only, each of the others is a test
once, trained on everything before it. Windows whose time overlaps the test's, or ends less than the
`embargo` before it begins, are purged from its training: what happened in them is still in the
estimates with which the test begins (Lopez de Prado, Advances in Financial Machine Learning, 2018,
ch. 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.units import Nanos

    Span = tuple[str, Nanos, Nanos]

LEAST_WINDOWS: Final = 2
"""Of training and of each test: fewer have no deviation."""


class FoldError(ValueError):
    """A tape with too few windows for the folds; says what would do."""


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of windows to choose on, and to judge on."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    purged: int


def walk_forward(windows: Sequence[Span], folds: int, embargo: Nanos) -> tuple[Fold, ...]:
    """Folds over windows given as ticker, opening, closing, in order of closing. FoldError."""
    least = LEAST_WINDOWS * (folds + 1)
    if len(windows) < least:
        msg = (
            f"the tape has {len(windows)} windows, {folds} folds need {least}: "
            "take a longer tape or fewer --folds"
        )
        raise FoldError(msg)
    blocks = np.array_split(np.arange(len(windows)), folds + 1)
    return tuple(_fold(windows, blocks[number].tolist(), embargo) for number in range(1, folds + 1))


def _fold(windows: Sequence[Span], test: Sequence[int], embargo: Nanos) -> Fold:
    begins = min(windows[number][1] for number in test)
    before = range(int(test[0]))
    train = tuple(number for number in before if windows[number][2] + embargo <= begins)
    if len(train) < LEAST_WINDOWS:
        msg = (
            f"{len(train)} windows are left to train on before {windows[test[0]][0]}: "
            "take a longer tape, fewer --folds or a shorter --embargo"
        )
        raise FoldError(msg)
    return Fold(
        train=train,
        test=tuple(int(number) for number in test),
        purged=len(before) - len(train),
    )
