"""Order groups: a breaker on what an account's own orders match within 15 seconds."""

from __future__ import annotations

import pytest

from core.exchange.engine_events import GroupChanged, GroupEvent
from core.exchange.records import OrderStatus
from core.units import Quantity, parse_quantity
from tests.contract.engine_bench import ASK, BID, TICKER, Bench, refused


@pytest.fixture
def bench() -> Bench:
    return Bench()


def group(bench: Bench, limit: str = "10", shard: int = 2) -> str:
    made = bench.engine.create_group("ann", parse_quantity(limit), shard, bench.now)
    return made.group_id


def test_a_group_that_matched_its_limit_cancels_its_orders_and_takes_no_more(bench: Bench) -> None:
    name = group(bench)
    first = bench.place("ann", BID, "0.45", "30", group=name)
    other = bench.place("ann", BID, "0.44", "30", group=name)
    free = bench.place("ann", BID, "0.43", "30")
    bench.take(ASK, "0.45", "9")
    assert bench.status("ann", first) is OrderStatus.RESTING
    bench.take(ASK, "0.45", "1")
    states = [bench.status("ann", placed) for placed in (first, other, free)]
    assert states == [OrderStatus.CANCELED, OrderStatus.CANCELED, OrderStatus.RESTING]
    assert refused(lambda: bench.place("ann", BID, "0.45", "1", group=name))[0] == "invalid_order"


def test_matches_older_than_fifteen_seconds_do_not_count(bench: Bench) -> None:
    name = group(bench)
    placed = bench.place("ann", BID, "0.45", "30", group=name)
    bench.take(ASK, "0.45", "9")
    bench.pass_time(15.0)
    bench.take(ASK, "0.45", "9")
    assert bench.status("ann", placed) is OrderStatus.RESTING


def test_a_taker_of_the_group_counts_and_its_remainder_does_not_rest(bench: Bench) -> None:
    name = group(bench)
    bench.show(ASK, "0.45", "12")
    placed = bench.place("ann", BID, "0.45", "30", group=name)
    assert placed.filled == parse_quantity("12")
    assert bench.status("ann", placed) is OrderStatus.CANCELED
    assert bench.bids() == []


def test_a_reset_lets_the_group_take_orders_again(bench: Bench) -> None:
    name = group(bench)
    bench.engine.trigger_group("ann", name, 2, bench.now)
    assert bench.engine.groups("ann")[0].is_triggered
    bench.engine.reset_group("ann", name, 2, bench.now)
    placed = bench.place("ann", BID, "0.45", "3", group=name)
    row = bench.engine.order("ann", placed.order_id)
    assert (row.status, row.group) == (OrderStatus.RESTING, name)


def test_a_limit_lowered_to_what_was_matched_triggers_at_once(bench: Bench) -> None:
    name = group(bench)
    placed = bench.place("ann", BID, "0.45", "30", group=name)
    bench.take(ASK, "0.45", "5")
    bench.engine.limit_group("ann", (name, 2), parse_quantity("5"), bench.now)
    assert bench.status("ann", placed) is OrderStatus.CANCELED


def test_a_deleted_group_cancels_its_orders_and_is_gone(bench: Bench) -> None:
    name = group(bench)
    placed = bench.place("ann", BID, "0.45", "30", group=name)
    bench.engine.delete_group("ann", name, 2, bench.now)
    assert bench.status("ann", placed) is OrderStatus.CANCELED
    assert bench.engine.groups("ann") == ()


@pytest.mark.parametrize("act", ["reset_group", "trigger_group", "delete_group"])
def test_a_group_is_found_on_its_own_shard_only(bench: Bench, act: str) -> None:
    name = group(bench)
    change = getattr(bench.engine, act)
    assert refused(lambda: change("ann", name, 0, bench.now)) == ("not_found", 404)
    assert refused(lambda: change("bob", name, 2, bench.now)) == ("not_found", 404)


def test_a_group_on_shard_0_is_useless_for_crypto(bench: Bench) -> None:
    name = group(bench, shard=0)
    code, _ = refused(lambda: bench.place("ann", BID, "0.45", "1", group=name))
    assert code == "invalid_parameters"
    assert bench.engine.orders("ann", ticker=TICKER) == ()


@pytest.mark.parametrize("limit", ["0.99", "1000000.01"])
def test_a_limit_is_one_contract_to_a_million(bench: Bench, limit: str) -> None:
    assert refused(lambda: group(bench, limit)) == ("invalid_parameters", 400)


def test_each_step_is_told_to_its_owner(bench: Bench) -> None:
    name = group(bench)
    bench.engine.trigger_group("ann", name, 2, bench.now)
    bench.engine.reset_group("ann", name, 2, bench.now)
    bench.engine.limit_group("ann", (name, 2), parse_quantity("7"), bench.now)
    bench.engine.delete_group("ann", name, 2, bench.now)
    told = bench.events(GroupChanged)
    assert [event.kind for event in told] == [
        GroupEvent.CREATED,
        GroupEvent.TRIGGERED,
        GroupEvent.RESET,
        GroupEvent.LIMIT_UPDATED,
        GroupEvent.DELETED,
    ]
    assert {event.account for event in told} == {"ann"}
    assert told[-1].group.limit == Quantity(700)
