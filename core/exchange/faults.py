"""What goes wrong at a venue, on purpose: faults by script, each at its occasion or its time.

A script is TOML or JSON: a list of `faults`, each with a `kind` and what that kind needs.

    [[faults]]
    kind = "lost_after"                     # accepted and done, but the answer never comes
    match = "POST /portfolio/events/orders"
    skip = 2                                # the third one
    count = 1                               # and no other; 0 is every one

    [[faults]]
    kind = "drop"                           # a frame of the stream goes missing
    match = "orderbook_delta"
    chance = 0.01
    count = 0

    [[faults]]
    kind = "pause_trading"                  # happens 30 s after the start, for 20 s
    at = 30.0
    seconds = 20.0

Faults of requests are matched against `METHOD /path` (below the API prefix, without query), faults
of frames against the channel; both with `*` as in file names. Timed faults happen `at` seconds
after they were added, `count` times, `every` so many seconds; theirs is the exchange's time. `slow`
and `stall` last `seconds` of the machine. Equal seeds and equal occasions give equal faults.
"""

from __future__ import annotations

import random
import tomllib
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import msgspec

from core.domain.fees import FeeTerms, UnknownFee, trade_fee
from core.domain.grid import STRUCTURES
from core.exchange.fault_kinds import (
    FRAME_KINDS,
    MARKET_KINDS,
    REQUEST_KINDS,
    TIMED_KINDS,
    Change,
    FaultKind,
)
from core.exchange.listing import FeeChange, FeeType
from core.units import SECOND, Nanos, Price, Quantity


class FaultError(ValueError):
    """A script or fault that makes no sense; says where and what would."""


