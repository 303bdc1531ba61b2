"""The hosts under supervision: who is alive, who is started again, who is left down.

A part of the role `supervision`. It decides; the supervisor actor starts, stops and abandons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.breaker import Cause
from core.domain.restarts import Exhausted, RestartHistory
from core.topology import (
    EXCHANGE,
    EXECUTION,
    HOT_HOST,
    PAPER,
    RISK,
    SPECS,
    SUPERVISION,
    TIMERS,
    kind_of,
)
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message

MONEY: Final = frozenset({RISK, EXECUTION, EXCHANGE, PAPER, HOT_HOST})
"""Hosts without which nothing may be traded."""
JOURNAL_FAILED: Final = "JournalError"
_KILLS: Final = 2
"""So often the same message brings its host down before it is set aside."""
_REMEMBERED: Final = 64
"""Killing messages remembered for each host."""

Halt = Callable[[Cause, Nanos], Sequence[m.Message]]


class ChildTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Who is watched, and with how much patience, in the clock's own time."""

    names: tuple[str, ...] = ()
    """Hosts that are watched; none in a backtest."""
    silence: Nanos = seconds(2.0)
    """A host that has not answered a heartbeat for this long has failed."""
    warm_up: Nanos = seconds(10.0)
    """A host that has just been told to start may stay silent for this long."""
    stall: Nanos = seconds(1.0)
    """Between two ticks; what is longer was no host's fault, and is forgiven to all."""
    speed: float = 1.0
    """Of the clock: restart policies are durations of the machine."""
    seed: int = 0


class Child(msgspec.Struct, kw_only=True):
    """What is known of one host. Mutable, inside the role only."""

    history: RestartHistory
    state: str = "starting"
    generation: int = 0
    silent_since: Nanos = Nanos(0)
    pulse: m.HostPulse | None = None
    error: str = ""
    kills: Counter[str] = msgspec.field(default_factory=Counter)
    """How often each message brought it down, by fingerprint."""


