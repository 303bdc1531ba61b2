"""Protections: pauses after losses, each with its look-back, its lock and its list.

| protection | locks | when, among the markets settled within its look-back |
|---|---|---|
| `loss_burst` | everything | so many in a row lost money |
| `stop_guard` | the series | so many lost nearly all that they cost |
| `low_profit` | the series | at least so many, and together they earned less than wanted |

The state is a fold over the journal. What was settled before a lock was set or cleared does not
count for the next one, so a cleared lock does not come back by itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.windows import TickerError, window_of
from core.messages import EVERYTHING
from core.messages.base import Part
from core.units import MINUTE, Money, Nanos, dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.domain.ledger import Ledger
    from core.messages import Message

_KEPT: Final = 1_000
"""Settled markets remembered: more than any look-back of a day holds."""
_NEVER: Final = Nanos(-1)


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """One protection's settings; durations of the market."""

    trades: int = 0
    """How many markets; 0 switches it off."""
    look_back: Nanos = Nanos(0)
    lock: Nanos = Nanos(0)


class ProtectionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """All of them. The default is none."""

    loss_burst: Protection = Protection()
    stop_guard: Protection = Protection()
    stop_share: float = 0.9
    """A market that lost this share of its cost or more was a stop."""
    low_profit: Protection = Protection()
    least_profit: float = 0.0
    """Over cost: what `low_profit` wants."""


class Closed(Part, frozen=True, kw_only=True):
    """A settled market."""

    series: str
    cost: Money
    """Of all that was bought there, also of what was sold before."""
    profit: Money
    """After fees, with what was earned by selling before."""
    ts: Nanos


class ProtectionState(Part, frozen=True, kw_only=True):
    """For a snapshot of the journal."""

    closed: tuple[Closed, ...] = ()
    locks: tuple[m.LockSet, ...] = ()
    since: tuple[tuple[str, Nanos], ...] = ()


class Protections:
    """What was settled, and which locks hold. Belongs to the risk role, its only writer."""

    def __init__(self) -> None:
        self._closed: deque[Closed] = deque(maxlen=_KEPT)
        self._locks: dict[str, m.LockSet] = {}
        self._since: dict[str, Nanos] = {}

    # --- the fold --------------------------------------------------------------------------------

    def apply(self, event: Message, ledger: Ledger) -> None:
        """Take an event; `ledger` as it was before that event."""
        match event:
            case m.PositionSettled():
                self._settled(event, ledger)
            case m.LockSet():
                self._locks[event.name] = event
                self._since[event.name] = event.ts
            case m.LockCleared():
                self._locks.pop(event.name, None)
                self._since[event.name] = event.ts
            case _:
                pass

    def _settled(self, event: m.PositionSettled, ledger: Ledger) -> None:
        if event.number != ledger.settlements(event.ticker):
            return  # booked already
        held = ledger.position(event.ticker)
        profit = Money(held.realized + event.payout - held.cost - held.fees)
        self._closed.append(
            Closed(
                series=_series(event), cost=max(held.cost, held.bought), profit=profit, ts=event.ts
            )
        )

    def dump(self) -> ProtectionState:
        """Everything that the fold has come to."""
        return ProtectionState(
            closed=tuple(self._closed),
            locks=tuple(self._locks.values()),
            since=tuple(self._since.items()),
        )

    def load(self, state: ProtectionState) -> None:
        """The inverse of `dump`, in place of what was here."""
        self._closed = deque(state.closed, maxlen=_KEPT)
        self._locks = {lock.name: lock for lock in state.locks}
        self._since = dict(state.since)

    # --- questions -------------------------------------------------------------------------------

    def active(self, now: Nanos) -> tuple[m.LockSet, ...]:
        """Locks that hold now, the oldest first."""
        return tuple(lock for lock in self._locks.values() if now < lock.until)

    def due(self, terms: ProtectionTerms, now: Nanos) -> list[m.LockSet]:
        """Locks that are to be set now."""
        found = [self._burst(terms, now)]
        for series in dict.fromkeys(closed.series for closed in self._closed):
            found += [self._stops(terms, series, now), self._profit(terms, series, now)]
        return [lock for lock in found if lock is not None]

    def _burst(self, terms: ProtectionTerms, now: Nanos) -> m.LockSet | None:
        rule = terms.loss_burst
        seen = self._recent("loss_burst", EVERYTHING, rule, now)
        row = 0
        for closed in reversed(seen):
            if closed.profit >= 0:
                break
            row += 1
        if not rule.trades or row < rule.trades:
            return None
        reason = f"{row} markets in a row lost money"
        return _lock("loss_burst", EVERYTHING, rule, (rule.trades, row, reason), now)

    def _stops(self, terms: ProtectionTerms, series: str, now: Nanos) -> m.LockSet | None:
        rule = terms.stop_guard
        stops = [
            closed
            for closed in self._recent("stop_guard", series, rule, now)
            if closed.cost > 0 and -closed.profit >= terms.stop_share * closed.cost
        ]
        if not rule.trades or len(stops) < rule.trades:
            return None
        reason = f"{len(stops)} markets lost {terms.stop_share:.0%} of their cost or more"
        return _lock("stop_guard", series, rule, (rule.trades, len(stops), reason), now)

    def _profit(self, terms: ProtectionTerms, series: str, now: Nanos) -> m.LockSet | None:
        rule = terms.low_profit
        seen = self._recent("low_profit", series, rule, now)
        cost = sum(closed.cost for closed in seen)
        if not rule.trades or len(seen) < rule.trades or cost <= 0:
            return None
        profit = Money(sum(closed.profit for closed in seen))
        earned = profit / cost
        if earned >= terms.least_profit:
            return None
        reason = f"{len(seen)} markets earned ${dollars(profit):.2f}, {earned:.1%} of their cost"
        return _lock("low_profit", series, rule, (terms.least_profit, earned, reason), now)

    def _recent(self, protection: str, scope: str, rule: Protection, now: Nanos) -> list[Closed]:
        """What counts: within the look-back, after its last lock, and none while one holds."""
        name = f"{protection}:{scope}"
        held = self._locks.get(name)
        if not rule.trades or (held is not None and now < held.until):
            return []
        since = self._since.get(name, _NEVER)
        return [
            closed
            for closed in self._closed
            if scope in (EVERYTHING, closed.series)
            and closed.ts > since
            and now - closed.ts <= rule.look_back
        ]


def holding(locks: Sequence[m.LockSet], series: str) -> m.LockSet | None:
    """The lock that keeps a series from taking new risk, the one that lasts longest."""
    found = [lock for lock in locks if lock.scope in (EVERYTHING, series)]
    return max(found, key=lambda lock: lock.until, default=None)


def minutes(count: float) -> Nanos:
    """So many minutes of the market."""
    return Nanos(round(count * MINUTE))


def _lock(
    protection: str, scope: str, rule: Protection, told: tuple[float, float, str], now: Nanos
) -> m.LockSet:
    limit, value, reason = told
    return m.LockSet(
        protection=protection,
        scope=scope,
        until=Nanos(now + rule.lock),
        limit=limit,
        value=value,
        reason=reason,
        ts=now,
    )


def _series(event: m.PositionSettled) -> str:
    try:
        return window_of(event.ticker, event.ts).series
    except TickerError:
        return event.ticker
