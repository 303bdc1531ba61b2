"""The role `supervision`: trading state, permits, restart decisions, trips, health.

Permission is a lease: while ACTIVE or REDUCING it is renewed at every tick, and nothing else renews
it. A breach, a trip, a command or an exhausted child ends it and raises the epoch. The role never
touches an actor: it decides, and the supervisor actor that hosts it starts, stops and abandons.

Its parts: `core.domain.breaker` (states and latch), `children` (hosts), `proof` (of a stop),
`sentinel` (signs and trips).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.breaker import Breaker, Cause, TransitionError
from core.domain.fold import StateFolded
from core.domain.permission import LEASED
from core.domain.reconciliation import EVERYWHERE
from core.roles.base import HandlingRole
from core.roles.children import Children, ChildTerms
from core.roles.proof import Proof, ProofTerms
from core.roles.sentinel import OBSERVED, Sentinel, Watched
from core.topology import EXCHANGE, SUPERVISION
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message, TradingState
    from core.roles.base import Handler

_Order = m.ArmTrading | m.DisarmTrading | m.PauseTrading


class SupervisionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Leases and patience, in the clock's own time."""

    auto_arm: bool = True
    """Trade as soon as the books are reconciled, unless an operator's pause, stop or reset is held:
    local and paper. Live waits for its operator."""
    lease: Nanos = seconds(3.0)
    children: ChildTerms = ChildTerms()
    proof: ProofTerms = ProofTerms()
    watched: Watched | None = None
    """None in a backtest: a recording has gaps, and there is no machine to watch."""


