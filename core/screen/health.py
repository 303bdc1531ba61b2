"""The health board: every actor, every stream, and the rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.screen.scale import rfc3339
from core.screen.system_rows import FeedRow, HealthRow, LimitRow
from core.screen.topics import TOPICS
from core.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

_ACTORS: Final = TOPICS["health"].keep
_STREAMS: Final = TOPICS["feed"].keep


class HealthPanel:
    """Rows `health`, `feed` and `limit`.

    Actors live in the machine's time, streams and limits in the clock's.
    """

    def __init__(self, speed: float, fresh: Nanos) -> None:
        self._pace = max(1.0, speed)
        self._fresh = fresh
        self.actors: dict[str, HealthRow] = {}
        self.streams: dict[str, FeedRow] = {}
        self.limits: dict[str, LimitRow] = {}
        self._told: dict[str, m.ActorHealth] = {}
        self._dirty_actors: dict[str, None] = {}
        self._dirty_streams: dict[str, None] = {}
        self._dirty_limits: dict[str, None] = {}
        self.facts: Facts = {}
        self.listeners: Listeners = {
            m.ActorHealth: self._health,
            m.FeedHealth: self._feed,
            m.StreamChanged: self._stream,
            m.RequestGauge: self._gauge,
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Actors, then streams, then limits that changed."""
        del now
        for actor in self._dirty_actors:
            if actor in self.actors:
                yield "health", self.actors[actor]
        for stream in self._dirty_streams:
            if stream in self.streams:
                yield "feed", self.streams[stream]
        for bucket in self._dirty_limits:
            yield "limit", self.limits[bucket]
        self._dirty_actors.clear()
        self._dirty_streams.clear()
        self._dirty_limits.clear()

    def _health(self, health: m.ActorHealth, now: Nanos) -> None:
        del now
        before = self._told.get(health.actor)
        self._told[health.actor] = health
        self.actors[health.actor] = HealthRow(
            actor=health.actor,
            state=health.state,
            generation=health.generation,
            restarts=health.restarts,
            depth=health.depth,
            handled=health.handled,
            rate=self._rate(before, health),
            age=round(health.age_ns / self._pace / SECOND, 3),
            wait_ms=_milliseconds(health.oldest_ns),
            p50_ms=_milliseconds(health.p50_ns),
            p99_ms=_milliseconds(health.p99_ns),
            error=health.error,
            at=rfc3339(health.ts),
        )
        self._dirty_actors[health.actor] = None
        while len(self.actors) > _ACTORS:
            oldest = next(iter(self.actors))
            del self.actors[oldest], self._told[oldest]

    def _feed(self, health: m.FeedHealth, now: Nanos) -> None:
        del now
        known = self.streams.get(health.stream)
        self._put(
            FeedRow(
                stream=health.stream,
                state=health.state,
                conn=health.conn,
                gaps=health.gaps,
                skipped=health.skipped,
                reconnects=health.reconnects,
                age=round(health.age_ns / SECOND, 3),
                stale=health.state == "open" and health.age_ns > self._fresh,
                reason=known.reason if known and health.state != "open" else "",
                at=rfc3339(health.ts),
            )
        )

    def _stream(self, change: m.StreamChanged, now: Nanos) -> None:
        known = self.streams.get(change.stream) or FeedRow(
            stream=change.stream,
            state=change.state,
            conn=change.conn,
            gaps=0,
            skipped=0,
            reconnects=0,
            age=0.0,
            stale=False,
            reason="",
            at=rfc3339(now),
        )
        self._put(
            msgspec.structs.replace(
                known,
                state=change.state,
                conn=change.conn,
                stale=False,
                reason="" if change.state == "open" else change.reason,
                at=rfc3339(now),
            )
        )

    def _gauge(self, gauge: m.RequestGauge, now: Nanos) -> None:
        """Rows in which nothing but the time is new are not sent again."""
        for level in gauge.buckets:
            known = self.limits.get(level.bucket)
            row = LimitRow(
                bucket=level.bucket,
                tokens=level.tokens,
                capacity=level.capacity,
                refill=level.refill,
                paused=round(level.paused_ns / SECOND, 3),
                tier=gauge.tier,
                waiting=gauge.waiting,
                refused=gauge.refused,
                at=rfc3339(now),
            )
            if known is None or msgspec.structs.replace(known, at=row.at) != row:
                self.limits[level.bucket] = row
                self._dirty_limits[level.bucket] = None

    def _put(self, row: FeedRow) -> None:
        self.streams[row.stream] = row
        self._dirty_streams[row.stream] = None
        while len(self.streams) > _STREAMS:
            del self.streams[next(iter(self.streams))]

    def _rate(self, before: m.ActorHealth | None, after: m.ActorHealth) -> float | None:
        """Messages a second; None without an earlier row of the same generation."""
        if before is None or before.generation != after.generation or after.ts <= before.ts:
            return None
        seconds = (after.ts - before.ts) / self._pace / SECOND
        return round((after.handled - before.handled) / seconds, 1)


def _milliseconds(duration: int) -> float:
    """Of nanoseconds of the machine, to the microsecond."""
    return round(duration / MILLISECOND, 3)
