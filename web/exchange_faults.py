"""Carries out faults at the local exchange: at frames, and at their time (core.exchange.faults)."""

from __future__ import annotations

import logging
import threading
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from core.domain.grid import STRUCTURES
from core.exchange.fault_drift import drifted
from core.exchange.fault_kinds import FRAME_KINDS, FaultKind
from core.exchange.faults import FaultBook
from core.exchange.port import Rejected
from core.units import SECOND, Nanos
from web.exchange_subscriptions import CHANNEL_ERROR, OVERFLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.faults import Armed, Fault
    from core.exchange.replica import Replica
    from core.exchange.scenario import Scenario
    from core.exchange.simulated import SimulatedExchange
    from web.exchange_keys import KeyRing
    from web.exchange_publisher import Publisher
    from web.exchange_subscriptions import StreamClient, Subscription

_log = logging.getLogger(__name__)


class FaultDesk:
    """Does what the book of faults says. Any thread; timed ones under the exchange's lock."""

    def __init__(self, seed: int, ring: KeyRing, publisher: Publisher, replica: Replica) -> None:
        self._replica = replica
        self._usual_lag = replica.lag
        self._book = FaultBook(seed)
        self._lock = threading.Lock()
        self._ring = ring
        self._roster = publisher.roster
        self._publisher = publisher
        self._awake = threading.Event()
        """Set when faults are cleared: slow requests go on."""

    # --- the book

    def add(self, faults: Iterable[Fault], now: Nanos) -> tuple[Armed, ...]:
        """Arm faults. Under the exchange's lock."""
        with self._lock:
            added = tuple(self._book.add(fault, now) for fault in faults)
            self._awake.clear()
            self._watch_frames()
        return added

    def clear(self, fault_id: int | None = None) -> int:
        """Disarm; how many there were. Under the exchange's lock."""
        with self._lock:
            count = self._book.clear(fault_id)
            self._awake.set()
            self._watch_frames()
        if fault_id is None:
            self._ring.offset = self._publisher.offset = Nanos(0)
            self._replica.lag = self._usual_lag
        return count

    def listed(self) -> tuple[dict[str, Any], ...]:
        """All faults and how often each has happened."""
        with self._lock:
            return tuple(_shown(row) for row in self._book.listed())

    def next_due(self) -> Nanos | None:
        """When a timed fault happens next."""
        with self._lock:
            return self._book.next_due()

    def _watch_frames(self) -> None:
        self._roster.tamper = self._tamper if self._book.has(FRAME_KINDS) else None

    # --- requests

    def meets(self, name: str) -> tuple[Fault, ...]:
        """The faults of a request."""
        with self._lock:
            return self._book.request(name)

    def wait(self, seconds: float) -> None:
        """Let a request wait, until faults are cleared."""
        self._awake.wait(seconds)

    # --- frames

    def _tamper(self, subscription: Subscription, data: bytes) -> tuple[bytes, ...]:
        with self._lock:
            faults = self._book.frame(subscription.channel)
        late, subscription.held = subscription.held, None
        pieces: tuple[bytes, ...] = (data,)
        for fault in faults:
            match fault.kind:
                case FaultKind.DROP:
                    pieces = ()
                case FaultKind.DUPLICATE:
                    pieces = pieces * 2
                case FaultKind.REORDER if pieces and late is None:
                    subscription.held, pieces = pieces[0], pieces[1:]
                case FaultKind.DRIFT:
                    pieces = tuple(_drifted_frame(piece, fault) for piece in pieces)
                case _:
                    pass
        return pieces if late is None else (*pieces, late)

    # --- timed

    def act(self, engine: SimulatedExchange, now: Nanos) -> None:
        """Do what is due. Under the exchange's lock."""
        with self._lock:
            ready = self._book.due(now)
        for fault in ready:
            try:
                self._happen(fault, engine, now)
            except Rejected as error:
                _log.warning("fault %s did not happen: %s", fault.kind, error)

    def _happen(self, fault: Fault, engine: SimulatedExchange, now: Nanos) -> None:
        match fault.kind:
            case FaultKind.DISCONNECT | FaultKind.STALL:
                self._silence(fault)
            case FaultKind.OVERFLOW | FaultKind.CHANNEL_ERROR:
                self._break_off(fault)
            case FaultKind.CLOCK_SKEW:
                self._ring.offset = self._publisher.offset = _nanos(fault.offset)
            case FaultKind.PORTFOLIO_LAG:
                self._replica.lag = _nanos(fault.seconds)
            case _:
                _at_the_engine(fault, engine, now)

    def _silence(self, fault: Fault) -> None:
        for client in self._roster:
            if fault.match != "*" and not tuple(_followed(client, fault.match)):
                continue
            if fault.kind is FaultKind.STALL:
                client.outbox.stall(fault.seconds)
            else:
                client.outbox.cut()

    def _break_off(self, fault: Fault) -> None:
        error = OVERFLOW if fault.kind is FaultKind.OVERFLOW else CHANNEL_ERROR
        ms = self._publisher.sending_ms()
        for client in self._roster:
            for subscription in tuple(_followed(client, fault.match)):
                self._roster.break_off(client, subscription, error, ms)


