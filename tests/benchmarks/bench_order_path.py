"""From a frame read to the bytes of the order written, over real sockets, one frame each 10 ms.

A local exchange of steady pace runs in a process of its own. The daemon's system trades on it with
a strategy that wants to buy on every picture: an actor a role, fused, and fused beside a thread
that never rests. Beside it loops that have no journal, risk, pricing or supervision: a naive bot
(the usual libraries at their defaults), the bare loop of our own parts, and a floor in C. Each
order's time runs from the moment its frame was read to the moment its bytes had been handed to the
kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from actors.address import Directory
from actors.halt_file import HaltFile
from actors.system import Plan, System
from actors.venue_process import VenueAddress
from actors.venues import Venue, open_venue
from config.settings import Settings
from core import messages as m
from core.assembly import Assembly, Surroundings
from core.clock import ScaledClock
from core.domain.fees import FeeTerms, fill_fee
from core.exchange.lines import Line
from core.exchange.records import Outcome
from core.journal_sqlite import SqliteJournal
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import StrategyParams
from core.topology import DASHBOARD, EXECUTION, FEED, RISK, SPOT, placement
from core.units import ONE_CONTRACT, Nanos, dollars, price_dollars
from tests.benchmarks.measure import Row, daemon_switching, on_cores, percentile
from tests.benchmarks.order_loops import bare, floor, naive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.runner import Role

TITLE = "frame read to order written, one frame each 10 ms"
_SECONDS: Final = 6.0
_STRATEGY: Final = "strategy:eager"
_RICH: Final = 90_000_000.0


class Eager:
    """Buys YES on every picture, at the ask."""

    name: ClassVar[str] = "eager"
    Params = StrategyParams

    def evaluate(self, view: m.MarketView, now: Nanos) -> m.Signal | m.Pass:
        """Want, wherever there is something to buy."""
        ticker = view.market.ticker
        if not view.asks:
            return m.Pass(strategy=self.name, ticker=ticker, code="thin", values=(), created=now)
        price = view.asks[0][0]
        fee = dollars(fill_fee(FeeTerms(), price, ONE_CONTRACT, is_taker=True))
        probability = min(0.999, price_dollars(price) + fee + 0.05)
        return m.Signal(
            signal_id="",
            strategy=self.name,
            ticker=ticker,
            outcome=Outcome.YES,
            probability=probability,
            price=price,
            edge=0.05,
            confidence=1.0,
            kelly_fraction=1.0,
            style="take",
            reason="bench",
            values=(),
            created=now,
            expires=now,
            ts_event=view.ts_event,
            ts_recv=view.ts_recv,
        )


class Wire:
    """Watches the fast road: when the bytes of each order had been handed over."""

    def __init__(self, clock: ScaledClock) -> None:
        self.written: dict[str, Nanos] = {}
        self._clock = clock

    @contextmanager
    def watched(self) -> Iterator[None]:
        """With every connection of this process watched."""
        plain = Line.send

        def send(line: Line, request: bytes) -> None:
            plain(line, request)
            self._sent(request, self._clock.now())

        Line.send = send  # type: ignore[method-assign]
        try:
            yield
        finally:
            Line.send = plain  # type: ignore[method-assign]

    def _sent(self, data: bytes, at: Nanos) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"POST "):
            self.written[json.loads(body)["client_order_id"]] = at


def _settings(folder: Path) -> Settings:
    return Settings(
        state_dir=folder,
        default_bankroll=_RICH,
        max_position_size=_RICH,
        max_total_exposure=_RICH,
        max_daily_loss=_RICH,
        circuit_breaker_loss_threshold=1.0,
        circuit_breaker_drawdown_threshold=1.0,
        kelly_fraction=1.0,
        max_orders_per_minute=100_000,
        min_seconds_left=0.0,
        max_seconds_left=900.0,
    )


def _daemon(settings: Settings, venue: Venue, wire: Wire, *, fused: bool) -> list[float]:
    """Microseconds of each order of the daemon."""
    roles = (RISK, EXECUTION, _STRATEGY, SPOT, FEED)
    hosts = (*placement(roles, fused=fused), *venue.hosts)
    assembly = Assembly(settings, Surroundings(mode="local", hosts=hosts))
    approved: dict[str, int] = {}

    def make(name: str, instance: str) -> Role:
        if name == _STRATEGY:
            return StrategyRole(Eager(), StrategyTerms(cooldown=Nanos(0)))
        return assembly.make(name, instance)

    def hear(message: m.Message) -> None:
        if isinstance(message, m.OrderApproved):
            read_at = int(message.signal_id.rpartition(":")[2])
            approved[message.request.client_order_id] = read_at

    journal = settings.state_dir / f"bench-{fused}-{time.monotonic_ns()}.sqlite"
    plan = Plan(
        clock=venue.clock,
        roles=roles,
        make=make,
        journal=lambda: SqliteJournal(journal),
        outside=venue.hosts,
        outside_names=venue.names,
        sinks={DASHBOARD: hear},
        halt_file=HaltFile(settings.halt_path),
        account=venue.account,
        fused=fused,
    )
    system = System(plan, Directory())
    with wire.watched(), daemon_switching():
        system.start()
        time.sleep(_SECONDS)
        system.stop("bench", 10.0)
    return [(wire.written[key] - at) / 1e3 for key, at in approved.items() if key in wire.written]


def _busy(stop: threading.Event) -> None:
    """A thread that never rests."""
    count = 0
    while not stop.is_set():
        count += 1


class _Exchange:
    """The paced exchange as a child process."""

    def __init__(self, interval_ms: float) -> None:
        pace = ["--interval-ms", str(interval_ms)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.benchmarks.paced_exchange", *pace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.address = msgspec.json.decode(line, type=VenueAddress)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def run(rounds: int) -> list[Row]:
    """Medians and tails of each, over `rounds` turns; each has an exchange of its own."""
    taken: dict[str, list[float]] = {case: [] for case in _CASES}
    for _ in range(rounds):
        for case in taken:
            taken[case] += _turn(case)
    return _rows(taken)


def _turn(case: str, interval_ms: float = 10.0) -> list[float]:
    with tempfile.TemporaryDirectory() as name:
        exchange = _Exchange(interval_ms)
        try:
            return _CASES[case](exchange.address, Path(name))
        finally:
            exchange.stop()


def _traded(address: VenueAddress, folder: Path, *, fused: bool) -> list[float]:
    settings = _settings(folder)
    venue = open_venue(settings, address)
    assert isinstance(venue.clock, ScaledClock)
    return _daemon(settings, venue, Wire(venue.clock), fused=fused)


def _pinned(address: VenueAddress, folder: Path, *, fused: bool) -> list[float]:
    """As with CPU_CORE set; the exchange may use all cores."""
    with on_cores({min(os.sched_getaffinity(0))}):
        return _traded(address, folder, fused=fused)


def turn_fused(interval_ms: float) -> list[float]:
    """One turn of the fused placement, one frame each so many milliseconds."""
    return _turn("fused", interval_ms)


def _traded_beside_a_busy_thread(address: VenueAddress, folder: Path) -> list[float]:
    stop = threading.Event()
    thread = threading.Thread(target=_busy, args=(stop,), daemon=True)
    thread.start()
    try:
        return _traded(address, folder, fused=True)
    finally:
        stop.set()
        thread.join()


_CASES: Final[dict[str, Callable[[VenueAddress, Path], list[float]]]] = {
    "C floor": floor,
    "bare loop": lambda address, _: bare(address, _SECONDS),
    "an actor per role": lambda address, folder: _traded(address, folder, fused=False),
    "fused": lambda address, folder: _traded(address, folder, fused=True),
    "an actor per role, one core": lambda address, folder: _pinned(address, folder, fused=False),
    "fused, one core": lambda address, folder: _pinned(address, folder, fused=True),
    "fused, busy thread": _traded_beside_a_busy_thread,
    "naive bot": lambda address, _: naive(address, _SECONDS),
}


def _rows(taken: dict[str, list[float]]) -> list[Row]:
    against = "C floor" if taken["C floor"] else "bare loop"
    return [
        row
        for name, samples in taken.items()
        for row in _lines(name, samples, taken[against], against)
    ]


def _lines(name: str, samples: list[float], base: list[float], against: str) -> list[Row]:
    return [
        Row(
            case=f"{name}, p{share:.0%} of {len(samples)}".replace("%", ""),
            value=percentile(samples, share),
            unit="us",
            ratio=percentile(samples, share) / percentile(base, share),
            against=against,
        )
        for share in (0.5, 0.99)
        if samples and base
    ]
