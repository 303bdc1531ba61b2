"""Trips: conditions of the system itself that halt trading, each with its limit.

A trip is one small function of the signs; it fires when its value reaches its limit. Money has
breakers of its own (`core.domain.picture`); what arrives as an event (books that differ, a fee that
is not the model's, a journal that cannot be written, restarts used up) needs no watching.
"""

from __future__ import annotations

from typing import Final

import msgspec

from core.units import SECOND, Money, Nanos

MEGABYTE: Final = 1_000_000


class TripLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Where each trip fires. Durations are in the clock's own time, but for `inbox_age`."""

    feed_silent: Nanos
    sources_disagree_bps: float
    sources_disagree: Nanos
    """For so long the sources must disagree."""
    index_missing: Nanos
    unknown_order: Nanos
    rejects_in_a_row: int
    unparsed_frames: int
    unparsed_span: Nanos
    """So many frames within this time."""
    clock_skew: Nanos
    skew_span: Nanos
    """Over which arrivals are compared: one late frame is no skew."""
    inbox_age: Nanos
    """In nanoseconds of the machine: mailboxes measure on its monotonic clock."""
    memory: int
    """Bytes that the process may hold."""
    disk_free: int
    """Bytes that must stay free where the state is written."""


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of the system at one moment."""

    exposure: Money = Money(0)
    """At risk in positions and orders."""
    feed_age: Nanos = Nanos(0)
    """Age of the newest market data, by their own time."""
    feed: str = ""
    """Which stream that is."""
    disagreement_bps: float = 0.0
    """Between the sources that agree least, now."""
    disagreement: Nanos = Nanos(0)
    """For how long it has been at its limit."""
    index_age: Nanos | None = None
    """Of the settlement index of a market that is held and in its final minute; else None."""
    unknown_age: Nanos = Nanos(0)
    """Of the order whose outcome has been unknown for longest."""
    unknown: str = ""
    rejects: int = 0
    """Orders refused by the exchange since the last that it took."""
    unparsed: int = 0
    """Frames that could not be read, within the span of the limit."""
    skew: Nanos = Nanos(0)
    """Between our clock and the exchange's, as far as arrivals tell; behind it is negative."""
    inbox_age: Nanos = Nanos(0)
    """Longest wait of a message in the mailbox of a host of money."""
    inbox: str = ""
    memory: int = 0
    disk_free: int | None = None
    """None before it was measured."""


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """What fired: a documented code, the limit, the value that reached it, what it is about."""

    code: str
    limit: float
    value: float
    detail: str


def feed_silent(signs: Signs, limits: TripLimits) -> Trip | None:
    """`feed_silent`: money is at risk and nobody tells what it is worth."""
    if not signs.exposure or signs.feed_age < limits.feed_silent:
        return None
    return _aged("feed_silent", limits.feed_silent, signs.feed_age, f"{signs.feed} while exposed")


def sources_disagree(signs: Signs, limits: TripLimits) -> Trip | None:
    """`sources_disagree`: spot venues, or they and the index, tell different prices for long."""
    if signs.disagreement < limits.sources_disagree:
        return None
    value = signs.disagreement_bps
    if value < limits.sources_disagree_bps:
        return None
    detail = f"basis points, for {signs.disagreement / SECOND:.1f} s"
    return Trip(
        code="sources_disagree", limit=limits.sources_disagree_bps, value=value, detail=detail
    )


def index_missing(signs: Signs, limits: TripLimits) -> Trip | None:
    """`index_missing`: the prints that settle a held market do not come."""
    if signs.index_age is None or signs.index_age < limits.index_missing:
        return None
    detail = "the settlement index, in the final minute while exposed"
    return _aged("index_missing", limits.index_missing, signs.index_age, detail)


def unknown_order(signs: Signs, limits: TripLimits) -> Trip | None:
    """`unknown_order`: asking has not told for long whether an order exists."""
    if signs.unknown_age < limits.unknown_order:
        return None
    return _aged("unknown_order", limits.unknown_order, signs.unknown_age, signs.unknown)


def rejects_in_a_row(signs: Signs, limits: TripLimits) -> Trip | None:
    """`rejects_in_a_row`: the exchange refuses order after order: something is misunderstood."""
    if signs.rejects < limits.rejects_in_a_row:
        return None
    return Trip(
        code="rejects_in_a_row",
        limit=limits.rejects_in_a_row,
        value=signs.rejects,
        detail="orders refused by the exchange, none taken in between",
    )


def unparsed_frames(signs: Signs, limits: TripLimits) -> Trip | None:
    """`unparsed_frames`: the exchange speaks in a way that is not understood."""
    if signs.unparsed < limits.unparsed_frames:
        return None
    return Trip(
        code="unparsed_frames",
        limit=limits.unparsed_frames,
        value=signs.unparsed,
        detail=f"frames that could not be read within {limits.unparsed_span / SECOND:g} s",
    )


def clock_skew(signs: Signs, limits: TripLimits) -> Trip | None:
    """`clock_skew`: our clock is not the exchange's; every age is wrong by that much."""
    if abs(signs.skew) < limits.clock_skew:
        return None
    side = "behind" if signs.skew < 0 else "ahead of"
    detail = f"our clock is {side} the exchange's (set it: timedatectl set-ntp true)"
    return _aged("clock_skew", limits.clock_skew, Nanos(abs(signs.skew)), detail)


def inbox_age(signs: Signs, limits: TripLimits) -> Trip | None:
    """`inbox_age`: news of money waited too long before they were read."""
    if signs.inbox_age < limits.inbox_age:
        return None
    return _aged("inbox_age", limits.inbox_age, signs.inbox_age, f"in the mailbox of {signs.inbox}")


def memory_bound(signs: Signs, limits: TripLimits) -> Trip | None:
    """`memory`: the process holds more than it may."""
    if signs.memory < limits.memory:
        return None
    limit, value = limits.memory / MEGABYTE, signs.memory / MEGABYTE
    return Trip(code="memory", limit=limit, value=value, detail="megabytes held")


def disk_bound(signs: Signs, limits: TripLimits) -> Trip | None:
    """`disk`: the journal will soon find no room."""
    if signs.disk_free is None or signs.disk_free > limits.disk_free:
        return None
    limit, value = limits.disk_free / MEGABYTE, signs.disk_free / MEGABYTE
    return Trip(code="disk", limit=limit, value=value, detail="megabytes left on the disk")


TRIPS: Final = (
    feed_silent,
    sources_disagree,
    index_missing,
    unknown_order,
    rejects_in_a_row,
    unparsed_frames,
    clock_skew,
    inbox_age,
    memory_bound,
    disk_bound,
)


def tripped(signs: Signs, limits: TripLimits) -> list[Trip]:
    """Every trip that fires, in the order of `TRIPS`."""
    return [trip for check in TRIPS if (trip := check(signs, limits)) is not None]


def _aged(code: str, limit: Nanos, value: Nanos, detail: str) -> Trip:
    return Trip(code=code, limit=limit / SECOND, value=value / SECOND, detail=f"seconds, {detail}")
