"""Markets from listing to payout, and the pauses of markets, trading and the venue."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from core.exchange.engine.index_series import IndexSeries
from core.exchange.engine.market_state import MarketState
from core.exchange.engine.tails import tail_delay
from core.exchange.engine_events import (
    BookCleared,
    MarketChanged,
    MarketEvent,
    StatusChanged,
    UpdateReason,
)
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.units import IndexValue, Nanos

if TYPE_CHECKING:
    from core.domain.windows import Window
    from core.exchange.engine.schedule import Schedule
    from core.exchange.engine.venue import Venue
    from core.exchange.engine_types import SeriesSpec
    from core.exchange.listing import PriceRange


class Lifecycle:
    """Takes each market through its states at the times of the timeline."""

    def __init__(self, venue: Venue, schedule: Schedule) -> None:
        self._venue = venue
        self._schedule = schedule
        self._finished: deque[str] = deque()

    def list_market(self, spec: SeriesSpec, window: Window) -> MarketState:
        """Create a market and put its whole life on the schedule."""
        venue, timeline = self._venue, self._venue.config.timeline
        fees = spec.fee_terms(venue.config.fee_trade_unit)
        market = MarketState(spec, window, fees, venue.now)
        venue.markets[market.ticker] = market
        for name, account in venue.accounts.items():
            if market.ticker in account.records:  # held since before the venue was started again
                market.participants.setdefault(name)
        self._tell(market, MarketEvent.CREATED)
        opens, closes = window.open_ns, window.close_ns
        steps = [
            (opens, self._open),
            (opens + timeline.strike, self._publish_strike),
            (closes, self._close),
            (closes + timeline.book_cleared, self._clear_book),
        ]
        if not venue.config.results_are_told:
            steps += [
                (closes + timeline.determined, self._determine),
                (closes + timeline.settled, self._settle),
            ]
        for at, step in steps:
            self._schedule.add(Nanos(at), lambda step=step: step(market))  # type: ignore[misc]
        return market

    def pause_market(self, market: MarketState) -> None:
        """An active market becomes inactive."""
        if market.status is MarketStatus.ACTIVE:
            market.status = MarketStatus.INACTIVE
            self._tell(market, MarketEvent.DEACTIVATED)

    def resume_market(self, market: MarketState) -> None:
        """An inactive market becomes active, without any of the orders that rested."""
        if market.status is MarketStatus.INACTIVE:
            self._cancel_all(market, UpdateReason.HALT_CANCEL)
            market.status = MarketStatus.ACTIVE
            self._tell(market, MarketEvent.ACTIVATED)

    def change_grid(
        self, market: MarketState, structure: str, ranges: tuple[PriceRange, ...]
    ) -> None:
        """Other prices are valid from now on; what rests stays."""
        market.set_grid(structure, ranges)
        market.updated = self._venue.now
        self._tell(market, MarketEvent.GRID_CHANGED)

    def pause_trading(self, shard: int, until: Nanos | None = None) -> None:
        """Stop orders on a shard; those that asked for it are cancelled."""
        venue = self._venue
        venue.paused_trading.add(shard)
        venue.resumes = until
        self._tell_status()
        for account in venue.accounts.values():
            for order in account.resting(shard):
                market = venue.markets[order.ticker]
                if order.request.cancel_on_pause and market.is_open:
                    venue.cancel(market, order, UpdateReason.HALT_CANCEL)

    def resume_trading(self, shard: int) -> None:
        """Orders pass again."""
        self._venue.paused_trading.discard(shard)
        self._venue.resumes = None
        self._tell_status()

    def pause_exchange(self, shard: int) -> None:
        """Nothing passes on a shard any more."""
        self._venue.paused_exchange.add(shard)
        self._tell_status()

    def resume_exchange(self, shard: int) -> None:
        """The shard answers again."""
        self._venue.paused_exchange.discard(shard)
        self._tell_status()

    # --- steps of a market's life

    def _open(self, market: MarketState) -> None:
        market.status = MarketStatus.ACTIVE
        self._tell(market, MarketEvent.OPENED)

    def _publish_strike(self, market: MarketState) -> None:
        market.strike = self._strike(market)
        if market.strike is not None:
            market.updated = self._venue.now
            self._tell(market, MarketEvent.METADATA_UPDATED)

    def _close(self, market: MarketState) -> None:
        market.last_quote = market.quote(self._venue.own_interest(market))
        market.status = MarketStatus.CLOSED
        self._tell(market, MarketEvent.CLOSED)

    def _clear_book(self, market: MarketState) -> None:
        self._cancel_all(market, UpdateReason.CLOSE_CANCEL)
        market.book.bids.clear()
        market.book.asks.clear()
        market.book.clock += 1
        market.book_ts = self._venue.now
        self._venue.events.append(
            BookCleared(ts=self._venue.now, ticker=market.ticker, clock=market.book.clock)
        )

    def tell_result(self, market: MarketState, result: Outcome, value: IndexValue | None) -> None:
        """Take a result from outside and pay when payouts are due; a second one changes nothing."""
        if market.result is not None:
            return
        self._decide(market, result, value)
        due = market.window.close_ns + self._venue.config.timeline.settled
        self._schedule.add(Nanos(max(due, self._venue.now)), lambda: self._settle(market))

    def _determine(self, market: MarketState) -> None:
        due = self._delayed(market, self._venue.config.timeline.determined)
        if self._venue.now < due:
            self._schedule.add(due, lambda: self._determine(market))
            return
        value = self._value_at(market, market.window.close_ns)
        strike = market.strike
        is_yes = value is not None and strike is not None and value >= strike
        self._decide(market, Outcome.YES if is_yes else Outcome.NO, value)

    def _decide(self, market: MarketState, result: Outcome, value: IndexValue | None) -> None:
        market.settlement_value = value
        market.result = result
        market.status = MarketStatus.DETERMINED
        market.updated = self._venue.now
        self._tell(market, MarketEvent.DETERMINED)

    def _delayed(self, market: MarketState, after_close: Nanos) -> Nanos:
        """A time after the close, with the delay that holds now."""
        config = self._venue.config
        late = tail_delay(config.seed, market.ticker) if config.settlement_tail else 0
        delay = self._venue.settlement_delay + late
        return Nanos(market.window.close_ns + after_close + delay)

    def _settle(self, market: MarketState) -> None:
        venue, timeline = self._venue, self._venue.config.timeline
        due = self._delayed(market, timeline.settled)
        if market.result is None:  # its result was put off when the delay was longer than now
            due = max(due, Nanos(venue.now + timeline.settled - timeline.determined))
        if venue.now < due:
            self._schedule.add(due, lambda: self._settle(market))
            return
        assert market.result is not None
        market.settled = venue.now
        market.status = MarketStatus.FINALIZED
        self._tell(market, MarketEvent.SETTLED)
        for name in market.participants:
            account = venue.accounts[name]
            record = account.records[market.ticker]
            if record.holding.volume:
                row = record.holding.settle(market.result, record.shard, venue.now)
                record.settlement = row
                account.add_cash(record.shard, row.revenue)
                venue.changed_position(name, record)
                venue.changed_balance(account)
        self._retire(market)

    def _retire(self, market: MarketState) -> None:
        """Keep a settled market for queries until enough newer ones are settled."""
        venue = self._venue
        self._finished.append(market.ticker)
        if len(self._finished) > venue.config.keep_markets:
            old = venue.markets.pop(self._finished.popleft())
            for name in old.participants:
                venue.accounts[name].forget(old.ticker)

    # --- values

    def _strike(self, market: MarketState) -> IndexValue | None:
        if market.fixed_strike is not None:
            return market.fixed_strike
        opens = market.window.open_ns
        for other in self._venue.markets.values():
            if other.spec.ticker == market.spec.ticker and other.window.close_ns == opens:
                return self._value_at(other, opens)
        return self._value_at(market, opens)

    def _value_at(self, market: MarketState, at: Nanos) -> IndexValue | None:
        """The settlement value of the minute before `at`, which is a market's close or open."""
        if market.fixed_settlement is not None and at == market.window.close_ns:
            return market.fixed_settlement
        series = self._venue.indices.setdefault(market.spec.index_id, IndexSeries())
        return series.settlement(at, market.spec.round_digits)

    # --- telling

    def _tell_status(self) -> None:
        venue = self._venue
        venue.events.append(StatusChanged(ts=venue.now, status=venue.status()))

    def _cancel_all(self, market: MarketState, reason: UpdateReason) -> None:
        venue = self._venue
        for name in market.participants:
            resting = venue.accounts[name].records[market.ticker].resting
            for order in tuple(resting.values()):
                venue.cancel(market, order, reason)

    def _tell(self, market: MarketState, kind: MarketEvent) -> None:
        venue = self._venue
        own = venue.own_interest(market)
        row = market.row(market.quote(own))
        venue.events.append(MarketChanged(ts=venue.now, kind=kind, market=row))
