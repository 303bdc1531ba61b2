"""What supervision watches beside its hosts: the signs from which trips are judged.

A part of the role `supervision`; see `core.domain.trips` for what each sign is held against. Orders
come as journalled events, so that what was unknown before a restart is unknown after it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from core import messages as m
from core.domain.breaker import Cause
from core.domain.composite import BASIS_POINTS
from core.domain.fold import StateFolded
from core.domain.series import SeriesSource
from core.domain.trips import Signs, Trip, TripLimits, clock_skew, tripped
from core.domain.windows import Phase, TickerError, window_of
from core.exchange.venue_time import Ahead
from core.roles.feed_terms import MARKET_STREAM
from core.topology import SUPERVISION
from core.units import Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.messages import Message

NOT_THE_EXCHANGE: Final = frozenset(
    {
        "exchange_restarting",
        "halted",
        "intent_expired",
        "never_sent",
        "no_permit",
        "not_found",
        "permit_expired",
        "post_only_cross",
        "rate_limited",
        "stale_epoch",
        "unavailable",
    }
)
"""Codes of orders that were never sent, or never arrived: no word of the exchange's."""
_SAMPLES: Final = 256
_LEAST_SAMPLES: Final = 5
"""Arrivals in the span before anything is said of the clock."""

OBSERVED: Final[tuple[type[m.Message], ...]] = (
    m.LedgerMarked,
    m.FeedHealth,
    m.CompositePrice,
    m.IndexPrint,
    m.TradePrint,
    m.FrameSkipped,
    m.MachineMeasured,
    m.ClockCompared,
)
"""What a sentinel takes note of."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, and against what."""

    limits: TripLimits
    sources: tuple[SeriesSource, ...]
    """Where prices come from: the index and the spot product of each series."""
    money_hosts: frozenset[str]
    """Hosts in whose mailboxes news of money wait."""


