"""The faults of the chaos: what is done to whom, how long it may take.

Each also says which halts would be the right answer to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from actors.outside import ThreadFailed
from core import messages as m
from core.topology import EXCHANGE, EXECUTION, RISK, STREAM, SUPERVISION
from core.units import MILLISECOND, SECOND
from tests.recovery.chaos_process import HOST_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.recovery.chaos_floor import Floor
    from tests.recovery.chaos_process import Process

_EVERYWHERE: Final = frozenset(
    {"restarts_exhausted", "index_missing", "inbox_age", "unknown_order", "feed_silent"}
)
"""Halts that may follow of any fault that comes after others."""
_SEEN_SECONDS: Final = 3.0


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do to one host, thread or socket."""

    kind: str
    host: str
    within: float
    """Seconds of the clock after which it must be over."""
    codes: frozenset[str] = frozenset()
    """Halts that are the right answer, beside those that always may be."""


def _faults() -> tuple[Fault, ...]:
    found = []
    for host in HOST_NAMES:
        for kind, within in (("kill", 30.0), ("hang", 35.0), ("slow", 15.0), ("poison", 60.0)):
            codes = frozenset({"poison_message"}) if kind == "poison" else frozenset()
            found.append(Fault(kind=kind, host=host, within=within, codes=codes))
    found += [Fault(kind="thread", host=host, within=12.0) for host in (EXCHANGE, STREAM)]
    for host in (RISK, EXECUTION, SUPERVISION):
        codes = frozenset({"journal_failed", "halt_file"})
        found.append(Fault(kind="journal", host=host, within=30.0, codes=codes))
    return (
        *found,
        Fault(kind="hang", host=SUPERVISION, within=30.0),
        Fault(kind="kill", host=SUPERVISION, within=30.0),
        Fault(kind="crash", host="process", within=30.0),
        Fault(kind="timeless", host="timers", within=40.0),
        Fault(kind="drop", host="socket", within=15.0),
        Fault(kind="stall", host="socket", within=60.0),
        Fault(kind="bad_line", host="exchange", within=60.0),
        Fault(kind="file", host="halt file", within=10.0, codes=frozenset({"halt_file"})),
        Fault(kind="halt", host="operator", within=10.0, codes=frozenset({"operator"})),
    )


FAULTS: Final = _faults()


