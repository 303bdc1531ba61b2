"""The whole daemon on a local exchange in this process, with a trap in every host.

What runs is production: the system of actors, the roles of the assembly, SQLite, the REST client,
the stream, the local exchange behind its sockets. A trap stands before each host's messages and
kills or hangs the host there when a test says so.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from actors.address import Directory
from actors.exchange import ExchangeActor
from actors.halt_file import HaltFile
from actors.sockets import KalshiStream, KalshiTerms
from actors.stream import StreamActor
from actors.system import Plan, System
from actors.venue_process import VenueAddress
from actors.venues import Venue, open_venue
from config.settings import Settings
from core import messages as m
from core.assembly import Assembly, Surroundings, role_names
from core.exchange.auth import Signer, read_private_key
from core.exchange.records import OrderRequest, OrderStatus, Side, TimeInForce
from core.journal import JournalError
from core.journal_sqlite import SqliteJournal
from core.messages import ControlRequest
from core.roles.feed_terms import MARKET_STREAM
from core.topology import EXCHANGE, SCREEN, SESSION, STREAM, placement
from core.units import Nanos, Price, Quantity, seconds
from web.exchange import RunningExchange, serve_exchange
from web.exchange_options import ExchangeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.canceller import Account
    from actors.host import Station
    from actors.standing import Standing
    from core.messages import Message
    from core.runner import Role
    from core.topology import Routing

MARKET_START: Final = seconds(1780322460)
"""2026-06-01T14:01Z: a minute into a window. What a market does depends on its clock."""
HANG_SECONDS: Final = 60.0
"""Nothing here takes that long; a test that waits for it has failed."""


class SabotageError(Exception):
    """What a trap kills with."""


class Trap:
    """Before the messages of one host. Set on the test's thread, sprung on the host's."""

    def __init__(self) -> None:
        self.hanging = threading.Event()
        self._mode = ""
        self._until = threading.Event()
        self._poison: Callable[[Message], bool] = lambda _: False

    def kill(self) -> None:
        """The next message brings the host down, once."""
        self._mode = "kill"

    def kill_for_good(self) -> None:
        """No generation lives on; none even starts."""
        self._mode = "kill for good"

    def hang(self) -> None:
        """The next message is never done; the next generation is free of it."""
        self._mode = "hang"

    def poison(self, deadly: Callable[[Message], bool]) -> None:
        """Every such message kills, in every generation."""
        self._poison = deadly

    def spring(self, message: Message) -> None:
        """On the host's thread."""
        mode = self._mode
        if self._poison(message):
            raise SabotageError("poison")
        if mode == "kill":
            self._mode = ""
            raise SabotageError(mode)
        if mode == "kill for good":
            raise SabotageError(mode)
        if mode == "hang":
            self._mode = ""
            self.hanging.set()
            self._until.wait(HANG_SECONDS)

    def refuse_to_start(self) -> None:
        """Of a host that is dead for good."""
        if self._mode == "kill for good":
            raise SabotageError(self._mode)

    def open(self) -> None:
        """Let go whoever hangs."""
        self._mode = ""
        self._until.set()


class FullDisk:
    """A journal on a disk that is full while `full` is set."""

    def __init__(self, journal: SqliteJournal, full: threading.Event) -> None:
        self.instance = journal.instance
        self.replay = journal.replay
        self.close = journal.close
        self._journal = journal
        self._full = full

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        if self._full.is_set():
            raise JournalError("no space left on the device")
        self._journal.append(events, now)


class Trapped:
    """A role behind a trap."""

    def __init__(self, role: Role, trap: Trap) -> None:
        self.name = role.name
        self._role = role
        self._trap = trap

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        self._trap.spring(message)
        return self._role.handle(message, now)

    def apply(self, event: Message) -> None:
        self._role.apply(event)


def trapped_host(cast: type[Any], trap: Trap) -> type[Any]:
    """An actor that does I/O, behind a trap."""

    def receive(self: Any, to: str, message: Message) -> object:  # noqa: ANN401 - any host
        trap.spring(message)
        return cast.receive(self, to, message)

    return type(f"Trapped{cast.__name__}", (cast,), {"receive": receive})


