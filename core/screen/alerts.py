"""The alert panel: what a person should know, each with its level and a count of repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from core import messages as m
from core.screen.scale import rfc3339
from core.screen.system_rows import AlertRow
from core.screen.topics import TOPICS
from core.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

Level = Literal["info", "warning", "critical"]
_KEPT: Final = TOPICS["alert"].keep
_BAD_ACTOR: Final[dict[str, Level]] = {
    "restarting": "warning",
    "quarantined": "critical",
    "stopped": "warning",
}


class AlertPanel:
    """Row `alert`. What repeats within a minute is one row with a count."""

    def __init__(self) -> None:
        self._rows: dict[str, AlertRow] = {}
        self._dirty: dict[str, None] = {}
        self._streams: dict[str, str] = {}
        self._actors: dict[str, str] = {}
        self.facts: Facts = {
            m.TradingStateChanged: self._state,
            m.OrderUnknown: self._unknown,
            m.OrderRejected: self._rejected,
            m.OrderAdopted: self._adopted,
            m.JournalCut: self._cut,
            m.LockSet: self._locked,
        }
        self.listeners: Listeners = {
            m.BreachDetected: self._breach,
            m.Reconciled: self._reconciled,
            m.FrameSkipped: self._skipped,
            m.StreamChanged: self._stream,
            m.ActorHealth: self._actor,
            m.CancelAllDone: self._proof,
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Alerts that are new or were counted on."""
        del now
        for key in self._dirty:
            if key in self._rows:
                yield "alert", self._rows[key]
        self._dirty.clear()

    def _raise(self, level: Level, code: str, source: str, told: tuple[str, Nanos]) -> None:
        text, ts = told
        key = f"{code}:{source}:{ts // MINUTE}"
        known = self._rows.get(key)
        self._rows[key] = AlertRow(
            id=key,
            level=level,
            code=code,
            text=text,
            source=source,
            count=known.count + 1 if known else 1,
            at=rfc3339(ts),
        )
        self._dirty[key] = None
        while len(self._rows) > _KEPT:
            del self._rows[next(iter(self._rows))]

    def _state(self, change: m.TradingStateChanged) -> None:
        level: Level = "critical" if change.state == "HALTED" else "info"
        text = f"{change.state}: {change.reason} ({change.by})"
        self._raise(level, f"state_{change.state.lower()}", str(change.epoch), (text, change.ts))

    def _locked(self, lock: m.LockSet) -> None:
        text = f"{lock.name} locked until {rfc3339(lock.until)}: {lock.reason}"
        self._raise("warning", f"lock_{lock.protection}", lock.scope, (text, lock.ts))

    def _unknown(self, event: m.OrderUnknown) -> None:
        text = f"outcome of order {event.order_id} unknown: {event.reason}"
        self._raise("warning", "order_unknown", event.order_id, (text, event.ts))

    def _rejected(self, event: m.OrderRejected) -> None:
        text = f"order {event.order_id} rejected: {event.code} {event.text}".rstrip()
        self._raise("warning", "order_rejected", event.code, (text, event.ts))

    def _adopted(self, event: m.OrderAdopted) -> None:
        text = f"the exchange has our order {event.order_id}, which the journal had lost"
        self._raise("warning", "order_adopted", event.order_id, (text, event.ts))

    def _cut(self, event: m.JournalCut) -> None:
        text = f"{event.reason}; what was cut off lies in {event.aside}"
        self._raise("critical", "journal_cut", event.aside, (text, event.ts))

    def _breach(self, breach: m.BreachDetected, now: Nanos) -> None:
        del now
        text = f"{breach.detail}: {breach.value:g} against a limit of {breach.limit:g}"
        self._raise("critical", breach.code, breach.source, (text, breach.ts))

    def _reconciled(self, report: m.Reconciled, now: Nanos) -> None:
        del now
        for difference in report.differences:
            text = (
                f"{difference.what} {difference.key}: ours {difference.ours}, "
                f"the exchange has {difference.theirs}"
            )
            source = f"{difference.what} {difference.key}"
            self._raise("critical", "books_differ", source, (text, report.ts))

    def _skipped(self, skipped: m.FrameSkipped, now: Nanos) -> None:
        del now
        text = f"a frame of {skipped.stream} could not be read: {skipped.reason}"
        self._raise("warning", "frame_skipped", skipped.stream, (text, skipped.ts_recv))

    def _stream(self, change: m.StreamChanged, now: Nanos) -> None:
        del now
        before = self._streams.get(change.stream)
        self._streams[change.stream] = change.state
        if change.state == "lost":
            text = f"{change.stream} lost: {change.reason}"
            self._raise("warning", "stream_lost", change.stream, (text, change.ts_recv))
        elif change.state == "open" and before is not None:
            text = f"{change.stream} is open"
            self._raise("info", "stream_open", change.stream, (text, change.ts_recv))

    def _actor(self, health: m.ActorHealth, now: Nanos) -> None:
        del now
        before = self._actors.get(health.actor)
        self._actors[health.actor] = health.state
        level = _BAD_ACTOR.get(health.state)
        if level is not None and before != health.state:
            text = f"{health.actor} {health.state}: {health.error or 'no reason given'}"
            self._raise(level, f"actor_{health.state}", health.actor, (text, health.ts))

    def _proof(self, proof: m.CancelAllDone, now: Nanos) -> None:
        del now
        level: Level = "critical" if proof.resting else "info"
        text = f"{proof.cancelled} orders cancelled, {proof.resting} still rest ({proof.reason})"
        self._raise(level, "cancel_all", proof.reason, (text, proof.ts_recv))
