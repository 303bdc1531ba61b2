"""Hosts under supervision: restarted within their policy, replaced when silent, or left down."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.domain.restarts import Exhausted, RestartHistory, RestartPolicy
from core.roles.children import ChildTerms
from core.topology import SPECS, kind_of
from core.units import MILLISECOND, Nanos, seconds
from tests.builders import NOW
from tests.roles.watch import (
    AGREED,
    CHILDREN,
    RESET,
    Watch,
    failed,
    of,
    pulse,
    started,
    trading,
)

POISON = {"fingerprint": "f00d", "content": "FillReport(...)"}


def kill(watch: Watch, actor: str, times: int, first: int = 1) -> list[m.Message]:
    left: list[m.Message] = []
    for generation in range(first, first + times):
        watch.tell(started(actor, generation))
        left = watch.tell(failed(actor, generation))
    return left


# --- restarts


def test_a_fallen_host_is_started_again_after_a_pause() -> None:
    watch = trading()
    (restart,) = of(watch.tell(failed("risk")), m.RestartActor)
    assert restart.actor == "risk"
    assert 0 <= restart.delay <= seconds(5)
    assert watch.state == "ACTIVE"


@pytest.mark.parametrize("actor", ["risk", "execution", "exchange"])
def test_a_money_host_that_keeps_falling_halts_trading(actor: str) -> None:
    watch = trading()
    left = kill(watch, actor, SPECS[actor].restart.most + 1)
    assert (watch.state, watch.code) == ("HALTED", "restarts_exhausted")
    assert of(left, m.QuarantineActor)[0].actor == actor


@pytest.mark.parametrize("actor", ["strategy:a", "dashboard"])
def test_a_host_without_money_that_keeps_falling_is_quarantined_alone(actor: str) -> None:
    watch = trading()
    left = kill(watch, actor, SPECS[kind_of(actor)].restart.most + 1)
    assert of(left, m.QuarantineActor)[0].actor == actor
    assert watch.role.children.quarantined == (actor,)
    assert watch.state == "ACTIVE"


def test_a_feed_that_keeps_falling_halts_and_is_tried_again_slowly() -> None:
    watch = trading()
    left = kill(watch, "feed:market", 6)
    assert watch.state == "HALTED"
    assert of(left, m.RestartActor)[0].delay == seconds(30)


def test_restarts_long_ago_do_not_count() -> None:
    watch = trading()
    kill(watch, "risk", 2)
    watch.later(61)
    left = kill(watch, "risk", 1, first=3)
    assert of(left, m.RestartActor)
    assert watch.state == "ACTIVE"


def test_the_failure_of_an_older_generation_is_no_news() -> None:
    watch = trading()
    watch.tell(started("risk", 2))
    assert of(watch.tell(failed("risk", 1)), m.RestartActor) == []


def test_two_reports_of_one_failure_cost_one_restart() -> None:
    watch = trading()
    watch.tell(failed("risk"), failed("risk"), failed("risk"))
    assert watch.state == "ACTIVE"


def test_failing_to_start_again_costs_a_restart_each_time() -> None:
    watch = trading()
    watch.tell(failed("risk", 1), failed("risk", 2), failed("risk", 3))
    assert (watch.state, watch.code) == ("HALTED", "restarts_exhausted")


def test_a_policy_is_a_duration_of_the_machine() -> None:
    policy = RestartPolicy(most=1, within=seconds(60), exhausted=Exhausted.HALT)
    fast = policy.at_speed(60)
    assert (fast.within, fast.first_delay) == (seconds(3_600), seconds(6))
    assert policy.at_speed(0.5) == policy


@given(st.integers(0, 2**32), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_the_back_off_is_jittered_over_its_whole_bound_and_never_beyond(
    seed: int, gaps: list[int]
) -> None:
    policy = RestartPolicy(most=10, within=seconds(60), exhausted=Exhausted.QUARANTINE)
    history, random, now = RestartHistory(policy), Random(seed), NOW
    for gap in gaps:
        now = Nanos(now + gap)
        delay = history.next_delay(now, random)
        if delay is None:
            assert history.recent == policy.most
            return
        bound = min(policy.longest_delay, policy.first_delay << (history.recent - 1))
        assert 0 <= delay <= bound


def test_hosts_that_fell_together_do_not_rise_together() -> None:
    policy = RestartPolicy(most=10, within=seconds(60), exhausted=Exhausted.QUARANTINE)
    random = Random(1)
    delays = {RestartHistory(policy).next_delay(NOW, random) for _ in range(20)}
    assert len(delays) > 15


# --- silence


def test_a_host_that_does_not_answer_is_replaced() -> None:
    watch = trading()
    others = [pulse(child) for child in CHILDREN if child != "execution"]
    watch.tick(1)
    watch.tell(*others)
    left = watch.tick(1.5)
    assert [restart.actor for restart in of(left, m.RestartActor)] == ["execution"]


@pytest.mark.parametrize(("silence", "replaced"), [(1.999, 0), (2.0, 0), (2.001, 1)])
def test_the_bound_of_silence(silence: float, replaced: int) -> None:
    watch = trading()
    watch.later(silence)
    watch.tell(*(pulse(child) for child in CHILDREN if child != "risk"))
    assert len(of(watch.tick(0), m.RestartActor)) == replaced


def test_the_answer_of_an_older_generation_is_no_sign_of_life() -> None:
    watch = trading()
    watch.tell(failed("risk"), started("risk", 2))
    watch.later(3)
    watch.tell(*(pulse(child) for child in CHILDREN))
    assert [r.actor for r in of(watch.tick(0), m.RestartActor)] == ["risk"]


def test_a_host_that_never_starts_is_tried_again() -> None:
    watch = Watch()
    watch.tell(m.Begin(recovered=0), AGREED)
    assert {restart.actor for restart in of(watch.tick(11), m.RestartActor)} == set(CHILDREN)


def test_a_stall_of_the_whole_process_is_nobodys_fault() -> None:
    """Where the supervisor's own ticks came late, hosts could not answer either."""
    children = ChildTerms(names=CHILDREN, silence=seconds(2), stall=seconds(1))
    watch = trading(children=children)
    watch.tick(0.5)
    assert of(watch.tick(30), m.RestartActor) == []
    assert of(watch.tick(0.4), m.RestartActor) == []
    assert {r.actor for r in of(watch.tick(0.4), m.RestartActor)} == set(CHILDREN)


