"""Latencies of paper and backtest."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.fills import (
    FILL_MODELS,
    NO_LATENCY,
    Caution,
    FillModel,
    Latency,
    LatencyModel,
)
from core.units import MILLISECOND, Nanos

FIXED = LatencyModel(
    feed=Nanos(40 * MILLISECOND),
    entry=Nanos(60 * MILLISECOND),
    response=Nanos(30 * MILLISECOND),
    spread=0.0,
)


def test_fixed_latencies_are_their_medians() -> None:
    latency = Latency(FIXED, seed=1)
    assert latency.arrival(Nanos(1_000)) == 1_000 + 40 * MILLISECOND
    assert latency.entry("a") == 60 * MILLISECOND
    assert latency.response("a") == 30 * MILLISECOND


def test_no_latency_is_none() -> None:
    latency = Latency(NO_LATENCY, seed=1)
    assert (latency.arrival(Nanos(7)), latency.entry("a"), latency.response("a")) == (7, 0, 0)


def test_drawn_latencies_have_the_stated_median_and_spread() -> None:
    model = LatencyModel(spread=0.35)
    logs = sorted(math.log(Latency(model, seed=1).entry(f"o{n}")) for n in range(2_000))
    assert math.exp(logs[1_000]) == pytest.approx(model.entry, rel=0.05)
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in logs) / len(logs))
    assert deviation == pytest.approx(0.35, rel=0.1)


def test_an_orders_latency_depends_on_nothing_but_seed_and_id() -> None:
    busy, quiet = Latency(LatencyModel(), seed=5), Latency(LatencyModel(), seed=5)
    for n in range(20):
        busy.arrival(Nanos(n))
        busy.entry(f"other {n}")
    assert (busy.entry("mine"), busy.response("mine")) == (
        quiet.entry("mine"),
        quiet.response("mine"),
    )
    assert busy.entry("mine") != busy.response("mine")
    assert busy.entry("mine") != Latency(LatencyModel(), seed=6).entry("mine")


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=50).map(sorted))
def test_a_feed_never_overtakes_itself(stamps: list[int]) -> None:
    latency = Latency(LatencyModel(spread=1.5), seed=2)
    arrivals = [latency.arrival(Nanos(stamp)) for stamp in stamps]
    assert arrivals == sorted(arrivals)
    assert all(arrival >= stamp for arrival, stamp in zip(arrivals, stamps, strict=True))


def test_more_caution_means_slower_and_longer_queues() -> None:
    optimistic, realistic, pessimistic = (FILL_MODELS[caution] for caution in Caution)
    assert optimistic.latency.entry < realistic.latency.entry < pessimistic.latency.entry
    assert len({model.cancel_model for model in FILL_MODELS.values()}) == 3


def test_an_engine_for_paper_does_not_repeat_the_book_it_was_told() -> None:
    config = FillModel(seed=9).engine_config()
    assert (config.publish_outside, config.seed) == (False, 9)
