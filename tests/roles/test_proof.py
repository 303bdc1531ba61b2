"""The proof of a stop: who is asked to cancel, how often, and what counts as the answer."""

from __future__ import annotations

import pytest

from core import messages as m
from tests.builders import NOW
from tests.roles.watch import BREACH, Watch, failed, of, trading

DISARM = m.DisarmTrading(by="ann", reason="stop")
HALT = m.HaltTrading(by="ann", reason="odd", code="operator")
CANCEL = m.CancelEverything(by="ann", reason="tidy up")


def test_a_halt_is_asked_of_the_exchange_actor_and_of_the_supervisor_at_once() -> None:
    watch = trading()
    left = watch.tell(BREACH)
    epoch = watch.role.breaker.epoch
    (asked,) = of(left, m.CancelAllOrders)
    (direct,) = of(left, m.CancelDirectly)
    assert (asked.epoch, direct.epoch) == (epoch, epoch)


def test_a_disarm_is_asked_of_the_supervisor_only_when_it_is_not_proven_soon() -> None:
    watch = trading()
    left = watch.tell(DISARM)
    assert of(left, m.CancelAllOrders)
    assert not of(left, m.CancelDirectly)
    assert of(watch.tick(0.5), m.CancelDirectly)
    assert not of(watch.tick(0.5), m.CancelDirectly)


def test_with_the_exchange_actor_down_a_disarm_is_asked_of_the_supervisor_at_once() -> None:
    watch = trading()
    watch.tell(failed("exchange"))
    assert of(watch.tell(DISARM), m.CancelDirectly)


def test_cancelling_goes_on_until_the_exchange_lists_nothing() -> None:
    watch = trading()
    watch.tell(BREACH)
    watch.prove(cancelled=1, resting=1)
    assert not watch.role.proof.proven
    assert of(watch.tick(2), m.CancelAllOrders)
    watch.prove(cancelled=1)
    assert watch.role.proof.proven
    assert of(watch.tick(2), m.CancelAllOrders) == []


def test_the_proof_adds_up_what_all_have_cancelled() -> None:
    watch = trading()
    watch.tell(BREACH)
    watch.prove(cancelled=2, resting=1)
    watch.prove(cancelled=1)
    assert watch.role.proof.done is not None
    assert watch.role.proof.done.cancelled == 3


def test_the_answer_to_an_earlier_stop_proves_nothing() -> None:
    watch = trading()
    watch.tell(DISARM)
    before = watch.role.breaker.epoch
    watch.prove()
    watch.tell(m.ArmTrading(by="ann", reason="go"), BREACH)
    watch.prove(epoch=before)
    assert not watch.role.proof.proven
    watch.prove()
    assert watch.role.proof.proven


def test_a_failed_look_is_told_and_tried_again() -> None:
    watch = trading()
    watch.tell(BREACH)
    watch.tell(m.QueryFailed(what="cancel_all", key="", reason="no network", ts_recv=NOW))
    assert watch.role.proof.trouble == "no network"
    assert of(watch.tick(2), m.CancelDirectly)


def test_what_failed_elsewhere_is_no_trouble_of_a_stop() -> None:
    watch = trading()
    watch.tell(BREACH, m.QueryFailed(what="markets", key="", reason="late", ts_recv=NOW))
    assert watch.role.proof.trouble == ""


def test_a_second_halt_wants_a_second_proof() -> None:
    watch = trading()
    watch.tell(HALT)
    watch.prove()
    left = watch.tell(HALT)
    assert of(left, m.CancelDirectly)
    assert not watch.role.proof.proven


def test_cancelling_all_leaves_the_state_and_its_epoch() -> None:
    watch = trading()
    before = watch.role.breaker.epoch
    assert of(watch.tell(CANCEL), m.CancelAllOrders)
    assert (watch.state, watch.role.breaker.epoch) == ("ACTIVE", before)
    assert not of(watch.tick(1), m.Permit)[0].expires <= watch.now


@pytest.mark.parametrize("proven", [True, False])
def test_a_process_that_starts_halted_proves_it_again(*, proven: bool) -> None:
    """It may have gone down between the halt and its proof; an order may have rested since."""
    watch = trading()
    watch.tell(BREACH)
    if proven:
        watch.prove()
    again = Watch(*watch.journal.events)
    left = again.tell(m.Begin(recovered=9))
    assert of(left, m.CancelAllOrders)
    assert of(left, m.CancelDirectly)
    assert not again.role.proof.proven


def test_the_time_of_the_proof_is_told() -> None:
    watch = trading()
    watch.tell(BREACH)
    began = watch.now
    watch.later(0.7)
    watch.prove()
    assert watch.role.proof.took == watch.now - began
