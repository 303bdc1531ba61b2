"""The operator cancels what rests and trading goes on."""

from __future__ import annotations

from core import messages as m
from core.roles.supervision import Supervision, SupervisionTerms
from tests.builders import NOW


def armed() -> Supervision:
    role = Supervision(SupervisionTerms(auto_arm=True))
    for message in (
        m.Begin(recovered=0),
        m.Reconciled(complete=True, differences=(), foreign=0, ts=NOW),
    ):
        for out in role.handle(message, NOW):
            role.apply(out)
    return role


def test_it_cancels_at_once_and_leaves_the_state() -> None:
    role = armed()
    out = role.handle(m.CancelEverything(by="operator", reason="clear"), NOW)
    assert list(out) == [m.CancelAllOrders(reason="clear", epoch=role.breaker.epoch)]
    assert role.breaker.state == "ACTIVE"


def test_it_is_proven_only_when_nothing_rests() -> None:
    role = armed()
    role.handle(m.CancelEverything(by="operator", reason="clear"), NOW)
    seen = []
    for resting in (1, 0):
        proof = m.CancelAllDone(
            cancelled=1,
            resting=resting,
            reason="clear",
            epoch=role.breaker.epoch,
            ts_recv=NOW,
        )
        role.handle(proof, NOW)
        seen.append(role.proof.proven)
    assert seen == [False, True]