class Sentinel:
    """Mutable, inside the role. `observers` take messages, `learn` takes events, `cause` judges."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._limits = watched.limits
        self.observers: dict[type[Message], Callable[[Any, Nanos], None]] = {
            m.LedgerMarked: self._marked,
            m.FeedHealth: self._fed,
            m.CompositePrice: self._composed,
            m.IndexPrint: self._printed,
            m.TradePrint: self._traded,
            m.FrameSkipped: self._skipped,
            m.MachineMeasured: self._measured,
            m.ClockCompared: self._compared,
        }
        self._began = Nanos(0)
        self._picture: m.LedgerMarked | None = None
        self._feed: m.FeedHealth | None = None
        self._prints: dict[str, m.IndexPrint] = {}
        self._disagreements: dict[str, _Disagreement] = {}
        self._unknown: dict[str, Nanos] = {}
        self._rejects = 0
        self._unparsed: deque[Nanos] = deque(maxlen=watched.limits.unparsed_frames)
        self._delays: deque[tuple[Nanos, Nanos]] = deque(maxlen=_SAMPLES)
        self._inbox: dict[str, Nanos] = {}
        self._machine: m.MachineMeasured | None = None
        self._clocks: m.ClockCompared | None = None

    def begin(self, now: Nanos) -> None:
        """From now on silence counts."""
        self._began = now

    def cause(self, now: Nanos) -> Cause | None:
        """The first trip that fires, as the cause of a halt; another is found again later."""
        found = tripped(self.signs(now), self._limits)
        return _cause(found[0]) if found else None

    def clock(self, now: Nanos) -> Cause | None:
        """What keeps a start from trading: a clock that is off."""
        trip = clock_skew(Signs(skew=self._skew(now)), self._limits)
        return None if trip is None else _cause(trip)

    # --- orders, from the journal or as they happen ----------------------------------------------

    def learn(self, event: Message) -> None:
        """Take an event of execution, or a change of the trading state."""
        match event:
            case StateFolded():
                for order in event.orders.unknown():
                    self._unknown.setdefault(order.order_id, order.submitted)
            case m.OrderUnknown():
                self._unknown.setdefault(event.order_id, event.ts)
            case m.OrderRejected():
                self._unknown.pop(event.order_id, None)
                self._rejects += event.code not in NOT_THE_EXCHANGE
            case m.OrderAccepted() | m.OrderClosed():
                self._unknown.pop(event.order_id, None)
                self._rejects = 0
            case m.TradingStateChanged():
                self._rejects = 0  # who arms again has looked into them
            case _:
                pass

    # --- observations ----------------------------------------------------------------------------

    def pulse(self, pulse: m.HostPulse) -> None:
        """How long messages waited for a host of money, as it says itself."""
        if pulse.actor in self._watched.money_hosts:
            self._inbox[pulse.actor] = Nanos(pulse.oldest_ns)

    def lost(self, host: str) -> None:
        """A host is gone; its mailbox is no measure any more."""
        self._inbox.pop(host, None)

    def _marked(self, picture: m.LedgerMarked, now: Nanos) -> None:
        del now
        self._picture = picture

    def _fed(self, health: m.FeedHealth, now: Nanos) -> None:
        del now
        if health.stream == MARKET_STREAM:
            self._feed = health

    def _composed(self, price: m.CompositePrice, now: Nanos) -> None:
        index = next((s.index_id for s in self._watched.sources if s.product == price.product), "")
        widest = price.spread_bps
        print_ = self._prints.get(index)
        if print_ is not None and price.price and now - print_.ts_event < self._limits.feed_silent:
            apart = abs(print_.value - price.price) * BASIS_POINTS / price.price
            widest = max(widest, apart)
        known = self._disagreements.get(price.product)
        too_wide = widest >= self._limits.sources_disagree_bps
        since = known.since if known is not None and known.since is not None else now
        self._disagreements[price.product] = _Disagreement(
            bps=widest, since=since if too_wide else None, until=now
        )

    def _printed(self, print_: m.IndexPrint, now: Nanos) -> None:
        self._prints[print_.index_id] = print_
        if print_.ts_event > print_.ts_recv:  # late may be the index itself, early is our clock
            self._delays.append((now, Nanos(print_.ts_recv - print_.ts_event)))

    def _traded(self, trade: m.TradePrint, now: Nanos) -> None:
        self._delays.append((now, Nanos(trade.ts_recv - trade.ts_event)))

    def _skipped(self, skipped: m.FrameSkipped, now: Nanos) -> None:
        del skipped
        self._unparsed.append(now)

    def _measured(self, machine: m.MachineMeasured, now: Nanos) -> None:
        del now
        self._machine = machine

    def _compared(self, clocks: m.ClockCompared, now: Nanos) -> None:
        del now
        self._clocks = clocks

    # --- judging ---------------------------------------------------------------------------------

    def signs(self, now: Nanos) -> Signs:
        """Everything together, at `now`."""
        oldest = min(self._unknown, key=lambda order: self._unknown[order], default="")
        worst = max(self._inbox, key=lambda host: self._inbox[host], default="")
        bps, lasting = self._disagreement()
        machine = self._machine
        return Signs(
            exposure=self._picture.exposure if self._picture else Money(0),
            feed_age=self._feed_age(now),
            feed=MARKET_STREAM,
            disagreement_bps=bps,
            disagreement=lasting,
            index_age=self._index_age(now),
            unknown_age=Nanos(now - self._unknown[oldest]) if oldest else Nanos(0),
            unknown=oldest,
            rejects=self._rejects,
            unparsed=sum(now - seen < self._limits.unparsed_span for seen in self._unparsed),
            skew=self._skew(now),
            inbox_age=self._inbox.get(worst, Nanos(0)),
            inbox=worst,
            memory=machine.memory if machine else 0,
            disk_free=machine.disk_free if machine else None,
        )

    def _feed_age(self, now: Nanos) -> Nanos:
        """Of the data, or of the feed itself where it says nothing any more."""
        if self._feed is None:
            return Nanos(now - self._began)
        return Nanos(self._feed.age_ns + now - self._feed.ts)

    def _disagreement(self) -> tuple[float, Nanos]:
        worst, longest = 0.0, Nanos(0)
        for found in self._disagreements.values():
            if found.since is not None and found.until - found.since >= longest:
                worst, longest = found.bps, Nanos(found.until - found.since)
        return worst, longest

    def _index_age(self, now: Nanos) -> Nanos | None:
        """The oldest index of those that settle a held market within the next minute."""
        ages = [
            now - max(print_.ts_event if print_ else self._began, self._began)
            for index_id in self._settling(now)
            for print_ in (self._prints.get(index_id),)
        ]
        return Nanos(max(ages)) if ages else None

    def _settling(self, now: Nanos) -> set[str]:
        held = (line for line in self._picture.positions if line.quantity) if self._picture else ()
        found = set()
        for line in held:
            try:
                window = window_of(line.ticker, now)
            except TickerError:
                continue
            if window.phase(now) is Phase.FINAL_MINUTE:
                found |= {s.index_id for s in self._watched.sources if s.series == window.series}
        return found

    def _skew(self, now: Nanos) -> Nanos:
        """By arrivals or by what the exchange says of the time, whichever is further off."""
        return max(self._skew_of_arrivals(now), self._skew_of_answers(now), key=abs)

    def _skew_of_arrivals(self, now: Nanos) -> Nanos:
        """The shortest delay of late: no network is faster, so what is left is the clock's."""
        recent = [delay for seen, delay in self._delays if now - seen < self._limits.skew_span]
        return min(recent) if len(recent) >= _LEAST_SAMPLES else Nanos(0)

    def _skew_of_answers(self, now: Nanos) -> Nanos:
        clocks = self._clocks
        if clocks is None or now - clocks.ts >= self._limits.skew_span:
            return Nanos(0)
        return Nanos(-Ahead(clocks.lowest, clocks.highest).nearest)


def _cause(trip: Trip) -> Cause:
    reason = f"{trip.value:g} {trip.detail}; the limit is {trip.limit:g}"
    return Cause(code=trip.code, reason=reason, by=SUPERVISION, limit=trip.limit, value=trip.value)


class _Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """Of the sources of one product."""

    bps: float
    since: Nanos | None
    """When it reached its limit; None while it is below."""
    until: Nanos
    """When it was last looked at."""
