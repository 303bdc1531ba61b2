"""The meters: what has happened since the process began, and how long things took.

Counts only grow and begin anew with the process, as the collectors of monitoring systems expect;
what was regained from the journal is not counted again. Durations are seconds of the machine.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.scale import rfc3339
from core.screen.system_rows import DurationRow, MetersRow
from core.units import SECOND, Nanos, contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.screen.panel import Change, Facts, Listeners

BOUNDS: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)
"""Upper ends of the buckets, seconds; one more bucket takes what is longer."""
_IN_FLIGHT: Final = 256
"""Orders whose answer is waited for, at most: an answer after that is not timed."""


class MetersPanel:
    """Row `meters`, once in every tick."""

    def __init__(self, speed: float) -> None:
        self._pace = SECOND * max(1.0, speed)
        self._counts: Counter[str] = Counter()
        self._denials: Counter[str] = Counter()
        self._passes: Counter[str] = Counter()
        self._filled = 0.0
        self._differences = 0
        self._tick_to_order = _Histogram("tick_to_order")
        self._order_to_ack = _Histogram("order_to_ack")
        self._seen: dict[str, Nanos] = {}
        self._sent: dict[str, Nanos] = {}
        self._due = True
        self.facts: Facts = {}
        self.listeners: Listeners = {
            m.Signal: self._count,
            m.Pass: self._passed,
            m.OrderDenied: self._denied,
            m.OrderApproved: self._approved,
            m.OrderSubmitting: self._submitting,
            m.OrderAccepted: self._answered,
            m.OrderRejected: self._answered,
            m.OrderUnknown: self._answered,
            m.OrderFilled: self._fill,
            m.PositionSettled: self._count,
            m.BreachDetected: self._count,
            m.JournalCut: self._count,
            m.MessageSetAside: self._count,
            m.Reconciled: self._reconciled,
            m.Tick: self._ticked,
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """The row, when a tick has passed."""
        if self._due:
            self._due = False
            yield "meters", self.row(now)

    def row(self, now: Nanos) -> MetersRow:
        """All meters as of now."""
        return MetersRow(
            counts={name: self._counts[name] for name in _NAMES.values()},
            denials=dict(self._denials),
            passes=dict(self._passes),
            contracts_filled=round(self._filled, 2),
            differences=self._differences,
            durations=(self._tick_to_order.row, self._order_to_ack.row),
            at=rfc3339(now),
        )

    # --- counting --------------------------------------------------------------------------------

    def _count(self, message: m.Message, now: Nanos) -> None:
        del now
        self._counts[_NAMES[type(message)]] += 1

    def _passed(self, decision: m.Pass, now: Nanos) -> None:
        self._count(decision, now)
        self._passes[decision.code] += 1

    def _denied(self, denial: m.OrderDenied, now: Nanos) -> None:
        self._count(denial, now)
        self._denials[denial.code] += 1

    def _fill(self, fill: m.OrderFilled, now: Nanos) -> None:
        self._count(fill, now)
        self._filled += contracts(fill.quantity)

    def _reconciled(self, report: m.Reconciled, now: Nanos) -> None:
        self._count(report, now)
        self._differences = len(report.differences)

    def _ticked(self, tick: m.Tick, now: Nanos) -> None:
        del tick, now
        self._due = True

    # --- timing ----------------------------------------------------------------------------------

    def _approved(self, order: m.OrderApproved, now: Nanos) -> None:
        """A signal's id ends with the time at which the frame it was decided on had arrived."""
        self._count(order, now)
        _, _, arrival = order.signal_id.rpartition(":")
        if arrival.isdecimal():
            _remember(self._seen, order.request.client_order_id, Nanos(int(arrival)))

    def _submitting(self, order: m.OrderSubmitting, now: Nanos) -> None:
        self._count(order, now)
        seen = self._seen.pop(order.order_id, None)
        if seen is not None:
            self._tick_to_order.add((order.ts - seen) / self._pace)
        _remember(self._sent, order.order_id, order.ts)

    def _answered(
        self, answer: m.OrderAccepted | m.OrderRejected | m.OrderUnknown, now: Nanos
    ) -> None:
        self._count(answer, now)
        sent = self._sent.pop(answer.order_id, None)
        if sent is not None and not isinstance(answer, m.OrderUnknown):
            self._order_to_ack.add((answer.ts - sent) / self._pace)


class _Histogram:
    """Counts of durations by bucket."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one; what clocks make negative counts as none."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    @property
    def row(self) -> DurationRow:
        """As it stands."""
        return DurationRow(
            name=self._name, bounds=BOUNDS, counts=tuple(self._counts), sum=round(self._sum, 6)
        )


_NAMES: Final = {
    m.Signal: "signals",
    m.Pass: "passes",
    m.OrderDenied: "denials",
    m.OrderApproved: "orders_approved",
    m.OrderSubmitting: "orders_submitted",
    m.OrderAccepted: "orders_accepted",
    m.OrderRejected: "orders_rejected",
    m.OrderUnknown: "orders_unknown",
    m.OrderFilled: "fills",
    m.PositionSettled: "settlements",
    m.BreachDetected: "breaches",
    m.JournalCut: "journal_cuts",
    m.MessageSetAside: "messages_set_aside",
    m.Reconciled: "reconciliations",
}


def _remember(times: dict[str, Nanos], key: str, at: Nanos) -> None:
    times[key] = at
    while len(times) > _IN_FLIGHT:
        del times[next(iter(times))]
