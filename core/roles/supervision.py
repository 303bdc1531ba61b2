"""The role `supervision`: trading state, permits, restart decisions, health.

Permission to trade is a lease: while ACTIVE it is renewed at every tick, and nothing else renews
it. A breach, a command or an exhausted child ends it and raises the epoch. The role never touches
an actor: it decides, and the supervisor actor that hosts it starts, stops and abandons.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.breaker import Breaker, Cause, TransitionError
from core.domain.fold import StateFolded
from core.domain.reconciliation import EVERYWHERE
from core.domain.restarts import Exhausted, RestartHistory
from core.journal import JournalError
from core.roles.base import HandlingRole
from core.topology import SPECS, SUPERVISION, kind_of
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message, TradingState


class SupervisionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Leases and patience, in the clock's own time."""

    children: tuple[str, ...] = ()
    """Hosts that are watched; none in a backtest."""
    auto_arm: bool = True
    """Trade as soon as the books are reconciled: local and paper. Live waits for its operator."""
    lease: Nanos = seconds(3.0)
    silence: Nanos = seconds(3.0)
    """A host that has not answered a heartbeat for this long has failed."""
    warm_up: Nanos = seconds(10.0)
    """A host that has just been told to start may stay silent for this long."""
    prove_again: Nanos = seconds(2.0)
    """While orders rest after a stop, they are cancelled again at this interval."""
    seed: int = 0


class Child(msgspec.Struct, kw_only=True):
    """What is known of one host. Mutable, inside this role only."""

    history: RestartHistory
    state: str = "starting"
    generation: int = 0
    silent_since: Nanos = Nanos(0)
    depth: int = 0
    handled: int = 0
    error: str = ""


