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
from core.exchange.engine.fee_schedule import announce
from core.exchange.engine.outside_door import OutsideDoor
from core.exchange.engine.venue import Ids
from core.units import FEE_UNIT, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.domain.windows import Window
    from core.exchange.engine_types import AccountPast, OrderGroupRow, SeriesSpec
    from core.exchange.listing import FeeChange, PriceRange
    from core.exchange.records import (
        Amended,
        AmendRequest,
        Canceled,
        CancelRequest,
        DecreaseRequest,
        OrderRequest,
        Placed,
        Reduced,
    )


class SimulatedExchange(OutsideDoor):
    """One venue with many accounts. Not thread-safe: its host serialises the calls.

    Refusals raise `port.Rejected` with the venue's code (the table is in
    `core.exchange.engine.refusals`) and change nothing, except that a killed fill-or-kill burns its
    client order id. Beside what is here there are the clockwork and `drain` of `TimedEngine`, the
    queries of `EngineReads`, and index and outside liquidity of `OutsideDoor`.
    """

    # --- set-up

    def add_series(self, spec: SeriesSpec) -> None:
        """Make a series known; its markets are listed one by one.

        Raises core.domain.fees.UnknownFee for a fee schedule without a formula.
        """
        trade_fee(spec.fee_terms(FEE_UNIT), Price(1), Quantity(1), is_taker=True)
        self._venue.series[spec.ticker] = spec

    def announce_fees(self, change: FeeChange, now: Nanos) -> None:
        """Change the fees of a series at a time to come. Raises UnknownFee as `add_series`."""
        self.advance(now)
        self.series_spec(change.series_ticker)
        announce(self._venue, self._schedule, change)

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

    def regain_account(self, account: str, past: AccountPast, now: Nanos) -> None:
        """Open an account as it was before this venue was started again, instead of an empty one.

        Ids of orders and trades differ from all that were given before.
        """
        self.open_account(account, {past.shard: past.cash}, now)
        self._venue.account(account).regain(past)
        self._venue.ids = Ids(f"{self._venue.config.seed}@{now}")

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

    # --- order groups; each is found on its own shard only

    def create_group(self, account: str, limit: Quantity, shard: int, now: Nanos) -> OrderGroupRow:
        """A new order group; an order of a market can be in one on the market's shard."""
        self.advance(now)
        return self._groups.create(self._venue.account(account), limit, shard).row()

    def reset_group(self, account: str, group_id: str, shard: int, now: Nanos) -> None:
        """Let a triggered group take orders again."""
        self.advance(now)
        self._groups.reset(self._venue.account(account), group_id, shard)

    def trigger_group(self, account: str, group_id: str, shard: int, now: Nanos) -> None:
        """Cancel a group's orders and let it take no more."""
        self.advance(now)
        self._groups.trigger(self._venue.account(account), group_id, shard)

    def limit_group(
        self, account: str, group: tuple[str, int], limit: Quantity, now: Nanos
    ) -> None:
        """Another limit for a group, given by id and shard; one reached already triggers it."""
        self.advance(now)
        self._groups.change_limit(self._venue.account(account), *group, limit)

    def delete_group(self, account: str, group_id: str, shard: int, now: Nanos) -> None:
        """Cancel a group's orders and forget it."""
        self.advance(now)
        self._groups.delete(self._venue.account(account), group_id, shard)

    # --- pauses

    def pause_trading(self, shard: int, now: Nanos, until: Nanos | None = None) -> None:
        """No orders, no amends; cancels pass; orders with `cancel_on_pause` are cancelled.

        `until` is what the status then tells as the expected end.
        """
        self.advance(now)
        self._lifecycle.pause_trading(shard, until)

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

    def change_grid(
        self, ticker: str, structure: str, ranges: tuple[PriceRange, ...], now: Nanos
    ) -> None:
        """Give a live market another price grid; resting orders stay (kalshi.md 3.3).

        Raises core.domain.grid.GridError for ranges that are no grid.
        """
        self.advance(now)
        self._lifecycle.change_grid(self._venue.market(ticker), structure, ranges)

    def delay_settlement(self, delay: Nanos, now: Nanos) -> None:
        """Results and payouts not yet given come `delay` later than the timeline says."""
        self.advance(now)
        if delay < 0:
            raise refusals.invalid_parameters("a delay cannot be negative")
        self._venue.settlement_delay = delay