class Plant:
    """Start it, wait until it trades, sabotage it, look at it, stop it."""

    def __init__(self, folder: Path, speed: float = 1.0, **settings: object) -> None:
        self.folder = folder
        given: dict[str, object] = {
            "state_dir": folder / "var",
            "speed": speed,
            "min_edge": 0.0,
            "signal_cooldown_seconds": 1.0,
            "strategy": {"kelly_volatility": {"min_edge": 0.0}},
            **settings,
        }
        self.settings = Settings(**given)  # type: ignore[arg-type]
        self.settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.exchange: RunningExchange = serve_exchange(
            ExchangeOptions(
                speed=speed,
                start=MARKET_START,
                state=folder / "exchange",
                key_type="ed25519",
                streams=8,
            )
        )
        told = self.exchange.announcement
        assert told.clock is not None
        assert told.private_key_path is not None
        self.address = VenueAddress(
            base_url=told.base_url,
            ws_url=told.ws_url,
            key_id=told.key_id,
            private_key_path=told.private_key_path,
            clock=told.clock,
        )
        self.venue: Venue = open_venue(self.settings, self.address)
        self.roles = role_names(self.settings)
        self.traps = {name: Trap() for name in (*self.roles, *self.venue.hosts)}
        self.halt_file = HaltFile(self.settings.halt_path)
        self.seen: list[Message] = []
        """What the session was told."""
        self.traded = threading.Event()
        self.journal = folder / "journal.sqlite"
        self.disk_full = threading.Event()
        self._assemble()

    def _assemble(self) -> None:
        self.directory = Directory()
        self.system = System(self._plan(), self.directory)
        self.control = self.system.control

    def _plan(self) -> Plan:
        account = self.venue.account
        assert account is not None
        return Plan(
            clock=self.venue.clock,
            roles=self.roles,
            make=self._maker(),
            journal=lambda: FullDisk(SqliteJournal(self.journal), self.disk_full),
            outside={
                EXCHANGE: self._exchange_host(account),
                STREAM: self._stream_host(),
            },
            outside_names=self.venue.names,
            sinks={SCREEN: lambda _: None, SESSION: self._take},
            halt_file=self.halt_file,
            account=account,
            beat_seconds=self.settings.beat_seconds,
        )

    def _take(self, message: Message) -> None:
        self.seen.append(message)
        if isinstance(message, m.OrderFilled):
            self.traded.set()

    def _maker(self) -> Callable[[str, str], Role]:
        hosts = (*placement(self.roles, fused=False), *self.venue.hosts)
        around = Surroundings(mode="local", speed=self.venue.clock.speed, hosts=hosts)
        assembly = Assembly(self.settings, around)

        def make(name: str, instance: str) -> Role:
            role = assembly.make(name, instance)
            trap = self.traps.get(name)
            return Trapped(role, trap) if trap is not None else role

        return make

    def _exchange_host(self, account: Account) -> Callable[[Station, Routing], object]:
        trap = self.traps[EXCHANGE]
        cast = trapped_host(ExchangeActor, trap)

        def start(station: Station, routing: Routing) -> object:
            trap.refuse_to_start()
            gate = account.gate
            return cast.start(station, routing, lambda: account.client(gate), account.terms, gate)

        return start

    def _stream_host(self) -> Callable[[Station, Routing], object]:
        trap = self.traps[STREAM]
        cast = trapped_host(StreamActor, trap)
        told = self.address
        terms = KalshiTerms(url=told.ws_url, series=self.settings.series, connect_seconds=30)
        key = read_private_key(Path(told.private_key_path))
        signer = Signer(told.key_id, key, self.venue.clock)
        openers = {MARKET_STREAM: lambda opening: KalshiStream(opening, terms, signer)}

        def start(station: Station, routing: Routing) -> object:
            trap.refuse_to_start()
            return cast.start(station, routing, openers)

        return start

    # --- for tests -------------------------------------------------------------------------------

    def start(self) -> Plant:
        """Start everything, and wait until it is armed."""
        self.system.start()
        self.until(lambda now: now.state == "ACTIVE")
        return self

    def start_again(self) -> None:
        """A new process, as far as the system can tell: same journal, same exchange, same files."""
        self.venue = open_venue(self.settings, self.address)
        self._assemble()
        self.system.start()

    def standing(self) -> Standing:
        return self.control.standing(HANG_SECONDS)

    def until(self, wanted: Callable[[Standing], bool]) -> Standing:
        """Wait until the supervisor says so."""
        pause = threading.Event()
        for _ in range(int(HANG_SECONDS * 50)):
            standing = self.standing()
            if wanted(standing):
                return standing
            pause.wait(0.02)
        msg = f"never came: {standing}"
        raise AssertionError(msg)

    def rest(self, count: int = 3) -> None:
        """Let so many orders of the account rest, far from the market."""
        market = next(iter(self.venue.exchange.markets(series="KXSOL15M", tickers=())))
        ticker = self.open_ticker() or market.ticker
        for number in range(count):
            self.venue.exchange.create_order(
                OrderRequest(
                    ticker=ticker,
                    client_order_id=f"rest-{number}-{self.venue.clock.now()}",
                    side=Side.BID,
                    price=Price(100 + 10 * number),
                    quantity=Quantity(100),
                    time_in_force=TimeInForce.GTC,
                    shard=2,
                )
            )

    def open_ticker(self) -> str:
        now = self.venue.clock.now()
        for market in self.venue.exchange.markets(series="KXSOL15M"):
            if market.opens <= now < market.closes:
                return market.ticker
        return ""

    def resting(self) -> int:
        """The exchange's own word."""
        return len(self.venue.exchange.orders(status=OrderStatus.RESTING))

    def ask(self, reason: str) -> ControlRequest:
        return ControlRequest(by="test", reason=reason)

    def generation(self, name: str) -> int:
        """Of the host that has the name; 0 while nobody has."""
        ref = self.directory.ref(name)
        entry = self.directory._entries.get(name)
        return entry.generation if ref is not None and entry is not None else 0

    def poke(self, name: str) -> None:
        """Something to handle, so that a trap springs at once."""
        self.directory.tell(name, m.Permit(epoch=0, state="STARTING", expires=Nanos(0)))

    def settle(self, name: str) -> None:
        """Return when the host has handled everything told to it so far."""
        ref = self.directory.ref(name)
        assert ref is not None
        ref.ask((name, m.Heartbeat(sent=self.venue.clock.now())), timeout=HANG_SECONDS)

    def until_replaced(self, name: str, generation: int) -> float:
        """Wait for a newer generation; seconds that took."""
        began = time.monotonic()
        while self.generation(name) <= generation:
            if time.monotonic() - began > HANG_SECONDS:
                pytest.fail(f"{name} was not replaced")
            time.sleep(0.005)
        return time.monotonic() - began

    def stop(self) -> None:
        for trap in self.traps.values():
            trap.open()
        self.system.stop("test", HANG_SECONDS)
        self.exchange.stop()
