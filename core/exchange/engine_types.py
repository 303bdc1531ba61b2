"""What the simulated exchange is configured with and what its queries answer.

Where `records` and `listing` already have a struct, the rows here extend it, so that a row can be
handed to anybody who wants the plain record. Prices are YES prices unless a field says otherwise,
times are UTC nanoseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from core.domain.fees import VERSION_A, FeeTerms
from core.domain.grid import TAPERED_DECI_CENT
from core.exchange.listing import FeeType, Market, PriceRange
from core.exchange.records import Order, Position, SelfTradePrevention, TimeInForce
from core.units import MILLISECOND, ONE_CENT, SECOND, Money, Nanos, Price, Quantity

CRYPTO_SHARD: Final = 2
DEFAULT_SHARD: Final = 0


class CancelModel(StrEnum):
    """Where in a queue outside liquidity goes away when a level shrinks without a trade.

    A level-2 feed cannot tell. `PESSIMISTIC` takes it from behind our orders first (we advance by
    trades only), `OPTIMISTIC` from the front, `PROPORTIONAL` from ahead and behind by their shares.
    """

    PESSIMISTIC = "pessimistic"
    OPTIMISTIC = "optimistic"
    PROPORTIONAL = "proportional"


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Delays around a window's edges (kalshi.md 8.2), each from the edge named.

    The `rest_` delays concern only `SimulatedExchange.listed_market`, the picture that a REST
    reader gets from a replica that lags.
    """

    strike: Nanos = Nanos(550 * MILLISECOND)
    """From the open to `metadata_updated` with the strike."""
    book_cleared: Nanos = Nanos(20 * MILLISECOND)
    """From the close until resting orders are cancelled and the book is empty."""
    determined: Nanos = Nanos(1_000 * MILLISECOND)
    """From the close to `determined`."""
    settled: Nanos = Nanos(7 * SECOND)
    """From the close until payouts are booked and `settled` is sent."""
    rest_strike_lag: Nanos = Nanos(2 * SECOND)
    """From the strike's publication until REST shows it (observed: up to 13 s)."""
    rest_stale_quotes: Nanos = Nanos(9 * SECOND)
    """From the close: how long REST still shows the last quotes."""
    rest_finalized: Nanos = Nanos(11 * SECOND)
    """From the close until REST says `finalized`; it never shows `determined`."""

    def __post_init__(self) -> None:
        """Raises ValueError for steps that would overtake each other."""
        if not 0 <= self.book_cleared <= self.determined <= self.settled:
            raise ValueError("a book is cleared, then determined, then settled")


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one engine; two engines with equal ones and equal calls emit equal events."""

    seed: int = 1
    """Ids of orders and trades derive from it and a counter."""
    timeline: Timeline = Timeline()
    cancel_model: CancelModel = CancelModel.PESSIMISTIC
    publish_outside: bool = True
    """False: changes of outside liquidity make no `BookChanged` (a backtest has them already)."""
    results_are_told: bool = False
    """True: a market waits for `SimulatedExchange.tell_result`, whatever index and clock say."""
    fee_trade_unit: Money = VERSION_A
    """First rounding of fees; the account's unit is $0.0001. Rebates are left aside: a fill is
    never charged too little (core.domain.fees)."""
    reserve_fee: bool = True
    """Resting orders reserve the worst taker fee beside their cost (kalshi.md 6.2 leaves it open).
    """
    cancel_all_tail: Nanos = Nanos(0)
    """For so long after a cancel-all, new orders that come to rest are cancelled as well: the venue
    warns that it may be so for a minute (kalshi.md 2.6)."""
    settlement_tail: bool = False
    """Whether results and payouts are as late as the recorded ones were (engine.tails)."""
    keep_markets: int = 400
    """Settled markets kept for queries, with their orders, fills and trades; older ones go."""


class SeriesSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A series as listed: what its windows have in common."""

    ticker: str
    title: str
    index_id: str
    round_digits: int
    fee_type: FeeType = FeeType.QUADRATIC
    fee_multiplier_bps: int = 10_000
    shard: int = CRYPTO_SHARD
    price_level_structure: str = "tapered_deci_cent"
    price_ranges: tuple[PriceRange, ...] = TAPERED_DECI_CENT

    def fee_terms(self, trade_unit: Money) -> FeeTerms:
        """What decides the fees of its fills."""
        return FeeTerms(
            fee_type=self.fee_type,
            multiplier_bps=self.fee_multiplier_bps,
            trade_unit=trade_unit,
        )


