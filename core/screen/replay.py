"""What each window looked like second by second, kept for the scrubber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.messages import MarketTerms
from core.screen.analysis_rows import MomentRow, ReplayRow
from core.screen.scale import epoch_ms, index_dollars, per_contract, rfc3339
from core.screen.trades import fill_row
from core.screen.trading_rows import DecisionRow, FillRow
from core.units import SECOND, Nanos, contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.domain.book import Level
    from core.messages import MarketView
    from core.screen.analysis_rows import FairRow
    from core.screen.decisions import DecisionPanel
    from core.screen.forecast import ForecastPanel
    from core.screen.panel import Change, Facts, Listeners
    from core.screen.trades import TradesPanel

_DEPTH: Final = 5
_MOMENTS: Final = 905
_DECISIONS: Final = 600
_FILLS: Final = 300
_EVENTS: Final = 50
_OPEN: Final = 8
"""Windows that may wait for their result at once."""


class Recording(msgspec.Struct, kw_only=True):
    """One window so far. Mutable, inside this panel only."""

    terms: MarketTerms
    moments: list[MomentRow]
    decisions: list[DecisionRow]
    fills: list[FillRow]
    events: list[tuple[str, str]]
    next: Nanos
    result: str = ""
    settlement: float | None = None
    done: bool = False


class ReplayPanel:
    """Row `replay`: a running window once in `pause`, and when its result is known."""

    def __init__(
        self, trades: TradesPanel, decisions: DecisionPanel, forecasts: ForecastPanel, pause: Nanos
    ) -> None:
        self._trades = trades
        self._decisions = decisions
        self._forecasts = forecasts
        self._pause = pause
        self._next = Nanos(0)
        self._kept: dict[str, Recording] = {}
        self.facts: Facts = {m.TradingStateChanged: self._changed}
        self.listeners: Listeners = {
            m.MarketView: self._viewed,
            m.OrderFilled: self._filled,
            m.MarketDetermined: self._determined,
            m.PositionSettled: self._settled,
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """Windows that are over, and now and then those that run."""
        for row in self._decisions.take_log():
            kept = self._kept.get(row.ticker)
            if kept is not None and len(kept.decisions) < _DECISIONS:
                kept.decisions.append(row)
        due = now >= self._next
        if due:
            self._next = Nanos(now + self._pause)
        for kept in self._kept.values():
            if kept.done or (due and not kept.result and now < kept.terms.close_ns + SECOND * 60):
                kept.done = False
                yield "replay", self._row(kept, now)

    def _viewed(self, view: m.MarketView, now: Nanos) -> None:
        market = view.market
        if not market.open_ns <= now < market.close_ns:
            return
        kept = self._kept.get(market.ticker)
        if kept is None:
            kept = self._begin(market)
        kept.terms = market
        if now < kept.next or len(kept.moments) >= _MOMENTS:
            return
        kept.next = Nanos(now + SECOND)
        _, fair = self._forecasts.latest.get(market.series, (None, None))
        same = fair if fair is not None and fair.ticker == market.ticker else None
        kept.moments.append(moment(view, same, now))

    def _begin(self, market: MarketTerms) -> Recording:
        kept = Recording(terms=market, moments=[], decisions=[], fills=[], events=[], next=Nanos(0))
        self._kept[market.ticker] = kept
        while len(self._kept) > _OPEN:
            del self._kept[next(iter(self._kept))]
        return kept

    def _filled(self, event: m.OrderFilled, now: Nanos) -> None:
        del now
        kept = self._kept.get(event.ticker)
        known = kept is not None and any(fill.fill_id == event.trade_id for fill in kept.fills)
        if kept is not None and not known and len(kept.fills) < _FILLS:
            kept.fills.append(fill_row(event, self._trades.trades.get(event.order_id)))

    def _changed(self, change: m.TradingStateChanged) -> None:
        for kept in self._kept.values():
            if not kept.result and len(kept.events) < _EVENTS:
                told = (rfc3339(change.ts), f"{change.state}: {change.reason}")
                if told not in kept.events:
                    kept.events.append(told)

    def _determined(self, event: m.MarketDetermined, now: Nanos) -> None:
        del now
        kept = self._kept.get(event.ticker)
        if kept is not None:
            kept.result, kept.done = event.result.value, True
            kept.settlement = None if event.value is None else index_dollars(event.value)

    def _settled(self, event: m.PositionSettled, now: Nanos) -> None:
        del now
        kept = self._kept.get(event.ticker)
        if kept is not None:
            kept.result, kept.done = event.result.value, True

    def _row(self, kept: Recording, now: Nanos) -> ReplayRow:
        terms = kept.terms
        own = [t for t in self._trades.trades.values() if t.ticker == terms.ticker]
        return ReplayRow(
            ticker=terms.ticker,
            series=terms.series,
            open_at=rfc3339(terms.open_ns),
            close_at=rfc3339(terms.close_ns),
            strike=None if terms.strike is None else index_dollars(terms.strike),
            digits=terms.digits,
            result="yes" if kept.result == "yes" else "no" if kept.result else None,
            settlement=kept.settlement,
            complete=bool(kept.result),
            moments=tuple(kept.moments),
            decisions=tuple(kept.decisions),
            orders=tuple(self._trades.row(trade) for trade in own),
            fills=tuple(kept.fills),
            events=tuple(kept.events),
            at=rfc3339(now),
        )


def moment(view: MarketView, fair: FairRow | None, now: Nanos) -> MomentRow:
    """What was known of a window at a second of it."""
    bids = view.bids if view.book_fresh else ()
    asks = view.asks if view.book_fresh else ()
    return MomentRow(
        at=epoch_ms(now),
        index=index_dollars(view.index) if view.index else None,
        bid=per_contract(bids[0][0]) if bids else None,
        ask=per_contract(asks[0][0]) if asks else None,
        fair=_short(fair.fair) if fair else None,
        low=_short(fair.low) if fair else None,
        high=_short(fair.high) if fair else None,
        known=view.known,
        bids=tuple(_flat(bids)),
        asks=tuple(_flat(asks)),
    )


def _short(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _flat(levels: Iterable[Level]) -> Iterator[float]:
    for price, size in tuple(levels)[:_DEPTH]:
        yield per_contract(price)
        yield contracts(size)
