"""The simulated exchange: accounts, one YES book per market, price-time matching, settlement.

Pure: no threads, no clock, no sockets. Every changing call takes `now`, first does what the
schedule has due until then (as `advance` would), and never goes back in time. One engine serves
the local exchange's server, paper trading and backtests. Its parts are in `core.exchange.engine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.fees import trade_fee
from core.exchange.engine import admission, refusals
from core.exchange.engine.accounts import Account
from core.exchange.engine.change_desk import ChangeDesk
from core.exchange.engine.index_series import IndexSeries
from core.exchange.engine.lifecycle import Lifecycle
from core.exchange.engine.matching import Matcher
from core.exchange.engine.order_desk import OrderDesk
from core.exchange.engine.outside_desk import OutsideDesk
from core.exchange.engine.reads import EngineReads
from core.exchange.engine.schedule import Schedule
from core.exchange.engine.venue import Venue
from core.exchange.engine_events import IndexPublished
from core.units import FEE_UNIT, SECOND, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.domain.windows import Window
    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import EngineConfig, SeriesSpec
    from core.exchange.records import (
        Amended,
        AmendRequest,
        Canceled,
        CancelRequest,
        DecreaseRequest,
        OrderRequest,
        Outcome,
        Placed,
        Reduced,
        Side,
    )
    from core.units import IndexValue

    Level = tuple[Price, Quantity]


class SimulatedExchange(EngineReads):
    """One venue with many accounts. Not thread-safe: its host serialises the calls.

    Refusals raise `port.Rejected` with the venue's code (the table is in
    `core.exchange.engine.refusals`) and change nothing, except that a killed fill-or-kill burns its
    client order id. What happened is in `drain`; what is asked is in `EngineReads`.
    """

    def __init__(self, config: EngineConfig) -> None:
        venue = Venue(config)
        super().__init__(venue)
        self._schedule = Schedule()
        matcher = Matcher(venue)
        self._orders = OrderDesk(venue, matcher, self._schedule)
        self._changes = ChangeDesk(venue, self._orders)
        self._outside = OutsideDesk(venue, matcher)
        self._lifecycle = Lifecycle(venue, self._schedule)

    # --- time and events

    @property
    def now(self) -> Nanos:
        """The engine's time: the latest that any call has brought."""
        return self._venue.now

    def advance(self, now: Nanos) -> None:
        """Do everything that is due: opens, strikes, expiries, closes, results, payouts.

        Each at its own time, so events do not depend on how often this is called.
        """
        venue = self._venue
        while (due := self._schedule.pop_due(now)) is not None:
            at, action = due
            venue.now = max(venue.now, at)
            action()
        venue.now = max(venue.now, now)

    def next_due(self) -> Nanos | None:
        """When `advance` next has something to do."""
        return self._schedule.next_due()

    @property
    def has_events(self) -> bool:
        """Whether `drain` would return anything; for callers on a hot path."""
        return bool(self._venue.events)

    def drain(self) -> tuple[EngineEvent, ...]:
        """All events since the last call, oldest first."""
        events = tuple(self._venue.events)
        self._venue.events.clear()
        return events

    # --- set-up

    def add_series(self, spec: SeriesSpec) -> None:
        """Make a series known; its markets are listed one by one.

        Raises core.domain.fees.UnknownFee for a fee schedule without a formula.
        """
        trade_fee(spec.fee_terms(FEE_UNIT), Price(1), Quantity(1), is_taker=True)
        self._venue.series[spec.ticker] = spec

    def list_market(self, window: Window, now: Nanos) -> str:
        """Create the market of a window, `initialized`; its ticker. It opens by the schedule.

        A window whose ticker is listed already (the repeated hour of the autumn change) is refused
        with ValueError: an exchange cannot have two markets of one name.
        """
        self.advance(now)
        spec = self.series_spec(window.series)
        if window.market_ticker in self._venue.markets:
            msg = f"{window.market_ticker} is listed already"
            raise ValueError(msg)
        return self._lifecycle.list_market(spec, window).ticker

    def open_account(self, account: str, cash: Mapping[int, Money], now: Nanos) -> None:
        """Create an account with cash per shard; crypto trades with that of shard 2."""
        self.advance(now)
        if account in self._venue.accounts:
            msg = f"account {account} exists"
            raise ValueError(msg)
        self._venue.accounts[account] = Account(account, cash)

    def deposit(self, account: str, shard: int, amount: Money, now: Nanos) -> None:
        """Add cash, or take it away; resting orders without cover get `MarginCancel`."""
        self.advance(now)
        owner = self._venue.account(account)
        if owner.cash.get(shard, 0) + amount < 0:
            raise refusals.insufficient_balance(shard)
        owner.add_cash(shard, amount)
        owner.deposits += amount
        self._venue.enforce_margin(owner, shard)
        self._venue.changed_balance(owner)

    def transfer(
        self, account: str, source: int, destination: int, amount: Money, now: Nanos
    ) -> None:
        """Move spendable cash between shards, at once."""
        self.advance(now)
        owner = self._venue.account(account)
        if amount <= 0 or source == destination:
            raise refusals.invalid_parameters("amount and shards of a transfer")
        for shard in (source, destination):
            admission.check_alive(self._venue, shard)
        if owner.spendable(source) < amount:
            raise refusals.insufficient_balance(source)
        owner.add_cash(source, -amount)
        owner.add_cash(destination, amount)
        self._venue.changed_balance(owner)

    # --- index, strike, settlement value

    def publish_index(self, index_id: str, value: IndexValue, stamp: Nanos, now: Nanos) -> None:
        """A value of the index; those with whole-second stamps decide settlements.

        Stamps that do not grow are dropped, as the venue does.
        """
        self.advance(now)
        series = self._venue.indices.setdefault(index_id, IndexSeries())
        if not series.add(value, stamp):
            return
        is_print = stamp % SECOND == 0
        self._venue.events.append(
            IndexPublished(
                ts=self._venue.now,
                index_id=index_id,
                value=value,
                stamp=stamp,
                average_60s=series.average_60s(stamp) if is_print else None,
                final_minute=series.final_minute(stamp) if is_print else None,
            )
        )

    def record_index(self, index_id: str, prints: Iterable[tuple[Nanos, IndexValue]]) -> None:
        """Prints (stamp, value) from before anybody listened: they count, without events."""
        series = self._venue.indices.setdefault(index_id, IndexSeries())
        for stamp, value in prints:
            series.add(value, stamp)

    def fix_strike(self, ticker: str, value: IndexValue) -> None:
        """Give the strike that will be published, instead of the one computed.

        Computed: the settlement value of the window that closed at the open, else the mean of the
        prints of the minute before the open; without either none is published.
        """
        self._venue.market(ticker).fixed_strike = value

    def fix_settlement(self, ticker: str, value: IndexValue) -> None:
        """Give the settlement value, instead of the mean of the prints in [close - 60 s, close).

        Without prints and without this, the result is NO (contract terms).
        """
        self._venue.market(ticker).fixed_settlement = value

    def tell_result(
        self, ticker: str, result: Outcome, value: IndexValue | None, now: Nanos
    ) -> None:
        """The result of a closed market, from an exchange that is being followed.

        Needs `EngineConfig.results_are_told`. It pays at the timeline's time, or at once when that
        is past. ValueError before the close; a second result of the same market changes nothing.
        """
        self.advance(now)
        market = self._venue.market(ticker)
        waits = now >= market.window.close_ns and self._venue.config.results_are_told
        if not waits:
            msg = f"{ticker} is not waiting for a result"
            raise ValueError(msg)
        self._lifecycle.tell_result(market, result, value)
        self.advance(now)

    # --- orders

    def create_order(self, account: str, request: OrderRequest, now: Nanos) -> Placed:
        """Check, match, rest the remainder."""
        self.advance(now)
        return self._orders.create(self._venue.account(account), request)

    def cancel_order(self, account: str, request: CancelRequest, now: Nanos) -> Canceled:
        """Take an order off the book; 404 on the wrong shard or when it is terminal."""
        self.advance(now)
        return self._changes.cancel(self._venue.account(account), request)

    def amend_order(self, account: str, request: AmendRequest, now: Nanos) -> Amended:
        """Change price, size, expiry; only a smaller size or another expiry keeps the place.

        `filled` of the answer is what the amend itself filled.
        """
        self.advance(now)
        return self._changes.amend(self._venue.account(account), request)

    def decrease_order(self, account: str, request: DecreaseRequest, now: Nanos) -> Reduced:
        """Shrink an order in its place."""
        self.advance(now)
        return self._changes.decrease(self._venue.account(account), request)

    def cancel_all_orders(self, account: str, now: Nanos) -> int:
        """Cancel every resting order of the account, newest first; how many."""
        self.advance(now)
        return self._changes.cancel_all(self._venue.account(account))

    # --- outside liquidity: anonymous quantity from recorded books or synthetic makers.
    #     Ignored unless the market is active: the outside may notice a close late.

    def set_outside(
        self, ticker: str, side: Side, price: Price, quantity: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price is this; also brings back what was eaten."""
        self.advance(now)
        self._outside.set_level(self._venue.market(ticker), side, price, quantity)

    def apply_outside_delta(
        self, ticker: str, side: Side, price: Price, delta: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price changed by this; what was eaten stays eaten.

        After own takers ate e of R, a delta d > 0 adds d; a delta d < 0 takes away only what would
        exceed R + d. A level that the outside empties forgets what was eaten.
        """
        self.advance(now)
        self._outside.move_level(self._venue.market(ticker), side, price, delta)

    def replace_outside(
        self, ticker: str, bids: Sequence[Level], asks: Sequence[Level], now: Nanos
    ) -> None:
        """The whole outside book, YES prices, as `set_outside`; levels not named go first."""
        self.advance(now)
        self._outside.replace(self._venue.market(ticker), bids, asks)

    def observe_outside(
        self, ticker: str, bids: Sequence[Level], asks: Sequence[Level], now: Nanos
    ) -> None:
        """A recorded book, YES prices, as `apply_outside_delta` by the differences to the last:
        seeing the same quantity again does not bring back what was eaten.
        """
        self.advance(now)
        self._outside.observe(self._venue.market(ticker), bids, asks)

    def outside_trade(
        self, ticker: str, price: Price, quantity: Quantity, taker_side: Side, now: Nanos
    ) -> None:
        """A recorded public trade: it consumes the queues that it would have met and may fill us.

        Own orders at better prices fill first, whatever is queued before them; at the trade's own
        price what is ahead goes first. The displayed outside quantity does not change: the recorded
        delta says that itself, before or after.
        """
        self.advance(now)
        self._outside.trade(self._venue.market(ticker), price, quantity, taker_side)

    def outside_order(
        self, ticker: str, side: Side, limit: Price, quantity: Quantity, now: Nanos
    ) -> Quantity:
        """An anonymous immediate-or-cancel order; what it filled. For synthetic takers."""
        self.advance(now)
        return self._outside.order(self._venue.market(ticker), side, limit, quantity)

    def set_outside_interest(self, ticker: str, quantity: Quantity) -> None:
        """Open interest among outsiders; own positions are added to it."""
        self._venue.market(ticker).outside_interest = quantity

    # --- pauses

    def pause_trading(self, shard: int, now: Nanos) -> None:
        """No orders, no amends; cancels pass; orders with `cancel_on_pause` are cancelled."""
        self.advance(now)
        self._lifecycle.pause_trading(shard)

    def resume_trading(self, shard: int, now: Nanos) -> None:
        """End of `pause_trading`."""
        self.advance(now)
        self._lifecycle.resume_trading(shard)

    def pause_exchange(self, shard: int, now: Nanos) -> None:
        """Nothing passes, not even cancels."""
        self.advance(now)
        self._lifecycle.pause_exchange(shard)

    def resume_exchange(self, shard: int, now: Nanos) -> None:
        """End of `pause_exchange`."""
        self.advance(now)
        self._lifecycle.resume_exchange(shard)

    def pause_market(self, ticker: str, now: Nanos) -> None:
        """The market becomes `inactive`: cancels pass, nothing else."""
        self.advance(now)
        self._lifecycle.pause_market(self._venue.market(ticker))

    def resume_market(self, ticker: str, now: Nanos) -> None:
        """The market becomes `active` again; every resting order is cancelled by that."""
        self.advance(now)
        self._lifecycle.resume_market(self._venue.market(ticker))
