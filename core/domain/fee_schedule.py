"""Which fee terms hold for an event at a time: the series', its changes, the event's own.

A series has terms; changes of them are announced with the time from which they hold; an event may
override type, multiplier or both; a market may be free of fees until a time (kalshi.md 7.1). All of
it is immutable: a new announcement gives a new schedule.
"""

from __future__ import annotations

import msgspec

from core.domain.fees import FeeTerms
from core.exchange.listing import FeeType
from core.units import Nanos

_FREE_BPS = 0


class FeeChange(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of a series from a time on."""

    starts: Nanos
    fee_type: FeeType
    multiplier_bps: int


class FeeOverride(msgspec.Struct, frozen=True, kw_only=True):
    """What one event has instead of its series' terms; None: as the series."""

    fee_type: FeeType | None = None
    multiplier_bps: int | None = None


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of one series and of its events. `base` carries the account's roundings."""

    base: FeeTerms
    """Terms before the first change."""
    changes: tuple[FeeChange, ...] = ()
    """By time; of two for one time the later announced counts."""
    overrides: dict[str, FeeOverride] = {}
    """By event ticker."""
    free_until: dict[str, Nanos] = {}
    """By event ticker: no fees before that time."""

    def with_change(self, change: FeeChange) -> FeeSchedule:
        """The schedule after an announced change; one for the same time replaces it."""
        kept = [known for known in self.changes if known.starts != change.starts]
        ordered = sorted([*kept, change], key=lambda known: known.starts)
        return msgspec.structs.replace(self, changes=tuple(ordered))

    def with_override(self, event: str, override: FeeOverride) -> FeeSchedule:
        """The schedule after an event was given terms of its own, or lost them."""
        rest = {name: known for name, known in self.overrides.items() if name != event}
        if override != FeeOverride():
            rest[event] = override
        return msgspec.structs.replace(self, overrides=rest)

    def with_waiver(self, event: str, until: Nanos) -> FeeSchedule:
        """The schedule after an event was made free of fees until a time."""
        return msgspec.structs.replace(self, free_until={**self.free_until, event: until})

    def terms_at(self, event: str, now: Nanos) -> FeeTerms:
        """What a fill in this event at `now` is charged by."""
        terms = self.base
        for change in self.changes:
            if change.starts <= now:
                terms = _with(terms, change.fee_type, change.multiplier_bps)
        override = self.overrides.get(event, FeeOverride())
        terms = _with(terms, override.fee_type, override.multiplier_bps)
        if now < self.free_until.get(event, 0):
            terms = _with(terms, None, _FREE_BPS)
        return terms

    def worst_until(self, event: str, now: Nanos, until: Nanos) -> FeeTerms:
        """The dearest terms that hold at some time from `now` to `until`, for orders that rest.

        Dearest for a taker: by multiplier; a schedule that is no formula is dearer than all.
        """
        times = [now, *(change.starts for change in self.changes)]
        waived = self.free_until.get(event)
        times += [] if waived is None else [waived]
        candidates = [self.terms_at(event, at) for at in times if now <= at <= until]
        return max(candidates, key=_dearness)


def _with(terms: FeeTerms, fee_type: FeeType | None, multiplier_bps: int | None) -> FeeTerms:
    return msgspec.structs.replace(
        terms,
        fee_type=terms.fee_type if fee_type is None else fee_type,
        multiplier_bps=terms.multiplier_bps if multiplier_bps is None else multiplier_bps,
    )


def _dearness(terms: FeeTerms) -> tuple[bool, int]:
    return terms.fee_type is FeeType.FLAT, terms.multiplier_bps