class FaultyScenario:
    """A scenario in which timed faults happen at their time, between its own steps."""

    def __init__(self, scenario: Scenario, engine: SimulatedExchange, desk: FaultDesk) -> None:
        self._scenario = scenario
        self._engine = engine
        self._desk = desk

    def advance(self, now: Nanos) -> None:
        """Drive the engine up to `now`, with what goes wrong until then."""
        while (due := self._desk.next_due()) is not None and due <= now:
            self._scenario.advance(due)
            self._desk.act(self._engine, due)
        self._scenario.advance(now)

    def next_due(self) -> Nanos:
        """When the scenario or a fault next has something to do."""
        due, scheduled = self._desk.next_due(), self._scenario.next_due()
        return scheduled if due is None else min(due, scheduled)


def _at_the_engine(fault: Fault, engine: SimulatedExchange, now: Nanos) -> None:
    """Pauses, and what happens to markets and indices."""
    match fault.kind:
        case FaultKind.LATE_SETTLEMENT:
            engine.delay_settlement(_nanos(fault.seconds), now)
        case FaultKind.INDEX_HOLE:
            for spec in engine.all_series():
                if fnmatchcase(spec.index_id, fault.match):
                    engine.silence_index(spec.index_id, Nanos(now + _nanos(fault.seconds)))
        case FaultKind.FEE_CHANGE:
            engine.announce_fees(fault.fee_change(now), now)
        case FaultKind.PRICE_GRID:
            ranges = STRUCTURES[fault.structure]
            engine.change_grid(fault.match, fault.structure, ranges, now)
        case _:
            _pause(fault, engine, now)


def _pause(fault: Fault, engine: SimulatedExchange, now: Nanos) -> None:
    """A market or a shard; or the end of that."""
    of_a_market = {
        FaultKind.PAUSE_MARKET: engine.pause_market,
        FaultKind.RESUME_MARKET: engine.resume_market,
    }
    if fault.kind in of_a_market:
        of_a_market[fault.kind](fault.match, now)
        return
    pauses = {
        FaultKind.PAUSE_TRADING: engine.pause_trading,
        FaultKind.RESUME_TRADING: engine.resume_trading,
        FaultKind.PAUSE_EXCHANGE: engine.pause_exchange,
        FaultKind.RESUME_EXCHANGE: engine.resume_exchange,
    }
    pauses[fault.kind](fault.shard, now)


def _followed(client: StreamClient, pattern: str) -> Iterable[Subscription]:
    return (sub for sub in client.subscriptions.values() if fnmatchcase(sub.channel, pattern))


def _drifted_frame(data: bytes, fault: Fault) -> bytes:
    """A frame whose `msg` has drifted; the numbers around it are as they were."""
    head, mark, body = data.partition(b',"msg":')
    return head + mark + drifted(body[:-1], fault) + b"}" if mark else data


def _shown(row: Armed) -> dict[str, Any]:
    return {"id": row.id, "fault": row.fault, "seen": row.seen, "done": row.done}


def _nanos(seconds: float) -> Nanos:
    return Nanos(round(seconds * SECOND))
