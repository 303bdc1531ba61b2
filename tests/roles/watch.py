"""A supervision role on a bench: a journal behind it, and time that a test moves."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from core import messages as m
from core.domain.series import SOURCES
from core.domain.trips import TripLimits
from core.journal import MemoryJournal
from core.roles.children import ChildTerms
from core.roles.sentinel import Watched
from core.roles.supervision import Supervision, SupervisionTerms
from core.runner import Runner
from core.topology import SUPERVISION, Routing
from core.units import Nanos, seconds
from tests.builders import NOW

M = TypeVar("M", bound=m.Message)
CHILDREN: Final = ("risk", "execution", "exchange", "strategy:a", "feed:market", "dashboard")
AGREED: Final = m.Reconciled(complete=True, differences=(), foreign=0, ts=NOW)
BREACH: Final = m.BreachDetected(
    code="drawdown_breaker", limit=0.15, value=0.2, detail="fell", source="risk", ts=NOW
)
RESET: Final = m.ResetBreaker(by="ann", reason="looked into it")
LIMITS: Final = TripLimits(
    feed_silent=seconds(30),
    sources_disagree_bps=50,
    sources_disagree=seconds(10),
    index_missing=seconds(5),
    unknown_order=seconds(60),
    rejects_in_a_row=5,
    unparsed_frames=4,
    unparsed_span=seconds(60),
    clock_skew=seconds(1),
    skew_span=seconds(60),
    inbox_age=seconds(3),
    memory=2_000_000_000,
    disk_free=200_000_000,
)
WATCHED: Final = Watched(
    limits=LIMITS,
    sources=(SOURCES["KXSOL15M"],),
    money_hosts=frozenset({"risk", "execution", "exchange"}),
)


class Watch:
    """A supervision role on a runner with a journal."""

    def __init__(self, *events: m.Message, **terms: object) -> None:
        self.journal = MemoryJournal(events=events)
        children = ChildTerms(names=CHILDREN, silence=seconds(2), stall=seconds(10))
        made = SupervisionTerms(children=children, watched=WATCHED)
        self.role = Supervision(msgspec.structs.replace(made, **terms))
        names = (SUPERVISION, "execution", "exchange", "supervisor", "dashboard")
        self.runner = Runner({SUPERVISION: self.role}, Routing(names), self.journal)
        self.runner.recover()
        self.now = NOW

    def tell(self, *messages: m.Message) -> list[m.Message]:
        """What leaves because of these messages, each once."""
        left: dict[int, m.Message] = {}
        for message in messages:
            for _, answer in self.runner.run(SUPERVISION, message, self.now):
                left[id(answer)] = answer
        return list(left.values())

    def later(self, after: float) -> None:
        """Let time pass."""
        self.now = Nanos(self.now + seconds(after))

    def tick(self, after: float) -> list[m.Message]:
        """Let time pass, then tick."""
        self.later(after)
        return self.tell(m.Tick(due=self.now))

    def start_all(self) -> None:
        """Every host runs, generation 1."""
        self.tell(*(started(child) for child in CHILDREN))

    def prove(self, **changes: object) -> list[m.Message]:
        """The exchange's word on the last stop."""
        done = m.CancelAllDone(
            cancelled=0, resting=0, reason="x", epoch=self.role.breaker.epoch, ts_recv=self.now
        )
        return self.tell(msgspec.structs.replace(done, **changes))

    @property
    def state(self) -> str:
        """The trading state."""
        return self.role.breaker.state

    @property
    def code(self) -> str:
        """Why."""
        return self.role.breaker.code


def of(messages: list[m.Message], kind: type[M]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]


def trading(**terms: object) -> Watch:
    watch = Watch(**terms)
    watch.tell(m.Begin(recovered=0))
    watch.start_all()
    watch.tell(AGREED)
    return watch


def failed(actor: str, generation: int = 1, **changes: object) -> m.ActorFailed:
    made = m.ActorFailed(actor=actor, generation=generation, error="KeyError: x", ts=NOW)
    return msgspec.structs.replace(made, **changes)


def started(actor: str, generation: int = 1) -> m.ActorStarted:
    return m.ActorStarted(actor=actor, generation=generation, recovered=0, ts=NOW)


def pulse(actor: str, generation: int = 1, **changes: object) -> m.HostPulse:
    made = m.HostPulse(
        actor=actor,
        generation=generation,
        sent=NOW,
        depth=0,
        handled=1,
        oldest_ns=0,
        busiest_ns=0,
        ts=NOW,
    )
    return msgspec.structs.replace(made, **changes)
