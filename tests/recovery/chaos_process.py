"""One process of the daemon in virtual time: the supervisor, every host, their journal."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, cast

from actors.address import Directory
from actors.halt_file import HaltFile
from actors.host import Crew, RoleActor, Station
from actors.line import Line
from actors.safeguards import Safeguards
from actors.supervisor import Child, Supervisor, start_order
from core import messages as m
from core.assembly import Assembly, Surroundings, role_names
from core.exchange.records import Outcome
from core.journal import JournalError, MemoryJournal
from core.roles.strategy import StrategyRole, StrategyTerms
from core.roles.supervision import Supervision
from core.strategies.base import StrategyParams
from core.topology import (
    EXCHANGE,
    EXECUTION,
    FEED,
    MARKETS,
    RISK,
    SCREEN,
    SESSION,
    SPECS,
    STREAM,
    SUPERVISION,
    SUPERVISOR,
    TIMERS,
    Routing,
    kind_of,
)
from core.units import Nanos, Price, complement, seconds
from tests.recovery.chaos_hosts import ChaosHost, ChaosStepper
from tests.recovery.chaos_venue import Client, DirectCancel, Errands, VirtualExchange, VirtualStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from config.settings import Settings
    from core.messages import Message
    from core.runner import Role
    from tests.recovery.chaos_venue import AuditedLine
    from tests.recovery.chaos_watch import Watch

STRATEGY = "strategy:kelly_volatility"


class Fickle:
    """A strategy that wants something of every kind, and much of it."""

    name: ClassVar[str] = "kelly_volatility"
    Params: ClassVar[type[StrategyParams]] = StrategyParams

    def __init__(self, random: Random) -> None:
        self._random = random

    def evaluate(self, view: m.MarketView, now: Nanos) -> m.Signal | m.Pass:
        ticker = view.market.ticker
        if not view.bids or not view.asks:
            return m.Pass(strategy=self.name, ticker=ticker, code="empty", values=(), created=now)
        outcome = self._random.choice((Outcome.YES, Outcome.NO))
        style = self._random.choice(("take", "make"))
        yes = outcome is Outcome.YES
        take = view.asks[-1][0] if yes else view.bids[-1][0]
        make = view.bids[0][0] if yes else view.asks[0][0]
        price = take if style == "take" else make
        own = price if yes else Price(complement(price))
        return m.Signal(
            signal_id="",
            strategy=self.name,
            ticker=ticker,
            outcome=outcome,
            probability=min(0.99, own / 10_000 + 0.3),
            price=own,
            edge=0.2,
            confidence=0.9,
            kelly_fraction=1.0,
            style=cast("Any", style),
            reason="chaos",
            values=(),
            created=now,
            expires=view.market.close_ns,
            ts_event=view.ts_event,
            ts_recv=view.ts_recv,
        )


class ChaosJournal:
    """One host's connection to the disk of all, which may be full for that host."""

    def __init__(self, disk: MemoryJournal, name: str, full: set[str], watch: Watch) -> None:
        self.instance = disk.instance
        self._disk = disk
        self._name = name
        self._full = full
        self._watch = watch

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        if self._name in self._full:
            raise JournalError("no space left on the device")
        self._disk.append(events, now)
        self._watch.journalled(events)

    def replay(self, kinds: Any = None) -> Iterator[Message]:  # noqa: ANN401 - see Journal
        return self._disk.replay(kinds)

    def close(self) -> None:
        """Nothing to release."""


