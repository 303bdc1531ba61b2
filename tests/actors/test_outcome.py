"""The comparison at the end of a run looks at an account of now, not of a moment ago."""

from __future__ import annotations

import time

from actors.outcome import wait_for_replica
from core.exchange.engine_types import EngineConfig
from core.exchange.simulated import SimulatedExchange
from core.exchange.simulated_account import SimulatedAccount
from core.units import SECOND, Nanos

MOMENT = Nanos(1_795_359_600 * SECOND)


class Lagging(SimulatedAccount):
    """An account whose reads are behind, by less with each question."""

    def __init__(self, behind: int) -> None:
        engine = SimulatedExchange(EngineConfig())
        super().__init__(engine, "trader", lambda: MOMENT)
        self.behind = behind
        self.asked = 0

    def user_data_timestamp(self) -> Nanos:
        self.asked += 1
        self.behind -= 1
        return Nanos(MOMENT - max(0, self.behind))


def test_reads_that_are_behind_are_waited_for() -> None:
    account = Lagging(3)
    assert wait_for_replica(account, MOMENT, time.monotonic() + 60)
    assert account.asked == 3


def test_reads_that_reach_far_enough_are_not_waited_for() -> None:
    account = Lagging(0)
    assert wait_for_replica(account, MOMENT, time.monotonic() - 1)
    assert account.asked == 1


def test_nobody_waits_past_the_deadline() -> None:
    account = Lagging(1_000_000_000)
    assert not wait_for_replica(account, MOMENT, time.monotonic() - 1)
    assert account.asked == 1
