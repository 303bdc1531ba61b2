"""The changes that fall into the traps: one for each, made where they say, and noticed.

All of them take minutes: `python -m tests.contract.mutants`. Here each is fitted to the source, and
a few are made.
"""

from __future__ import annotations

import random

import pytest

from tests.contract.mutants import ROOT, judge, mutated, names_of
from tests.contract.test_traps import TRAPS, places
from tests.contract.trap_mutants import FALLS, Mutant

SEED, SAMPLE = 1, 2


def is_quick(trap: int) -> bool:
    """Whether its tests start no server."""
    folders = {places()[name][0].parent.name for name in names_of(trap)}
    return folders <= {"roles", "domain", "exchange"}


def test_every_trap_has_a_change_that_falls_into_it() -> None:
    assert sorted(FALLS) == sorted(TRAPS)
    assert all(names_of(trap) for trap in TRAPS)


@pytest.mark.parametrize("trap", sorted(FALLS))
def test_a_change_fits_the_source(trap: int) -> None:
    for mutant in FALLS[trap]:
        source = (ROOT / mutant.path).read_text()
        assert mutated(source, mutant) != source


@pytest.mark.timeout(600)
def test_a_few_changes_are_noticed() -> None:
    quick = [trap for trap in sorted(FALLS) if is_quick(trap)]
    assert len(quick) > SAMPLE
    chosen = random.Random(SEED).sample(quick, SAMPLE)
    assert [verdict.told for verdict in judge(chosen) if not verdict.killed] == []


@pytest.mark.timeout(600)
def test_a_change_that_nothing_notices_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = Mutant("core/domain/grid.py", '"""The grid of the crypto', '"""A grid of the crypto')
    monkeypatch.setitem(FALLS, 31, (harmless,))
    assert [verdict.killed for verdict in judge([31])] == [False]