# --- poison


def test_a_message_that_kills_twice_is_set_aside_and_reported() -> None:
    watch = trading()
    assert not of(watch.tell(failed("strategy:a", 1, **POISON)), m.MessageSetAside)
    watch.tell(started("strategy:a", 2))
    (aside,) = of(watch.tell(failed("strategy:a", 2, **POISON)), m.MessageSetAside)
    assert (aside.actor, aside.fingerprint) == ("strategy:a", "f00d")
    assert watch.state == "ACTIVE"


def test_poison_of_a_host_of_money_halts() -> None:
    watch = trading()
    watch.tell(failed("execution", 1, **POISON), started("execution", 2))
    watch.tell(failed("execution", 2, **POISON))
    assert (watch.state, watch.code) == ("HALTED", "poison_message")


def test_a_reset_lets_in_again_what_was_set_aside() -> None:
    """Else a question that the feed asks again and again would be left for ever, and in silence."""
    watch = trading()
    watch.tell(failed("exchange", 1, **POISON), started("exchange", 2))
    watch.tell(failed("exchange", 2, **POISON), started("exchange", 3))
    watch.prove()
    (again,) = of(watch.tell(RESET), m.ReadmitMessages)
    assert again.actor == "exchange"
    watch.tell(failed("exchange", 3, **POISON), started("exchange", 4))
    assert of(watch.tell(failed("exchange", 4, **POISON)), m.MessageSetAside)


def test_a_release_lets_in_again_what_was_set_aside() -> None:
    watch = trading()
    for generation in range(1, 6):
        watch.tell(started("strategy:a", generation))
        watch.tell(failed("strategy:a", generation, **POISON))
    told = watch.tell(m.ReleaseActor(actor="strategy:a", by="ann", reason="mended"))
    assert [type(one) for one in told][:2] == [m.ReadmitMessages, m.RestartActor]


def test_different_messages_are_not_one_poison() -> None:
    watch = trading()
    watch.tell(failed("strategy:a", 1, fingerprint="a"), started("strategy:a", 2))
    assert not of(watch.tell(failed("strategy:a", 2, fingerprint="b")), m.MessageSetAside)


def test_what_a_hung_host_had_in_its_hands_counts_as_well() -> None:
    watch = trading()
    watch.later(3)
    watch.tell(*(pulse(child) for child in CHILDREN if child != "strategy:a"))
    assert of(watch.tick(0), m.RestartActor)
    watch.tell(failed("strategy:a", 1, **POISON), started("strategy:a", 2))
    left = watch.tell(failed("strategy:a", 2, **POISON))
    assert of(left, m.MessageSetAside)
    assert of(left, m.RestartActor)


def test_a_failing_journal_is_no_messages_fault_and_halts() -> None:
    watch = trading()
    disk = {**POISON, "cause": "JournalError"}
    left = watch.tell(failed("risk", 1, **disk))
    assert (watch.state, watch.code) == ("HALTED", "journal_failed")
    assert of(left, m.RestartActor)
    watch.tell(started("risk", 2))
    assert not of(watch.tell(failed("risk", 2, **disk)), m.MessageSetAside)


def test_dead_timers_halt() -> None:
    watch = trading()
    watch.tell(failed("timers", 0))
    assert (watch.state, watch.code) == ("HALTED", "timers_failed")


# --- quarantine


def test_a_quarantined_host_is_released_with_a_clean_record() -> None:
    watch = trading()
    kill(watch, "risk", 3)
    assert watch.role.children.quarantined == ("risk",)
    (restart,) = of(
        watch.tell(m.ReleaseActor(actor="risk", by="ann", reason="fixed")), m.RestartActor
    )
    assert (restart.actor, restart.delay) == ("risk", 0)
    watch.tell(started("risk", 4))
    assert watch.state == "HALTED"
    watch.tell(RESET, m.ArmTrading(by="ann", reason="go"))
    assert watch.state == "ACTIVE"
    assert of(watch.tell(failed("risk", 4)), m.RestartActor)
    assert watch.state == "ACTIVE"


@pytest.mark.parametrize("actor", ["risk", "nobody"])
def test_only_a_quarantined_host_is_released(actor: str) -> None:
    watch = trading()
    assert watch.tell(m.ReleaseActor(actor=actor, by="ann", reason="x")) == []
    assert actor in watch.role.refusal


# --- health


def test_health_tells_what_the_last_pulse_and_the_last_error_said() -> None:
    watch = trading()
    watch.tell(failed("risk"), started("risk", 2))
    meters = {"depth": 3, "handled": 9, "oldest_ns": 5 * MILLISECOND, "p50_ns": 40, "p99_ns": 90}
    watch.tell(pulse("risk", 2, **meters))
    (row,) = (h for h in of(watch.tick(0.25), m.ActorHealth) if h.actor == "risk")
    assert (row.state, row.generation, row.restarts, row.error) == ("running", 2, 1, "KeyError: x")
    assert {name: getattr(row, name) for name in meters} == meters
    assert row.age_ns == seconds(0.25)