class Process:
    """From its start to its end. What it wrote stays in `disk`, and at the exchange."""

    def __init__(
        self,
        settings: Settings,
        line: AuditedLine,
        disk: MemoryJournal,
        watch: Watch,
        random: Random,
    ) -> None:
        self.line = line
        self.clock = line.market.clock
        self.full: set[str] = set()
        """Hosts whose writes fail."""
        self.halt_file = HaltFile(settings.halt_path)
        self.supervision: Supervision | None = None
        self.risk: Any = None
        self.timeless = False
        self.streams: list[VirtualStream] = []
        """Of every generation: their sockets end with them."""
        self._settings = settings
        self._disk = disk
        self._watch = watch
        self._random = random
        self._directory = Directory()
        self.stepper = ChaosStepper(self._directory, self.clock)
        self.errands = Errands(line.market, Random(random.randrange(2**32)))
        self.client = Client(line, Line(self.clock.now()), settings.halt_path)
        roles = role_names(settings)
        self.hosts = (*roles, EXCHANGE, STREAM)
        self.routing = Routing(
            (*self.hosts, MARKETS, SUPERVISION, SUPERVISOR, TIMERS, SCREEN, SESSION)
        )
        around = Surroundings(mode="local", hosts=self.hosts, seed=random.randrange(2**32))
        self._assembly = Assembly(settings, around)
        self._start(roles)

    def _start(self, roles: tuple[str, ...]) -> None:
        directory, clock, settings = self._directory, self.clock, self._settings
        for name in (SCREEN, SESSION):
            directory.register_sink(name, lambda _: None)
        children = {name: self._child(name, self._role_start(name)) for name in roles}
        children[EXCHANGE] = self._child(EXCHANGE, self._exchange_start)
        children[STREAM] = self._child(STREAM, self._stream_start)
        safeguards = Safeguards(
            halt_file=self.halt_file,
            line=self.client.shared,
            canceller=cast("Any", DirectCancel(self.client, self.errands, self.deliver)),
            beat_seconds=settings.beat_seconds,
        )
        station = Station(name=SUPERVISION, generation=1, directory=directory, clock=clock)
        self.stepper.start(Supervisor, station, self._crew(SUPERVISION), children, safeguards)
        for name in roles:
            interval = SPECS[kind_of(name)].tick
            if interval is not None:
                self.stepper.tick(name, interval)
        self.stepper.tick(SUPERVISION, seconds(settings.beat_seconds))

    def _child(self, name: str, start: Callable[[Station], object]) -> Child:
        return Child(name=name, order=start_order(name), start=start)

    def _role_start(self, name: str) -> Callable[[Station], object]:
        return lambda station: self.stepper.start(RoleActor, station, self._crew(name))

    def _exchange_start(self, station: Station) -> object:
        return self.stepper.start(VirtualExchange, station, self.routing, self.client, self.errands)

    def _stream_start(self, station: Station) -> object:
        market = self.line.market
        ref = self.stepper.start(VirtualStream, station, self.routing, self.errands, market)
        self.streams.append(ref._actor_weakref())
        return ref

    def _crew(self, name: str) -> Crew:
        return Crew(
            names=(name,),
            make=lambda *named: self._make(*named),  # noqa: PLW0108 - tests exchange it
            routing=self.routing,
            journal=lambda: ChaosJournal(self._disk, name, self.full, self._watch),
        )

    def _make(self, name: str, instance: str) -> Role:
        if name == STRATEGY:
            terms = StrategyTerms(cooldown=seconds(1.0))
            return StrategyRole(Fickle(Random(self._random.randrange(2**32))), terms)
        role = self._assembly.make(name, instance)
        if name == SUPERVISION:
            assert isinstance(role, Supervision)
            self.supervision = role
            self._listen(role)
        if name == RISK:
            self.risk = role
        return role

    def _listen(self, role: Supervision) -> None:
        """Tell the watcher of every permit that is issued."""
        handle, watch = role.handle, self._watch

        def listened(message: Message, now: Nanos) -> Sequence[Message]:
            told = handle(message, now)
            for one in told:
                if isinstance(one, m.Permit):
                    watch.permitted(one)
            return told

        role.handle = listened  # type: ignore[method-assign]

    # --- life ------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the main thread would let it go on."""
        return self._directory.ref(SUPERVISION) is not None

    @property
    def healthy(self) -> bool:
        """Armed, every host at work, and the picture of the market fresh."""
        role = self.supervision
        if role is None or not self.alive or role.breaker.state != "ACTIVE":
            return False
        if self.timeless or any(not self._is_replaced(one) for one in self.stepper.frozen.values()):
            return False
        down = set(role.children.quarantined) & LEFT_ALONE
        return self._sees() and all(name in down or role.children.runs(name) for name in self.hosts)

    def _is_replaced(self, host: ChaosHost) -> bool:
        station = host.station
        return not self._directory.is_current(station.name, station.generation)

    def _sees(self) -> bool:
        ticker = self.line.market.ticker
        view = self.risk._views.get(ticker) if self.risk is not None else None
        return view is not None and view.book_fresh

    def generation(self, name: str) -> int:
        entry = self._directory._entries.get(name)
        return entry.generation if entry is not None else 0

    def work_until(self, until: Nanos) -> None:
        """Let time pass here; a process whose timers died only answers what comes."""
        if self.timeless:
            self.clock.advance_to(until)
            self.stepper.run()
        else:
            self.stepper.advance_to(until)
        self.errands.run()
        self.stepper.run()

    def tell(self, name: str, message: Message) -> None:
        self._directory.tell(name, message)

    def deliver(self, message: Message) -> None:
        for target in self.routing.targets(type(message)):
            self._directory.tell(target, message)

    @property
    def stream(self) -> VirtualStream | None:
        """The host of the sockets, while there is one that works."""
        ref = self._directory.ref(STREAM)
        found = ref._actor_weakref() if ref is not None else None
        return found if isinstance(found, VirtualStream) and found._begun else None

    def end(self) -> None:
        """Killed."""
        self.stepper.abandon()


LEFT_ALONE = frozenset({STRATEGY, "dashboard"})
"""Without these the others trade on."""
HOST_NAMES = (RISK, EXECUTION, STRATEGY, FEED, "feed:spot", "dashboard", EXCHANGE, STREAM)