class Children:
    """Owned by the role. `halt` is called where a host's failure ends trading."""

    def __init__(self, terms: ChildTerms, halt: Halt) -> None:
        self._children = {name: Child(history=_record(name, terms)) for name in terms.names}
        self._terms = terms
        self._halt = halt
        self._random = Random(terms.seed)
        self._ticked: Nanos | None = None

    def begin(self, now: Nanos) -> None:
        """Every host is being started."""
        for child in self._children.values():
            child.silent_since = now

    def runs(self, name: str) -> bool:
        """Whether a host is known to run; one that is not watched counts as running."""
        child = self._children.get(name)
        return child is None or child.state == "running"

    @property
    def down(self) -> tuple[str, ...]:
        """Hosts of money that do not run."""
        return tuple(
            name
            for name, child in self._children.items()
            if kind_of(name) in MONEY and child.state != "running"
        )

    @property
    def quarantined(self) -> tuple[str, ...]:
        """Hosts that wait for their operator."""
        return tuple(n for n, child in self._children.items() if child.state == "quarantined")

    # --- news ------------------------------------------------------------------------------------

    def started(self, news: m.ActorStarted, now: Nanos) -> list[Message]:
        """A host runs."""
        child = self._children.get(news.actor)
        if child is None or news.generation < child.generation or child.state == "quarantined":
            return []
        child.state, child.generation, child.silent_since = "running", news.generation, now
        child.pulse = None
        return [self._health(news.actor, child, now)]

    def pulsed(self, pulse: m.HostPulse, now: Nanos) -> bool:
        """A host answered; False where it is not the one that should."""
        child = self._children.get(pulse.actor)
        if child is None or pulse.generation != child.generation:
            return False
        child.silent_since = now
        child.pulse = pulse
        return True

    def failed(self, failure: m.ActorFailed, now: Nanos) -> list[Message]:
        """A host died. One of a generation that was replaced already is no news."""
        if failure.actor == TIMERS:
            return [*self._halt(_cause("timers_failed", failure.error), now)]
        child = self._children.get(failure.actor)
        if child is None or failure.generation < child.generation or child.state == "quarantined":
            return []
        if child.state == "restarting" and failure.generation == child.generation:
            return self._poison(child, failure, now)  # replaced already: this says what it hung on
        child.generation = failure.generation
        out = self._poison(child, failure, now)
        if failure.cause == JOURNAL_FAILED:
            out = [*self._halt(_cause("journal_failed", f"{failure.actor}: {failure.error}"), now)]
        return [*out, *self._lost(failure.actor, failure, now)]

    def release(self, command: m.ReleaseActor, now: Nanos) -> tuple[list[Message], str]:
        """Start a quarantined host with a clean record; else why not."""
        child = self._children.get(command.actor)
        if child is None:
            known = ", ".join(self._children)
            return [], f"no host {command.actor!r}; there are: {known}"
        if child.state != "quarantined":
            return [], f"{command.actor} is {child.state}, not quarantined"
        total = child.history.total
        child.history = _record(command.actor, self._terms)
        child.history.total = total
        readmitted = self._readmit(command.actor, child)
        return [*readmitted, *self._restart(command.actor, child, Nanos(0), now)], ""

    def pardon(self) -> list[Message]:
        """After a reset, what was set aside is let in again: its cause has been looked into."""
        return [
            told for name, child in self._children.items() for told in self._readmit(name, child)
        ]

    @staticmethod
    def _readmit(name: str, child: Child) -> list[Message]:
        aside = any(count >= _KILLS for count in child.kills.values())
        child.kills.clear()
        return [m.ReadmitMessages(actor=name)] if aside else []

    # --- time ------------------------------------------------------------------------------------

    def tick(self, now: Nanos) -> list[Message]:
        """Hosts that fell silent, and the health of all."""
        self._forgive(now)
        out: list[Message] = []
        for name, child in self._children.items():
            silence = now - child.silent_since
            if child.state == "running" and silence > self._terms.silence:
                out += self._silent(name, child, "no answer to the heartbeat", now)
            elif child.state in ("starting", "restarting") and silence > self._terms.warm_up:
                out += self._silent(name, child, "did not start in time", now)
            out.append(self._health(name, child, now))
        return out

    def _forgive(self, now: Nanos) -> None:
        """Where even the supervisor's own time stood still, nobody could answer."""
        stalled = now - self._ticked - self._terms.stall if self._ticked is not None else 0
        self._ticked = now
        if stalled > 0:
            for child in self._children.values():
                child.silent_since = Nanos(min(now, child.silent_since + stalled))

    # --- what follows ----------------------------------------------------------------------------

    def _silent(self, name: str, child: Child, error: str, now: Nanos) -> list[Message]:
        lost = m.ActorFailed(actor=name, generation=child.generation, error=error, ts=now)
        return self._lost(name, lost, now)

    def _poison(self, child: Child, failure: m.ActorFailed, now: Nanos) -> list[Message]:
        """The same message killed twice: nobody is handed it again, and it is reported."""
        if not failure.fingerprint or failure.cause == JOURNAL_FAILED:
            return []
        child.kills[failure.fingerprint] += 1
        while len(child.kills) > _REMEMBERED:
            del child.kills[next(iter(child.kills))]
        if child.kills[failure.fingerprint] != _KILLS:
            return []
        aside = m.MessageSetAside(
            actor=failure.actor,
            fingerprint=failure.fingerprint,
            content=failure.content,
            error=failure.error,
            ts=now,
        )
        if kind_of(failure.actor) not in MONEY:
            return [aside]
        reason = f"{failure.actor} fell twice of {failure.content}: {failure.error}"
        return [aside, *self._halt(_cause("poison_message", reason), now)]

    def _lost(self, name: str, failure: m.ActorFailed, now: Nanos) -> list[Message]:
        child = self._children[name]
        child.error = failure.error
        delay = child.history.next_delay(now, self._random)
        if delay is not None:
            return self._restart(name, child, delay, now)
        policy = child.history.policy
        out: list[Message] = []
        if policy.exhausted is not Exhausted.QUARANTINE:
            reason = f"{name} failed {policy.most + 1} times: {failure.error}"
            out += self._halt(_cause("restarts_exhausted", reason), now)
        if policy.exhausted is Exhausted.HALT_AND_RETRY:
            return [*out, *self._restart(name, child, policy.retry_every, now)]
        child.state = "quarantined"
        quarantine = m.QuarantineActor(actor=name, reason=failure.error)
        return [*out, quarantine, self._health(name, child, now)]

    def _restart(self, name: str, child: Child, delay: Nanos, now: Nanos) -> list[Message]:
        child.state = "restarting"
        child.silent_since = Nanos(now + delay)
        return [m.RestartActor(actor=name, delay=delay), self._health(name, child, now)]

    def _health(self, name: str, child: Child, now: Nanos) -> m.ActorHealth:
        pulse = child.pulse
        return m.ActorHealth(
            actor=name,
            state=child.state,
            generation=child.generation,
            restarts=child.history.total,
            depth=pulse.depth if pulse else 0,
            handled=pulse.handled if pulse else 0,
            age_ns=max(0, now - child.silent_since),
            error=child.error,
            oldest_ns=pulse.oldest_ns if pulse else 0,
            p50_ns=pulse.p50_ns if pulse else 0,
            p99_ns=pulse.p99_ns if pulse else 0,
            ts=now,
        )


def _record(name: str, terms: ChildTerms) -> RestartHistory:
    return RestartHistory(SPECS[kind_of(name)].restart.at_speed(terms.speed))


def _cause(code: str, reason: str) -> Cause:
    return Cause(code=code, reason=reason, by=SUPERVISION)