def _crypto_15m(coin: str, index_id: str, round_digits: int) -> SeriesSpec:
    return SeriesSpec(
        ticker=f"KX{coin}15M",
        title=f"{coin} price up in next 15 mins?",
        index_id=index_id,
        round_digits=round_digits,
    )


SOL_15M: Final = _crypto_15m("SOL", "SOLUSD_RTI", 4)
BTC_15M: Final = _crypto_15m("BTC", "BRTI", 2)
SERIES_SPECS: Final = {
    spec.ticker: spec
    for spec in (
        SOL_15M,
        BTC_15M,
        _crypto_15m("ETH", "ETHUSD_RTI", 2),
        _crypto_15m("XRP", "XRPUSD_RTI", 4),
        _crypto_15m("DOGE", "DOGEUSD_RTI", 6),
    )
}
"""The series that can be simulated, by ticker (kalshi.md 8.8)."""


class OrderRow(Order, frozen=True, kw_only=True):
    """An order with everything that the exchange knows about it."""

    account: str
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    post_only: bool
    reduce_only: bool
    cancel_on_pause: bool
    group: str
    """Id of its order group, or nothing."""


class OrderGroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order group; `orders` are the ids of all that were placed in it and are remembered."""

    group_id: str
    shard: int
    limit: Quantity
    is_triggered: bool
    orders: tuple[str, ...]


class MarketRow(Market, frozen=True, kw_only=True):
    """A market with every field of kalshi.md 2.3; constant ones are the spelling's business."""

    title: str
    index_id: str
    price_level_structure: str
    created: Nanos
    updated: Nanos
    """Last change that is not trading."""
    expected_expiration: Nanos
    latest_expiration: Nanos
    settlement_timer_seconds: int
    payout: Price | None
    """What YES paid, once determined: 1, or 0."""
    last_size: Quantity
    """Quantity of the last trade."""
    dollar_volume: Money
    """Sum of YES price times quantity over all trades."""


class BookLevels(msgspec.Struct, frozen=True, kw_only=True):
    """Bids of both legs, each in its own leg's prices, ascending: the best is last.

    `clock` is the market's change counter: a later `BookChanged` has a larger one.
    """

    ticker: str
    yes: tuple[tuple[Price, Quantity], ...]
    no: tuple[tuple[Price, Quantity], ...]
    clock: int
    ts: Nanos
    """Of the newest change included."""


class Quote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a ticker frame says; an empty side is bid 0 or ask 1 with size 0."""

    ticker: str
    bid: Price
    bid_size: Quantity
    ask: Price
    ask_size: Quantity
    last: Price
    last_size: Quantity
    volume: Quantity
    dollar_volume: Money
    open_interest: Quantity
    ts: Nanos


class AccountPast(msgspec.Struct, frozen=True, kw_only=True):
    """What an account was before its venue ended: all that a venue of its own memory would know."""

    cash: Money
    """All of it on `shard`; nothing rests any more, so nothing is reserved."""
    deposits: Money
    fees: Money
    """All fees ever charged."""
    positions: tuple[Position, ...]
    """Of markets that wait for their result, whether the venue lists them yet or not."""
    shard: int = 2


class AccountBooks(msgspec.Struct, frozen=True, kw_only=True):
    """An account's books in one line, for comparing with the trader's own.

    `cash` is everything owned in money, reserved or not. `pnl` is after fees, over closed trades
    and settled markets; `cash = deposits + pnl - cost of open positions - fees of open positions`.
    """

    account: str
    deposits: Money
    cash: Money
    reserved: Money
    fees: Money
    """All fees ever charged."""
    pnl: Money
    """cash + cost of what is open - deposits: realised P&L less all fees charged."""
    open_cost: Money
    positions: tuple[tuple[str, Quantity], ...]
    """Open ones, signed, by ticker."""


class TrailingMean(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mean of index prints stamped in [start, end); `value` has 8 decimals, rounded half up."""

    value: int
    count: int
    start: Nanos
    end: Nanos


MIN_QUANTITY: Final = Quantity(1)
EXPECTED_EXPIRATION: Final = Nanos(300 * SECOND)
LATEST_EXPIRATION: Final = Nanos(7 * 86_400 * SECOND)
BALANCE_UNIT: Final = Money(ONE_CENT // 100)
