"""What can be asked of the simulated exchange; nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.engine import refusals
from core.exchange.engine_types import AccountBooks
from core.exchange.listing import MarketStatus, Series
from core.exchange.records import OrderStatus
from core.units import DOLLAR_PRICE, Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from core.domain.grid import PriceGrid
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine.venue import Venue
    from core.exchange.engine_types import (
        BookLevels,
        MarketRow,
        OrderGroupRow,
        OrderRow,
        Quote,
        SeriesSpec,
    )
    from core.exchange.listing import ExchangeStatus, FeeChange, Trade
    from core.exchange.records import Balance, Fill, Position, Settlement
    from core.units import IndexValue


class EngineReads:
    """The queries. Unknown ids are `Rejected` 404; lists are newest first unless they say so."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    # --- accounts

    def accounts(self) -> tuple[str, ...]:
        """Every account, in order of opening."""
        return tuple(self._venue.accounts)

    def order(self, account: str, order_id: str) -> OrderRow:
        """One order by the exchange's id."""
        order = self._venue.account(account).orders.get(order_id)
        if order is None:
            raise refusals.order_not_found(order_id)
        return order.row()

    def orders(
        self, account: str, *, ticker: str | None = None, status: OrderStatus | None = None
    ) -> tuple[OrderRow, ...]:
        """The account's orders."""
        owner = self._venue.account(account)
        if status is OrderStatus.RESTING:
            found = [order for order in owner.resting() if ticker in {None, order.ticker}]
        else:
            found = owner.orders_of(owner.records if ticker is None else (ticker,))
        return tuple(order.row() for order in found if status in {None, order.status})

    def fills(
        self, account: str, *, ticker: str | None = None, order_id: str | None = None
    ) -> tuple[Fill, ...]:
        """The account's executions."""
        found = [
            fill
            for name, record in self._venue.account(account).records.items()
            if ticker in {None, name}
            for fill in record.fills
            if order_id in {None, fill.order_id}
        ]
        found.reverse()
        found.sort(key=lambda fill: -fill.ts)
        return tuple(found)

    def positions(self, account: str, *, ticker: str | None = None) -> tuple[Position, ...]:
        """Unsettled markets in which the account has traded, the latest traded first."""
        found = [
            record.holding.row(record.shard)
            for name, record in self._venue.account(account).records.items()
            if ticker in {None, name} and record.holding.volume and record.settlement is None
        ]
        found.sort(key=lambda position: -position.updated)
        return tuple(found)

    def settlements(self, account: str, *, ticker: str | None = None) -> tuple[Settlement, ...]:
        """Payouts booked."""
        found = [
            record.settlement
            for name, record in self._venue.account(account).records.items()
            if ticker in {None, name} and record.settlement is not None
        ]
        found.sort(key=lambda settlement: -settlement.settled)
        return tuple(found)

    def holds(self, ticker: str) -> bool:
        """Whether anybody has traded in this market and waits for its result."""
        records = (owner.records.get(ticker) for owner in self._venue.accounts.values())
        return any(record is not None and record.settlement is None for record in records)

    def balance(self, account: str) -> Balance:
        """Spendable cash by shard, and the value of open positions at the middle of the book."""
        return self._venue.balance(self._venue.account(account))

    def reserved_by_shard(self, account: str) -> dict[int, int]:
        """Cash that resting orders hold back, by shard."""
        owner = self._venue.account(account)
        return {shard: owner.reserved(shard) for shard in sorted(owner.cash)}

    def books(self, account: str) -> AccountBooks:
        """Cash, fees, P&L and positions of an account in one row."""
        owner = self._venue.account(account)
        cash = sum(owner.cash.values())
        holdings = [record.holding for record in owner.records.values()]
        open_cost = sum(holding.cost for holding in holdings)
        return AccountBooks(
            account=account,
            deposits=Money(owner.deposits),
            cash=Money(cash),
            reserved=Money(owner.reserved()),
            fees=Money(owner.fees),
            pnl=Money(cash + open_cost - owner.deposits),
            open_cost=Money(open_cost),
            positions=tuple((h.ticker, Quantity(h.quantity)) for h in holdings if h.quantity),
        )

    def queue_ahead(self, account: str, order_id: str) -> Quantity:
        """Quantity that trades before this resting order at its price."""
        order = self._venue.account(account).orders.get(order_id)
        if order is None or order.status is not OrderStatus.RESTING:
            raise refusals.order_not_found(order_id)
        side = self._venue.markets[order.ticker].book.side(order.side)
        return side.levels[order.price].ahead_of(order)

    def groups(self, account: str) -> tuple[OrderGroupRow, ...]:
        """The account's order groups, oldest first."""
        return tuple(group.row() for group in self._venue.account(account).groups.values())

    def settled_positions(self, account: str) -> tuple[Position, ...]:
        """Positions of markets that have paid, as the payout left them, latest first."""
        found = [
            record.holding.row(record.shard)
            for record in self._venue.account(account).records.values()
            if record.settlement is not None
        ]
        found.sort(key=lambda position: -position.updated)
        return tuple(found)

    # --- markets

    def grid(self, ticker: str) -> PriceGrid:
        """The prices that orders may carry now."""
        return self._venue.market(ticker).grid

    def book(self, ticker: str) -> BookLevels:
        """Both legs' bids, each in its own prices, ascending."""
        return self._venue.market(ticker).levels()

    def quote(self, ticker: str) -> Quote:
        """Top of the book, last trade, volume."""
        return self._quote(self._venue.market(ticker))

    def market(self, ticker: str) -> MarketRow:
        """The market as the engine has it now."""
        market = self._venue.market(ticker)
        return market.row(self._quote(market))

    def listed_market(self, ticker: str, now: Nanos) -> MarketRow:
        """The market as REST shows it: the strike, the result and the end of quotes come late."""
        market = self._venue.market(ticker)
        timeline = self._venue.config.timeline
        closes = market.window.close_ns
        if now >= closes + timeline.rest_finalized or now < market.window.open_ns:
            return market.row(_emptied(self._quote(market)))
        row = market.row(self._quote(market))
        if now < market.window.open_ns + timeline.strike + timeline.rest_strike_lag:
            row = msgspec.structs.replace(row, strike=None)
        if now < closes:
            return row
        quote = market.last_quote or self._quote(market)
        if now >= closes + timeline.rest_stale_quotes:
            quote = _emptied(quote)
        return msgspec.structs.replace(
            market.row(quote),
            status=MarketStatus.CLOSED,
            result=None,
            payout=None,
            settlement_value=None,
            settled=None,
        )

    def markets(self, *, series: str | None = None) -> tuple[MarketRow, ...]:
        """All markets kept, by closing time, earliest first."""
        found = [m for m in self._venue.markets.values() if series in {None, m.spec.ticker}]
        found.sort(key=lambda market: market.window.close_ns)
        return tuple(market.row(self._quote(market)) for market in found)

    def trades(self, ticker: str) -> tuple[Trade, ...]:
        """Public trades of a market."""
        return tuple(reversed(self._venue.market(ticker).trades))

    def index_prints(
        self, index_id: str, start: Nanos, end: Nanos
    ) -> tuple[tuple[Nanos, IndexValue], ...]:
        """Whole-second prints stamped in [start, end), oldest first; about an hour is kept."""
        series = self._venue.indices.get(index_id)
        if series is None:
            raise refusals.not_found("index", index_id)
        return tuple(point for point in series.prints if start <= point[0] < end)

    def series(self, ticker: str) -> Series:
        """Fee schedule and shard of a series."""
        spec = self.series_spec(ticker)
        return Series(
            ticker=spec.ticker,
            title=spec.title,
            fee_type=spec.fee_type,
            fee_multiplier_bps=spec.fee_multiplier_bps,
            shard=spec.shard,
        )

    def series_spec(self, ticker: str) -> SeriesSpec:
        """A series as it was added."""
        spec = self._venue.series.get(ticker)
        if spec is None:
            raise refusals.not_found("series", ticker)
        return spec

    def fee_changes(
        self, series: str | None = None, *, past: bool = False
    ) -> tuple[FeeChange, ...]:
        """Changes of fees that are announced, by their time; `past`: with those in force."""
        found = [
            change
            for change in self._venue.fee_changes
            if series in {None, change.series_ticker}
            and (past or change.scheduled > self._venue.now)
        ]
        return tuple(sorted(found, key=lambda change: change.scheduled))

    def all_series(self) -> tuple[SeriesSpec, ...]:
        """Every series, in the order in which they were added."""
        return tuple(self._venue.series.values())

    def status(self) -> ExchangeStatus:
        """Flags of every shard in use."""
        return self._venue.status()

    def _quote(self, market: MarketState) -> Quote:
        return market.quote(self._venue.own_interest(market))


def _emptied(quote: Quote) -> Quote:
    """The quote of a market without a book."""
    nothing = Quantity(0)
    return msgspec.structs.replace(
        quote, bid=Price(0), bid_size=nothing, ask=DOLLAR_PRICE, ask_size=nothing
    )
