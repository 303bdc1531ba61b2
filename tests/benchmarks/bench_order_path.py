"""From a frame read to the bytes of the order written, over real sockets, beside a plain loop.

A local exchange runs in a process of its own at the market's pace. The daemon's system trades on
it with a strategy that wants to buy on every picture, one actor a role and then fused; the plain
loop is one thread that reads, decodes, decides and posts, with the same libraries at their
defaults. Each order's time runs from the moment its frame was read to the moment its body had been
handed to the kernel (`http.client` is watched for that).
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import requests
import websocket

from actors.address import Directory
from actors.halt_file import HaltFile
from actors.system import Plan, System
from actors.venue_process import VenueProcess
from actors.venues import Venue, open_venue
from config.settings import Settings
from core import messages as m
from core.assembly import Assembly, Surroundings
from core.clock import ScaledClock
from core.domain.fees import FeeTerms, fill_fee
from core.exchange.auth import Signer, read_private_key
from core.exchange.lines import Line
from core.exchange.records import Outcome
from core.journal_sqlite import SqliteJournal
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import StrategyParams
from core.topology import DASHBOARD, EXECUTION, FEED, RISK, SPOT, placement
from core.units import ONE_CONTRACT, Nanos, dollars, price_dollars, seconds
from tests.benchmarks.measure import Row, daemon_switching, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.runner import Role

TITLE = "frame read to order written, on the local exchange"
_SECONDS: Final = 12.0
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
    """Watches `http.client`: when the body of each order had been handed over."""

    def __init__(self, clock: ScaledClock) -> None:
        self.written: dict[str, Nanos] = {}
        self._clock = clock
        self._heads = threading.local()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """With every connection of this process watched."""
        plain = http.client.HTTPConnection.send

        def send(connection: http.client.HTTPConnection, data: Any) -> None:  # noqa: ANN401
            plain(connection, data)
            self._sent(bytes(data))

        fast = Line.send

        def write(line: Line, request: bytes) -> None:
            fast(line, request)
            self._sent(request)

        http.client.HTTPConnection.send = send  # type: ignore[method-assign, assignment]
        Line.send = write  # type: ignore[method-assign]
        try:
            yield
        finally:
            http.client.HTTPConnection.send = plain  # type: ignore[method-assign]
            Line.send = fast  # type: ignore[method-assign]

    def _sent(self, data: bytes) -> None:
        if data.startswith(b"POST ") and b"/portfolio/events/orders " in data:
            self._heads.order = True
            _, _, data = data.partition(b"\r\n\r\n")
        if getattr(self._heads, "order", False) and data.startswith(b"{"):
            self._heads.order = False
            self.written[json.loads(data)["client_order_id"]] = self._clock.now()


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


def _plain(process: VenueProcess, wire: Wire, ticker: str) -> list[float]:
    """Microseconds of each order of the plain loop."""
    address = process.address
    clock = ScaledClock.from_spec(address.clock)
    signer = Signer(address.key_id, read_private_key(Path(address.private_key_path)), clock)
    stream = websocket.create_connection(
        address.ws_url, header=signer.sign("GET", "/trade-api/ws/v2").headers(), timeout=2
    )
    params = {"channels": ["orderbook_delta"], "market_tickers": [ticker]}
    stream.send(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))
    session, took, books = requests.Session(), [], {"yes": {}, "no": {}}
    url, path = (
        f"{address.base_url}/portfolio/events/orders",
        "/trade-api/v2/portfolio/events/orders",
    )
    deadline, number = time.monotonic() + _SECONDS, 0
    with wire.watched():
        while time.monotonic() < deadline:
            try:
                frame = json.loads(stream.recv())
            except websocket.WebSocketTimeoutException:
                continue
            read_at, body = clock.now(), frame.get("msg", {})
            if frame["type"] != "orderbook_delta":
                continue
            book, price = books[body["side"]], float(body["price_dollars"])
            book[price] = book.get(price, 0.0) + float(body["delta_fp"])
            number += 1
            order = {
                "ticker": ticker,
                "client_order_id": f"plain-{time.monotonic_ns()}",
                "side": "bid",
                "count": "1.00",
                "price": "0.0100",
                "time_in_force": "immediate_or_cancel",
                "self_trade_prevention_type": "taker_at_cross",
                "exchange_index": 2,
            }
            session.post(url, json=order, headers=signer.sign("POST", path).headers(), timeout=5)
            took.append((wire.written[order["client_order_id"]] - read_at) / 1e3)
    stream.close()
    return took


def run(rounds: int) -> list[Row]:
    """Medians and tails of each, over `rounds` turns of twelve seconds."""
    taken: dict[str, list[float]] = {"plain loop": [], "an actor per role": [], "fused": []}
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        process = VenueProcess(settings)
        try:
            venue = open_venue(settings, process.address)
            assert isinstance(venue.clock, ScaledClock)
            wire = Wire(venue.clock)
            for _ in range(rounds):
                (market,) = _open(venue)
                taken["plain loop"] += _plain(process, wire, market)
                taken["an actor per role"] += _daemon(settings, venue, wire, fused=False)
                taken["fused"] += _daemon(settings, venue, wire, fused=True)
        finally:
            process.stop()
    return [row for name, samples in taken.items() for row in _lines(name, samples, taken)]


def _open(venue: Venue) -> list[str]:
    """The market that trades, with more than a round left."""
    while True:
        now = venue.clock.now()
        found = [
            market.ticker
            for market in venue.exchange.markets(series="KXSOL15M")
            if market.opens + seconds(5) < now < market.closes - seconds(4 * _SECONDS)
        ]
        if found:
            return found
        time.sleep(1.0)


def _lines(name: str, samples: list[float], taken: dict[str, list[float]]) -> list[Row]:
    plain = taken["plain loop"]
    return [
        Row(
            case=f"{name}, p{share:.0%} of {len(samples)}".replace("%", ""),
            value=percentile(samples, share),
            unit="us",
            ratio=percentile(samples, share) / percentile(plain, share),
            against="plain loop",
        )
        for share in (0.5, 0.99)
        if samples and plain
    ]