class Supervision(HandlingRole):
    """Decides who may trade and who is started again."""

    def __init__(self, terms: SupervisionTerms, name: str = SUPERVISION) -> None:
        self.breaker = Breaker()
        self.children = Children(terms.children, self._halt)
        self.proof = Proof(terms.proof)
        self.refusal = ""
        """Why the last command was refused; empty after one that was obeyed."""
        self.settled_books = False
        """Whether the books were reconciled since this process began."""
        self._terms = terms
        self._sentinel = None if terms.watched is None else Sentinel(terms.watched)
        self._halt_file: str | None = None
        self._went_down_armed = False
        super().__init__(name, self._table())

    def _table(self) -> dict[type[m.Message], Handler]:
        return {
            **dict.fromkeys(OBSERVED, self._observe),
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
            m.HaltFileChanged: self._halt_file_changed,
            m.CancelAllDone: self._answered,
            m.QueryFailed: self._not_answered,
            m.ActorStarted: self.children.started,
            m.ActorFailed: self._failed,
            m.HostPulse: self._pulsed,
            m.ReleaseActor: self._release,
        }

    def apply(self, event: Message) -> None:
        """Fold one journalled event."""
        if isinstance(event, StateFolded):
            self.breaker.load(event.breaker, event.latched, event.held)
        elif isinstance(event, m.TradingStateChanged):
            self.breaker.apply(event)
        if self._sentinel is not None:
            self._sentinel.learn(event)

    # --- trading state -----------------------------------------------------------------------

    def _begin(self, begin: m.Begin, now: Nanos) -> list[Message]:
        del begin
        self.children.begin(now)
        if self._sentinel is not None:
            self._sentinel.begin(now)
        if self.breaker.state == "HALTED":
            # It may have gone down between the halt and its proof.
            return [*self._revoke(now), *self._stop(self.breaker.code, self.breaker.epoch, now)]
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
        return self._end_start(now)

    def _end_start(self, now: Nanos) -> list[Message]:
        """Once the books agree and the clock is right. Nothing is latched: nothing was risked."""
        if self.breaker.state != "STARTING":
            return []
        clock = self._clock(now)
        if clock is not None:
            return [] if clock.code == self.breaker.code else self._change("STARTING", clock, now)
        if not self.settled_books:
            return []
        held = self.breaker.held
        if held is not None:
            cause = Cause(code=held.code, reason=held.reason, by=held.by)
            return self._change(held.state, cause, now)
        arm = self._terms.auto_arm or self._went_down_armed
        state: TradingState = "ACTIVE" if arm else "DISARMED"
        return self._change(
            state, Cause(code="reconciled", reason="books agree", by=self.name), now
        )

    def _breached(self, breach: m.BreachDetected, now: Nanos) -> list[Message]:
        reason = f"{breach.detail}: {breach.value:g} against a limit of {breach.limit:g}"
        cause = Cause(
            code=breach.code,
            reason=reason,
            by=breach.source,
            limit=breach.limit,
            value=breach.value,
        )
        return self._halt(cause, now)

    def _halt(self, cause: Cause, now: Nanos) -> list[Message]:
        """Halt; while halted, another cause is latched beside the first, a known one is no news."""
        if cause.code in self.breaker.latched:
            return []
        change = self._change("HALTED", cause, now)
        return [*change, *self._stop(cause.code, self.breaker.epoch + 1, now)]

    def _stop(self, reason: str, epoch: int, now: Nanos) -> list[Message]:
        return [*self.proof.demand(reason, epoch, now), *self.proof.insist()]

    def _trips(self, now: Nanos) -> list[Message]:
        """The first trip that fires; another one is found again at the next tick."""
        if self._sentinel is None or self.breaker.state not in LEASED:
            return []
        cause = self._sentinel.cause(now)
        return [] if cause is None else self._halt(cause, now)

    def _clock(self, now: Nanos) -> Cause | None:
        return None if self._sentinel is None else self._sentinel.clock(now)

    def _change(self, state: TradingState, cause: Cause, now: Nanos) -> list[Message]:
        change = self.breaker.change(state, cause, now)
        return [change, self._permit(change, now)]

    def _permit(self, change: m.TradingStateChanged, now: Nanos) -> m.Permit:
        lease = now + self._terms.lease if change.state in LEASED else now
        return m.Permit(epoch=change.epoch, state=change.state, expires=Nanos(lease))

    def _revoke(self, now: Nanos) -> list[Message]:
        return [m.Permit(epoch=self.breaker.epoch, state=self.breaker.state, expires=now)]

    # --- commands ----------------------------------------------------------------------------

    def _arm(self, command: m.ArmTrading, now: Nanos) -> list[Message]:
        if not self.settled_books:
            self.refusal = "the books are not reconciled with the exchange yet: try again shortly"
            return []
        if self.children.down:
            self.refusal = f"{', '.join(self.children.down)} not running: wait, or release"
            return []
        clock = self._clock(now)
        if clock is not None:
            self.refusal = clock.reason
            return []
        return self._obey("ACTIVE", "armed", command, now)

    def _disarm(self, command: m.DisarmTrading, now: Nanos) -> list[Message]:
        """Also while halted: that stays, and is proven once more."""
        self.refusal = ""
        halted = self.breaker.state == "HALTED"
        changed = [] if halted else self._obey("DISARMED", command.code, command, now)
        epoch = self.breaker.epoch + bool(changed)
        return [*changed, *self._ask_to_cancel("disarmed", epoch, now)]

    def _pause(self, command: m.PauseTrading, now: Nanos) -> list[Message]:
        return self._obey("REDUCING", "paused", command, now)

    def _halt_commanded(self, command: m.HaltTrading, now: Nanos) -> list[Message]:
        self.refusal = ""
        halted = self._halt(Cause(code=command.code, reason=command.reason, by=command.by), now)
        return halted or self._stop("halted", self.breaker.epoch, now)

    def _reset(self, command: m.ResetBreaker, now: Nanos) -> list[Message]:
        if not command.reason.strip():
            self.refusal = "a reset needs a reason"
            return []
        if self._halt_file is not None:
            self.refusal = "the HALT file still stands there: remove it first"
            return []
        cause = Cause(code="reset", reason=command.reason, by=command.by)
        try:
            change = self.breaker.reset(cause, now)
        except TransitionError as refusal:
            self.refusal = str(refusal)
            return []
        self.refusal = ""
        return [change, self._permit(change, now), *self.children.pardon()]

    def _cancel_commanded(self, command: m.CancelEverything, now: Nanos) -> list[Message]:
        self.refusal = ""
        return self._ask_to_cancel(command.reason, self.breaker.epoch, now)

    def _obey(self, state: TradingState, code: str, command: _Order, now: Nanos) -> list[Message]:
        self.refusal = ""
        if state == self.breaker.state:
            return []
        cause = Cause(code=code, reason=command.reason, by=command.by)
        try:
            return self._change(state, cause, now)
        except TransitionError as refusal:
            self.refusal = str(refusal)
            return []

    def _halt_file_changed(self, change: m.HaltFileChanged, now: Nanos) -> list[Message]:
        self._halt_file = change.text if change.present else None
        if not change.present:
            return []
        reason = change.text or "the file stands there"
        return self._halt(Cause(code="halt_file", reason=reason, by="HALT file"), now)

    # --- the proof of a stop -----------------------------------------------------------------

    def _ask_to_cancel(self, reason: str, epoch: int, now: Nanos) -> list[Message]:
        """The exchange actor cancels; where it is down, the supervisor does."""
        asked = self.proof.demand(reason, epoch, now)
        return asked if self.children.runs(EXCHANGE) else [*asked, *self.proof.insist()]

    def _answered(self, done: m.CancelAllDone, now: Nanos) -> list[Message]:
        self.proof.answered(done, now)
        return []

    def _not_answered(self, failure: m.QueryFailed, now: Nanos) -> list[Message]:
        del now
        self.proof.failed(failure)
        return []

    # --- time, hosts, signs --------------------------------------------------------------------

    def _tick(self, tick: m.Tick, now: Nanos) -> list[Message]:
        del tick
        out: list[Message] = []
        epoch, state = self.breaker.epoch, self.breaker.state
        if state in LEASED:
            out.append(m.Permit(epoch=epoch, state=state, expires=Nanos(now + self._terms.lease)))
        out += self.proof.due(now)
        out += self.children.tick(now)
        return out + self._trips(now) + self._end_start(now)

    def _failed(self, failure: m.ActorFailed, now: Nanos) -> list[Message]:
        if self._sentinel is not None:
            self._sentinel.lost(failure.actor)
        return self.children.failed(failure, now)

    def _pulsed(self, pulse: m.HostPulse, now: Nanos) -> list[Message]:
        if self.children.pulsed(pulse, now) and self._sentinel is not None:
            self._sentinel.pulse(pulse)
        return []

    def _release(self, command: m.ReleaseActor, now: Nanos) -> list[Message]:
        released, self.refusal = self.children.release(command, now)
        return released

    def _observe(self, message: Message, now: Nanos) -> list[Message]:
        if self._sentinel is not None:
            self._sentinel.observers[type(message)](message, now)
        return []