class Hurt:
    """Inflicts faults on a floor, and holds it to its time."""

    def __init__(self, floor: Floor, recovered: list[float], halts: dict[str, int]) -> None:
        self._floor = floor
        self._recovered = recovered
        self._halts = halts

    def inflict(self, fault: Fault) -> None:
        """Do it, wait until it is over, let the operator do his part, and trade a little."""
        floor = self._floor
        floor.faults += 1
        began = floor.now
        act: Callable[[Fault], None] = getattr(self, f"_{fault.kind}")
        act(fault)
        over = floor.until(lambda: floor.healthy or floor.explained, fault.within)
        name = f"{fault.kind} {fault.host}"
        if not over:
            floor.watch.violated(f"{name}: not over after {fault.within:g} s: {self._why()}")
            return
        self._recovered.append(max(0, floor.hurt_until - began) / MILLISECOND)
        if floor.explained:
            self._judge(fault, name)
            floor.operate()
        self._release()
        self._arm(name)
        floor.live(floor.random.uniform(0.5, 4.0))

    def _release(self) -> None:
        """Start again what was left down; the operator's hand."""
        process = self._floor.process
        role = process.supervision if process is not None else None
        if process is None or role is None or not role.children.quarantined:
            return
        process.stepper.to_poison.clear()
        for name in role.children.quarantined:
            process.tell(SUPERVISION, m.ReleaseActor(actor=name, by="chaos", reason="mended"))
        self._floor.live(1.0)

    def _judge(self, fault: Fault, name: str) -> None:
        """Whether that halt was called for."""
        role = self._floor.process.supervision if self._floor.process else None
        assert role is not None
        for code, change in role.breaker.latched.items():
            self._halts[code] = self._halts.get(code, 0) + 1
            if code not in fault.codes | _EVERYWHERE:
                self._floor.watch.violated(f"{name}: halted by {code}: {change.reason}")

    def _arm(self, name: str) -> None:
        """After a halt: it must be possible to trade again."""
        floor = self._floor

        def armed() -> bool:
            if floor.state == "DISARMED":
                floor.deliver(m.ArmTrading(by="chaos", reason="go on"))
            if floor.process is None:
                floor.start_process()
            elif floor.explained:
                floor.operate()
            return floor.healthy

        if not floor.until(armed, 60.0):
            floor.watch.violated(f"{name}: does not trade again: {self._why()}")

    def _why(self) -> str:
        floor = self._floor
        role = floor.process.supervision if floor.process else None
        if floor.process is None or role is None:
            return "no process"
        hosts = {n: c.state for n, c in role.children._children.items() if c.state != "running"}
        return (
            f"{floor.state}, hosts {hosts}, sees {floor.process._sees()}, "
            f"frozen {sorted(floor.process.stepper.frozen)}, refusal {role.refusal!r}, "
            f"proof {role.proof.trouble!r}"
        )

    @property
    def _process(self) -> Process:
        process = self._floor.process
        assert process is not None
        return process

    # --- hosts -----------------------------------------------------------------------------------

    def _kill(self, fault: Fault) -> None:
        before = self._process.generation(fault.host)
        self._process.stepper.to_kill.add(fault.host)
        if fault.host == SUPERVISION:
            self._floor.until(lambda: self._floor.process is None, 5.0)
            self._come_back()
        else:
            self._floor.live(0.5)
            if fault.host in self._process.stepper.to_kill:  # nothing came that could kill it
                self._process.tell(fault.host, m.Tick(due=self._floor.now))
            self._until_replaced(fault.host, before, 5.0)

    def _thread(self, fault: Fault) -> None:
        """A worker's or a reader's thread hits a defect: its owner falls with it."""
        before = self._process.generation(fault.host)
        self._process.tell(fault.host, ThreadFailed(error="chaos"))
        self._until_replaced(fault.host, before, 5.0)

    def _hang(self, fault: Fault) -> None:
        floor, stepper = self._floor, self._process.stepper
        before = self._process.generation(fault.host)
        stepper.to_freeze.add(fault.host)
        floor.until(lambda: fault.host in stepper.frozen, 5.0)
        if fault.host == SUPERVISION:
            floor.live(floor.random.uniform(3.5, 8.0))  # permits end by themselves
            floor.end_process()
            self._come_back()
            return
        hung = floor.now
        self._until_replaced(fault.host, before, _SEEN_SECONDS + 1.0)
        if (floor.now - hung) / SECOND > _SEEN_SECONDS + 0.5:
            floor.watch.violated(f"hang {fault.host}: not seen within {_SEEN_SECONDS:g} s")
        floor.live(floor.random.uniform(0.0, 3.0))
        stepper.let_go(fault.host)  # the old one wakes, and must do no harm

    def _slow(self, fault: Fault) -> None:
        """It stops now and then, never for as long as its policy would bear."""
        floor, process = self._floor, self._process
        before = process.generation(fault.host)
        for _ in range(3):
            process.stepper.to_freeze.add(fault.host)
            floor.live(floor.random.uniform(0.2, 1.2))
            process.stepper.let_go(fault.host)
            floor.live(0.4)
        if process.generation(fault.host) != before and floor.process is process:
            floor.watch.violated(f"slow {fault.host}: replaced though it answered in time")

    def _poison(self, fault: Fault) -> None:
        """The same message comes until it is set aside; then it must do no harm."""
        floor, process = self._floor, self._process
        stepper, host = process.stepper, fault.host
        stepper.to_find[host] = []
        floor.until(lambda: bool(stepper.to_find[host]), 8.0)
        found = stepper.to_find.pop(host)
        if not found:
            return
        deadly = found[0]
        for _ in range(2):
            before = process.generation(host)
            floor.until(lambda: process.generation(host) > 0, 8.0)
            if process.generation(host):
                before = process.generation(host)
                process.tell(host, deadly)
                floor.until(lambda b=before: process.generation(host) != b, 3.0)
        if not floor.until(lambda: process.generation(host) > 0, 10.0):
            return
        before = process.generation(host)
        process.tell(host, deadly)
        floor.live(1.0)
        if floor.process is process and process.generation(host) != before:
            floor.watch.violated(f"poison {host}: {type(deadly).__name__} killed a third time")

    def _until_replaced(self, host: str, before: int, seconds: float) -> None:
        process = self._process
        self._floor.until(
            lambda: process.generation(host) != before or self._floor.process is not process,
            seconds,
        )

    # --- the process -----------------------------------------------------------------------------

    def _come_back(self) -> None:
        """The service manager starts it again."""
        floor = self._floor
        floor.end_process()
        floor.live(floor.random.choice((0.5, 2.0, 10.0)))
        floor.start_process()

    def _crash(self, fault: Fault) -> None:
        del fault
        self._come_back()

    def _timeless(self, fault: Fault) -> None:
        """The timers' thread dies: no renewals, no heartbeats; the main thread gives up."""
        del fault
        self._process.timeless = True
        self._floor.live(6.0)
        self._come_back()

    def _journal(self, fault: Fault) -> None:
        floor = self._floor
        self._process.full.add(fault.host)
        if fault.host != SUPERVISION:
            if not floor.until(lambda: floor.state == "HALTED", 20.0):
                self._process.full.clear()  # it had nothing to write
            return
        floor.deliver(m.PauseTrading(by="chaos", reason="write something"))
        floor.until(lambda: floor.process is None, 5.0)
        self._come_back()

    # --- outside ---------------------------------------------------------------------------------

    def _drop(self, fault: Fault) -> None:
        del fault
        stream = self._process.stream
        if stream is not None:
            stream.drop("chaos")
        self._floor.live(0.3)

    def _stall(self, fault: Fault) -> None:
        """The connection stands and says nothing."""
        del fault
        floor = self._floor
        floor.stalled = True
        floor.live(floor.random.choice((2.0, 8.0, 40.0)))
        floor.stalled = False

    def _bad_line(self, fault: Fault) -> None:
        """Lost answers, late arrivals, frames lost and doubled; it gets better later."""
        del fault
        floor = self._floor
        faults, drawn = floor.line.faults, floor.random
        names = [n for n in faults.__struct_fields__ if n not in ("count", "lag_seconds")]
        for name in names:
            setattr(faults, name, drawn.uniform(0.0, 0.3))
        floor.live(15.0)
        for name in names:
            setattr(faults, name, 0.0)
        floor.live(5.0)

    def _file(self, fault: Fault) -> None:
        del fault
        self._process.halt_file.write("chaos")
        self._floor.until(lambda: self._floor.state == "HALTED", 3.0)

    def _halt(self, fault: Fault) -> None:
        del fault
        self._floor.deliver(m.HaltTrading(by="chaos", reason="drill", code="operator"))
        self._floor.until(lambda: self._floor.state == "HALTED", 3.0)
