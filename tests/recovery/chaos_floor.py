"""The floor of the chaos: a market, a process that is started again, an operator, a watcher.

A run takes every kind of fault to every host, thread and socket in turn, in an order and at moments
that its seed draws. After each fault the daemon gets the time that its policies allow. It must then
trade again, or be halted with a reason, nothing resting; the operator then mends the cause, resets
and arms, and it must trade.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from config.settings import Settings
from core import messages as m
from core.exchange.records import OrderStatus
from core.journal import MemoryJournal
from core.units import INDEX_DOLLAR, MILLISECOND, ONE_DOLLAR, SECOND, IndexValue, Money, Nanos
from tests.recovery.chaos_process import Process
from tests.recovery.chaos_venue import AuditedLine
from tests.recovery.chaos_watch import Watch
from tests.recovery.market import ACCOUNT, Faults, Market, own_frames, result_of

if TYPE_CHECKING:
    from core.exchange.engine_events import EngineEvent

TICK: Final = Nanos(50 * MILLISECOND)
STEP: Final = 5
"""Ticks of the market's quarter second."""
LIMITS: Final = {"max_total_exposure": 500, "max_position_size": 400}
_MARGIN: Final = Money(2 * ONE_DOLLAR)
"""For fees, which the exchange does not count as cost."""
_INDEX: Final = 150 * INDEX_DOLLAR


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one run is set up; the rest is drawn."""

    seed: int
    folder: Path
    sabotage: Callable[[Process], None] | None = None
    """Applied to each process as it starts: plants a defect, for the harness to find."""
    settings: dict[str, object] = msgspec.field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    """Only faults of these kinds; all where it is empty."""


class Floor:
    """Advance it with `live`; hurt it with what `chaos` has."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.random = Random(plan.seed)
        self.market = Market(Random(self.random.randrange(2**32)))
        self.line = AuditedLine(self.market, Faults())
        self.disk = MemoryJournal("chaos1")
        exposed = Money(LIMITS["max_total_exposure"] * ONE_DOLLAR + _MARGIN)
        self.watch = Watch(
            self.market, exposed, Money(LIMITS["max_position_size"] * ONE_DOLLAR + _MARGIN)
        )
        self.line.audit = self.watch.order_leaves
        given = {**LIMITS, "kelly_fraction": 1.0, "state_dir": plan.folder, **plan.settings}
        self.settings = Settings(**given)  # type: ignore[arg-type]
        self.settings.halt_path.parent.mkdir(parents=True, exist_ok=True)
        self.settings.halt_path.unlink(missing_ok=True)
        self.process: Process | None = None
        self.restarts = 0
        self.stalled = False
        self.faults = 0
        self.hurt_until = self.market.clock.now()
        """When it was last seen neither to trade nor to be halted with a reason."""
        self._ticks = 0
        for _ in range(self.random.randrange(3_000)):
            self._pass_market()  # the run begins somewhere in a window
        self.start_process()

    # --- the process -----------------------------------------------------------------------------

    def start_process(self) -> None:
        """As the service manager does."""
        drawn = Random(self.random.randrange(2**32))
        self.process = Process(self.settings, self.line, self.disk, self.watch, drawn)
        if self._plan.sabotage is not None:
            self._plan.sabotage(self.process)
        self.restarts += 1

    def end_process(self) -> None:
        """Killed, whatever it was doing."""
        if self.process is not None:
            self.process.end()
            self.process = None

    @property
    def now(self) -> Nanos:
        return self.market.clock.now()

    @property
    def healthy(self) -> bool:
        return self.process is not None and self.process.healthy

    @property
    def state(self) -> str:
        """As the journal has it."""
        return self.watch.state.state if self.watch.state else "STARTING"

    @property
    def explained(self) -> bool:
        """Halted for a reason, and that stop proven: it waits for its operator."""
        role = self.process.supervision if self.process is not None else None
        if role is None or self.process is None or not self.process.alive:
            return False
        resting = self.market.account.orders(status=OrderStatus.RESTING)
        return role.breaker.state == "HALTED" and role.proof.proven and not resting

    # --- time ------------------------------------------------------------------------------------

    def live(self, seconds: float) -> None:
        """Let so much time pass."""
        for _ in range(max(1, int(seconds * SECOND / TICK))):
            self.tick()

    def until(self, wanted: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until something holds; False where it does not in time."""
        for _ in range(int(seconds * SECOND / TICK)):
            if wanted():
                return True
            self.tick()
        return wanted()

    def tick(self) -> None:
        """A twentieth of a second, then a look at everything that must hold."""
        until = Nanos(self.now + TICK)
        if self.process is not None:
            self.process.work_until(until)
            if not self.process.alive:
                self.end_process()  # the main thread has seen it
        self._ticks += 1
        if not (self.healthy or self.explained):
            self.hurt_until = self.now
        if self._ticks % STEP:
            self.market.clock.advance_to(max(until, self.now))
            return
        self._tell(self._pass_market(until))
        self.watch.look()

    def _pass_market(self, until: Nanos | None = None) -> list[EngineEvent]:
        to = until if until is not None else Nanos(self.now + STEP * TICK)
        events = list(self.market.advance(to))
        self.line.photograph()
        return events

    def _tell(self, events: list[EngineEvent]) -> None:
        stream = self.process.stream if self.process is not None else None
        for one in self.process.streams if self.process is not None else ():
            if one.socket is not None and one.is_fenced():
                one.drop("its owner was replaced")
        if self.process is None or stream is None or self.stalled:
            return
        for frame in own_frames(iter(events)):
            stream.hear(frame, self.line.faults)
        for event in events:
            found = result_of(event)
            if found is not None:
                stream.tell(
                    m.MarketDetermined(
                        ticker=found[0],
                        result=found[1],
                        value=None,
                        ts_event=self.now,
                        ts_recv=self.now,
                    )
                )
        if self._ticks % (4 * STEP) == 0:
            value = IndexValue(_INDEX + self.random.randrange(-200, 200))
            print_ = m.IndexPrint(
                index_id="SOLUSD_RTI", value=value, ts_event=self.now, ts_recv=self.now
            )
            stream.tell(print_)
        stream.show_books()

    # --- the operator ----------------------------------------------------------------------------

    def operate(self) -> None:
        """Look at a halt, mend its cause, reset, arm."""
        process = self.process
        assert process is not None
        process.full.clear()
        process.stepper.to_poison.clear()
        process.stepper.to_find.clear()
        self.settings.halt_path.unlink(missing_ok=True)
        self.live(1.5)
        process = self.process
        if process is None or process.supervision is None:
            return
        for name in process.supervision.children.quarantined:
            process.tell("supervision", m.ReleaseActor(actor=name, by="chaos", reason="mended"))
        self.live(1.0)
        self.deliver(m.ResetBreaker(by="chaos", reason="looked into it"))

    def deliver(self, command: m.Message) -> None:
        """A command to the supervisor."""
        if self.process is not None:
            self.process.tell("supervision", command)

    def books_differ(self) -> str:
        """What the two sides' books differ in; "" where they agree."""
        risk = self.process.risk if self.process is not None else None
        if risk is None:
            return "no books"
        ledger, theirs = risk.ledger, self.market.engine.books(ACCOUNT)
        ours = {t: held.quantity for t, held in ledger.positions.items() if held.quantity}
        found = []
        if ledger.cash != theirs.cash:
            found.append(f"cash {ledger.cash} and {theirs.cash}")
        if ours != {t: q for t, q in dict(theirs.positions).items() if q}:
            found.append(f"positions {ours} and {theirs.positions}")
        if ledger.reservations:
            found.append(f"reserved for {sorted(ledger.reservations)}")
        return "; ".join(found)
