"""What a permit lets leave: new risk while ACTIVE alone, what is reduce-only while paused too."""

from __future__ import annotations

import typing

import pytest

from core.domain.permission import LEASED, may_leave
from core.messages import TradingState
from core.units import Nanos, seconds
from tests.builders import NOW, permit, request

STATES: tuple[TradingState, ...] = typing.get_args(TradingState)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reduces", [False, True])
def test_only_what_reduces_leaves_while_paused(state: TradingState, reduces: bool) -> None:
    allowed = {"ACTIVE": True, "REDUCING": reduces}.get(state, False)
    assert may_leave(permit(state=state), request(reduce_only=reduces), NOW) == allowed


@pytest.mark.parametrize("state", sorted(LEASED))
def test_a_lease_that_has_run_out_lets_nothing_leave(state: TradingState) -> None:
    lease = permit(state=state, expires=NOW)
    assert not may_leave(lease, request(reduce_only=True), NOW)
    assert may_leave(lease, request(reduce_only=True), Nanos(NOW - 1))


def test_without_a_permit_nothing_leaves() -> None:
    assert not may_leave(None, request(reduce_only=True), Nanos(NOW - seconds(1)))
