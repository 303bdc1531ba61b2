"""`/metrics` for Prometheus: the hub's picture, told in its words.

One writer makes each number (the engine); here it is only spelt. A series whose row has not come
yet is absent rather than zero. `quarterhour_up` is 0 while the picture is not the present, so that
an alert can tell a quiet market from a silent daemon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Flask

    from core.screen.system_rows import DurationRow, MachineRow, MetersRow
    from web.hub import Hub
    from web.settings import WebSettings

PREFIX: Final = "quarterhour_"
STATES: Final = ("STARTING", "DISARMED", "ACTIVE", "REDUCING", "HALTED")

_ACCOUNT: Final = {
    "cash": ("cash_dollars", "Cash on the shards of the traded series"),
    "reserved": ("reserved_dollars", "Held back for orders that may still fill"),
    "exposure": ("exposure_dollars", "At risk in positions and orders"),
    "equity": ("equity_dollars", "Cash and what the positions would bring"),
    "peak": ("peak_equity_dollars", "Highest equity"),
    "drawdown": ("drawdown_ratio", "Fall from the peak, share of it"),
    "daily_pnl": ("day_pnl_dollars", "Profit of the New York day, after fees"),
    "realized_pnl": ("realized_pnl_dollars", "Realised profit after fees"),
    "unrealized_pnl": ("unrealized_pnl_dollars", "Open profit at the price that could be had"),
    "fees": ("fees_dollars", "Fees charged so far"),
}
_ACTOR_GAUGES: Final = {
    "depth": ("actor_inbox_messages", "Messages that wait"),
    "age": ("actor_heartbeat_age_seconds", "Since the last sign of life"),
}
_ACTOR_COUNTS: Final = {
    "handled": ("actor_messages", "Messages handled by this generation"),
    "restarts": ("actor_restarts", "Restarts"),
}
_FEED_COUNTS: Final = {
    "gaps": ("feed_gaps", "Gaps in the sequence"),
    "skipped": ("feed_unparsed_frames", "Frames that could not be read"),
    "reconnects": ("feed_reconnects", "Connections after the first"),
}
_LIMIT_GAUGES: Final = {
    "tokens": ("rate_limit_tokens", "Tokens left in the bucket"),
    "capacity": ("rate_limit_capacity_tokens", "Tokens the bucket holds"),
    "paused": ("rate_limit_paused_seconds", "Nothing leaves for so long after a 429"),
}


class HubCollector(Collector):
    """Reads the hub once for each scrape. Any thread."""

    def __init__(self, hub: Hub, picture_age: float) -> None:
        self._hub = hub
        self._picture_age = picture_age

    def collect(self) -> Iterator[Metric]:
        """Everything that is known now."""
        age = self._hub.age("status_update")
        is_up = age is not None and age <= self._picture_age
        yield _gauge("up", "1 while the picture is the present", float(is_up))
        if age is not None:
            yield _gauge("picture_age_seconds", "Since the dashboard's last word", age)
        yield from self._state()
        yield from self._account()
        yield from _by_row("actor", self._hub.rows("health"), _ACTOR_GAUGES, _ACTOR_COUNTS)
        yield from self._running()
        yield from self._feeds()
        yield from self._limits()
        meters: MetersRow | None = self._hub.single("meters")
        if meters is not None:
            yield from _meters(meters)

        machine: MachineRow | None = self._hub.single("machine")
        if machine is not None:
            yield from _machine(machine)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known when they are collected."""
        return ()

    def _state(self) -> Iterator[Metric]:
        status = self._hub.single("status_update")
        if status is None:
            return
        info = GaugeMetricFamily(PREFIX + "info", "What this daemon is", labels=["mode"])
        info.add_metric([status.mode], 1.0)
        yield info
        state = GaugeMetricFamily(
            PREFIX + "trading_state", "1 for the state it is in", labels=["state"]
        )
        for name in STATES:
            state.add_metric([name], float(name == status.state))
        yield state
        halted = GaugeMetricFamily(
            PREFIX + "breaker_latched", "1 while halted, with the code", labels=["code"]
        )
        is_halted = status.risk_metrics.circuit_breaker_triggered
        halted.add_metric([status.state_code if is_halted else ""], float(is_halted))
        yield halted
        yield _gauge("epoch", "Raised by each change of permission", status.epoch)
        yield _gauge(
            "orders_open", "Orders to which more can happen", status.risk_metrics.open_orders_count
        )
        yield _gauge(
            "orders_unknown_now", "Orders nobody knows the fate of", status.order_summary.unknown
        )
        yield _gauge(
            "positions_open", "Markets with a position", status.risk_metrics.total_positions
        )

    def _account(self) -> Iterator[Metric]:
        account = self._hub.single("account")
        if account is None:
            return
        for field, (name, text) in _ACCOUNT.items():
            yield _gauge(name, text, getattr(account, field))
        used = GaugeMetricFamily(
            PREFIX + "limit_used_ratio", "Share of a limit that is used", labels=["limit"]
        )
        for gauge in account.gauges:
            used.add_metric([gauge.name.lower().replace(" ", "_")], gauge.share)
        yield used

    def _running(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(PREFIX + "actor_up", "1 while it runs", labels=["actor"])
        for row in self._hub.rows("health"):
            up.add_metric([row.actor], float(row.state == "running"))
        yield up

    def _feeds(self) -> Iterator[Metric]:
        rows = self._hub.rows("feed")
        is_open = GaugeMetricFamily(PREFIX + "feed_open", "1 while connected", labels=["stream"])
        for row in rows:
            is_open.add_metric([row.stream], float(row.state == "open"))
        yield is_open
        ages = {"age": ("feed_age_seconds", "Age of the newest data by their own time")}
        yield from _by_row("stream", rows, ages, _FEED_COUNTS)

    def _limits(self) -> Iterator[Metric]:
        rows = self._hub.rows("limit")
        yield from _by_row("bucket", rows, _LIMIT_GAUGES, {})
        if rows:
            yield _gauge("requests_waiting", "Requests that wait for tokens", rows[-1].waiting)
            yield _counter("requests_refused", "429 answers", rows[-1].refused)


def _meters(row: MetersRow) -> Iterator[Metric]:
    for name, count in sorted(row.counts.items()):
        yield _counter(name, f"{name.replace('_', ' ')} since the start", count)
    yield _counter("contracts_filled", "Contracts filled since the start", row.contracts_filled)
    yield _gauge("reconciliation_differences", "In the last comparison", row.differences)
    coded = (
        ("denials_by_code", "Refusals of risk", row.denials),
        ("passes_by_code", "Decisions not to trade", row.passes),
    )
    for name, text, counts in coded:
        family = CounterMetricFamily(PREFIX + name, text, labels=["code"])
        for code, count in sorted(counts.items()):
            family.add_metric([code], count)
        yield family
    for durations in row.durations:
        yield _histogram(durations)


def _machine(row: MachineRow) -> Iterator[Metric]:
    yield _gauge("memory_megabytes", "Held by the process", row.memory_megabytes)
    yield _gauge("disk_free_megabytes", "Free where the state is written", row.disk_free_megabytes)
    yield _gauge("threads", "Threads that Python knows of", row.threads)
    labels = ["generation"]
    times = CounterMetricFamily(PREFIX + "gc_collections", "Collections of garbage", labels=labels)
    total = CounterMetricFamily(PREFIX + "gc_seconds", "Spent in collections", labels=labels)
    longest = GaugeMetricFamily(
        PREFIX + "gc_longest_seconds", "Longest collection since the start", labels=labels
    )
    for one in row.collections:
        generation = [str(one.generation)]
        times.add_metric(generation, one.times)
        total.add_metric(generation, one.seconds)
        longest.add_metric(generation, one.longest_seconds)
    yield from (times, total, longest)


def _histogram(row: DurationRow) -> Metric:
    total, buckets = 0, []
    for bound, count in zip((*row.bounds, float("inf")), row.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else repr(bound), float(total)))
    family = HistogramMetricFamily(
        f"{PREFIX}{row.name}_seconds", f"{row.name.replace('_', ' ')}, seconds of the machine"
    )
    family.add_metric([], buckets, row.sum)
    return family


def _by_row(
    label: str,
    rows: list[Any],
    gauges: dict[str, tuple[str, str]],
    counts: dict[str, tuple[str, str]],
) -> Iterator[Metric]:
    """A series for each row, labelled with the row's own key."""
    kinds = ((gauges, GaugeMetricFamily), (counts, CounterMetricFamily))
    for fields, kind in kinds:
        for field, (name, text) in fields.items():
            family = kind(PREFIX + name, text, labels=[label])
            for row in rows:
                family.add_metric([getattr(row, label)], getattr(row, field))
            yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def install(app: Flask, hub: Hub, settings: WebSettings) -> None:
    """Serve `/metrics`; the gate asks for a token there as everywhere."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HubCollector(hub, settings.picture_age))

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
