"""`/metrics`: what a Prometheus server reads there, parsed by Prometheus's own parser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import messages as m
from core.exchange.records import Outcome
from core.messages.limits import TokenGauge
from core.messages.safety import Collections
from core.units import Price
from tests.builders import NOW, TICKER, approved, contracts, filled, view
from tests.roles.dashboard_stage import actor, marked, position
from tests.web.web_bench import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def denied(code: str) -> m.OrderDenied:
    return m.OrderDenied(
        signal_id="s",
        strategy="kelly_volatility",
        ticker=TICKER,
        outcome=Outcome.YES,
        price=Price(5_000),
        edge=0.01,
        code=code,
        limit=0.03,
        value=0.01,
        created=NOW,
    )


def samples(site: Site) -> dict[tuple[str, ...], float]:
    """Name and label values -> value."""
    answer = site.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_money_actors_and_orders_are_told(site: Site) -> None:
    site.play(
        view(),
        actor(restarts=2),
        marked(positions=(position(),)),
        approved("a"),
        m.OrderSubmitting(order_id="a", ts=NOW),
        filled("f", "a", quantity=contracts(7)),
    )
    found = samples(site)
    assert found["quarterhour_up",] == 1
    assert found["quarterhour_cash_dollars",] == 9_000
    assert found["quarterhour_actor_up", "risk"] == 1
    assert found["quarterhour_actor_restarts_total", "risk"] == 2
    assert found["quarterhour_fills_total",] == 1
    assert found["quarterhour_contracts_filled_total",] == 7
    assert found["quarterhour_positions_open",] == 1
    assert found["quarterhour_limit_used_ratio", "exposure"] == pytest.approx(13 / 5_000)
    assert found["quarterhour_trading_state", "STARTING"] == 1


def test_refusals_are_told_by_code(site: Site) -> None:
    site.play(denied(code="min_edge"), denied(code="min_edge"), denied(code="daily_loss"))
    found = samples(site)
    assert found["quarterhour_denials_by_code_total", "min_edge"] == 2
    assert found["quarterhour_denials_by_code_total", "daily_loss"] == 1


def test_a_histogram_adds_up(site: Site) -> None:
    site.play(
        approved("a"),
        m.OrderSubmitting(order_id="a", ts=NOW),
        m.OrderRejected(order_id="a", code="x", text="", ts=NOW),
    )
    found = samples(site)
    assert found["quarterhour_order_to_ack_seconds_count",] == 1
    assert found["quarterhour_order_to_ack_seconds_bucket", "+Inf"] == 1
    assert found["quarterhour_order_to_ack_seconds_bucket", "0.0001"] == 1


def test_the_machine_and_the_pauses_of_the_collector_are_told(site: Site) -> None:
    pause = Collections(times=3, total_ns=4_000_000, longest_ns=2_000_000)
    site.play(
        m.MachineMeasured(
            memory=250_000_000, disk_free=10**9, threads=40, collections=(pause, pause), ts=NOW
        )
    )
    found = samples(site)
    assert found["quarterhour_memory_megabytes",] == 250
    assert found["quarterhour_threads",] == 40
    assert found["quarterhour_gc_collections_total", "1"] == 3
    assert found["quarterhour_gc_seconds_total", "1"] == pytest.approx(0.004)
    assert found["quarterhour_gc_longest_seconds", "1"] == pytest.approx(0.002)


def test_a_daemon_that_has_told_nothing_is_down_not_zero(site: Site) -> None:
    found = samples(site)
    assert found["quarterhour_up",] == 0
    assert ("quarterhour_cash_dollars",) not in found


def test_a_stranger_reads_nothing(site: Site) -> None:
    assert site.get("/metrics", headers={}).status_code == 401


def test_every_metric_of_the_alerts_and_of_the_grafana_dashboard_exists(site: Site) -> None:
    site.play(
        view(),
        actor(),
        marked(),
        approved("a"),
        denied(code="x"),
        m.Pass(strategy="s", ticker=TICKER, code="thin", values=(), created=NOW),
        filled("f", "a"),
        m.FeedHealth(
            stream="market",
            state="open",
            conn=1,
            gaps=0,
            skipped=0,
            reconnects=0,
            age_ns=0,
            ts=NOW,
        ),
        m.RequestGauge(
            buckets=(TokenGauge(bucket="read", tokens=1, capacity=2, refill=1, paused_ns=0),),
            tier="basic",
            waiting=0,
            refused=0,
            ts=NOW,
        ),
    )
    names = {
        name.removesuffix(suffix)
        for name, *_ in samples(site)
        for suffix in ("", "_total", "_bucket", "_count", "_sum")
    } | {name for name, *_ in samples(site)}
    used = set[str]()
    for path in (DOCS / "monitoring").iterdir():
        used |= set(re.findall(r"quarterhour_[a-z_]+", path.read_text()))
    assert used, "no alert names a metric"
    assert used - names == set()
