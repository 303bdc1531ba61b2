"""Two hundred browsers on the page's stream, and what they cost the trading beside them.

160 read everything, 20 never read, 20 drop and resume all at once every ten seconds. The hub gets
ten frames a second of 2 kB. The server runs in this process as in the daemon, with a chain of five
hosts beside it (feed, strategy, risk, execution, exchange: a message that each hands on). What the
clients cost the trading is its latency against that of the same chain in a process without clients
at the same time, so that other load on the machine falls on both. The clients are a process of
their own.

One run takes twelve seconds a round, so with the five that are usual a minute.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.system_rows import AlertRow
from core.units import Nanos
from tests.benchmarks.bench_hops import host_line
from tests.benchmarks.measure import Row, daemon_switching, percentile
from tests.benchmarks.stream_clients import END, Found, Plan
from tests.benchmarks.stream_clients import run as clients
from tests.web.web_bench import TOKEN, Door
from web.app import create_app
from web.hub import Hub
from web.server import serve
from web.settings import WebSettings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TITLE = "the page's stream: 200 clients (20 stuck, 20 reconnecting), 10 frames a second"

_HEALTHY, _STUCK, _RESTLESS = 160, 20, 20
_RATE: Final = 10
_ROUND_S: Final = 12
_TEXT: Final = 2_000
_PROBE_S: Final = 0.01
_CHAIN: Final = 5
_ALONE_S: Final = 15


class _Trading:
    """The chain of hosts, probed a hundred times a second. The samples are microseconds."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self._arrived = threading.Event()
        self._send, self._end = host_line(_CHAIN)(self._last)

    def _last(self, sent: int) -> None:
        self.samples.append((time.perf_counter_ns() - sent) / 1_000)
        self._arrived.set()

    def probe(self) -> None:
        self._arrived.clear()
        self._send(time.perf_counter_ns())
        self._arrived.wait()

    def taken(self) -> list[float]:
        """The samples since the last call."""
        taken, self.samples = self.samples, []
        return taken

    def close(self) -> None:
        self._end()


class _Publisher:
    """Ten frames a second into the hub, the trading probed in between."""

    def __init__(self, hub: Hub, trading: _Trading) -> None:
        self._hub = hub
        self._trading = trading
        self._number = 0

    def go(self, seconds: float) -> float:
        """Publish for so long; the share of a core that this process used."""
        began, used = time.monotonic(), time.process_time()
        frames = 0
        while (passed := time.monotonic() - began) < seconds:
            if passed * _RATE >= frames:
                frames += 1
                self.publish(str(self._number))
            self._trading.probe()
            time.sleep(_PROBE_S)
        return 100 * (time.process_time() - used) / (time.monotonic() - began)

    def publish(self, name: str) -> None:
        self._number += 1
        text = f"{time.monotonic_ns()} ".ljust(_TEXT, "x")
        row = AlertRow(id=name, level="info", code="c", text=text, source="s", count=1, at="")
        self._hub.publish(m.ScreenFrame(topic="alert", data=row, ts=Nanos(self._number)))


def run(rounds: int) -> list[Row]:
    """The clients' view, the CPU, and the trading beside them."""
    with daemon_switching():
        return _measure(_ROUND_S * rounds)


def _measure(seconds: float) -> list[Row]:
    hub = Hub()
    total = _HEALTHY + _STUCK + _RESTLESS
    settings = WebSettings(token=TOKEN, max_streams=total + _RESTLESS)
    server = serve(
        create_app(hub, Door(), settings), "127.0.0.1", 0, threads=settings.max_streams + 8
    )
    trading = _Trading()
    publisher = _Publisher(hub, trading)
    alone_cpu = publisher.go(_ALONE_S)
    plan = Plan(
        port=server.port,
        token=TOKEN,
        healthy=_HEALTHY,
        stuck=_STUCK,
        restless=_RESTLESS,
        every=10.0,
    )
    ours, theirs = multiprocessing.Pipe()
    crowd = multiprocessing.get_context("spawn").Process(target=clients, args=(plan, theirs))
    crowd.start()
    assert ours.recv() == "ready"
    twin, twins_end = multiprocessing.Pipe()
    quiet = multiprocessing.get_context("spawn").Process(
        target=_without_clients, args=(seconds, twins_end)
    )
    quiet.start()
    assert twin.recv() == "ready"
    trading.taken()
    cpu = publisher.go(seconds)
    beside = trading.taken()
    alone: list[float] = twin.recv()
    quiet.join()
    publisher.publish(END)
    found: Found = ours.recv()
    crowd.join()
    trading.close()
    server.stop()
    return [*_clients_rows(found), *_cost_rows(cpu, alone_cpu, beside, alone)]


def _without_clients(seconds: float, pipe: Connection) -> None:
    """The same at the same time without clients: both feel the machine's other load."""
    with daemon_switching():
        trading = _Trading()
        publisher = _Publisher(Hub(), trading)
        publisher.go(1.0)
        trading.taken()
        pipe.send("ready")
        publisher.go(seconds)
        pipe.send(trading.taken())
        trading.close()


def _clients_rows(found: Found) -> list[Row]:
    delays = found.delays_us
    return [
        Row(case="frame to client, p50", value=median(delays) / 1_000, unit="ms"),
        Row(case="frame to client, p99", value=percentile(delays, 0.99) / 1_000, unit="ms"),
        Row(case="frame to client, worst", value=max(delays) / 1_000, unit="ms"),
        Row(case="frames read", value=len(delays), unit="frames"),
        Row(case="frames missing or out of order", value=found.gaps, unit="frames"),
        Row(case="fewest frames of a client", value=min(found.frames), unit="frames"),
        Row(case="most frames of a client", value=max(found.frames), unit="frames"),
        Row(case="stuck clients that were cut", value=found.cut, unit=f"of {_STUCK}"),
        Row(case="reconnects", value=found.reconnects, unit="times"),
        Row(case="of these resumed", value=found.resumed, unit="times"),
        Row(case="slowest handshake in a storm", value=found.last_connect_ms, unit="ms"),
    ]


def _cost_rows(cpu: float, alone_cpu: float, beside: list[float], alone: list[float]) -> list[Row]:
    rows = [
        Row(case="CPU of the process without clients", value=alone_cpu, unit="% core"),
        Row(case="CPU of the process with clients", value=cpu, unit="% core"),
    ]
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        without = f"five hosts, {name}, without clients"
        before, after = percentile(alone, share), percentile(beside, share)
        rows.append(Row(case=without, value=before, unit="us"))
        rows.append(
            Row(
                case=f"five hosts, {name}, with clients",
                value=after,
                unit="us",
                ratio=after / before,
                against=without,
            )
        )
    return rows
