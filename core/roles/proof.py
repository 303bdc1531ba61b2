"""The proof of a stop: cancelled until the exchange lists nothing that rests, and told so.

A part of the role `supervision`. A stop is asked of the exchange actor; a halt, or a stop while
that host is down or does not prove in time, is asked of the supervisor's own client as well. An
answer counts if it was asked for by this stop or a later one: what was read before proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message


class ProofTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Patience with a stop, in the clock's own time."""

    again: Nanos = seconds(2.0)
    """While orders rest, or nobody knows, they are cancelled again at this interval."""
    directly: Nanos = seconds(0.5)
    """The exchange actor has so long to prove a stop before the supervisor cancels itself."""


class Proof:
    """The last stop, and whether it is proven."""

    def __init__(self, terms: ProofTerms) -> None:
        self._terms = terms
        self._wanted: m.CancelAllOrders | None = None
        self._since = Nanos(0)
        self._again = Nanos(0)
        self._directly: Nanos | None = None
        self.done: m.CancelAllDone | None = None
        """The exchange's word after the last stop; `cancelled` adds up all that it took."""
        self.took = Nanos(0)
        """From the stop to its proof."""
        self.trouble = ""
        """Why there is no proof yet, as far as known."""

    @property
    def proven(self) -> bool:
        """The exchange listed no resting order of ours after the last stop."""
        return self._wanted is None

    def demand(self, reason: str, epoch: int, now: Nanos) -> list[Message]:
        """A stop: cancel all, and prove it."""
        if self._wanted is None:
            self._since = now
            self.done = None
        self._wanted = m.CancelAllOrders(reason=reason, epoch=epoch)
        self._again = Nanos(now + self._terms.again)
        self._directly = Nanos(now + self._terms.directly)
        self.trouble = ""
        return [self._wanted]

    def insist(self) -> list[Message]:
        """Do not wait for the exchange actor."""
        wanted = self._wanted
        self._directly = None
        return [m.CancelDirectly(reason=wanted.reason, epoch=wanted.epoch)] if wanted else []

    def due(self, now: Nanos) -> list[Message]:
        """What is to be tried now, while there is no proof."""
        if self._wanted is None:
            return []
        if now >= self._again:
            self._again = Nanos(now + self._terms.again)
            return [self._wanted, *self.insist()]
        if self._directly is not None and now >= self._directly:
            return self.insist()
        return []

    def answered(self, done: m.CancelAllDone, now: Nanos) -> bool:
        """The exchange's word; whether it is the proof of the last stop."""
        wanted = self._wanted
        if wanted is None or done.epoch < wanted.epoch:
            return False
        before = self.done.cancelled if self.done else 0
        self.done = msgspec.structs.replace(done, cancelled=before + done.cancelled)
        if done.resting:
            self.trouble = f"{done.resting} orders still rest"
            return False
        self._wanted, self.took, self.trouble = None, Nanos(now - self._since), ""
        return True

    def failed(self, failure: m.QueryFailed) -> None:
        """Somebody could not cancel or could not prove; it is tried again."""
        if self._wanted is not None and failure.what == "cancel_all":
            self.trouble = failure.reason
