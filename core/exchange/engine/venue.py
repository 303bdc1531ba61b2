"""What every part of the engine shares: accounts, markets, flags, ids, and the list of events."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from core.domain.fees import fill_fee
from core.exchange.engine import refusals
from core.exchange.engine.accounts import Account, reservation
from core.exchange.engine_events import (
    BalanceChanged,
    BookChanged,
    OrderChanged,
    PositionChanged,
    UpdateReason,
)
from core.exchange.engine_types import CRYPTO_SHARD, DEFAULT_SHARD
from core.exchange.listing import ExchangeStatus, FeeChange, MarketStatus, ShardStatus
from core.exchange.records import Balance, OrderStatus, Outcome, ShardBalance, Side
from core.units import DOLLAR_PRICE, Money, Nanos, Price, Quantity, complement

if TYPE_CHECKING:
    from core.exchange.engine.accounts import Claim, MarketRecord
    from core.exchange.engine.index_series import IndexSeries
    from core.exchange.engine.live_orders import LiveOrder
    from core.exchange.engine.market_state import MarketState
    from core.exchange.engine_events import EngineEvent
    from core.exchange.engine_types import EngineConfig, SeriesSpec


class Ids:
    """UUID-shaped ids from a seed and a counter: equal runs give equal ids."""

    def __init__(self, seed: int | str) -> None:
        self._seed = seed
        self.count = 0

    def next(self) -> str:
        """The next id; 1 us."""
        self.count += 1
        text = blake2b(f"{self._seed}:{self.count}".encode(), digest_size=16).hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


class Venue:
    """The engine's state. Its methods keep it consistent; the desks decide what happens."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.now = Nanos(0)
        self.ids = Ids(config.seed)
        self.events: list[EngineEvent] = []
        self.series: dict[str, SeriesSpec] = {}
        self.markets: dict[str, MarketState] = {}
        self.accounts: dict[str, Account] = {}
        self.indices: dict[str, IndexSeries] = {}
        self.paused_trading: set[int] = set()
        self.paused_exchange: set[int] = set()
        self.resumes: Nanos | None = None
        """When a pause of trading is expected to end."""
        self.index_silent: dict[str, Nanos] = {}
        """Until when an index prints nothing: a hole."""
        self.fee_changes: list[FeeChange] = []
        """Announced since the start, in force or not."""
        self.settlement_delay = Nanos(0)
        """Results and payouts come so much later than the timeline says."""

    # --- look-ups

    def market(self, ticker: str) -> MarketState:
        """The market; `market_not_found` otherwise."""
        market = self.markets.get(ticker)
        if market is None:
            raise refusals.market_not_found(ticker)
        return market

    def account(self, name: str) -> Account:
        """The account; `not_found` otherwise."""
        account = self.accounts.get(name)
        if account is None:
            raise refusals.not_found("account", name)
        return account

    def own_interest(self, market: MarketState) -> int:
        """Open interest that the accounts make up: the larger of their long and short sums."""
        held = [
            self.accounts[name].records[market.ticker].holding.quantity
            for name in market.participants
        ]
        return max(sum(q for q in held if q > 0), -sum(q for q in held if q < 0), 0)

    def status(self) -> ExchangeStatus:
        """Flags of the default shard, of crypto, and of every shard ever paused or traded on."""
        known = {DEFAULT_SHARD, CRYPTO_SHARD, *self.paused_exchange, *self.paused_trading}
        known.update(spec.shard for spec in self.series.values())
        return ExchangeStatus(
            exchange_active=DEFAULT_SHARD not in self.paused_exchange,
            trading_active=self.is_trading(DEFAULT_SHARD),
            shards=tuple(self._shard_status(shard) for shard in sorted(known)),
            resumes=self.resumes,
        )

    def is_trading(self, shard: int) -> bool:
        """Whether a shard takes orders."""
        return shard not in self.paused_trading and shard not in self.paused_exchange

    def _shard_status(self, shard: int) -> ShardStatus:
        active = shard not in self.paused_exchange
        return ShardStatus(
            shard=shard,
            exchange_active=active,
            trading_active=self.is_trading(shard),
            transfers_active=active,
        )

    # --- money

    def needed(self, market: MarketState, held: int, claims: list[Claim]) -> int:
        """Cash that these claims reserve in a market at a signed position."""

        def worst_fee(own_leg: Price, quantity: Quantity) -> int:
            if not self.config.reserve_fee:
                return 0
            return fill_fee(market.fees, own_leg, quantity, is_taker=True)

        return reservation(held, claims, worst_fee)

    def refresh(self, market: MarketState, record: MarketRecord) -> None:
        """Recompute what an account's orders in a market reserve."""
        claims = record.claims()
        record.reserved = self.needed(market, record.holding.quantity, claims) if claims else 0

    def balance(self, account: Account) -> Balance:
        """Spendable cash by shard and the value of what is held."""
        shards = tuple(
            ShardBalance(shard=shard, cash=Money(account.spendable(shard)))
            for shard in sorted(account.cash)
        )
        return Balance(
            cash=Money(sum(part.cash for part in shards)),
            portfolio_value=Money(
                sum(self._value(ticker, rec) for ticker, rec in account.records.items())
            ),
            shards=shards,
            updated=self.now,
        )

    def _value(self, ticker: str, record: MarketRecord) -> int:
        held = record.holding.quantity
        if not held:
            return 0
        market = self.markets.get(ticker)
        if market is None:
            return record.holding.cost  # held since before the venue was started again
        if market.result is not None:
            yes_twice = 2 * DOLLAR_PRICE if market.result is Outcome.YES else 0
        elif market.status is MarketStatus.CLOSED and market.last_quote is not None:
            yes_twice = market.last_quote.bid + market.last_quote.ask
        else:
            quote = market.quote(0)
            yes_twice = quote.bid + quote.ask
        own_twice = yes_twice if held > 0 else 2 * DOLLAR_PRICE - yes_twice
        return abs(held) * own_twice // 2

    # --- events

    def changed_level(
        self, market: MarketState, side: Side, price: Price, delta: int, cause: LiveOrder | None
    ) -> None:
        """Tell that what rests at a level changed; `cause` is the own order behind it, if any."""
        book = market.book
        book.clock += 1
        market.book_ts = self.now
        if cause is None and not self.config.publish_outside:
            return
        is_bid = side is Side.BID
        self.events.append(
            BookChanged(
                ts=self.now,
                ticker=market.ticker,
                leg=Outcome.YES if is_bid else Outcome.NO,
                price=price if is_bid else complement(price),
                delta=Quantity(delta),
                clock=book.clock,
                account=cause.account if cause else "",
                client_order_id=cause.client_order_id if cause else "",
            )
        )

    def changed_order(self, order: LiveOrder, reason: UpdateReason | None) -> None:
        """Tell an order's new row."""
        order.updated = self.now
        self.events.append(
            OrderChanged(ts=self.now, account=order.account, order=order.row(), reason=reason)
        )

    def changed_position(self, name: str, record: MarketRecord) -> None:
        """Tell a position after a trade or settlement."""
        holding = record.holding
        self.events.append(
            PositionChanged(
                ts=self.now,
                account=name,
                position=holding.row(record.shard),
                position_fees=Money(holding.position_fees),
                volume=Quantity(holding.volume),
            )
        )

    def changed_balance(self, account: Account) -> None:
        """Tell an account's spendable cash."""
        self.events.append(
            BalanceChanged(ts=self.now, account=account.name, balance=self.balance(account))
        )

    # --- resting and leaving

    def rest(self, market: MarketState, order: LiveOrder) -> None:
        """Put what remains of an order at the back of its level."""
        side = market.book.side(order.side)
        level = side.level(order.price)
        before = level.total
        level.join(order)
        side.settle(level, before)
        side.orders += 1
        record = self.accounts[order.account].records[market.ticker]
        record.resting[order.order_id] = order
        self.changed_level(market, order.side, order.price, order.remaining, order)

    def unrest(self, market: MarketState, order: LiveOrder) -> None:
        """Take an order out of its level's queue and out of its account's resting ones."""
        side = market.book.side(order.side)
        level = side.levels[order.price]
        before = level.total
        level.leave(order)
        side.settle(level, before)
        side.orders -= 1
        record = self.accounts[order.account].records[market.ticker]
        del record.resting[order.order_id]
        self.changed_level(market, order.side, order.price, -order.remaining, order)

    def cancel(self, market: MarketState, order: LiveOrder, reason: UpdateReason) -> Quantity:
        """Cancel a resting order with everything that follows; what it still had."""
        left = order.remaining
        self.unrest(market, order)
        order.status = OrderStatus.CANCELED
        account = self.accounts[order.account]
        self.refresh(market, account.records[market.ticker])
        self.changed_order(order, reason)
        self.changed_balance(account)
        return left

    def enforce_margin(self, account: Account, shard: int) -> None:
        """Cancel the newest resting orders while a shard's cash does not cover them."""
        for order in account.resting(shard):
            if account.spendable(shard) >= 0:
                return
            self.cancel(self.markets[order.ticker], order, UpdateReason.MARGIN_CANCEL)
