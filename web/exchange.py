"""The local exchange: a process that speaks Kalshi's protocol over a simulated engine.

`serve_exchange` starts one and gives back what a client must know. Bind first, then keys, then
time: nothing is half-started when the port is taken or a key cannot be read.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from core.clock import ClockSpec, ScaledClock, start_spec
from core.exchange.auth import (
    generate_ed25519,
    generate_rsa,
    read_public_key,
    write_private_key,
)
from core.exchange.engine_types import CRYPTO_SHARD, DEFAULT_SHARD
from core.exchange.simulated import SimulatedExchange
from core.exchange.tiers import TIERS
from core.units import Money
from web.exchange_app import REST_PREFIX, STREAM_PATH, Stream, create_exchange_app
from web.exchange_faults import FaultDesk, FaultyScenario
from web.exchange_host import ExchangeHost
from web.exchange_keys import KeyRing
from web.exchange_memory import Memory
from web.exchange_publisher import Publisher
from web.exchange_scenario import build_scenario
from web.exchange_subscriptions import Roster
from web.server import Server

if TYPE_CHECKING:
    from core.clock import Clock
    from core.exchange.scenario import Scenario
    from web.exchange_options import ExchangeOptions

ACCOUNT: Final = "trader"
"""The account of every key; a second account is something for tests."""
_STDIN: Final = 0
_PLAIN_REQUESTS: Final = 16
"""Worker threads beside those of the streams."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What a client must know, printed as one JSON line once the exchange listens."""

    base_url: str
    ws_url: str
    key_id: str
    private_key_path: str | None
    """None where the client has registered a key of its own."""
    clock: ClockSpec | None
    """The exchange's time, for programs that share it; None for a clock moved by hand."""


class RunningExchange:
    """A local exchange that answers. `stop` and `wait` may be called from any thread."""

    def __init__(self, announcement: Announcement, host: ExchangeHost, server: Server) -> None:
        self.announcement = announcement
        self.host = host
        self._server = server
        self._ends: queue.SimpleQueue[None] = queue.SimpleQueue()
        host.on_failure = self.request_stop

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def announce(self) -> None:
        """Print the announcement on standard output."""
        sys.stdout.buffer.write(msgspec.json.encode(self.announcement) + b"\n")
        sys.stdout.buffer.flush()

    def request_stop(self) -> None:
        """Make `wait` return. A queue, because its `put` is safe in a signal handler."""
        self._ends.put(None)

    def wait(self, *, with_parent: bool = False) -> None:
        """Block until somebody asks for the end; then stop. Raises what the engine died of.

        `with_parent`: the end of standard input, when its parent goes, is such a wish too.
        """
        if with_parent:
            threading.Thread(target=self._watch_parent, name="parent", daemon=True).start()
        self._ends.get()
        self.stop()
        if self.host.failure is not None:
            raise self.host.failure

    def stop(self) -> None:
        """End the streams, the requests, the time; drop the generated key. Idempotent."""
        self.request_stop()
        self._server.stop()
        self.host.stop()
        if self.announcement.private_key_path is not None:
            Path(self.announcement.private_key_path).unlink(missing_ok=True)

    def _watch_parent(self) -> None:
        while os.read(_STDIN, 1):
            pass
        self.request_stop()


def serve_exchange(options: ExchangeOptions) -> RunningExchange:
    """Start a local exchange with a scenario of its own on a scaled clock.

    Raises OptionsError (also for a tape), InvalidKey (a public key), PortTaken and CannotListen,
    before anything has been started.
    """
    options.check()
    clock = ScaledClock.from_spec(start_spec(options.speed, options.start))
    engine = SimulatedExchange(options.engine_config())
    scenario = build_scenario(engine, options, clock.now())
    return serve_engine(engine, scenario, clock, options)


def serve_engine(
    engine: SimulatedExchange, scenario: Scenario, clock: Clock, options: ExchangeOptions
) -> RunningExchange:
    """Put an engine behind the protocol, with one account. Raises as `serve_exchange` does."""
    ring = KeyRing(clock, options.skew_seconds)
    if options.key_id is not None and options.public_key is not None:
        ring.register(options.key_id, read_public_key(options.public_key), ACCOUNT)
    cash = {DEFAULT_SHARD: Money(0), CRYPTO_SHARD: options.cash}
    engine.open_account(ACCOUNT, cash, clock.now())
    roster = Roster()
    publisher = Publisher(roster, clock, empty_sides=options.empty_sides == "send")
    memory = Memory(engine, options.portfolio_lag, options.archived_after)
    faults = FaultDesk(options.seed, ring, publisher, memory.replica)
    faults.add(options.read_faults(), clock.now())
    scenario = FaultyScenario(scenario, engine, faults)
    host = ExchangeHost(engine, scenario, clock, publisher.publish, memory)
    if options.tier is not None:
        host.limits = TIERS[options.tier]
    app = create_exchange_app(host, ring, Stream(roster, publisher, options), faults)
    threads = options.streams + _PLAIN_REQUESTS
    server = Server(app, options.host, options.port, threads=threads)
    running = RunningExchange(_announce(options, ring, server, clock), host, server)
    host.start()
    server.start()
    return running


def _announce(
    options: ExchangeOptions, ring: KeyRing, server: Server, clock: Clock
) -> Announcement:
    """Make the client's key, unless it has brought one."""
    key_id, path = options.key_id, None
    if key_id is None:
        key = generate_rsa() if options.key_type == "rsa" else generate_ed25519()
        key_id = str(uuid.uuid4())
        path = (options.state / f"exchange-{server.port}.pem").resolve()
        write_private_key(key, path)
        ring.register(key_id, key.public_key(), ACCOUNT)
    place = f"{options.host}:{server.port}"
    return Announcement(
        base_url=f"http://{place}{REST_PREFIX}",
        ws_url=f"ws://{place}{STREAM_PATH}",
        key_id=key_id,
        private_key_path=None if path is None else str(path),
        clock=clock.spec if isinstance(clock, ScaledClock) else None,
    )