class Supervision(HandlingRole):
    """Decides who may trade and who is started again."""

    def __init__(self, terms: SupervisionTerms, name: str = SUPERVISION) -> None:
        super().__init__(
            name,
            {
                m.Begin: self._begin,
                m.Tick: self._tick,
                m.Reconciled: self._reconciled,
                m.BreachDetected: self._breached,
                m.ArmTrading: self._arm,
                m.DisarmTrading: self._disarm,
                m.PauseTrading: self._pause,
                m.HaltTrading: self._halt_commanded,
                m.ResetBreaker: self._reset,
                m.CancelEverything: self._cancel_commanded,
                m.CancelAllDone: self._proven,
                m.ActorStarted: self._started,
                m.ActorFailed: self._failed,
                m.HostPulse: self._pulse,
            },
        )
        self.breaker = Breaker()
        self.children: dict[str, Child] = {
            child: Child(history=RestartHistory(SPECS[kind_of(child)].restart))
            for child in terms.children
        }
        self.refusal = ""
        """Why the last command was refused; empty after one that was obeyed."""
        self.settled_books = False
        """Whether the books were reconciled since this process began."""
        self.proof: m.CancelAllDone | None = None
        """The exchange's word after the last stop: what was cancelled, what rests."""
        self._terms = terms
        self._random = Random(terms.seed)
        self._cancel_due: Nanos | None = None
        self._went_down_armed = False

    def apply(self, event: Message) -> None:
        """Fold one journalled event."""
        change = event.breaker if isinstance(event, StateFolded) else event
        if isinstance(change, m.TradingStateChanged):
            self.breaker.apply(change)

    # --- trading state -----------------------------------------------------------------------

    def _begin(self, begin: m.Begin, now: Nanos) -> list[Message]:
        del begin
        for child in self.children.values():
            child.silent_since = now
        if self.breaker.state == "HALTED":
            return self._revoke(now)
        # An orderly stop disarms first, so ACTIVE here means a crash: it must not need a hand.
        self._went_down_armed = self.breaker.state == "ACTIVE"
        cause = Cause(code="started", reason="the process began", by=self.name)
        return self._change("STARTING", cause, now)

    def _reconciled(self, report: m.Reconciled, now: Nanos) -> list[Message]:
        halting = [d for d in report.differences if d.what in EVERYWHERE]
        if halting:
            first = halting[0]
            reason = f"{first.what} {first.key}: ours {first.ours}, theirs {first.theirs}"
            return self._halt(Cause(code="books_differ", reason=reason, by=self.name), now)
        if not report.complete:
            return []
        self.settled_books = True
        if self.breaker.state != "STARTING":
            return []
        arm = self._terms.auto_arm or self._went_down_armed
        state: TradingState = "ACTIVE" if arm else "DISARMED"
        return self._change(
            state, Cause(code="reconciled", reason="books agree", by=self.name), now
        )

    def _breached(self, breach: m.BreachDetected, now: Nanos) -> list[Message]:
        reason = f"{breach.detail}: {breach.value:g} against a limit of {breach.limit:g}"
        return self._halt(Cause(code=breach.code, reason=reason, by=breach.source), now)

    def _halt_commanded(self, command: m.HaltTrading, now: Nanos) -> list[Message]:
        self.refusal = ""
        return self._halt(Cause(code=command.code, reason=command.reason, by=command.by), now)

    def _halt(self, cause: Cause, now: Nanos) -> list[Message]:
        if self.breaker.state == "HALTED":
            return self._cancel_everything(now, "halted")
        return [*self._change("HALTED", cause, now), *self._cancel_everything(now, cause.code)]

    def _arm(self, command: m.ArmTrading, now: Nanos) -> list[Message]:
        if not self.settled_books:
            self.refusal = "the books are not reconciled with the exchange yet: try again shortly"
            return []
        return self._command("ACTIVE", command, now)

    def _disarm(self, command: m.DisarmTrading, now: Nanos) -> list[Message]:
        """Also the way to stop: it cancels in any state, and leaves a halt latched."""
        self.refusal = ""
        changed = [] if self.breaker.state == "HALTED" else self._command("DISARMED", command, now)
        return [*changed, *self._cancel_everything(now, "disarmed")]

    def _pause(self, command: m.PauseTrading, now: Nanos) -> list[Message]:
        return self._command("REDUCING", command, now)

    def _reset(self, command: m.ResetBreaker, now: Nanos) -> list[Message]:
        if not command.reason.strip():
            self.refusal = "a reset needs a reason"
            return []
        cause = Cause(code="command", reason=command.reason, by=command.by)
        try:
            change = self.breaker.reset(cause, now)
        except TransitionError as refusal:
            self.refusal = str(refusal)
            return []
        self.refusal = ""
        return [change, self._permit(change, now)]

    def _command(
        self,
        state: TradingState,
        command: m.ArmTrading | m.DisarmTrading | m.PauseTrading,
        now: Nanos,
    ) -> list[Message]:
        self.refusal = ""
        if state == self.breaker.state:
            return []
        cause = Cause(code="command", reason=command.reason, by=command.by)
        try:
            return self._change(state, cause, now)
        except TransitionError as refusal:
            self.refusal = str(refusal)
            return []

    def _change(self, state: TradingState, cause: Cause, now: Nanos) -> list[Message]:
        change = self.breaker.change(state, cause, now)
        return [change, self._permit(change, now)]

    def _permit(self, change: m.TradingStateChanged, now: Nanos) -> m.Permit:
        lease = now + self._terms.lease if change.state == "ACTIVE" else now
        return m.Permit(epoch=change.epoch, state=change.state, expires=Nanos(lease))

    def _revoke(self, now: Nanos) -> list[Message]:
        return [m.Permit(epoch=self.breaker.epoch, state=self.breaker.state, expires=now)]

    def _cancel_everything(self, now: Nanos, reason: str) -> list[Message]:
        self._cancel_due = Nanos(now + self._terms.prove_again)
        return [m.CancelAllOrders(reason=reason)]

    def _cancel_commanded(self, command: m.CancelEverything, now: Nanos) -> list[Message]:
        self.refusal = ""
        return self._cancel_everything(now, command.reason)

    def _proven(self, proof: m.CancelAllDone, now: Nanos) -> list[Message]:
        del now
        self.proof = proof
        self._cancel_due = self._cancel_due if proof.resting else None
        return []

    @property
    def nothing_rests(self) -> bool:
        """The last stop was proven: the exchange listed no resting order of ours."""
        return self._cancel_due is None

    # --- time --------------------------------------------------------------------------------

    def _tick(self, tick: m.Tick, now: Nanos) -> list[Message]:
        del tick
        out: list[Message] = []
        if self.breaker.state == "ACTIVE":
            expires = Nanos(now + self._terms.lease)
            out.append(m.Permit(epoch=self.breaker.epoch, state="ACTIVE", expires=expires))
        if self._cancel_due is not None and now >= self._cancel_due:
            out += self._cancel_everything(now, "still resting")
        for name, child in self.children.items():
            if child.state == "running" and now - child.silent_since > self._terms.silence:
                out += self._lost(name, child, "no answer to the heartbeat", now)
            elif child.state in ("starting", "restarting") and (
                now - child.silent_since > self._terms.warm_up
            ):
                out += self._lost(name, child, "did not start in time", now)
            out.append(self._health(name, child, now))
        return out

    # --- life and death ----------------------------------------------------------------------

    def _started(self, started: m.ActorStarted, now: Nanos) -> list[Message]:
        child = self.children.get(started.actor)
        if child is None:
            return []
        child.state, child.generation, child.silent_since = "running", started.generation, now
        return [self._health(started.actor, child, now)]

    def _pulse(self, pulse: m.HostPulse, now: Nanos) -> list[Message]:
        child = self.children.get(pulse.actor)
        if child is not None and pulse.generation == child.generation:
            child.silent_since = now
            child.depth, child.handled = pulse.depth, pulse.handled
        return []

    def _failed(self, failure: m.ActorFailed, now: Nanos) -> list[Message]:
        child = self.children.get(failure.actor)
        if child is None or failure.generation < child.generation or child.state == "quarantined":
            return []
        out = self._lost(failure.actor, child, failure.error, now)
        halting = any(isinstance(message, m.TradingStateChanged) for message in out)
        if failure.cause != JournalError.__name__ or halting:
            return out
        # Who cannot write cannot trade: a restart would only find the same disk.
        reason = f"{failure.actor}: {failure.error}"
        cause = Cause(code="journal_failed", reason=reason, by=self.name)
        return [*self._halt(cause, now), *out]

    def _lost(self, name: str, child: Child, error: str, now: Nanos) -> list[Message]:
        child.error = error
        delay = child.history.next_delay(now, self._random)
        if delay is not None:
            return self._restart(name, child, delay, now)
        policy = child.history.policy
        out: list[Message] = []
        if policy.exhausted is not Exhausted.QUARANTINE:
            reason = f"{name} failed {policy.most + 1} times: {error}"
            out += self._halt(Cause(code="restarts_exhausted", reason=reason, by=self.name), now)
        if policy.exhausted is Exhausted.HALT_AND_RETRY:
            return [*out, *self._restart(name, child, policy.retry_every, now)]
        child.state = "quarantined"
        return [*out, m.QuarantineActor(actor=name, reason=error), self._health(name, child, now)]

    def _restart(self, name: str, child: Child, delay: Nanos, now: Nanos) -> list[Message]:
        child.state = "restarting"
        child.silent_since = Nanos(now + delay)
        return [m.RestartActor(actor=name, delay=delay), self._health(name, child, now)]

    def _health(self, name: str, child: Child, now: Nanos) -> m.ActorHealth:
        return m.ActorHealth(
            actor=name,
            state=child.state,
            generation=child.generation,
            restarts=child.history.total,
            depth=child.depth,
            handled=child.handled,
            age_ns=max(0, now - child.silent_since),
            error=child.error,
            ts=now,
        )