_PAUSES: Final = {
    FaultKind.PAUSE_TRADING: FaultKind.RESUME_TRADING,
    FaultKind.PAUSE_EXCHANGE: FaultKind.RESUME_EXCHANGE,
    FaultKind.PAUSE_MARKET: FaultKind.RESUME_MARKET,
}
_WHOLE_BPS: Final = 10_000
_SERVER_ERRORS: Final = range(500, 600)


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a script; see the module's text."""

    kind: FaultKind
    match: str = "*"
    """Of requests and frames; for timed faults of the stream the channel, for those of a market
    its ticker."""
    skip: int = 0
    count: int = 1
    chance: float = 1.0
    at: float = 0.0
    every: float = 1.0
    seconds: float = 0.0
    offset: float = 0.0
    status: int = 503
    shard: int = 2
    change: Change = Change.ADD
    field: str = "field_of_tomorrow"
    structure: str = "linear_cent"
    fee_type: FeeType = FeeType.QUADRATIC
    multiplier: float = 1.0

    def __post_init__(self) -> None:
        """Raises FaultError."""
        if min(self.skip, self.count, self.at, self.seconds) < 0 or self.every <= 0:
            msg = f"{self.kind}: skip, count, at and seconds cannot be negative, every must be > 0"
            raise FaultError(msg)
        if not 0 < self.chance <= 1:
            msg = f"{self.kind}: chance must be above 0 and at most 1"
            raise FaultError(msg)
        if self.status not in _SERVER_ERRORS:
            msg = f"{self.kind}: status must be 500 to 599; use rate_limited for a 429"
            raise FaultError(msg)
        if self.kind in MARKET_KINDS and set("*?[") & set(self.match):
            msg = f"{self.kind}: match must be the ticker of one market"
            raise FaultError(msg)
        if self.structure not in STRUCTURES:
            msg = f"{self.kind}: structure must be one of {', '.join(sorted(STRUCTURES))}"
            raise FaultError(msg)
        if self.kind is FaultKind.FEE_CHANGE and not self._has_formula():
            msg = f"{self.kind}: fee_type must have a formula, and multiplier be 0 or more"
            raise FaultError(msg)
        if self.kind in TIMED_KINDS and not self.count:
            msg = f"{self.kind}: count must be at least 1"
            raise FaultError(msg)

    def fee_change(self, now: Nanos) -> FeeChange:
        """What is announced at `now`."""
        return FeeChange(
            series_ticker=self.match,
            fee_type=self.fee_type,
            fee_multiplier_bps=round(self.multiplier * _WHOLE_BPS),
            scheduled=Nanos(now + round(self.seconds * SECOND)),
        )

    def _has_formula(self) -> bool:
        change = self.fee_change(Nanos(0))
        terms = FeeTerms(fee_type=change.fee_type, multiplier_bps=change.fee_multiplier_bps)
        try:
            trade_fee(terms, Price(1), Quantity(1), is_taker=True)
        except UnknownFee:
            return False
        return self.multiplier >= 0


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of faults."""

    faults: tuple[Fault, ...]


class Armed(msgspec.Struct, kw_only=True):
    """A fault with what has become of it."""

    id: int
    fault: Fault
    seen: int = 0
    """Occasions that matched."""
    done: int = 0
    """How often it happened."""

    @property
    def is_spent(self) -> bool:
        """Whether it will never happen again."""
        return bool(self.fault.count) and self.done >= self.fault.count


class Due(NamedTuple):
    """A timed fault at its time."""

    at: Nanos
    armed: Armed
    fault: Fault


def read_script(text: bytes, *, is_toml: bool) -> tuple[Fault, ...]:
    """The faults of a script. Raises FaultError that says what is wrong and where."""
    try:
        if is_toml:
            return msgspec.convert(tomllib.loads(text.decode()), Script, strict=True).faults
        return msgspec.json.decode(text, type=Script).faults
    except (ValueError, UnicodeDecodeError) as error:
        msg = f"fault script: {error}"
        raise FaultError(msg) from error


class FaultBook:
    """All armed faults. Pure and not thread-safe: its owner serialises the calls."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._armed: list[Armed] = []
        self._due: list[Due] = []
        self._last_id = 0

    def add(self, fault: Fault, now: Nanos) -> Armed:
        """Arm a fault."""
        self._last_id += 1
        armed = Armed(id=self._last_id, fault=fault)
        self._armed.append(armed)
        if fault.kind in TIMED_KINDS:
            for time in range(fault.count):
                moment = Nanos(now + round((fault.at + time * fault.every) * SECOND))
                self._due.append(Due(moment, armed, fault))
        self._due.sort(key=lambda due: due.at)
        return armed

    def clear(self, fault_id: int | None = None) -> int:
        """Disarm one fault or all; how many there were. A pause still ends at its time."""
        gone = [row for row in self._armed if fault_id in {None, row.id}]
        self._armed = [row for row in self._armed if row not in gone]
        resumes = frozenset(_PAUSES.values())
        self._due = [
            due
            for due in self._due
            if not any(due.armed is row for row in gone)
            or (due.fault is not due.armed.fault and due.fault.kind in resumes)
        ]
        return len(gone)

    def listed(self) -> tuple[Armed, ...]:
        """Every fault since the last clear, spent ones included."""
        return tuple(self._armed)

    def has(self, kinds: frozenset[FaultKind]) -> bool:
        """Whether a fault of one of these kinds can still happen."""
        return any(row.fault.kind in kinds and not row.is_spent for row in self._armed)

    def request(self, name: str) -> tuple[Fault, ...]:
        """What happens to a request, named `METHOD /path`."""
        return self._occasion(name, REQUEST_KINDS)

    def frame(self, channel: str) -> tuple[Fault, ...]:
        """What happens to a frame of a channel."""
        return self._occasion(channel, FRAME_KINDS)

    def due(self, now: Nanos) -> tuple[Fault, ...]:
        """Timed faults up to `now`, in order; a pause puts its own end on the schedule."""
        ready = []
        while self._due and self._due[0].at <= now:
            at, armed, fault = self._due.pop(0)
            armed.done += 1 if fault is armed.fault else 0
            ready.append(fault)
            end = _PAUSES.get(fault.kind)
            if end is not None and fault.seconds:
                until = Nanos(at + round(fault.seconds * SECOND))
                resume = msgspec.structs.replace(fault, kind=end)
                self._due.append(Due(until, armed, resume))
                self._due.sort(key=lambda due: due.at)
        return tuple(ready)

    def next_due(self) -> Nanos | None:
        """When the next timed fault happens."""
        return self._due[0].at if self._due else None

    def _occasion(self, name: str, kinds: frozenset[FaultKind]) -> tuple[Fault, ...]:
        found = []
        for row in self._armed:
            fault = row.fault
            if fault.kind not in kinds or row.is_spent or not fnmatchcase(name, fault.match):
                continue
            row.seen += 1
            if row.seen <= fault.skip:
                continue
            if fault.chance < 1 and self._draw.random() >= fault.chance:
                continue
            row.done += 1
            found.append(fault)
        return tuple(found)
