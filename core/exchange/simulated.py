"""The simulated exchange: accounts, one YES book per market, price-time matching, settlement.

Pure: no threads, no clock, no sockets. Every changing call takes `now`, first does what the
schedule has due until then (as `advance` would), and never goes back in time. One engine serves
the local exchange's server, paper trading and backtests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.domain.windows import Window
    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import (
        AccountBooks,
        BookLevels,
        EngineConfig,
        MarketRow,
        OrderRow,
        Quote,
        SeriesSpec,
    )
    from core.exchange.listing import ExchangeStatus, Series, Trade
    from core.exchange.records import (
        Amended,
        AmendRequest,
        Balance,
        Canceled,
        CancelRequest,
        DecreaseRequest,
        Fill,
        OrderRequest,
        OrderStatus,
        Placed,
        Position,
        Reduced,
        Settlement,
        Side,
    )
    from core.units import IndexValue, Money, Nanos, Price, Quantity

    Level = tuple[Price, Quantity]


class SimulatedExchange:
    """One venue with many accounts. Not thread-safe: its host serialises the calls.

    Refusals raise `port.Rejected` with the venue's code and change nothing, except that a killed
    fill-or-kill burns its client order id.
    """

    def __init__(self, config: EngineConfig) -> None: ...

    # --- time and events

    def advance(self, now: Nanos) -> None:
        """Do everything that is due: opens, strikes, expiries, closes, results, payouts."""
        raise NotImplementedError

    def next_due(self) -> Nanos | None:
        """When `advance` next has something to do."""
        raise NotImplementedError

    def drain(self) -> tuple[EngineEvent, ...]:
        """All events since the last call, oldest first."""
        raise NotImplementedError

    # --- set-up

    def add_series(self, spec: SeriesSpec) -> None:
        """Make a series known; its markets are listed one by one."""
        raise NotImplementedError

    def list_market(self, window: Window, now: Nanos) -> str:
        """Create the market of a window, `initialized`; its ticker. It opens by the schedule."""
        raise NotImplementedError

    def open_account(self, account: str, cash: Mapping[int, Money], now: Nanos) -> None:
        """Create an account with cash per shard; crypto trades with that of shard 2."""
        raise NotImplementedError

    def deposit(self, account: str, shard: int, amount: Money, now: Nanos) -> None:
        """Add cash, or take it away; resting orders without cover get `MarginCancel`."""
        raise NotImplementedError

    def transfer(
        self, account: str, source: int, destination: int, amount: Money, now: Nanos
    ) -> None:
        """Move spendable cash between shards."""
        raise NotImplementedError

    # --- index, strike, settlement value

    def publish_index(self, index_id: str, value: IndexValue, stamp: Nanos, now: Nanos) -> None:
        """A print of the index; those with whole-second stamps decide settlements.

        Stamps that do not grow are dropped, as the venue does.
        """
        raise NotImplementedError

    def fix_strike(self, ticker: str, value: IndexValue) -> None:
        """Give the strike that will be published, instead of the one computed.

        Computed: the settlement value of the window that closed at the open, else the mean of the
        prints of the minute before the open; without either none is published.
        """
        raise NotImplementedError

    def fix_settlement(self, ticker: str, value: IndexValue) -> None:
        """Give the settlement value, instead of the mean of the prints in [close - 60 s, close).

        Without prints and without this, the result is NO (contract terms).
        """
        raise NotImplementedError

    # --- orders

    def create_order(self, account: str, request: OrderRequest, now: Nanos) -> Placed:
        """Check, match, rest the remainder."""
        raise NotImplementedError

    def cancel_order(self, account: str, request: CancelRequest, now: Nanos) -> Canceled:
        """Take an order off the book; 404 on the wrong shard or when it is terminal."""
        raise NotImplementedError

    def amend_order(self, account: str, request: AmendRequest, now: Nanos) -> Amended:
        """Change price, size, expiry; only a smaller size or another expiry keeps the place."""
        raise NotImplementedError

    def decrease_order(self, account: str, request: DecreaseRequest, now: Nanos) -> Reduced:
        """Shrink an order in its place."""
        raise NotImplementedError

    def cancel_all_orders(self, account: str, now: Nanos) -> int:
        """Cancel every resting order of the account; how many."""
        raise NotImplementedError

    # --- outside liquidity: anonymous quantity from recorded books or synthetic makers

    def set_outside(
        self, ticker: str, side: Side, price: Price, quantity: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price is this; also brings back what was eaten."""
        raise NotImplementedError

    def apply_outside_delta(
        self, ticker: str, side: Side, price: Price, delta: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price changed by this; what was eaten stays eaten."""
        raise NotImplementedError

    def replace_outside(
        self, ticker: str, bids: Sequence[Level], asks: Sequence[Level], now: Nanos
    ) -> None:
        """The whole outside book, YES prices: levels not named go, then the named ones are set."""
        raise NotImplementedError

    def outside_trade(
        self, ticker: str, price: Price, quantity: Quantity, taker_side: Side, now: Nanos
    ) -> None:
        """A recorded public trade: it consumes the queues that it would have met and may fill us.

        The displayed outside quantity does not change: the recorded delta says that itself.
        """
        raise NotImplementedError

    def outside_order(
        self, ticker: str, side: Side, limit: Price, quantity: Quantity, now: Nanos
    ) -> Quantity:
        """An anonymous immediate-or-cancel order; what it filled. For synthetic takers."""
        raise NotImplementedError

    def set_outside_interest(self, ticker: str, quantity: Quantity) -> None:
        """Open interest among outsiders; own positions are added to it."""
        raise NotImplementedError

    # --- pauses

    def pause_trading(self, shard: int, now: Nanos) -> None:
        """No orders, no amends; cancels pass; orders with `cancel_on_pause` are cancelled."""
        raise NotImplementedError

    def resume_trading(self, shard: int, now: Nanos) -> None:
        """End of `pause_trading`."""
        raise NotImplementedError

    def pause_exchange(self, shard: int, now: Nanos) -> None:
        """Nothing passes, not even cancels."""
        raise NotImplementedError

    def resume_exchange(self, shard: int, now: Nanos) -> None:
        """End of `pause_exchange`."""
        raise NotImplementedError

    def pause_market(self, ticker: str, now: Nanos) -> None:
        """The market becomes `inactive`: cancels pass, nothing else."""
        raise NotImplementedError

    def resume_market(self, ticker: str, now: Nanos) -> None:
        """The market becomes `active` again; every resting order is cancelled by that."""
        raise NotImplementedError

    # --- queries: unknown ids are `Rejected` 404; lists are newest first

    def accounts(self) -> tuple[str, ...]:
        """Every account, in order of opening."""
        raise NotImplementedError

    def order(self, account: str, order_id: str) -> OrderRow:
        """One order by the exchange's id."""
        raise NotImplementedError

    def orders(
        self, account: str, *, ticker: str | None = None, status: OrderStatus | None = None
    ) -> tuple[OrderRow, ...]:
        """The account's orders."""
        raise NotImplementedError

    def fills(
        self, account: str, *, ticker: str | None = None, order_id: str | None = None
    ) -> tuple[Fill, ...]:
        """The account's executions."""
        raise NotImplementedError

    def positions(self, account: str, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Unsettled markets in which the account has traded."""
        raise NotImplementedError

    def settlements(self, account: str, *, ticker: str | None = None) -> tuple[Settlement, ...]:
        """Payouts booked."""
        raise NotImplementedError

    def balance(self, account: str) -> Balance:
        """Spendable cash by shard, and the value of open positions at the middle of the book."""
        raise NotImplementedError

    def books(self, account: str) -> AccountBooks:
        """Cash, fees, P&L and positions of an account in one row."""
        raise NotImplementedError

    def queue_ahead(self, account: str, order_id: str) -> Quantity:
        """Quantity that trades before this resting order at its price."""
        raise NotImplementedError

    def book(self, ticker: str) -> BookLevels:
        """Both legs' bids, ascending."""
        raise NotImplementedError

    def quote(self, ticker: str) -> Quote:
        """Top of the book, last trade, volume."""
        raise NotImplementedError

    def market(self, ticker: str) -> MarketRow:
        """The market as the engine has it now."""
        raise NotImplementedError

    def listed_market(self, ticker: str, now: Nanos) -> MarketRow:
        """The market as REST shows it: the strike, the result and the end of quotes come late."""
        raise NotImplementedError

    def markets(self, *, series: str | None = None) -> tuple[MarketRow, ...]:
        """All markets kept, by closing time, earliest first."""
        raise NotImplementedError

    def trades(self, ticker: str) -> tuple[Trade, ...]:
        """Public trades of a market."""
        raise NotImplementedError

    def series(self, ticker: str) -> Series:
        """Fee schedule and shard of a series."""
        raise NotImplementedError

    def status(self) -> ExchangeStatus:
        """Flags of every shard in use."""
        raise NotImplementedError
